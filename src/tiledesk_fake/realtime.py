"""The real time and the real types of time, whatever a test has put in their place.

freezegun, mocks and patches replace what is in the modules `time` and `datetime`, also where this package is first
imported while they do. time-machine changes the functions of `time` themselves: `now` follows it, as the whole process
does, and `elapsed` does not.
"""

from importlib.machinery import BuiltinImporter
from importlib.util import module_from_spec
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


def _second_time() -> ModuleType:
    """The built-in module `time` once more, of which nobody else knows."""
    spec = BuiltinImporter.find_spec("time")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_time = _second_time()


def now() -> float:
    """The seconds since 1970."""
    seconds: float = _time.time()
    return seconds


def elapsed() -> float:
    """Seconds that only pass: the difference of two of these is how long something took.

    The performance counter, because time-machine before version 3 changes the monotonic clock too.
    """
    seconds: float = _time.perf_counter()
    return seconds


def sleep(seconds: float) -> None:
    """Wait this long."""
    _time.sleep(seconds)


def genuine(type_of_time: type[T]) -> type[T]:
    """The class `datetime` or `date` itself, where a substitute that derives from it may have its name.

    >>> from datetime import date
    >>> class Fake(date): ...
    >>> genuine(Fake) is genuine(date) is date
    True
    """
    return next((base for base in type_of_time.__mro__ if base.__module__ == "datetime"), type_of_time)
