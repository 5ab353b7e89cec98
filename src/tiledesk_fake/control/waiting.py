"""Requests that wait for calls: `journal?wait_s=`.

Where this project's server listens, a request that waits holds no thread: the server keeps it and asks again when the
journal wakes it or the time is up. Elsewhere it holds the thread that it came in.
"""

import math
from collections.abc import Callable
from threading import Event, Lock
from wsgiref.types import WSGIEnvironment

from ..core.journal import Exchange, Journal
from ..serving.delivery import KEY as DELIVERY
from ..serving.delivery import Delivery, nobody
from .problems import Problem

MOST_WAITING = 200


class Wait:
    """One request that waits until so many exchanges match.

    While it waits it looks at each exchange as it comes, since to look through the whole journal at each would keep
    others waiting.
    """

    def __init__(self, journal: Journal, matches: Callable[[int, Exchange], bool], times: int) -> None:
        self._journal = journal
        self._matches = matches
        self._times = times
        self._missing = math.inf
        # Further ones; to append is atomic, and to count is not.
        self._found: list[int] = []
        self._wake: Callable[[], object] = nobody

    def begin(self, wake: Callable[[], object]) -> bool:
        """Call `wake` once enough exchanges have come; whether they have already."""
        self._wake = wake
        so_far = self._journal.watch(self._hear)
        self._missing = self._times - sum(self._matches(*each) for each in so_far)
        return len(self._found) >= self._missing

    def end(self) -> None:
        """Wait no more."""
        self._journal.unwatch(self._hear)

    def _hear(self, number: int, exchange: Exchange) -> None:
        if self._matches(number, exchange):
            self._found.append(number)
            if len(self._found) >= self._missing:
                self._wake()


class Waiting:
    """All requests that wait on one server."""

    def __init__(self) -> None:
        self._waits: set[Wait] = set()
        self._lock = Lock()

    def begin(self, wait: Wait, wait_s: float, environ: WSGIEnvironment) -> bool:
        """Whether the server is to ask again; else it is time for the answer, for which a thread may have been held.

        Raises the Problem of one that would wait where too many do.
        """
        delivery: Delivery | None = environ.get(DELIVERY)
        enough = Event()
        if wait.begin(delivery.wake if delivery else enough.set):
            wait.end()
            return False
        self._add(wait)
        if delivery is None:
            enough.wait(wait_s)
            self.end(wait)
            return False
        delivery.wait_s = wait_s
        delivery.on_gone = lambda: self.end(wait)
        return True

    def _add(self, wait: Wait) -> None:
        with self._lock:
            if len(self._waits) < MOST_WAITING:
                self._waits.add(wait)
                return
        wait.end()
        raise Problem(
            "too-many-waiting",
            f"{MOST_WAITING} requests wait already; come again when some are answered, or ask without wait_s",
            headers=[("Retry-After", "1")],
        )

    def end(self, wait: Wait) -> None:
        """Let a request wait no more."""
        wait.end()
        with self._lock:
            self._waits.discard(wait)
