"""Where the contract says something, and how that is known: `openapi/jwt.yaml:120 (assumed)`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from ..contract import FILE

Path = tuple[str, ...]

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the contract, and the level of what stands there: documented, observed or assumed."""

    line: int
    level: str

    def __str__(self) -> str:
        return f"openapi/jwt.yaml:{self.line} ({self.level})"


def place(path: Sequence[str], level: str | None = None) -> Place:
    """The place of a node, by the keys that lead to it; an entry of a list goes by its `id`.

    The level is that of the nearest node around it which has one, unless it is given. Raises KeyError for a path that
    leads nowhere.

    >>> place(("components", "responses", "Unauthorized")).level
    'observed'
    """
    line, found = _find(tuple(path))
    return Place(line, level or found)


@lru_cache(maxsize=256)
def _find(path: Path) -> tuple[int, str]:
    node, line = _root(), 1
    level = "assumed"
    for key in path:
        line, node = _child(node, key, path)
        level = _level(node) or level
    return line, level


@lru_cache(maxsize=1)
def _root() -> yaml.Node:
    root = yaml.compose(FILE.read_text(encoding="utf-8"), _Loader)
    assert root is not None
    return root


def _child(node: yaml.Node, key: str, path: Path) -> tuple[int, yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == key:
                return name.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            if any(name.value == "id" and value.value == key for name, value in item.value):
                return item.start_mark.line + 1, item
    raise KeyError("/".join(path))


def _level(node: yaml.Node) -> str | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    for name, value in node.value:
        if name.value == "x-provenance":
            return next((level.value for key, level in value.value if key.value == "level"), None)
    return None
