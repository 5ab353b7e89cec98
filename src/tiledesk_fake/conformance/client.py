"""One request, exactly as given, and its answer: the only place that talks to a server.

Everything passes the guard first. No redirect is followed, no cookie kept, no proxy used, and targets and header values
go out byte for byte, so that `%2F` and odd credentials arrive as they were meant. Nothing is sent a second time.
"""

import http.client
import json
import select
import ssl
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .address import Address
from .guard import Guard

Headers = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request with its answer; `target` is raw and starts with the base path.

    Without an answer `status` is None, and `failure` says what happened instead.
    """

    method: str
    target: str
    sent: tuple[tuple[str, str], ...]
    status: int | None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    failure: str = ""

    def values(self, header: str) -> list[str]:
        """All values of a header of the answer, by its name in any case."""
        return [value for name, value in self.headers if name.lower() == header.lower()]

    @property
    def media_type(self) -> str | None:
        """The media type of the answer without its parameters, None if it names none."""
        values = self.values("Content-Type")
        return values[0].partition(";")[0].strip().lower() if values else None

    @property
    def json(self) -> Any:
        """The body as JSON; raises ValueError if it is none."""
        try:
            return json.loads(self.body)
        except RecursionError:
            raise ValueError("nested too deeply to be read") from None

    @property
    def summary(self) -> str:
        """What came back, in a few words: status, media type and the beginning of the body."""
        if self.status is None:
            return self.failure
        text = self.body.decode("utf-8", "replace")
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(self.body)} bytes)"
        return " ".join(filter(None, [str(self.status), self.media_type, shown]))


_SHOWN = 300


class Client:
    """Sends requests below one base URL, each thread over a connection of its own.

    Raises CannotCheck for a URL that is no http or https URL, and what the guard raises for a request it refuses.
    """

    def __init__(self, url: str, guard: Guard, *, timeout_s: float = 10.0) -> None:
        address = Address.parse(url)
        self.url, self.origin, self.base_path = address.url, address.origin, address.base_path
        self._host, self._port, self._netloc = address.host, address.port, address.netloc
        self._tls = ssl.create_default_context() if address.encrypted else None
        self._guard = guard
        self._timeout_s = timeout_s
        self._own = threading.local()
        self._connections: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    def send(self, method: str, target: str, headers: Headers = (), body: bytes = b"") -> Exchange:
        """The answer to a request; `target` is the raw target below the base path."""
        return self.send_raw(method, self.base_path + target, headers, body)

    def send_raw(self, method: str, target: str, headers: Headers = (), body: bytes = b"") -> Exchange:
        """As `send`, with the whole raw target."""
        sent = tuple(headers)
        self._guard.permit(method, target, sent, body)
        exchange = self._exchange(method, target, sent, body)
        self._guard.note(exchange.body)
        return exchange

    def _exchange(self, method: str, target: str, sent: tuple[tuple[str, str], ...], body: bytes) -> Exchange:
        # Only reading goes over a connection that was used before: a server may close it at any moment, and a
        # revocation that was lost that way could not be told from one that the server swallowed.
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
            response = connection.getresponse()
            received = response.read()
        except (OSError, http.client.HTTPException) as problem:
            connection.close()
            return Exchange(method, target, sent, None, failure=self._said(problem))
        return Exchange(method, target, sent, response.status, tuple(response.getheaders()), received)

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
        # What can be read before a request was sent is the end of the connection, or the rest of a wrong answer.
        if connection.sock is not None and (fresh or select.select([connection.sock], [], [], 0)[0]):
            connection.close()
        return connection

    def _said(self, problem: Exception) -> str:
        if isinstance(problem, TimeoutError):
            return f"no answer within {self._timeout_s:g} s"
        if isinstance(problem, http.client.RemoteDisconnected):
            return "no answer: the server closed the connection"
        if isinstance(problem, http.client.IncompleteRead):
            return f"half an answer: {len(problem.partial)} bytes of its body"
        reason = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
        return f"no answer: {reason}"
