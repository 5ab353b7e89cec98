"""One request, exactly as given, and its answer: the only place that talks to a server.

Everything passes the guard first. No redirect is followed, no cookie kept, no proxy used, and targets and header values
go out byte for byte, so that `%2F` and odd credentials arrive as they were meant. Nothing is sent a second time.

The server may be broken or hostile: an answer has a limited time and size, whatever it announces, and is not decoded.
"""

import http.client
import io
import select
import socket
import ssl
import threading
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from .. import realtime
from .address import Address
from .credentials import Redaction
from .guard import Guard
from .reply import Reply, cut

Headers = Iterable[tuple[str, str]]

MOST_BYTES = 16 * 1024**2
"""A longer answer, its head included, is not read to its end; forty records are some 20,000 bytes."""

_PIECE = 65536


class _TooLong(Exception):
    """An answer is longer than MOST_BYTES, or announces it."""


class _Incoming(io.RawIOBase):
    """The bytes that a server sends, until a deadline and up to MOST_BYTES."""

    def __init__(self, sock: socket.socket, deadline_s: float) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline_s = deadline_s
        self._left = MOST_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        remaining_s = self._deadline_s - realtime.elapsed()
        if remaining_s <= 0:
            raise TimeoutError
        if self._left <= 0:
            raise _TooLong
        # Without it, one byte now and then would keep the connection busy for ever.
        self._sock.settimeout(remaining_s)
        number = self._raw.readinto(buffer)
        self._left -= number or 0
        return number

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """A response that is read within limits."""

    def __init__(self, sock: socket.socket, *arguments: Any, deadline_s: float, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_Incoming(sock, deadline_s))

    def whole_body(self) -> bytes:
        """The body, in pieces: a length that is announced is no reason to make room for it."""
        # None where the server announces no length.
        length: int | None = self.length
        if length is not None and length > MOST_BYTES:
            raise _TooLong
        pieces = []
        try:
            while piece := self.read(_PIECE):
                pieces.append(piece)
        except http.client.IncompleteRead as half:
            raise http.client.IncompleteRead(b"".join([*pieces, half.partial])) from None
        body = b"".join(pieces)
        if length is not None and len(body) < length:
            raise http.client.IncompleteRead(body, length - len(body))
        return body


# Python's client trusts the lengths that a server announces, and fails on odd ones in these ways.
_BROKEN = (OSError, http.client.HTTPException, _TooLong, ValueError, OverflowError, MemoryError)


class Client:
    """Sends requests below one base URL, each thread over a connection of its own.

    Raises CannotCheck for a URL that is no http or https URL, and what the guard raises for a request it refuses.
    Replies show none of the secrets that `redact` knows.
    """

    def __init__(self, url: str, guard: Guard, *, timeout_s: float = 10.0, redact: Redaction | None = None) -> None:
        address = Address.parse(url)
        self.url, self.origin, self.base_path = address.url, address.origin, address.base_path
        self._host, self._port, self._netloc = address.host, address.port, address.netloc
        self._tls = ssl.create_default_context() if address.encrypted else None
        self.guard = guard
        self.redact = Redaction() if redact is None else redact
        self._timeout_s = timeout_s
        self._own = threading.local()
        self._connections: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    def send(self, method: str, target: str, headers: Headers = (), body: bytes = b"") -> Reply:
        """The answer to a request; `target` is the raw target below the base path."""
        return self.send_raw(method, self.base_path + target, headers, body)

    def send_raw(self, method: str, target: str, headers: Headers = (), body: bytes = b"") -> Reply:
        """As `send`, with the whole raw target."""
        sent = tuple(headers)
        self.guard.permit(method, target, sent, body)
        reply = self._exchange(method, target, sent, body)
        self.guard.note(reply.body)
        return replace(reply, failure=cut(self.redact(reply.failure)), hide=self.redact.hide)

    def _exchange(self, method: str, target: str, sent: tuple[tuple[str, str], ...], body: bytes) -> Reply:
        # A server may close a kept connection at any moment, and a revocation that is lost that way looks like one
        # that the server swallowed. So only reading goes over a connection that was used before.
        connection = self._connection(fresh=method not in ("GET", "HEAD", "OPTIONS"))
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in (
                ("Host", self._netloc),
                ("Accept", "*/*"),
                ("User-Agent", "tiledesk-fake-check"),
                *sent,
            ):
                connection.putheader(name, value.encode("latin-1", "replace"))
            if body or method in ("POST", "PUT", "PATCH"):
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
        except (OSError, http.client.HTTPException) as problem:
            connection.close()
            return Reply(method, target, sent, None, failure=self._said(problem))
        except ValueError:
            # The request cannot be sent, and the connection is in the middle of it.
            connection.close()
            raise
        deadline_s = realtime.elapsed() + self._timeout_s
        connection.response_class = partial(_Response, deadline_s=deadline_s)  # type: ignore[assignment]
        response: Any = None
        try:
            response = connection.getresponse()
            received = response.whole_body()
        except _BROKEN as problem:
            connection.close()
            if response is not None:
                response.close()
            return Reply(method, target, sent, None, failure=self._said(problem, begun=response is not None))
        return Reply(method, target, sent, response.status, tuple(response.getheaders()), received)

    def close(self) -> None:
        """Close all connections; the client may be used again."""
        with self._lock:
            for connection in self._connections:
                connection.close()

    def _connection(self, *, fresh: bool) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            if self._tls is None:
                connection = http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)
            else:
                connection = http.client.HTTPSConnection(
                    self._host, self._port, timeout=self._timeout_s, context=self._tls
                )
            self._own.connection = connection
            with self._lock:
                self._connections.append(connection)
        # Bytes that arrive before a request was sent are the end of the connection or the rest of a wrong answer.
        if connection.sock is not None and (fresh or select.select([connection.sock], [], [], 0)[0]):
            connection.close()
        if connection.sock is not None:
            # The deadline of the last answer has changed the timeout.
            connection.sock.settimeout(self._timeout_s)
        return connection

    def _said(self, problem: Exception, *, begun: bool = False) -> str:
        if isinstance(problem, TimeoutError):
            return f"no {'whole ' * begun}answer within {self._timeout_s:g} s"
        if isinstance(problem, _TooLong):
            return f"no whole answer: more than {MOST_BYTES // 1024**2} MB"
        if isinstance(problem, ValueError | OverflowError | MemoryError):
            return "no whole answer: its length makes no sense"
        if isinstance(problem, http.client.RemoteDisconnected):
            return "no answer: the server closed the connection"
        if isinstance(problem, http.client.IncompleteRead):
            return f"half an answer: {len(problem.partial)} bytes of its body"
        reason = getattr(problem, "strerror", None) or str(problem).strip() or type(problem).__name__
        return f"no answer: {reason}"
