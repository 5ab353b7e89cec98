"""What must hold whatever clients send and tests do; SECURITY.md lists it. Each check is also run against a defect."""
