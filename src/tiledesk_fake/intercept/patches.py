"""Attributes put in the place of others, and taken back."""

import sys
from collections.abc import Callable
from typing import Any


class Patches:
    """What has been replaced, in order; `undo` puts it back."""

    def __init__(self) -> None:
        self._done: list[tuple[Any, str, Any, Any]] = []

    def replace(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """Put what `make` makes of an attribute in its place; one that there is not is left alone."""
        if not hasattr(owner, name):
            return
        original = getattr(owner, name)
        replacement = make(original)
        own = vars(owner).get(name, _INHERITED)
        setattr(owner, name, replacement)
        self._done.append((owner, name, own, replacement))

    def replace_everywhere(self, owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        """The same of a function, and of each module that has imported it by its name."""
        original = getattr(owner, name)
        replacement = make(original)
        for module in list(sys.modules.values()):
            if getattr(module, "__dict__", {}).get(name) is original:
                setattr(module, name, replacement)
                self._done.append((module, name, original, replacement))

    def undo(self) -> None:
        """Put everything back, but where somebody else has put a third thing meanwhile."""
        while self._done:
            owner, name, own, replacement = self._done.pop()
            if vars(owner).get(name) is not replacement:
                continue
            if own is _INHERITED:
                delattr(owner, name)
            else:
                setattr(owner, name, own)


_INHERITED = object()
