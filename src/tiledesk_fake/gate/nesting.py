"""How deep JSON from a client may nest.

Python's reader gives up somewhere between a few hundred and many thousand levels, depending on its version and on how
deep the call stack is already; the real server's reader does not give up. Both limits are far from what any client
sends, so there is one here that is the same everywhere.
"""

import re
from itertools import accumulate

DEEPEST = 100
"""The levels that lists and objects may nest."""

_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}


def nests_too_deep(text: str) -> bool:
    """Whether lists and objects nest deeper than DEEPEST in a JSON text.

    >>> nests_too_deep("[" * 100 + "]" * 100)
    False
    >>> nests_too_deep("[" * 101 + "]" * 101)
    True
    """
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    steps = (_STEPS[character] for character in _STRING.sub("", text) if character in _STEPS)
    return any(depth > DEEPEST for depth in accumulate(steps))
