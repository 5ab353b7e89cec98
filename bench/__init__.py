"""How fast the fake is, beside its rivals and beside the limits of what it stands on: `make bench`.

    environment    what is measured, installed below `.bench`
    work           the requests, and the bytes that answer them
    measure        interleaved rounds, medians, CPU
    load           clients over sockets
    contenders     the servers that are compared, each a process
    rows/          what is measured, a module for each kind
    report         the table

Everything is a ratio of medians of one run: the machine and its other load are the same on both sides.
"""
