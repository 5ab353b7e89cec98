"""A loop in its own thread: it waits for sockets, each with a deadline.

This module knows no HTTP. It stands where asyncio could: asyncio's tasks and transports cost each new connection 150 µs
and each start of a server two changes of threads, which in the tests of a client is more than all else that the fake
does. What is kept from asyncio is its order: an action that ends a stream is told so only after it has returned.
"""

import heapq
import itertools
import selectors
import socket
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from .. import realtime
from ..log import log_bug

# How much is read at once. It bounds how many pipelined requests can arrive together, and how long one client keeps
# the loop from the others.
READ_BYTES = 8_192

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE

# No kind of selector waits for ever longer: epoll's count of milliseconds ends after 24 days, and to look up once a
# minute costs nothing.
_LONGEST_WAIT_S = 60.0

# These learn of a socket while they wait already; the others have to be woken for it.
_LEARN_WHILE_WAITING = tuple(
    getattr(selectors, name)
    for name in ("EpollSelector", "KqueueSelector", "DevpollSelector")
    if hasattr(selectors, name)
)


class Timer:
    """Something that is done when its time comes, unless it is cancelled before."""

    __slots__ = ("action",)

    def __init__(self, action: Callable[[], object]) -> None:
        self.action: Callable[[], object] | None = action

    def cancel(self) -> None:
        """Let it be; also when it has been done."""
        self.action = None


class Guarded(Protocol):
    """An object with a deadline, which may move."""

    deadline: float

    def on_deadline(self) -> None:
        """Do what is to be done when the deadline has come."""


class Loop:
    """Calls back when sockets are ready and when times have come, everything in one thread, from `start` to `stop`.

    What comes first may be used from any thread, all else from the loop's own.
    """

    # Deadlines guard real sockets, so they are real while a test freezes or patches the time.
    monotonic = staticmethod(realtime.elapsed)

    GUARD_EVERY_S = 0.1

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(READ_BYTES))  # one for all: what is read is dealt with before the next
        self.guarded: set[Guarded] = set()
        self._selector = selectors.DefaultSelector()
        self._waking, self._woken = socket.socketpair()
        self._calls: deque[Callable[[], object]] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._guarding = False
        self._running = True
        self._thread: threading.Thread | None = None
        self._waking.setblocking(False)
        self._woken.setblocking(False)
        self._selector.register(self._woken, READ, self._wake_up)

    # From any thread.

    def start(self, name: str) -> None:
        """Begin, in a daemon thread of this name."""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for that; what is watched still is the caller's to close. Also undoes a start that failed."""
        if self._thread and self._thread.ident is not None:
            self.call(self._end)
            self._thread.join()
        else:
            self._close()

    @property
    def alive(self) -> bool:
        """Whether its thread runs, so that it can serve anybody."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def learns_while_waiting(self) -> bool:
        """Whether it learns at once which sockets to watch, whatever thread says so."""
        return isinstance(self._selector, _LEARN_WHILE_WAITING)

    def is_current_thread(self) -> bool:
        """Whether it is the loop's thread that asks."""
        return threading.current_thread() is self._thread

    def watch(self, sock: socket.socket, on_ready: Callable[[int], object], events: int = READ) -> None:
        """Call back, with what it is ready for, whenever the socket is ready for some of these events."""
        self._selector.register(sock, events, on_ready)
        if not self.learns_while_waiting:
            self._wake()

    def rewatch(self, sock: socket.socket, on_ready: Callable[[int], object], events: int) -> None:
        """Watch for these events in the place of those before."""
        self._selector.modify(sock, events, on_ready)

    def unwatch(self, sock: socket.socket) -> None:
        """No longer call back; one call may be under way. One that is not watched is left alone."""
        # KeyError: by a selector that is closed. The others: of a socket that is closed, which it has to look for.
        with suppress(KeyError, ValueError, RuntimeError):
            self._selector.unregister(sock)

    def call(self, action: Callable[[], object]) -> None:
        """Do this soon, in the loop's thread; now, in this one, if that has ended."""
        self._calls.append(action)
        if self.alive:
            self._wake()
        else:
            self._do_calls()

    def do(self, action: Callable[[], object]) -> None:
        """Do this as `call` does, and wait until it is done."""
        done = threading.Event()

        def act() -> None:
            try:
                action()
            finally:
                done.set()

        self.call(act)
        while self.alive and not done.wait(1.0):
            pass
        if not done.is_set():
            # It ended before it came to that.
            self._do_calls()

    def descriptors(self) -> list[int]:
        """The descriptors that the loop holds for itself."""
        # Not every kind of selector has one.
        holders = (self._selector, self._waking, self._woken)
        return [holder.fileno() for holder in holders if hasattr(holder, "fileno")]

    # In the loop's thread.

    def call_soon(self, action: Callable[[], object]) -> None:
        """Do this when what is being done now has returned."""
        self._calls.append(action)

    def call_later(self, seconds: float, action: Callable[[], object]) -> Timer:
        """Do this after so many seconds."""
        timer = Timer(action)
        heapq.heappush(self._timers, (self.monotonic() + seconds, next(self._numbers), timer))
        return timer

    def guard(self, guarded: Guarded) -> None:
        """See to its deadline from now on, and rather early than late: a limit is the longest a client can have."""
        self.guarded.add(guarded)
        if not self._guarding:
            self._guarding = True
            self.call_later(self.GUARD_EVERY_S, self._look_at_deadlines)

    def _look_at_deadlines(self) -> None:
        horizon = self.monotonic() + self.GUARD_EVERY_S
        for each in [each for each in self.guarded if each.deadline <= horizon]:
            self._try(each.on_deadline)
        self._guarding = bool(self.guarded)
        if self._guarding:
            self.call_later(self.GUARD_EVERY_S, self._look_at_deadlines)

    def _run(self) -> None:
        try:
            while self._running:
                self._turn()
        finally:
            self._close()

    def _turn(self) -> None:
        # A function of its own, so that nothing of a client stays in its variables while the loop waits.
        for key, events in self._selector.select(self._patience_s()):
            self._try(key.data, events)
        now = self.monotonic()
        while self._timers and self._timers[0][0] <= now:
            if action := heapq.heappop(self._timers)[2].action:
                self._try(action)
        self._do_calls()

    def _do_calls(self) -> None:
        while self._calls:
            try:
                action = self._calls.popleft()
            except IndexError:
                # Once the loop's own thread has ended, several may be here.
                return
            self._try(action)

    def _patience_s(self) -> float | None:
        while self._timers and self._timers[0][2].action is None:
            heapq.heappop(self._timers)
        if not self._timers:
            return None
        return min(max(0.0, self._timers[0][0] - self.monotonic()), _LONGEST_WAIT_S)

    def _try(self, action: Callable[..., object], *arguments: Any) -> None:
        try:
            action(*arguments)
        except Exception:
            log_bug("The server failed")

    def _wake(self) -> None:
        # Full: it will wake up anyway. Closed: it has ended.
        with suppress(OSError):
            self._waking.send(b"!")

    def _wake_up(self, events: int) -> None:
        self._woken.recv(READ_BYTES)

    def _end(self) -> None:
        self._running = False

    def _close(self) -> None:
        self._selector.close()
        self._waking.close()
        self._woken.close()
