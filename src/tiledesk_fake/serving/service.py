"""What the connections of one running server share."""

import logging
from typing import Protocol
from wsgiref.handlers import format_date_time

from .. import realtime
from ..log import log
from .gateway import Gateway, Outgoing
from .limits import Limits, room_for
from .loop import Guarded, Loop
from .reader import Incoming
from .rejection import TOO_MANY_CONNECTIONS, OnRefused, Rejection
from .stream import MakeStream, Stream


class Client(Guarded, Protocol):
    """A client that is connected."""

    @property
    def held(self) -> bool:
        """Whether it waits for an answer that comes late or never."""

    def cut_off(self) -> None:
        """Close the connection at once."""

    def fileno(self) -> int:
        """The descriptor of the socket, negative once it is closed."""


class Service:
    """What the connections of one running server share: the app, the limits, the loop, and who is connected."""

    # Date is for real clients, so it is real while a test freezes or patches the time.
    wall = staticmethod(realtime.now)

    def __init__(
        self,
        gateway: Gateway,
        limits: Limits,
        loop: Loop,
        on_refused: OnRefused | None = None,
        make_stream: MakeStream = Stream,
    ) -> None:
        self.gateway = gateway
        self.limits = limits
        self.loop = loop
        self.make_stream = make_stream
        self.open: set[Client] = set()
        self._room = room_for(limits.connections)
        self._on_refused = on_refused
        self._dated: tuple[int | None, str] = (None, "")

    def admit(self, client: "Client") -> bool:
        """Take up a client that has just connected; whether there is room for it."""
        self.open.add(client)
        self.loop.guard(client)
        return len(self.open) <= self._room

    def dismiss(self, client: "Client") -> None:
        """Forget a client that is gone."""
        self.open.discard(client)
        self.loop.guarded.discard(client)

    def cut_off(self) -> None:
        """Close all connections at once, whatever they are about."""
        for client in self.open:
            client.cut_off()

    def cut_off_held(self) -> None:
        """Close the connections whose answer is held back."""
        for client in self.open:
            if client.held:
                client.cut_off()

    def seal(self, answer: Outgoing, request: Incoming | None = None) -> bytes:
        """The bytes of an answer; without a request it is the last one of its connection."""
        if request is None or not request.keep_alive:
            persistence = "Connection: close\r\n\r\n"
        elif request.environ["SERVER_PROTOCOL"] == "HTTP/1.1":
            persistence = "\r\n"
        else:
            persistence = "Connection: keep-alive\r\n\r\n"
        rest = f"Date: {self._date()}\r\nServer: tiledesk-fake\r\n{persistence}"
        return b"".join((answer.head, rest.encode("ascii"), answer.body))

    def _date(self) -> str:
        # Written once a second, which saves 4 µs of an answer.
        second = int(self.wall())
        if second != self._dated[0]:
            self._dated = second, format_date_time(second)
        return self._dated[1]

    def refuse(self, rejection: Rejection, peer: str) -> bytes:
        """The bytes of a rejection, after the log and the owner of the server have been told."""
        # Too many connections look like an outage to everybody else; the others are one client's own mistake.
        level = logging.WARNING if rejection.status == TOO_MANY_CONNECTIONS.status else logging.INFO
        log.log(level, "refused %s with %d: %s", peer, rejection.status, rejection.reason)
        if self._on_refused:
            try:
                self._on_refused(rejection.reason, rejection.status, peer)
            except Exception:
                log.exception("on_refused failed")
        return self.seal(self.gateway.rejecting(rejection))
