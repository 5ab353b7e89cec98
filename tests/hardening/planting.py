"""How to plant a defect into the fake, and say which tests must fail because of it.

Defects are planted by patches, so that everything else is as it is. The catalogues are the modules
`defects_of_…`; `test_controls` runs the tests that they name.
"""

import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass(frozen=True)
class Planting:
    """Where a defect is planted: what is patched is as before when the test is over, and then `over` is done."""

    patch: pytest.MonkeyPatch
    over: ExitStack


Plant = Callable[[Planting], object]


@dataclass(frozen=True)
class Finding:
    """A test that must find a defect, and its arguments where they are not fixtures; `Made` ones when it runs."""

    test: Callable[..., None]
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Made:
    """An argument that is made in the presence of the defect."""

    make: Callable[[], Any]


@dataclass(frozen=True)
class Defect:
    """A build with one defect. `patience_s` is how long its tests wait for what does not come."""

    what: str
    plant: Plant
    found_by: tuple[Finding, ...]
    patience_s: float = 0.3


def defect(what: str, plant: Plant, *tests: Callable[..., None] | Finding, patience_s: float = 0.3) -> Defect:
    found_by = (each if isinstance(each, Finding) else Finding(each) for each in tests)
    return Defect(what, plant, tuple(found_by), patience_s)


def by(test: Callable[..., None], **arguments: Any) -> Finding:
    """The test, with these arguments."""
    return Finding(test, arguments)


def runs_by_itself(code: str) -> str:
    """The code, which is to be planted into a process where its own mistakes would look like what a test finds."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    if done.returncode or done.stderr:
        raise NameError(f"a defect cannot be planted: {done.stderr}")
    return code


def instead(place: str, value: object) -> Plant:
    """Put a value in the place of what has this dotted name."""
    return lambda planting: planting.patch.setattr(place, value)


def after(owner: type, name: str, also: Callable[..., object]) -> Plant:
    """Do something more whenever a method is done."""

    def plant(planting: Planting) -> None:
        method = getattr(owner, name)

        def longer(self: Any, *arguments: Any, **named: Any) -> Any:
            result = method(self, *arguments, **named)
            also(self)
            return result

        planting.patch.setattr(owner, name, longer)

    return plant


def read_as(owner: type, name: str, value: object) -> Plant:
    """Let an attribute be read as this value, whatever it is set to."""

    def remember(self: Any, real: object) -> None:
        # For when the defect is gone.
        vars(self)[name] = real

    return lambda planting: planting.patch.setattr(owner, name, property(lambda _: value, remember), raising=False)
