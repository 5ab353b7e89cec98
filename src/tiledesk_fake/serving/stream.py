"""The bytes of one client, in both directions, on a socket that never makes anybody wait.

This module knows no HTTP. Which sockets are ready is the matter of `loop`.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from ..log import log_bug
from .loop import READ, WRITE, Loop
from .rejection import Rejection


class Owner(Protocol):
    """The owner of a stream: it receives the data, and is told of the stream's state."""

    def received(self, data: memoryview) -> None:
        """Bytes, which are only there until this returns."""

    def handshook(self) -> None:
        """A handshake began, or is complete; `handshaking` says which."""

    def misunderstood(self, rejection: Rejection) -> None:
        """The client does not speak as this stream does, so nothing that it sends can be read."""

    def ended(self) -> None:
        """The client sends nothing more."""

    def congested(self) -> None:
        """The stream could not send all that was written."""

    def flushed(self) -> None:
        """The stream has now sent all that was written."""

    def lost(self) -> None:
        """The stream is closed, by whichever side."""


_NOTHING = memoryview(b"")


class Stream:
    """The bytes of one client. Writing never waits: what the kernel does not take is kept and leaves later."""

    __slots__ = ("_backlog", "_closing", "_ended", "_loop", "_owner", "_socket", "_watched")

    def __init__(self, loop: Loop, client: socket.socket, owner: Owner) -> None:
        client.setblocking(False)
        self._loop = loop
        self._socket = client
        self._owner = owner
        self._backlog = _NOTHING
        self._closing = False
        self._ended = False
        self._watched = READ
        loop.watch(client, self._ready)

    # A stream that is encrypted has more to say of both.
    handshaking = False
    server_name: str | None = None

    @property
    def closing(self) -> bool:
        """Whether it is closed, or will be when all has been written."""
        return self._closing

    @property
    def ended(self) -> bool:
        """Whether the client sends nothing more."""
        return self._ended

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
            self._watch(self._watched | WRITE)
            self._owner.congested()

    def pause(self) -> None:
        """Read nothing for now."""
        self._watch(self._watched & ~READ)

    def resume(self) -> None:
        """Read again."""
        if not self._ended and not self._closing:
            self._watch(self._watched | READ)

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
        self._loop.call_soon(self._owner.lost)

    def _ready(self, events: int) -> None:
        try:
            if events & WRITE and self._backlog:
                self._flush()
            if events & self._watched & READ:
                self._read()
        except Exception:
            self._break_down()

    def _break_down(self) -> None:
        log_bug("A connection failed")
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
            self._arrived(buffer[:size])
        else:
            self._arrived_all()

    def _arrived(self, data: memoryview) -> None:
        self._owner.received(data)

    def _arrived_all(self) -> None:
        self._ended = True
        self.pause()
        self._owner.ended()

    def _flush(self) -> None:
        # An empty rest would keep all that it is the rest of.
        self._backlog = self._send(self._backlog) or _NOTHING
        if self._backlog or self._socket.fileno() < 0:
            return
        self._watch(self._watched & ~WRITE)
        if self._closing:
            self.abort()
        else:
            self._owner.flushed()

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
        if not events:
            self._loop.unwatch(self._socket)
        elif self._watched:
            self._loop.rewatch(self._socket, self._ready, events)
        else:
            self._loop.watch(self._socket, self._ready, events)
        self._watched = events


MakeStream = Callable[[Loop, socket.socket, Owner], Stream]
"""What makes the stream of a client that has just connected."""
