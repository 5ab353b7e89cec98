"""Who waits for which socket, and until when: a loop in a thread of its own, and the streams of bytes that it serves.

This module knows no HTTP. It stands where asyncio could: asyncio's tasks and transports cost each new connection 150 µs
and each start of a server two changes of threads, which in the tests of a client is more than all else that the fake
does. What is kept from asyncio is its order: an action that ends a stream is told so only after it has returned.
"""

import heapq
import itertools
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

from ..log import log

# How much is read at once. It bounds how many pipelined requests can arrive together, and how long one client keeps
# the loop from the others.
READ_BYTES = 8_192

_READ, _WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
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
    """What has a deadline, which may move."""

    deadline: float

    def on_deadline(self) -> None:
        """Do what is to be done when the deadline has come."""


class Loop:
    """Calls back when sockets are ready and when times have come, everything in one thread, from `start` to `stop`.

    What comes first may be used from any thread, all else from the loop's own.
    """

    # Deadlines guard real sockets; held here, it stays real while a test freezes or patches the names in `time`.
    monotonic = staticmethod(time.monotonic)

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
        self._selector.register(self._woken, _READ, self._wake_up)

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

    def is_current_thread(self) -> bool:
        """Whether it is the loop's thread that asks."""
        return threading.current_thread() is self._thread

    def watch(self, sock: socket.socket, on_readable: Callable[[int], object]) -> None:
        """Call back whenever there is something to read or to accept."""
        self._selector.register(sock, _READ, on_readable)
        if not isinstance(self._selector, _LEARN_WHILE_WAITING):
            self._wake()

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
        return max(0.0, self._timers[0][0] - self.monotonic()) if self._timers else None

    def _try(self, action: Callable[..., object], *arguments: Any) -> None:
        try:
            action(*arguments)
        except Exception:
            log.exception("The server failed")

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


class Reader(Protocol):
    """Whom a stream belongs to: hears what comes, and how the stream fares."""

    def received(self, data: memoryview) -> None:
        """Bytes, which are only there until this returns."""

    def ended(self) -> None:
        """The client sends nothing more."""

    def congested(self) -> None:
        """What was written has not all left."""

    def flushed(self) -> None:
        """Now it has."""

    def lost(self) -> None:
        """The stream is closed, by whichever side."""


_NOTHING = memoryview(b"")


class Stream:
    """The bytes of one client. Writing never waits: what the kernel does not take is kept and leaves later."""

    __slots__ = ("_backlog", "_closing", "_loop", "_reader", "_sees_end", "_socket", "_watched")

    def __init__(self, loop: Loop, client: socket.socket, reader: Reader) -> None:
        client.setblocking(False)
        self._loop = loop
        self._socket = client
        self._reader = reader
        self._backlog = _NOTHING
        self._closing = False
        self._sees_end = False  # nothing more can be read
        self._watched = _READ
        loop._selector.register(client, _READ, self._ready)

    @property
    def closing(self) -> bool:
        """Whether it is closed, or will be when all has been written."""
        return self._closing

    @property
    def unsent(self) -> int:
        """The bytes that have not left yet."""
        return len(self._backlog)

    def fileno(self) -> int:
        """The descriptor of the socket, negative once it is closed."""
        return self._socket.fileno()

    def write(self, data: bytes) -> None:
        """Send these bytes, after those that have not left yet."""
        if self._closing:
            return
        if self._backlog:
            self._backlog = memoryview(b"".join((self._backlog, data)))
        elif left := self._send(memoryview(data)):
            self._backlog = left
            self._watch(self._watched | _WRITE)
            self._reader.congested()

    def pause(self) -> None:
        """Read nothing for now."""
        self._watch(self._watched & ~_READ)

    def resume(self) -> None:
        """Read again."""
        if not self._sees_end and not self._closing:
            self._watch(self._watched | _READ)

    def end_writing(self) -> None:
        """Tell the client that nothing more will come; OSError if it is gone. All must have left before."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Close it once everything has left."""
        if self._backlog:
            self._closing = True
            self.pause()
        else:
            self.abort()

    def abort(self, *, reset: bytes = b"") -> None:
        """Close it now; with this value of SO_LINGER."""
        if self._socket.fileno() < 0:
            return
        self._closing = True
        self._backlog = _NOTHING
        self._watch(0)
        if reset:
            with suppress(OSError):  # some systems refuse where the client has reset it already
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        self._socket.close()
        self._loop.call_soon(self._reader.lost)

    def _ready(self, events: int) -> None:
        try:
            if events & _WRITE and self._backlog:
                self._flush()
            if events & self._watched & _READ:
                self._read()
        except Exception:
            log.exception("A connection failed")
            self.abort()

    def _read(self) -> None:
        buffer = self._loop.buffer
        try:
            size = self._socket.recv_into(buffer)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.abort()
            return
        if size:
            self._reader.received(buffer[:size])
            return
        self._sees_end = True
        self.pause()
        self._reader.ended()

    def _flush(self) -> None:
        # An empty rest would keep all that it is the rest of.
        self._backlog = self._send(self._backlog) or _NOTHING
        if self._backlog or self._socket.fileno() < 0:
            return
        self._watch(self._watched & ~_WRITE)
        if self._closing:
            self.abort()
        else:
            self._reader.flushed()

    def _send(self, data: memoryview) -> memoryview:
        """What is left of the data; a client that is gone takes all of it."""
        try:
            return data[self._socket.send(data) :]
        except (BlockingIOError, InterruptedError):
            return data
        except OSError:
            self.abort()
            return data[:0]

    def _watch(self, events: int) -> None:
        if events == self._watched:
            return
        selector = self._loop._selector
        if not events:
            self._loop.unwatch(self._socket)
        elif self._watched:
            selector.modify(self._socket, events, self._ready)
        else:
            selector.register(self._socket, events, self._ready)
        self._watched = events
