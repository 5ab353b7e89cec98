"""Reads YAML files; what cannot be read is an error that names file and line.

A key that is written twice is refused: YAML would silently lose the first one.
"""

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .errors import TiledeskFakeError

# The C loader is ten times faster; a build of PyYAML without it reads the same.
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


_QUOTED = re.compile("'.*'")


class _Loader(_Base):  # type: ignore[misc]
    pass


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "expected text as a key", key.start_mark)
        if key.value in seen:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key.value!r} is written twice", key.start_mark
            )
        seen.add(key.value)
    loader.flatten_mapping(node)
    constructed: dict[Hashable, Any] = yaml.SafeLoader.construct_mapping(loader, node, deep=True)
    return constructed


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def lines(path: Path) -> dict[str, int]:
    """The line of each key and each item of the YAML file at `path`, by its JSON pointer; the first line is 1."""
    found: dict[str, int] = {}

    def note(node: yaml.Node, pointer: str) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                below = f"{pointer}/{key.value.replace('~', '~0').replace('/', '~1')}"
                found[below] = key.start_mark.line + 1
                note(value, below)
        elif isinstance(node, yaml.SequenceNode):
            for position, item in enumerate(node.value):
                found[f"{pointer}/{position}"] = item.start_mark.line + 1
                note(item, f"{pointer}/{position}")

    root = yaml.compose(path.read_text(encoding="utf-8-sig"), _Base)
    if root is not None:
        note(root, "")
    return found


@dataclass(frozen=True, slots=True)
class Loaded:
    """The content of a YAML file. Its text is kept, because a pipe cannot be read again to look for a line."""

    path: Path
    text: str = field(repr=False)
    content: Any = field(repr=False)

    def place(self, *keys: str | int) -> str:
        """Where these keys and positions lead to, or as far as they lead: `people.yaml:7`."""
        node, line = yaml.compose(self.text, _Base) if keys else None, None
        for key in keys:
            marked, node = _below(node, key)
            if marked is None:
                break
            line = marked.start_mark.line + 1
        return f"{self.path}:{line}" if line else str(self.path)


def _below(node: yaml.Node | None, key: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
    """What is written where a key leads to, the key itself or the item of a list, and what it stands for."""
    if isinstance(node, yaml.MappingNode):
        return next(((name, value) for name, value in node.value if name.value == str(key)), (None, None))
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key], node.value[key]
    return None, None


def read(path: Path, error: type[TiledeskFakeError]) -> Any:
    """The content of the YAML file at `path`; see `load`."""
    return load(path, error).content


def load(path: Path, error: type[TiledeskFakeError]) -> Loaded:
    """Read the YAML file at `path`.

    Raises `error`, whose message names the file and, where there is one, the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as cause:
        raise error(f"{path}: cannot be read: {cause.strerror or cause}") from cause
    except UnicodeDecodeError as cause:
        raise error(f"{path}: is not UTF-8 text (byte {cause.start})") from cause
    return parse(text, path, error)


def parse(text: str, path: Path, error: type[TiledeskFakeError]) -> Loaded:
    """Read YAML that is called `path` in what is raised: an `error` that names it and, where there is one, the line."""
    try:
        return Loaded(path, text, yaml.load(text, _Loader))  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as cause:
        mark = cause.problem_mark or cause.context_mark
        line = f":{mark.line + 1}" if mark else ""
        reason = str(cause.problem or cause.context)
        if " for the tag " in reason:
            reason = "found an unknown tag; text that begins with ! must be in quotes"
        raise error(f"{path}{line}: is not valid YAML: {reason}") from cause
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, RecursionError) as cause:
        # PyYAML stumbles in its own ways over a tag whose text does not suit it: `!!bool maybe` is a KeyError.
        # Without the value, which may be a password.
        reason = _QUOTED.sub("…", str(cause).splitlines()[0]) if str(cause) else type(cause).__name__
        raise error(f"{path}: is not valid YAML: {reason}") from cause
