"""The text that JavaScript makes of a JSON value, wherever the real gate compares what a token says with a word."""

from collections.abc import Iterator
from typing import Any


class NoText(ValueError):
    """An object with a `toString` of its own, which is no function: JavaScript throws."""


def as_text(value: Any) -> str:
    """What JavaScript's String() makes of a JSON value that may be absent. Raises NoText.

    >>> as_text(["guest"]), as_text(None), as_text(1e21)
    ('guest', 'undefined', '1e+21')
    """
    if value is None:
        return "undefined"
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join("" if leaf is None else as_text(leaf) for leaf in _leaves(value))
    if isinstance(value, dict):
        if "toString" in value:
            raise NoText("toString")
        return "[object Object]"
    return str(int(value)) if abs(value) < 1e21 and value == int(value) else str(float(value))


def _leaves(values: list[Any]) -> Iterator[Any]:
    # Not by recursion: a token may nest lists as deep as the JSON reader goes, which is deeper than Python calls go.
    waiting = [iter(values or [None])]
    while waiting:
        for value in waiting[-1]:
            if isinstance(value, list):
                waiting.append(iter(value or [None]))
                break
            yield value
        else:
            waiting.pop()
