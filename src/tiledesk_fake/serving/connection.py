"""One client connection: HTTP/1.1 in, a WSGI call, HTTP/1.1 out.

    Service           what all connections of one running server share, see `service`
    └── Connection    a client: order of answers, deadlines, delivery
        ├── RequestReader    bytes in, WSGI environs or a rejection out
        └── Gateway          a WSGI environ in, an answer out

What a connection does at each event is in one table, at the end. This module knows no threads and no listening sockets
(see `server`), no Flask and no Tiledesk.
"""

import math
import os
import socket
import struct
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, NamedTuple

from .asking import Asking
from .binding import spell
from .delivery import Drop
from .gateway import Outgoing
from .loop import Timer
from .reader import Incoming, RequestReader
from .rejection import ENDED_EARLY, REQUEST_TIMEOUT, TOO_MANY_CONNECTIONS, Rejection
from .service import Service

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
NOT_HTTP = b"This is not HTTP.\r\n\r\n"


class State(Enum):
    """The state of a connection. The stream knows whether its client has ended."""

    WAITING = auto()  # for the first byte of a request
    RECEIVING = auto()  # the rest of a request
    ASKING = auto()  # an app that takes long, or waits
    DELAYING = auto()  # an answer that a fault holds back
    SENDING = auto()  # an answer, of which the kernel has not taken all; others may follow
    FINISHING = auto()  # the same, of the last answer
    CUTTING = auto()  # the same, of an answer that is to be cut short
    RESETTING = auto()  # in a moment, when the client has read what there is
    LINGERING = auto()  # all is said; until the client closes, or a reset would destroy what it has not read
    HOLDING = auto()  # an answer that never comes
    CLOSED = auto()


class Connection:
    """One client, from its first byte to the last it gets.

    Requests are answered in the order they came. While one waits for its answer or the client does not take the last,
    at most one more is kept beyond what has arrived already, and no more is read.
    """

    # An RST makes some systems drop what they have received but not handed to the program.
    HEAD_START_S = 0.02

    def __init__(self, service: Service, client: socket.socket, peer: tuple[Any, ...]) -> None:
        self._service = service
        self._peer = spell(*peer[:2])
        self._common = service.gateway.environ_for(peer)
        self._reader = RequestReader(self._common, service.limits, service.gateway.ignores, service.gateway.too_large)
        self._stream = service.make_stream(service.loop, client, self)
        self._asking: Asking | None = None  # until the app has answered
        self._timer: Timer | None = None  # for what will happen to the current answer
        self._unsent = 0
        self._become(State.WAITING)

    def _become(self, state: State) -> None:
        self._state = state
        self._conduct = CONDUCT[state]
        limit = self._conduct.limit
        seconds = math.inf if limit is None else getattr(self._service.limits, limit)
        self.deadline = self._service.loop.monotonic() + seconds

    # What the stream and the loop call.

    def received(self, data: memoryview) -> None:
        if self._conduct.listens:
            self._reader.feed(data)
            self._advance()

    def handshook(self) -> None:
        if self._stream.server_name is not None:
            # As Apache's mod_ssl calls it.
            self._common["SSL_TLS_SNI"] = self._stream.server_name
        self._advance()

    def misunderstood(self, rejection: Rejection) -> None:
        self._reader.refuse(rejection)
        self._advance()

    def ended(self) -> None:
        self._conduct.on_end(self)

    def congested(self) -> None:
        self._expect_progress(State.SENDING)

    def flushed(self) -> None:
        self._conduct.on_flushed(self)

    def on_deadline(self) -> None:
        self._conduct.on_deadline(self)

    def lost(self) -> None:
        self._become(State.CLOSED)
        if self._timer:
            self._timer.cancel()
        if self._asking:
            self._asking.give_up()
            self._asking = None
        self._service.dismiss(self)
        self._reader.close()
        del self._stream  # it refers back

    # What the server calls.

    def turn_away(self) -> None:
        self._reader.refuse(TOO_MANY_CONNECTIONS)
        self._advance()

    def cut_off(self) -> None:
        self._abort()

    @property
    def held(self) -> bool:
        """Whether the client waits for an answer that comes late or never."""
        return self._state in (State.ASKING, State.DELAYING, State.HOLDING)

    def fileno(self) -> int:
        """The descriptor of the socket, negative once it is closed."""
        return self._stream.fileno()

    # Reading and answering.

    def _advance(self) -> None:
        """Answer what can be answered, then wait for what is missing."""
        arrived = self._reader.arrived
        while arrived and self._conduct.answers:
            item = arrived.popleft()
            if isinstance(item, Rejection):
                self._write(self._service.refuse(item, self._peer))
                self._finish()
            else:
                self._answer(item)
        if self._conduct.answers:
            if self._stream.ended:
                self._close()
            else:
                self._stream.resume()
                self._await_request()
        elif arrived and self._conduct.listens:
            self._stream.pause()

    def _await_request(self) -> None:
        reader = self._reader
        if not reader.underway and not self._stream.handshaking:
            self._become(State.WAITING)
        elif self._state is not State.RECEIVING:  # a request is timed once, however often a byte of it arrives
            self._become(State.RECEIVING)
        if reader.awaits_continue:
            reader.awaits_continue = False
            self._write(CONTINUE)

    def _end_input(self) -> None:
        if self._reader.underway:
            self._reader.refuse(ENDED_EARLY)
        self._advance()

    def _time_out(self) -> None:
        self._reader.refuse(REQUEST_TIMEOUT)
        self._advance()

    def _answer(self, request: Incoming) -> None:
        self._become(State.WAITING)
        service = self._service
        self._asking = asking = Asking(request, service.gateway, service.loop, self._answered)
        if asking.begin():
            self._take()
        elif self._state is State.WAITING:
            self._become(State.ASKING)
            if self._stream.ended:
                self._end_asking()

    def _end_asking(self) -> None:
        """Close where the app waits: who ends may still read, but nobody waits for long who has ended."""
        if self._asking and self._asking.waits:
            self._close()
        else:
            self._end_input()

    def _answered(self) -> None:
        # The client may have gone meanwhile.
        if self._asking:
            self._become(State.WAITING)
            self._take()
            self._advance()

    def _take(self) -> None:
        """Do with the app's answer what it wishes."""
        asking, self._asking = self._asking, None
        assert asking
        request, answer, wish = asking.request, asking.answer, asking.wish
        if answer is None or wish.drop == "silence":
            self._hold()
        elif wish.delay_s > 0:
            self._become(State.DELAYING)
            self._timer = self._service.loop.call_later(
                wish.delay_s, lambda: self._deliver_late(request, answer, wish.drop)
            )
        else:
            self._deliver(request, answer, wish.drop)

    def _deliver_late(self, request: Incoming, answer: Outgoing, drop: Drop | None) -> None:
        self._become(State.WAITING)
        self._deliver(request, answer, drop)
        self._advance()

    def _deliver(self, request: Incoming, answer: Outgoing, drop: Drop | None) -> None:
        message = self._service.seal(answer, request)
        if drop is None or drop == "after-answer":
            self._write(message)
            if drop or not request.keep_alive:
                self._finish()
        elif drop == "malformed":
            self._write(NOT_HTTP)
            self._finish()
        elif drop == "mid-body":
            # Without a body there is only the head to cut.
            missing = (len(answer.body) + 1) // 2 or len(message) // 2
            self._write(message[:-missing])
            self._once_flushed(State.CUTTING)
        else:
            self._reset()

    def _write(self, data: bytes) -> None:
        self._stream.write(data)
        if self._stream.closing:  # the client is gone
            self._become(State.CLOSED)

    # Ways to end.

    def _close(self) -> None:
        self._stream.close()
        self._become(State.CLOSED)

    def _abort(self, *, reset: bytes = b"") -> None:
        self._stream.abort(reset=reset)
        self._become(State.CLOSED)

    def _hold(self) -> None:
        """Say nothing until the client gives up."""
        if self._stream.ended:
            self._close()
        else:
            self._become(State.HOLDING)

    def _finish(self) -> None:
        """End after what has been written, in a way that lets the client read it.

        Closing while the client still sends would reset the connection, and a reset destroys answers on their way.
        """
        self._stream.resume()
        self._once_flushed(State.FINISHING)

    def _linger(self) -> None:
        if self._stream.ended:
            self._close()
            return
        try:
            self._stream.end_writing()
        except OSError:  # the client has gone already
            self._abort()
        else:
            self._become(State.LINGERING)

    def _reset_soon(self) -> None:
        self._become(State.RESETTING)
        self._timer = self._service.loop.call_later(self.HEAD_START_S, self._reset)

    def _reset(self) -> None:
        self._abort(reset=_RESET_ON_CLOSE)

    # Clients that do not read.

    def _once_flushed(self, state: State) -> None:
        """Be in this state until all has left, which may be now."""
        if self._state is State.CLOSED:
            return
        congested = self._state is State.SENDING
        self._expect_progress(state)
        if not congested:
            self.flushed()

    def _expect_progress(self, state: State) -> None:
        self._unsent = self._stream.unsent
        self._become(state)

    def _check_progress(self) -> None:
        if self._stream.unsent < self._unsent:
            self._expect_progress(self._state)
        else:
            self._abort()

    def _resume(self) -> None:
        self._become(State.WAITING)
        self._advance()

    def _nothing(self) -> None:
        pass


class Conduct(NamedTuple):
    """What a connection does in a state."""

    answers: bool  # the next request, when it is complete
    listens: bool  # to what the client sends; else that is read and ignored
    limit: str | None  # how long it may last
    on_deadline: Callable[[Connection], None]  # it has lasted that long
    on_flushed: Callable[[Connection], None]  # all that was written has left
    on_end: Callable[[Connection], None]  # the client sends nothing more


_C = Connection
# fmt: off
CONDUCT: dict[State, Conduct] = {
    #                          answers listens limit        on_deadline         on_flushed      on_end
    State.WAITING:    Conduct(True,  True,   "idle_s",    _C._close,          _C._nothing,    _C._end_input),
    State.RECEIVING:  Conduct(True,  True,   "request_s", _C._time_out,       _C._nothing,    _C._end_input),
    State.ASKING:     Conduct(False, True,   None,        _C._nothing,        _C._nothing,    _C._end_asking),
    State.DELAYING:   Conduct(False, True,   None,        _C._nothing,        _C._nothing,    _C._end_input),
    State.SENDING:    Conduct(False, True,   "write_s",   _C._check_progress, _C._resume,     _C._end_input),
    State.FINISHING:  Conduct(False, False,  "write_s",   _C._check_progress, _C._linger,     _C._nothing),
    State.CUTTING:    Conduct(False, False,  "write_s",   _C._check_progress, _C._reset_soon, _C._nothing),
    State.RESETTING:  Conduct(False, False,  None,        _C._nothing,        _C._nothing,    _C._nothing),
    State.LINGERING:  Conduct(False, False,  "linger_s",  _C._close,          _C._nothing,    _C._close),
    State.HOLDING:    Conduct(False, False,  None,        _C._nothing,        _C._nothing,    _C._close),
    State.CLOSED:     Conduct(False, False,  None,        _C._nothing,        _C._nothing,    _C._nothing),
}
# fmt: on

# struct linger: on, for 0 seconds. Windows has shorts there.
_RESET_ON_CLOSE = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
