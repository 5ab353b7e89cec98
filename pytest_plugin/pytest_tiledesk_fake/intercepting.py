"""Leads clients of the configured origins to the fake of the running test, and refuses them at all other times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack

from tiledesk_fake.fake import TiledeskFake
from tiledesk_fake.log import refusal_listeners

_MOST_SHOWN = 20


class Intercepting:
    """The origins whose clients reach the running test's fake, and the clients that were refused."""

    def __init__(self, on_late: Callable[[str, object], object]) -> None:
        """`on_late` is told of each call that came when nobody intercepted its origin any more, and of its journal."""
        self._on_late = on_late
        # An origin that was led once stays refused until the run is over: no client is let through between tests.
        self._guarded: set[str] = set()
        self._guards = ExitStack()
        self._of_test = ExitStack()
        # Client threads append to it.
        self._refused: list[str] = []
        refusal_listeners.append(self._note)

    def guard(self, origins: Sequence[str]) -> None:
        """Refuse these origins, from now on, unless they are led to a fake."""
        for origin in origins:
            if origin not in self._guarded:
                from tiledesk_fake.intercept import Guard

                self._guards.enter_context(Guard(origin))
                self._guarded.add(origin)

    def begin(self, fake: TiledeskFake, origins: Sequence[str]) -> None:
        """Lead clients of these origins to a fake, until `end`."""
        self.guard(origins)
        for origin in origins:
            self._of_test.enter_context(fake.intercept(origin))

    def end(self) -> None:
        """Refuse them again."""
        self._of_test.close()

    def close(self) -> None:
        """Take everything back."""
        self._of_test.close()
        self._guards.close()
        refusal_listeners.remove(self._note)

    def sections(self) -> list[tuple[str, str]]:
        """What the report of a failed test says of refused clients: some libraries swallow the text of an error."""
        return [("tiledesk-fake refused", "\n".join(self._refused))] if self._refused else []

    def forget(self) -> None:
        """The test is over."""
        self._refused.clear()

    def _note(self, text: str, owner: object) -> None:
        if owner is not None:
            self._on_late(text, owner)
        elif len(self._refused) < _MOST_SHOWN and text not in self._refused:
            self._refused.append(text)
