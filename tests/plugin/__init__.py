"""The pytest plugin, from outside: pytest is run as its users run it, and asked what they read."""
