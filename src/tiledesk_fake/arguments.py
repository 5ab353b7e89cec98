"""Checks the arguments of public methods against their annotations, at run time.

Tests are seldom type-checked. Without this check a value of a wrong type fails deep inside, or has no effect. The error
says what was expected, what came and what to write instead; it never shows text, which may be a secret.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache, partial, wraps
from inspect import Parameter, signature
from os import PathLike
from pathlib import Path
from types import EllipsisType, NoneType, UnionType
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, Union, get_args, get_origin, get_type_hints

from .errors import MisuseError
from .realtime import genuine

S = TypeVar("S")
P = ParamSpec("P")
R = TypeVar("R")

_Kinds = tuple[type, ...]

_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)

# pathlib decides what is a path, and a whole number is a number too.
_ACCEPTED: Mapping[type, _Kinds] = {Path: (PathLike,), float: (int, float)}
_PHRASES: Mapping[type, str] = {
    str: "text",
    bytes: "bytes",
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    NoneType: "None",
    PathLike: "a path",
    Mapping: "a mapping",
    Sequence: "a list",
    Callable: "a function",  # type: ignore[dict-item]
}
_DATE, _DATETIME = genuine(date), genuine(datetime)
# Hints by the type that came and the type expected; the first match counts.
_HINTS: tuple[tuple[type, type, str], ...] = (
    (str, int, "write it without quotes"),
    (str, _DATETIME, "datetime.fromisoformat reads text"),
    (str, timedelta, "write it like timedelta(hours=2)"),
    (list, int, "give one; for one after the other call it once for each"),
    (tuple, int, "give one; for one after the other call it once for each"),
    (list, str, "give one"),
    (tuple, str, "give one"),
    (bytes, str, "decode() it"),
    (timedelta, _DATETIME, "add it to a time, like fake.clock.now() + timedelta(hours=2)"),
    (_DATETIME, timedelta, "subtract the time that it counts from"),
    (_DATE, _DATETIME, "add the time of day and tzinfo=datetime.UTC"),
    (int, timedelta, "write timedelta(seconds={value})"),
    (float, timedelta, "write timedelta(seconds={value})"),
    (int, _DATETIME, "datetime.fromtimestamp(…, datetime.UTC) reads a number"),
    (float, _DATETIME, "datetime.fromtimestamp(…, datetime.UTC) reads a number"),
    (list, Mapping, "write it like {{name: value}}"),
    (tuple, Mapping, "write it like {{name: value}}"),
    (str, Mapping, "write it like {{name: value}}"),
)


def checked(**hints: str) -> Callable[[Callable[Concatenate[S, P], R]], Callable[Concatenate[S, P], R]]:
    """Decorate a method to raise MisuseError for an argument that is not of its annotation's type.

    `hints` say, by parameter, what to write instead, if the types do not.

    >>> class Door:
    ...     @checked(key="cut one first")
    ...     def open(self, key: Path, *, times: int = 1) -> None: ...
    >>> Door().open(Path("key"), times="2")
    Traceback (most recent call last):
    tiledesk_fake.errors.MisuseError: times: expected a whole number, got text; write it without quotes
    >>> Door().open("key")
    Traceback (most recent call last):
    tiledesk_fake.errors.MisuseError: key: expected a path, got text; cut one first
    """

    def decorate(method: Callable[Concatenate[S, P], R]) -> Callable[Concatenate[S, P], R]:
        # Worked out at the first call: most processes call few of the methods that they import.
        expectations = cache(partial(_expectations, method))

        @wraps(method)
        def wrapper(self: S, /, *args: P.args, **kwargs: P.kwargs) -> R:
            __tracebackhide__ = True
            first, named, others = expectations()
            # No binding, and one look-up for an exact type: every test makes a fake and issues tokens.
            if args and type(args[0]) not in first.exact:
                first.check(args[0], first.name, hints)
            for name, value in kwargs.items():
                expected = named.get(name, others)
                if type(value) not in expected.exact:
                    expected.check(value, name, hints)
            return method(self, *args, **kwargs)

        return wrapper

    return decorate


class _Expected:
    """What one parameter accepts."""

    __slots__ = ("_kinds", "exact", "name")

    def __init__(self, name: str, annotation: Any) -> None:
        self.name = name
        self._kinds = _accepted(annotation)
        self.exact = frozenset(self._kinds)

    def check(self, value: object, name: str, hints: Mapping[str, str]) -> None:
        # True is an int in Python, but not a whole number.
        if not isinstance(value, self._kinds) or (isinstance(value, bool) and int in self._kinds):
            raise _refusal(name, self._kinds, value, hints)


def _expectations(method: Callable[..., Any]) -> tuple[_Expected, dict[str, _Expected], _Expected]:
    """The values that a method accepts: by position, by name, and under any other name."""
    annotations = get_type_hints(method)
    _, *parameters = signature(method).parameters.values()
    expected = {each.name: _Expected(each.name, annotations.get(each.name, Any)) for each in parameters}
    by_position = [each.name for each in parameters if each.kind in _BY_POSITION]
    if len(by_position) > 1:
        raise TypeError(f"expected one parameter at most that may be given by position, got {', '.join(by_position)}")
    anything = _Expected("", Any)
    first = expected[by_position[0]] if by_position else anything
    others = [expected.pop(each.name) for each in parameters if each.kind is Parameter.VAR_KEYWORD]
    return first, expected, others[0] if others else anything


def _accepted(annotation: Any) -> _Kinds:
    if annotation is Any:
        return (object,)
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        return tuple(kind for member in get_args(annotation) for kind in _accepted(member))
    if origin is Literal:
        return tuple({type(value) for value in get_args(annotation)})
    kind = genuine(origin or annotation)
    return _ACCEPTED.get(kind, (kind,))


def _refusal(name: str, kinds: _Kinds, value: object, hints: Mapping[str, str]) -> MisuseError:
    unsaid = {NoneType, EllipsisType, *([int] if float in kinds else [])}
    wanted = list(dict.fromkeys(phrase(kind) for kind in kinds if kind not in unsaid))
    # A password without quotes may be a number.
    may_be_shown = value is None or (isinstance(value, int | float) and str not in kinds)
    got = repr(value) if may_be_shown else phrase(type(value))
    hint = hints.get(name) or _hint(name, kinds, value)
    return MisuseError(f"{name}: expected {_listed(wanted)}, got {got}{f'; {hint}' if hint else ''}")


def _hint(name: str, kinds: _Kinds, value: object) -> str:
    if str in kinds and isinstance(getattr(value, name, None), str):
        return f"write {name}=….{name}"
    if isinstance(value, timedelta) and any(issubclass(kind, int) for kind in kinds):
        return "in seconds, its total_seconds()" if name.endswith("_s") else f"give the number of {name}"
    for came, expected, hint in _HINTS:
        if isinstance(value, came) and any(issubclass(kind, expected) for kind in kinds):
            return hint.format(value=repr(value))
    return ""


def phrase(kind: type) -> str:
    """The name of a type in a message: `text`, `a whole number`, `a Token`."""
    return _PHRASES.get(kind) or f"{'an' if kind.__name__[0] in 'aeioAEIO' else 'a'} {kind.__name__}"


def _listed(words: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))
