"""What the running test's clients did wrong, and whether that fails the test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import pytest

from tiledesk_fake.contract.choices import unnoted
from tiledesk_fake.core.journal import Exchange
from tiledesk_fake.core.redaction import redacted_trace
from tiledesk_fake.errors import CannotReach
from tiledesk_fake.fake import TiledeskFake
from tiledesk_fake.log import bug_listeners
from tiledesk_fake.violations.verdict import UNSPENT_FAULT, failure, internal_error
from tiledesk_fake.violations.violation import Violation

from .failing import fail_in, reaching
from .settings import OF_OWN_FAKE, SettingsOfTests
from .wording import failed_section, heard_section, idle_marker, unheard_section


@dataclass(slots=True)
class _Watched:
    fake: TiledeskFake
    # The number of exchanges when the running test began.
    before: int = 0
    # The assumptions whose choice the maker of the fake has fixed.
    fixed: frozenset[str] = frozenset()


class Verdict:
    """Judges each test by what the fakes heard that it can reach: its own, and those that outlast it.

    A test is judged three times: for its calls when it is over, so that it fails as a test; for its faults when its
    fake's fixture ends, since the teardown of other fixtures may still meet them; and when its teardown is over.
    """

    def __init__(self, settings: SettingsOfTests) -> None:
        self._settings = settings
        self._own: _Watched | None = None
        self._lasting: list[_Watched] = []
        self._failed = False
        # The tracebacks of what failed inside the fake. Server threads append to it.
        self._bugs: list[str] = []
        bug_listeners.append(self._note_bug)

    def close(self) -> None:
        """Judge nothing more."""
        bug_listeners.remove(self._note_bug)

    def begin(self, fake: TiledeskFake, fixed: Iterable[str] = ()) -> None:
        """Watch the fake of the running test, until that is reported; its maker has fixed some assumptions."""
        self._own = _Watched(fake, fixed=frozenset(fixed))

    def watch(self, fake: TiledeskFake, fixed: Iterable[str] = ()) -> None:
        """Watch a fake for as long as it listens; its maker has fixed some assumptions."""
        self._lasting.append(_Watched(fake, fixed=frozenset(fixed)))

    @property
    def used(self) -> bool:
        """Whether the running test has a fake of its own, or called another."""
        return self._own is not None or self._heard()

    @property
    def touched(self) -> frozenset[str]:
        """The assumptions that have decided anything for the running test, and that nobody has fixed."""
        return frozenset().union(*(watched.fake.touched - watched.fixed for watched in self._watched()))

    def forget_touched(self) -> None:
        """Forget what the fakes that outlast a test have touched: the next one is about to begin."""
        # Where the server does not answer, the test will say so.
        with suppress(CannotReach):
            for watched in self._lasting:
                watched.fake.journal.forget_touched()

    def heard(self) -> list[tuple[Mapping[str, str], Exchange]]:
        """Each exchange of the running test, with the choices of the fake that it was with."""
        return [(unnoted(fake.profile), exchange) for fake, exchanges in self.left() for exchange in exchanges]

    def left(self) -> list[tuple[TiledeskFake, list[Exchange]]]:
        """The fakes of the running test, each with what it heard; those that outlast it only if they heard anything."""
        left = [(watched.fake, watched.fake.journal.since(watched.before)) for watched in self._watched()]
        return [(fake, exchanges) for fake, exchanges in left if exchanges or (self._own and fake is self._own.fake)]

    def close_held(self) -> None:
        """Let go of the clients that the longer-lived fakes hold back: nobody waits for their answers any more."""
        for watched in self._lasting:
            if isinstance(watched.fake, TiledeskFake):
                watched.fake.close_held()

    def judge_call(self, item: pytest.Item, *, expects_fake: bool) -> None:
        """Fail the test, which has passed, for what its clients did, and for a marker that did nothing."""
        with reaching(item):
            self._judge_bugs(item)
            if violations := self._forbidden_violations(item):
                fail_in(item, _failure(item, violations, self._forbidden_faults(item, self._watched())))
        if self._own is None and (expects_fake or self._heard()):
            keys = {key for mark in item.iter_markers("tiledesk") for key in mark.kwargs}
            if idle := sorted(keys & OF_OWN_FAKE):
                overridden = "fake_tiledesk" in getattr(item, "fixturenames", ())
                fail_in(item, idle_marker(item.nodeid, idle, overridden=overridden))

    def judge_end_of_fake(self, item: pytest.Item) -> None:
        """Fail the teardown for faults of the test's own fake that no call has met."""
        self._judge_teardown(item, [self._own] if self._own else [])

    def judge_end_of_teardown(self, item: pytest.Item) -> None:
        """Fail the teardown, which is over, for faults of the other fakes, and for what its clients did."""
        self._judge_teardown(item, self._lasting)

    def _judge_teardown(self, item: pytest.Item, done_with: Sequence[_Watched]) -> None:
        with reaching(item):
            self._judge_bugs(item)
            violations, unspent = self._forbidden_violations(item), self._forbidden_faults(item, done_with)
            for watched in done_with:
                watched.fake.faults.clear()
        if violations or unspent:
            fail_in(item, _failure(item, violations, unspent))

    def _judge_bugs(self, item: pytest.Item) -> None:
        for watched in self._watched():
            # Those of fakes in this process have been noted already, with others that no journal has.
            if not isinstance(watched.fake, TiledeskFake):
                self._bugs += watched.fake.journal.take_bugs()
        if self._bugs:
            fail_in(item, internal_error(self._bugs))

    def _forbidden_violations(self, item: pytest.Item) -> list[Violation]:
        violations = [each for watched in self._watched() for each in watched.fake.journal.take_violations()]
        if not violations:
            return []
        forbidden = self._settings.of(item).forbidden
        return [violation for violation in violations if violation.rule in forbidden]

    def _forbidden_faults(self, item: pytest.Item, of: Sequence[_Watched]) -> list[str]:
        # A test that failed had no chance to meet all faults.
        unspent = [] if self._failed else [fault for watched in of for fault in watched.fake.faults.unspent]
        return unspent if unspent and UNSPENT_FAULT in self._settings.of(item).forbidden else []

    def forgive(self) -> None:
        """Forget what clients did wrong so far: the test has failed already, and its report says why."""
        self._failed = True
        self._bugs.clear()
        with suppress(CannotReach):
            for watched in self._watched():
                watched.fake.journal.take_violations()

    def sections(self) -> list[tuple[str, str]]:
        """What the report of a failed test says beside: what the fakes heard, and what failed inside them."""
        journals = [(watched.fake.journal, watched.before) for watched in self._watched()]
        try:
            exchanges = [exchange for journal, before in journals for exchange in journal.since(before)]
            violations = [each for journal, _ in journals for each in journal.untaken_violations]
        except CannotReach as problem:
            return unheard_section(str(problem))
        return [*heard_section(exchanges, violations), *failed_section(self._bugs)]

    def after(self) -> None:
        """Let go of what belonged to the test that is over."""
        self._own = None
        self._lasting = [watched for watched in self._lasting if watched.fake.listening]
        with suppress(CannotReach):
            for watched in self._lasting:
                watched.before = watched.fake.journal.total
                watched.fake.journal.take_violations()
                watched.fake.faults.clear()
        self._bugs.clear()
        self._failed = False

    def _heard(self) -> bool:
        return any(watched.fake.journal.total > watched.before for watched in self._watched())

    def _watched(self) -> list[_Watched]:
        return [self._own, *self._lasting] if self._own else self._lasting

    def _note_bug(self, bug: BaseException) -> None:
        self._bugs.append(redacted_trace(bug))


def _failure(item: pytest.Item, violations: Sequence[Violation], unspent: Sequence[str]) -> str:
    return failure(violations, unspent, planner=item.nodeid, allowing="@pytest.mark.tiledesk(allow=[{}])")
