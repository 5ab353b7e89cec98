"""Values of a fake that cannot be set, and parts that cannot be copied; the errors say what to do instead."""

from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from ..errors import MisuseError

T = TypeVar("T")


class ReadOnly(MisuseError, AttributeError):
    """An attribute that cannot be set. An AttributeError too, as Python has it."""


class OnlyOnce:
    """What there is once for each fake: no copy of it would hear the calls that reach that fake."""

    def __reduce__(self) -> NoReturn:
        raise MisuseError(
            f"a {type(self).__name__} cannot be copied or pickled, since calls reach one fake alone; to another "
            "process give fake.url, users and tokens, and to go back in time take fake.snapshot()"
        )


def read_only(**hints: str) -> Callable[[type[T]], type[T]]:
    """A decorator for frozen dataclasses: what is set is a ReadOnly that says, by attribute, what to do instead.

    That of a frozen dataclass with slots is a TypeError about super() for what is no field.
    """

    def refuse(self: object, name: str, *value: Any) -> NoReturn:
        hint = hints.get(name) or next(iter(hints.values()))
        raise ReadOnly(f"{type(self).__name__}.{name} cannot be set; {hint}")

    def decorate(kind: type[T]) -> type[T]:
        for method in ("__setattr__", "__delattr__"):
            setattr(kind, method, refuse)
        return kind

    return decorate
