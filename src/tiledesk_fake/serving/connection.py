"""One client connection: HTTP/1.1 in, a WSGI call, HTTP/1.1 out.

    Service           what all connections of one running server share
    └── Connection    a client: order of answers, deadlines, delivery
        ├── RequestReader    bytes in, WSGI environs or a refusal out
        └── Gateway          a WSGI environ in, an answer out

This module knows no threads and no listening sockets (see `server`), no Flask and no Tiledesk.
"""

import math
import os
import socket
import struct
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

from . import delivery
from .delivery import Delivery, Drop
from .gateway import Answer, Gateway
from .loop import Loop, Stream, Timer
from .reader import BAD_REQUEST, Limits, Request, RequestReader

REQUEST_TIMEOUT = Answer(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n", b"")
TOO_MANY_CONNECTIONS = Answer(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n", b"")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
NOT_HTTP = b"This is not HTTP.\r\n\r\n"


class Service:
    """What the connections of one running server share: the app, the limits, the loop, and who is connected."""

    # Date is for real clients; held here, it stays real while a test freezes or patches the names in `time`.
    wall = staticmethod(time.time)

    def __init__(self, gateway: Gateway, limits: Limits, loop: Loop) -> None:
        self.gateway = gateway
        self.limits = limits
        self.loop = loop
        self.open: set[Connection] = set()
        self._dated_at: int | None = None
        self._date = b""

    def admit(self, client: socket.socket, peer: tuple[Any, ...]) -> None:
        """Serve a client that has just connected."""
        connection = Connection(self, client, peer)
        self.open.add(connection)
        self.loop.guard(connection)
        if len(self.open) > self.limits.connections:
            connection.turn_away()

    def dismiss(self, connection: "Connection") -> None:
        """Forget a client that is gone."""
        self.open.discard(connection)
        self.loop.guarded.discard(connection)

    def cut_off(self) -> None:
        """Close all connections at once, whatever they are about."""
        for connection in self.open:
            connection.cut_off()

    def cut_off_held(self) -> None:
        """Close the connections whose answer is held back."""
        for connection in self.open:
            if connection.held:
                connection.cut_off()

    def seal(self, answer: Answer, request: Request | None = None) -> bytes:
        """The bytes of an answer; without a request it is the last one of its connection."""
        if request is None or not request.keep_alive:
            persistence = b"Connection: close\r\n\r\n"
        elif request.environ["SERVER_PROTOCOL"] == "HTTP/1.1":
            persistence = b"\r\n"
        else:
            persistence = b"Connection: keep-alive\r\n\r\n"
        now = int(self.wall())
        if now != self._dated_at:
            self._dated_at = now
            self._date = f"Date: {formatdate(now, usegmt=True)}\r\nServer: tiledesk-fake\r\n".encode("ascii")
        return b"".join((answer.head, self._date, persistence, answer.body))


class Connection:
    """One client, from its first byte to the last it gets.

    Requests are answered in the order they came. While one waits for its answer or the client does not take the last,
    at most one more is kept beyond what has arrived already, and no more is read.
    """

    # An RST makes some systems drop what they have received but not handed to the program.
    HEAD_START_S = 0.02

    def __init__(self, service: Service, client: socket.socket, peer: tuple[Any, ...]) -> None:
        self._service = service
        self._reader = RequestReader(service.gateway.environ_for(peer), service.limits)
        self._stream = Stream(service.loop, client, self)
        self._delayed: Timer | None = None  # what will happen to the current answer
        self._congested = False  # the kernel takes no more of what has been written
        self._when_flushed: Callable[[], None] | None = None
        self._deaf = False  # nothing the client sends matters any more
        self._half_closed = False  # the client sends nothing more
        self._timed_request = 0
        self._unsent = 0
        self._give(service.limits.idle_s, self._hang_up)

    def _give(self, seconds: float, on_deadline: Callable[[], None]) -> None:
        """From now on there are so many seconds before `on_deadline`."""
        self.deadline = self._service.loop.monotonic() + seconds
        self.on_deadline = on_deadline

    # What the stream calls.

    def received(self, data: memoryview) -> None:
        if not self._deaf:
            self._reader.feed(data)
            self._advance()

    def ended(self) -> None:
        self._half_closed = True
        if self._deaf and self._when_flushed is None and self._delayed is None:
            self._hang_up()
        elif not self._deaf:
            if self._reader.underway:
                self._reader.refuse(BAD_REQUEST)
            self._advance()

    def congested(self) -> None:
        self._congested = True
        self._expect_progress()

    def flushed(self) -> None:
        self._congested = False
        action, self._when_flushed = self._when_flushed, None
        if action:
            action()
        elif not self._deaf:
            self._advance()

    def lost(self) -> None:
        self._deaf = True
        if self._delayed:
            self._delayed.cancel()
        self._service.dismiss(self)
        self._reader.close()
        del self._stream, self.on_deadline  # they refer back

    # What the service calls.

    def turn_away(self) -> None:
        self._reader.refuse(TOO_MANY_CONNECTIONS)
        self._advance()

    def cut_off(self) -> None:
        self._stream.abort()

    @property
    def held(self) -> bool:
        """Whether the client waits for an answer that comes late or never, for which it has all the time there is."""
        return self.deadline == math.inf

    def fileno(self) -> int:
        """The descriptor of the socket, negative once it is closed."""
        return self._stream.fileno()

    # Reading and answering.

    def _advance(self) -> None:
        """Answer what can be answered, then wait for what is missing."""
        arrived = self._reader.arrived
        while arrived and not (self._delayed or self._congested or self._deaf or self._stream.closing):
            item = arrived.popleft()
            if isinstance(item, Answer):
                self._stream.write(self._service.seal(item))
                self._finish()
            else:
                self._answer(item)
        if self._deaf or self._stream.closing:
            return
        if self._delayed or self._congested:
            if arrived:
                self._stream.pause()
            return
        if self._half_closed:
            self._hang_up()
            return
        self._stream.resume()
        self._await_request()

    def _await_request(self) -> None:
        reader, limits = self._reader, self._service.limits
        if reader.awaits_continue:
            reader.awaits_continue = False
            self._stream.write(CONTINUE)
        if not reader.underway:
            self._give(limits.idle_s, self._hang_up)
        elif reader.begun != self._timed_request:  # each request is timed once, however often a byte of it arrives
            self._timed_request = reader.begun
            self._give(limits.request_s, self._time_out)

    def _time_out(self) -> None:
        self._reader.refuse(REQUEST_TIMEOUT)
        self._advance()

    def _answer(self, request: Request) -> None:
        wish = request.environ[delivery.KEY] = Delivery()
        answer = self._service.gateway(request.environ)
        if answer is None or wish.drop == "silence":
            self._hold()
        elif wish.delay_s > 0:
            self.deadline = math.inf
            self._delayed = self._service.loop.call_later(
                wish.delay_s, lambda: self._deliver_late(request, answer, wish.drop)
            )
        else:
            self._deliver(request, answer, wish.drop)

    def _deliver_late(self, request: Request, answer: Answer, drop: Drop | None) -> None:
        self._delayed = None
        self._deliver(request, answer, drop)
        self._advance()

    def _deliver(self, request: Request, answer: Answer, drop: Drop | None) -> None:
        message = self._service.seal(answer, request)
        if drop is None:
            self._stream.write(message)
            if not request.keep_alive:
                self._finish()
        elif drop == "malformed":
            self._stream.write(NOT_HTTP)
            self._finish()
        elif drop == "mid-body":
            # Without a body there is only the head to cut.
            missing = (len(answer.body) + 1) // 2 or len(message) // 2
            self._deaf = True
            self._stream.write(message[:-missing])
            self._once_flushed(self._reset_soon)
        else:
            self._reset()

    # Ways to end.

    def _hang_up(self) -> None:
        self._stream.close()

    def _hold(self) -> None:
        """Say nothing until the client gives up."""
        self._deaf = True
        self.deadline = math.inf
        if self._half_closed:
            self._hang_up()

    def _finish(self) -> None:
        """End after what has been written, in a way that lets the client read it.

        Closing while the client still sends would reset the connection, and a reset destroys answers on their way.
        """
        self._deaf = True
        self._stream.resume()
        self._once_flushed(self._linger)

    def _linger(self) -> None:
        if self._half_closed:
            self._hang_up()
            return
        try:
            self._stream.end_writing()
        except OSError:  # the client has gone already
            self._stream.abort()
            return
        self._give(self._service.limits.linger_s, self._hang_up)

    def _reset_soon(self) -> None:
        self._delayed = self._service.loop.call_later(self.HEAD_START_S, self._reset)

    def _reset(self) -> None:
        self._deaf = True
        self._stream.abort(reset=_RESET_ON_CLOSE)

    # Clients that do not read.

    def _once_flushed(self, action: Callable[[], None]) -> None:
        if self._congested:
            self._when_flushed = action
        else:
            action()

    def _expect_progress(self) -> None:
        self._unsent = self._stream.unsent
        self._give(self._service.limits.write_s, self._check_progress)

    def _check_progress(self) -> None:
        if self._stream.unsent < self._unsent:
            self._expect_progress()
        else:
            self._stream.abort()


# struct linger: on, for 0 seconds. Windows has shorts there.
_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
