"""Servers that need a line of code of ours; each prints its port and serves until it is killed."""
