"""What the running test's clients did wrong, and whether that fails the test."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tiledesk_fake.fake import TiledeskFake

from .failing import fail_in
from .settings import UNSPENT_FAULT, SettingsOfTests
from .wording import failure, heard_section


@dataclass(slots=True)
class _Watched:
    fake: TiledeskFake
    # How many exchanges there had been when the running test began.
    before: int = 0


class Verdict:
    """Judges each test by what the fakes heard that it can reach: its own, and those that outlast it."""

    def __init__(self, settings: SettingsOfTests) -> None:
        self._settings = settings
        self._own: _Watched | None = None
        self._lasting: list[_Watched] = []
        self._failed = False

    def begin(self, fake: TiledeskFake) -> None:
        """Watch the fake of the running test, until that is reported."""
        self._own = _Watched(fake)

    def watch(self, fake: TiledeskFake) -> None:
        """Watch a fake for as long as it listens."""
        self._lasting.append(_Watched(fake))

    def judge(self, item: pytest.Item) -> None:
        """Fail the test for what its clients did that no correct client does, and for faults left unspent."""
        watched = self._watched()
        if not watched:
            return
        violations = [violation for each in watched for violation in each.fake.journal.take_violations()]
        unspent = [fault for each in watched for fault in each.fake.faults.unspent]
        for each in watched:
            each.fake.faults.clear()
        if self._failed:
            # Who failed had no chance to meet all faults.
            unspent = []
        if not violations and not unspent:
            return
        forbidden = self._settings.of(item).forbidden
        violations = [violation for violation in violations if violation.rule in forbidden]
        if UNSPENT_FAULT not in forbidden:
            unspent = []
        if violations or unspent:
            fail_in(item, failure(violations, unspent))

    def forgive(self) -> None:
        """Forget what clients did wrong so far: the test has failed already, for a reason of its own."""
        self._failed = True
        for watched in self._watched():
            watched.fake.journal.take_violations()

    def heard(self) -> list[tuple[str, str]]:
        """The report section with a line for each exchange of the running test, if there was any."""
        exchanges = [exchange for watched in self._watched() for exchange in watched.fake.journal.since(watched.before)]
        return heard_section(exchanges)

    def after(self) -> None:
        """Let go of what belonged to the test that is over."""
        self._own = None
        self._lasting = [watched for watched in self._lasting if watched.fake.listening]
        for watched in self._lasting:
            watched.before = watched.fake.journal.total
            watched.fake.journal.take_violations()
            watched.fake.faults.clear()
        self._failed = False

    def _watched(self) -> list[_Watched]:
        return [self._own, *self._lasting] if self._own else self._lasting
