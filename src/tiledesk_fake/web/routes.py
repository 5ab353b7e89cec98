"""Which operation a request target names.

Matches the raw target as Express does (observed): case-insensitively, with an optional slash at the end, each
parameter one raw segment, decoded only then, so that `%2F` stays inside it. Flask's own routing sees the decoded path
and cannot tell `/id%2Fx` from `/id/x`.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from ..contract import Contract, Operation
from ..javascript import decode_uri_component
from ..refusals import (
    FallsThrough,
    Greets,
    MalformedPath,
    NoSuchPage,
    Quirk,
    Refusal,
    ServerFails,
    UnknownPath,
    WrongMethod,
)

_ABSOLUTE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)

# Where a path leads never changes, and clients call the same few; a known one saves 3 µs of a list, 6 of a revocation.
# Longer ones are not remembered, so that 256 are less than a megabyte.
_REMEMBERED_PATHS = 256
_LONGEST_REMEMBERED = 512

_NOTHING: tuple[None, Mapping[str, str]] = (None, {})


class _Route(NamedTuple):
    pattern: re.Pattern[str]
    names: tuple[str, ...]
    operation: Operation


class _Mount(NamedTuple):
    pattern: re.Pattern[str]
    gated: bool
    routes: tuple[_Route, ...]


class Match(NamedTuple):
    """Where a target leads: whether the gate stands before it, and the operations there, by method.

    `meant` is the operation that was asked for, with its path parameters by name; None if there is none.
    """

    gated: bool
    operations: Mapping[str, tuple[Operation, Mapping[str, str]]]
    meant: tuple[Operation | None, Mapping[str, str]]
    method: str
    path: str

    def __repr__(self) -> str:
        # Without the path, in which credentials may be.
        return f"<Match of {self.method}, {', '.join(self.allowed) or 'nothing'} allowed>"

    @property
    def allowed(self) -> tuple[str, ...]:
        """The methods that the path has."""
        return tuple(sorted(self.operations))

    def operation(self) -> tuple[Operation, Mapping[str, str]]:
        """The operation that was asked for, with its path parameters by name.

        Raises a Quirk for a path or a method that no operation has; on the real server both fall through.
        """
        operation, parameters = self.meant
        if operation:
            return operation, parameters
        calm: Refusal = UnknownPath()
        if self.operations:
            calm = WrongMethod((*self.allowed, *(["HEAD"] if "GET" in self.allowed else []), "OPTIONS"))
        raise Quirk(real=self._on_the_real_server(), calm=calm)

    def _on_the_real_server(self) -> Refusal:
        if first := self.path[1:].partition("/")[0]:
            return FallsThrough(_decoded(first))
        return Greets() if self.path == "/" and self.method in ("GET", "HEAD") else NoSuchPage(self.method, self.path)


class Routes:
    """The routes of a contract, below a base path."""

    def __init__(self, contract: Contract, base_path: str) -> None:
        self._base_path = base_path
        self._mounts = (_mount(contract.operations), _mount((contract.sign_in.operation,)))
        self._find_remembered = lru_cache(maxsize=_REMEMBERED_PATHS)(self._find)

    def split(self, target: str) -> tuple[str, str]:
        """The path below the base path and the query string of a raw request target.

        Raises UnknownPath for a target outside the base path, and a Quirk for a path that cannot be decoded.
        """
        if not target.startswith("/") and (absolute := _ABSOLUTE.match(target)):
            target = target[absolute.end() :] or "/"
        path, _, query = target.partition("?")
        if not path.startswith(self._base_path):
            raise UnknownPath(f"no such path; all begin with {self._base_path}")
        path = path[len(self._base_path) :] or "/"
        if not path.startswith("/"):
            raise UnknownPath(f"no such path; all begin with {self._base_path}/")
        if "%" in path:
            _decoded(path)
        return path, query

    def find(self, method: str, path: str) -> Match:
        """The match for a path."""
        return (self._find_remembered if len(path) <= _LONGEST_REMEMBERED else self._find)(method, path)

    def _find(self, method: str, path: str) -> Match:
        for mount in self._mounts:
            if mounted := mount.pattern.match(path):
                break
        else:
            return Match(False, {}, _NOTHING, method, path)
        below = path[mounted.end() :] or "/"
        operations: dict[str, tuple[Operation, Mapping[str, str]]] = {}
        for route in mount.routes:
            if match := route.pattern.fullmatch(below):
                parameters = dict(zip(route.names, map(_decoded, match.groups()), strict=True))
                operations[route.operation.method] = route.operation, parameters
        meant = operations.get("GET" if method == "HEAD" else method, _NOTHING)
        return Match(mount.gated, operations, meant, method, path)


def _mount(operations: Sequence[Operation]) -> _Mount:
    paths = [operation.path.split("/") for operation in operations]
    gated = all(operation.gated for operation in operations)
    shared = []
    for segments in zip(*paths, strict=False):
        if len(set(segments)) > 1 or "{" in segments[0]:
            break
        shared.append(segments[0])
    # The gate stands before all the literal segments that the paths share, other routers before the first.
    point = "/".join(shared if gated else shared[:2])
    # Express leaves out one of two slashes after the mount point.
    pattern = re.compile(rf"{re.escape(point)}/?(?=/|\Z)", re.IGNORECASE)
    return _Mount(pattern, gated, tuple(_route(operation, operation.path[len(point) :]) for operation in operations))


def _route(operation: Operation, template: str) -> _Route:
    literals_and_names = re.split(r"{([^}]*)}", template)
    literals, names = literals_and_names[::2], literals_and_names[1::2]
    pattern = "([^/]+)".join(map(re.escape, literals)) + "/?"
    return _Route(re.compile(pattern, re.IGNORECASE), tuple(names), operation)


def _decoded(raw: str) -> str:
    """What decodeURIComponent makes of a raw path; the real server fails where that does."""
    try:
        return decode_uri_component(raw)
    except ValueError:
        raise Quirk(real=ServerFails(), calm=MalformedPath("a malformed percent-escape in the path")) from None
