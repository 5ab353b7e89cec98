"""Places in the contract, with the level of what stands there: `openapi/jwt.yaml:120 (assumed)`.

A place is shown by a path that the reader can open, wherever the package is installed.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Any, NamedTuple

from .file import FILE, read

Path = tuple[str, ...]
"""The keys that lead to a node of the document; an item of a list goes by its `id`."""


class Place(NamedTuple):
    """A line of the contract, and the level of what stands there: documented, observed or assumed."""

    line: int
    level: str
    file: FilePath = FILE

    @property
    def line_of_file(self) -> str:
        """The file and the line alone: `openapi/jwt.yaml:120` in a checkout; what is not below here is absolute."""
        return f"{_shown(self.file)}:{self.line}"

    def __str__(self) -> str:
        return f"{self.line_of_file} ({self.level})"


class Places:
    """The places of one OpenAPI file."""

    def __init__(self, file: FilePath, document: Mapping[str, Any], lines: Mapping[str, int]) -> None:
        """`lines` has the line of each key by its JSON pointer."""
        self.file = file
        self._document = document
        self._lines = lines

    def of(self, keys: Sequence[str], level: str | None = None, *, exactly: bool = False) -> Place:
        """The place that these keys lead to, or as far as they lead; KeyError if it is to be there `exactly`.

        The level is that of the nearest node around it which has one, unless it is given.
        """
        node: Any = self._document
        pointer, line, found = "", 1, "assumed"
        for key in keys:
            step = _step(node, key)
            if step is None:
                if exactly:
                    raise KeyError("/".join(keys))
                break
            token, node = step
            pointer += f"/{token.replace('~', '~0').replace('/', '~1')}"
            line = self._lines[pointer]
            found = _level(node) or found
        return Place(line, level or found, self.file)


def place(keys: Sequence[str], level: str | None = None) -> Place:
    """The place in the project's own contract; KeyError for keys that lead nowhere.

    >>> place(("components", "responses", "Unauthorized")).level
    'observed'
    """
    said = read(FILE)
    return Places(FILE, said.document, said.lines).of(keys, level, exactly=True)


def _shown(file: FilePath) -> str:
    # As text, because tools that replace the files of a test replace the paths too.
    whole = str(file)
    try:
        here = os.getcwd()
    except OSError:
        # The working directory may be deleted; the file is still there.
        return whole
    # Below the root everything is, and that is where such tools say that a test runs.
    is_root = here == os.path.dirname(here)
    return whole.removeprefix(here + os.sep) if not is_root else whole


def _step(node: Any, key: str) -> tuple[str, Any] | None:
    """How a key is written in a pointer, and what it leads to."""
    if isinstance(node, Mapping) and key in node:
        return key, node[key]
    if isinstance(node, list):
        for position, item in enumerate(node):
            if isinstance(item, Mapping) and item.get("id") == key:
                return str(position), item
    return None


def _level(node: Any) -> str | None:
    provenance = node.get("x-provenance") if isinstance(node, Mapping) else None
    return provenance.get("level") if isinstance(provenance, Mapping) else None
