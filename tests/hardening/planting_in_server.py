"""How to plant a defect into the server of this package."""

from collections.abc import Callable
from textwrap import dedent
from typing import Any

from tests.hardening.planting import Plant, Planting, instead, runs_by_itself
from tests.serving import processes
from tiledesk_fake.serving.connection import CONDUCT, State
from tiledesk_fake.serving.limits import Limits
from tiledesk_fake.serving.reader import RequestReader


def never(self: Any) -> None:
    return None


def limits(**values: float) -> Plant:
    """Serve with other limits than are documented."""
    return instead("tests.serving.conftest.LIMITS", Limits()._replace(**values))  # type: ignore[arg-type]


def in_scripts(code: str) -> Plant:
    """Plant a defect into the processes that tests start."""

    def plant(planting: Planting) -> None:
        planted = f"{processes.PREAMBLE}\nfrom tiledesk_fake.serving import loop, server\n{dedent(code)}\n"
        planting.patch.setattr(processes, "PREAMBLE", runs_by_itself(planted))
        planting.patch.setattr(processes, "SCRIPT_PATIENCE_S", 1.0)

    return plant


def received(change: Callable[[bytes], bytes]) -> Plant:
    """Read something else than is sent."""

    def plant(planting: Planting) -> None:
        feed = RequestReader.feed
        planting.patch.setattr(RequestReader, "feed", lambda self, data: feed(self, memoryview(change(bytes(data)))))

    return plant


def conduct(*states: State, **other: Any) -> Plant:
    """Behave otherwise in these states than the table of a connection says."""

    def plant(planting: Planting) -> None:
        for state in states:
            planting.patch.setitem(CONDUCT, state, CONDUCT[state]._replace(**other))

    return plant
