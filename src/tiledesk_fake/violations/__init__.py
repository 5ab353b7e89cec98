"""What no correct client sends: the rules, the judge, and how a violation reads."""
