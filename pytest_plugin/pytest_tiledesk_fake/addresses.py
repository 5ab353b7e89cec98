"""The addresses of the tests' fakes, and what answers there once a test is over."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tiledesk_fake.core.journal import Journal
from tiledesk_fake.fake import TiledeskFake
from tiledesk_fake.serving.server import Server

from .late_calls import LateCalls

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# The addresses of the last 16 tests stay open, so that late calls are noticed.
_KEPT_OPEN = 16


@dataclass(slots=True)
class _Retired:
    """What is kept of the fake of a test that is over.

    The fake itself is not kept, and nothing here refers to it: live objects cost Python's garbage collector time.
    """

    nodeid: str
    server: Server
    journal: Journal
    # The number of exchanges when the test was over, or when late ones were last looked for.
    seen: int


class Addresses:
    """One thread that serves the fakes of all tests: a thread for each fake would cost more than the rest of a
    fixture.
    """

    def __init__(self, late_calls: LateCalls) -> None:
        self._house = Server(_nobody)
        self._late_calls = late_calls
        self._retired: deque[_Retired] = deque()

    def open(self, fake: TiledeskFake) -> None:
        """Let the fake listen at its own address."""
        if not self._house.listening:
            self._house.start()
        fake.start(beside=self._house)

    def open_for(self, fake: TiledeskFake, app: WSGIApplication) -> None:
        """Let the fake listen, and the app answer in its place."""
        self.open(fake)
        fake.hand_over(app)

    def retire(self, fake: TiledeskFake, nodeid: str) -> None:
        """Refuse and record all later calls to the fake of a test that is over."""
        seen = fake.journal.total
        server = fake.hand_over(partial(self._late_calls.refuse, nodeid))
        if server is None:
            return
        if server.beside is not self._house:
            # The test has started its fake again, in a thread that would outlive the test.
            fake.stop()
            return
        self._retired.append(_Retired(nodeid, server, fake.journal, seen))
        if len(self._retired) > _KEPT_OPEN:
            self._close_oldest(1)

    def nodeid_of(self, journal: object) -> str | None:
        """The test whose fake had this journal; None if that test is long over."""
        return next((retired.nodeid for retired in self._retired if retired.journal is journal), None)

    def look_for_late_calls(self) -> None:
        """Record the calls that were in progress when their test ended, and those that came through `wsgi_app`."""
        for retired in self._retired:
            self._look_for_late_calls(retired)

    def close(self) -> None:
        """Close all addresses."""
        self._close_oldest(len(self._retired))
        self._house.stop()

    def _close_oldest(self, number: int) -> None:
        for _ in range(number):
            retired = self._retired.popleft()
            retired.server.stop_soon()
            self._look_for_late_calls(retired)

    def _look_for_late_calls(self, retired: _Retired) -> None:
        for exchange in retired.journal.since(retired.seen):
            self._late_calls.note(retired.nodeid, f"{exchange.method} {exchange.target}")
        retired.seen = retired.journal.total


def _nobody(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    start_response("404 Not Found", [])
    return [b""]
