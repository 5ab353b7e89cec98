"""What one fake holds: users, history, journal, faults, clock, ids. Knows no HTTP and no names of the wire."""
