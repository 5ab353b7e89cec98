"""Reads forms and queries as `qs` does inside Express (observed, qs 6.14.1).

`a[b]=1` is an object in an object, `a[]=1` and `a=1&a=2` are lists, `a[3]=1` a list whose gaps are closed at the end.
The ports of qs to Python do otherwise where keys meet that do not fit together.
"""

import re
from typing import Any, NamedTuple

from ..javascript import decode_uri_component, is_index, keys

_BRACKETS = re.compile(r"\[[^\[\]]*\]")


class TooDeep(ValueError):
    """A key with more levels than a strict reader takes."""


class Reader(NamedTuple):
    """How much is read: keys of `depth` levels, lists of `list_limit` items, `parameters` parameters.

    Deeper keys raise TooDeep if `strict`, else what is beyond the depth is one key. Longer lists become objects.
    """

    depth: int
    strict: bool
    list_limit: int
    parameters: int = 1_000

    def read(self, text: str) -> dict[str, Any]:
        """The object that a form stands for.

        >>> QUERY.read("a[b]=1&a[c][]=2&d=3&d=%34")
        {'a': {'b': '1', 'c': ['2']}, 'd': ['3', '4']}
        """
        if not text:
            return {}
        merged: Any = {}
        values = self._values(text)
        for key in keys(values):
            if key:
                merged = _merge(merged, self._nested(key, values[key]))
        closed: dict[str, Any] = _closed(merged)
        return closed

    def _values(self, text: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        text = re.sub("%5D", "]", re.sub("%5B", "[", text, flags=re.IGNORECASE), flags=re.IGNORECASE)
        for part in text.split("&")[: self.parameters]:
            at = part.find("]=") + 1 or part.find("=")
            key, value = (part, "") if at < 0 else (_decoded(part[:at]), _decoded(part[at + 1 :]))
            key = key if at >= 0 else _decoded(key)
            values[key] = self._combined(values[key], value) if key in values else value
        return values

    def _combined(self, first: Any, second: Any) -> Any:
        if isinstance(first, _Overflow):
            first.append(second)
            return first
        items = _List()
        for each in (first, second):
            items.extend(each if isinstance(each, _List) else [each])
        return _Overflow.of(items) if len(items) > self.list_limit else items

    def _nested(self, key: str, value: Any) -> Any:
        leaf = value
        for segment in reversed(self._segments(key)):
            if segment == "[]":
                leaf = leaf if isinstance(leaf, _Overflow) else self._combined(_List(), leaf)
                continue
            name = segment[1:-1] if segment.startswith("[") and segment.endswith("]") else segment
            if name != segment and is_index(name) and int(name) <= self.list_limit:
                leaf = _List({int(name): leaf})
            else:
                leaf = {} if name == "__proto__" else {name: leaf}
        return leaf

    def _segments(self, key: str) -> list[str]:
        brackets = list(_BRACKETS.finditer(key))
        parent = key[: brackets[0].start()] if brackets else key
        segments = [parent] if parent else []
        segments += [bracket[0] for bracket in brackets[: self.depth]]
        if len(brackets) > self.depth:
            if self.strict:
                raise TooDeep(f"more than {self.depth} levels")
            segments.append(f"[{key[brackets[self.depth].start() :]}]")
        return segments


class _List(dict[int, Any]):
    """A list that may have gaps."""

    def append(self, value: Any) -> None:
        self[len(self)] = value

    def extend(self, values: "_List | list[Any]") -> None:
        start = len(self)
        for at, value in values.items() if isinstance(values, _List) else enumerate(values):
            self[start + at] = value

    def __len__(self) -> int:
        return max(self, default=-1) + 1

    def __bool__(self) -> bool:
        return True


class _Overflow(dict[str, Any]):
    """A list that is too long, as the object that it becomes."""

    last: int

    @classmethod
    def of(cls, items: _List) -> "_Overflow":
        made = cls((str(at), value) for at, value in items.items())
        made.last = len(items) - 1
        return made

    def append(self, value: Any) -> None:
        self.last += 1
        self[str(self.last)] = value


def _merge(target: Any, source: Any) -> Any:
    """The target with what another key of the form adds to it."""
    if isinstance(source, str):
        return _merge_text(target, source) if source else target
    if not isinstance(target, dict):
        if isinstance(source, _Overflow):
            shifted = _List({0: target})
            shifted.extend(_List((int(key), value) for key, value in source.items()))
            return _Overflow.of(shifted)
        joined = _List({0: target})
        joined.extend(source if isinstance(source, _List) else [source])
        return joined
    if isinstance(target, _List) and isinstance(source, _List):
        for at, item in sorted(source.items()):
            if at not in target:
                target[at] = item
            elif isinstance(target[at], dict) and isinstance(item, dict):
                target[at] = _merge(target[at], item)
            else:
                target.append(item)
        return target
    merged = _named(target) if isinstance(target, _List) else target
    named = _named(source) if isinstance(source, _List) else source
    for key in keys(named):
        merged[key] = _merge(merged[key], named[key]) if key in merged else named[key]
    return merged


def _merge_text(target: Any, text: str) -> Any:
    if isinstance(target, _List | _Overflow):
        target.append(text)
    elif isinstance(target, dict):
        if text != "__proto__":
            target[text] = True
    else:
        return _List({0: target, 1: text})
    return target


def _named(items: _List) -> dict[str, Any]:
    return {str(at): value for at, value in sorted(items.items())}


def _closed(value: Any) -> Any:
    """The value with lists that have no gaps any more."""
    if isinstance(value, _List):
        return [_closed(item) for _, item in sorted(value.items())]
    return {key: _closed(item) for key, item in value.items()} if isinstance(value, dict) else value


def _decoded(text: str) -> str:
    text = text.replace("+", " ")
    try:
        return decode_uri_component(text)
    except ValueError:
        return text


QUERY = Reader(depth=5, strict=False, list_limit=20)
"""How Express reads a query."""
