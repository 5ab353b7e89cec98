"""One client connection: HTTP/1.1 in, a WSGI call, HTTP/1.1 out.

    Service           what all connections of one running server share
    └── Connection    a client: order of answers, deadlines, delivery
        ├── RequestReader    bytes in, WSGI environs or a refusal out
        └── Gateway          a WSGI environ in, an answer out

This module knows no threads and no listening sockets (see `server`), no Flask and no Tiledesk. It parses nothing
itself: that is done by llhttp (through httptools), the parser inside Node and so the one in front of the real Tiledesk
server. Where llhttp is more lenient than RFC 9112, `RequestReader` adds the missing check.
"""

import io
import math
import os
import socket
import struct
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn
from urllib.parse import unquote, urlsplit
from wsgiref.types import WSGIApplication, WSGIEnvironment

import httptools

from . import delivery
from .delivery import Delivery, Drop
from .errors import NoAnswer
from .log import log
from .loop import READ_BYTES, Loop, Stream, Timer


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may ask of the server."""

    # Request line, headers and trailers, each header counted as `Name: value` with its line end. As in Node.
    head_bytes: int = 16_384
    # As the body parser of the real server.
    body_bytes: int = 512_000
    # Open at a time; any more are answered 503.
    connections: int = 1_000
    # From the first byte of a request to its last.
    request_s: float = 5.0
    # Without a request.
    idle_s: float = 75.0
    # Without the client taking a byte of its answer.
    write_s: float = 5.0
    # After the last answer, for reading and ignoring what the client still sends.
    linger_s: float = 2.0


class Answer(NamedTuple):
    """Status line and headers, each with its line end, and the body; `Service.seal` adds what depends on the moment."""

    head: bytes
    body: bytes


class Request(NamedTuple):
    """A complete request, and whether its connection outlives the answer."""

    environ: WSGIEnvironment
    keep_alive: bool


# Answers made without the app. Without a body, as Node makes them.
BAD_REQUEST = Answer(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n", b"")
REQUEST_TIMEOUT = Answer(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n", b"")
HEAD_TOO_LARGE = Answer(b"HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\n", b"")
TOO_MANY_CONNECTIONS = Answer(b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n", b"")
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
NOT_HTTP = b"This is not HTTP.\r\n\r\n"


class RequestReader:
    """Turns the bytes of one connection into complete requests, and into one refusal where the bytes forbid more.

    Both are left in `arrived`, in the order of the connection. The reader holds at most one unfinished request, which
    cannot outgrow the limits.
    """

    def __init__(self, template: WSGIEnvironment, limits: Limits) -> None:
        self.arrived: deque[Request | Answer] = deque()
        self.begun = 0  # requests of which a first byte has come
        self.underway = False  # the last of them is not complete
        self.ended = False  # no further request can come
        self.awaits_continue = False  # the client holds its body back until it hears `100 Continue`
        self._template = template
        self._limits = limits
        self._parser = httptools.HttpRequestParser(self)
        self._verdict = BAD_REQUEST  # on what the parser or a callback raises next
        self._barren_bytes = 0  # read since the last byte of a body, beyond the read in which the request began

    def feed(self, data: memoryview) -> None:
        if self.underway:
            self._barren_bytes += len(data)
        while not self.ended:
            try:
                self._parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                data = data[upgrade.args[0] :]
                if self.underway:
                    self._read_body_despite_upgrade()
                continue
            except httptools.HttpParserError:
                self.refuse(self._verdict)
            else:
                # A head, trailer or chunk extension without end yields nothing to measure but its bytes.
                if self._barren_bytes > self._limits.head_bytes:
                    self.refuse(HEAD_TOO_LARGE)
            return

    def refuse(self, answer: Answer) -> None:
        """Make `answer` the last one of this connection, unless its last request has arrived."""
        if not self.ended:
            self.arrived.append(answer)
            self._end()

    def close(self) -> None:
        """Let go of everything at once: reader and parser refer to each other, and a body may hang on them."""
        vars(self).clear()

    def _end(self) -> None:
        self.ended, self.underway, self.awaits_continue = True, False, False

    def _fail(self, verdict: Answer) -> NoReturn:
        self._verdict = verdict
        raise httptools.HttpParserError

    def _read_body_despite_upgrade(self) -> None:
        """Go on with a parser that never saw `Upgrade`: llhttp takes whatever follows that header for another protocol.

        Clients offer HTTP/2 that way on requests with a body (Java's HttpClient does by default) and expect an HTTP/1.1
        answer from a server that has none.
        """
        length = self._environ.get("CONTENT_LENGTH")
        framing = f"Content-Length: {length}" if length else "Transfer-Encoding: chunked"
        self._parser = httptools.HttpRequestParser(_BodyCallbacks(self.on_body, self.on_message_complete))
        self._parser.feed_data(f"POST / HTTP/1.1\r\nConnection: close\r\n{framing}\r\n\r\n".encode("ascii"))

    # What httptools calls, in this order.

    def on_message_begin(self) -> None:
        self.begun += 1
        self.underway = True
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = io.BytesIO()

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        # A head that came in few reads cannot be too large, so most are not measured.
        if self._barren_bytes + READ_BYTES > self._limits.head_bytes:
            self._check_head_size()
        method, version = self._parser.get_method(), self._parser.get_http_version()
        environ = self._environ = self._template.copy()
        self._add_headers(environ)
        if method == b"CONNECT" or version not in ("1.1", "1.0") or (version == "1.1" and "HTTP_HOST" not in environ):
            self._fail(BAD_REQUEST)
        environ["REQUEST_METHOD"] = method.decode("ascii")
        environ["SERVER_PROTOCOL"] = "HTTP/" + version
        _set_target(environ, self._target.decode("latin-1"))

        coding = environ.pop("HTTP_TRANSFER_ENCODING", None)
        if coding is not None and (version == "1.0" or coding.lower() != "chunked"):
            self._fail(BAD_REQUEST)
        length = int(environ.get("CONTENT_LENGTH", "0"))
        if length > self._limits.body_bytes:
            self._fail(_body_too_large(self._limits.body_bytes))
        self._has_body = coding is not None or length > 0
        self.awaits_continue = version == "1.1" and environ.get("HTTP_EXPECT", "").lower() == "100-continue"

    def _check_head_size(self) -> None:
        request_line = len(self._parser.get_method()) + len(self._target) + len("  HTTP/1.1\r\n")
        lines = sum(len(name) + len(value) + len(": \r\n") for name, value in self._headers)
        if request_line + lines + len("\r\n") > self._limits.head_bytes:
            self._fail(HEAD_TOO_LARGE)

    def _add_headers(self, environ: WSGIEnvironment) -> None:
        for name, value in self._headers:
            key = _environ_key(name) if len(name) <= _LONGEST_REMEMBERED else _new_environ_key(name)
            if key is None:
                continue
            text = value.decode("latin-1").strip(" \t")
            if key not in environ:
                environ[key] = text
            elif key == "HTTP_HOST":
                self._fail(BAD_REQUEST)
            elif key != "HTTP_AUTHORIZATION":  # of those Node keeps the first
                environ[key] += "," + text

    def on_body(self, part: bytes) -> None:
        self._barren_bytes = 0
        self.awaits_continue = False
        self._body.write(part)
        if self._body.tell() > self._limits.body_bytes:
            self._fail(_body_too_large(self._limits.body_bytes))

    def on_message_complete(self) -> None:
        if self._has_body and self._parser.should_upgrade():
            return  # the body is still to come, see `_read_body_despite_upgrade`
        environ, body = self._environ, self._body
        if self._has_body:
            self._check_head_size()  # now with the trailers
            environ["CONTENT_LENGTH"] = str(body.tell())
            body.seek(0)
        environ["wsgi.input"] = body
        del self._environ, self._body, self._headers  # an idle connection keeps nothing of its last request
        self._barren_bytes = 0
        self.underway = self.awaits_continue = False
        keep_alive = self._parser.should_keep_alive()
        self.arrived.append(Request(environ, keep_alive))
        if not keep_alive:
            self._end()


class _BodyCallbacks(NamedTuple):
    """A protocol for httptools that hears nothing of the head."""

    on_body: Callable[[bytes], None]
    on_message_complete: Callable[[], None]


# Longer names are not remembered, so that they take no memory to speak of.
_LONGEST_REMEMBERED = 64


def _new_environ_key(name: bytes) -> str | None:
    """The WSGI key of a header; None for headers that must not reach an app.

    In WSGI `X_A` and `X-A` are one key, so a client could pass the one off as the other; and CGI programs take a
    `Proxy` header for the variable HTTP_PROXY.
    """
    if b"_" in name:
        return None
    key = name.decode("ascii").upper().replace("-", "_")
    if key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        return key
    return None if key == "PROXY" else "HTTP_" + key


_environ_key = lru_cache(maxsize=256)(_new_environ_key)


def _set_target(environ: WSGIEnvironment, target: str) -> None:
    """Add all that follows from the request target; ValueError for one that names no place on an HTTP server."""
    environ["RAW_URI"] = environ["REQUEST_URI"] = target
    path, _, query = target.partition("#")[0].partition("?")
    if not target.startswith(("/", "*")):
        url = urlsplit(target)
        if url.scheme not in ("http", "https") or not url.hostname or url.port == 0:
            raise ValueError
        # RFC 9112, 3.2.2: the authority of an absolute target overrides the Host header.
        environ["HTTP_HOST"] = url.netloc.rpartition("@")[2]
        path = url.path or "/"
    environ["PATH_INFO"] = unquote(path, "latin-1") if "%" in path else path
    environ["QUERY_STRING"] = query


class Gateway:
    """Calls a WSGI app with what every environ has in common, and collects its answer."""

    def __init__(self, app: WSGIApplication, host: str, port: int) -> None:
        self._app = app
        self._common: WSGIEnvironment = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "SERVER_SOFTWARE": "tiledesk-fake",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": _ERRORS_TO_LOG,
            "wsgi.input_terminated": True,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }

    def environ_for(self, peer: tuple[Any, ...] | None) -> WSGIEnvironment:
        """The part of the environ that all requests of one client share."""
        address, port = peer[:2] if peer else ("", "")
        return self._common | {"REMOTE_ADDR": address, "REMOTE_PORT": str(port)}

    def __call__(self, environ: WSGIEnvironment) -> Answer | None:
        """The app's answer; None if it gives none on purpose; the fixed 500 if it breaks."""
        start_response = _StartResponse()
        method = environ["REQUEST_METHOD"]
        try:
            parts = self._app(environ, start_response)
            try:
                body = b"".join(parts)
            finally:
                if hasattr(parts, "close"):
                    parts.close()
            return start_response.answer(body, method)
        except NoAnswer:
            return None
        # Even SystemExit, or a pytest.fail() inside a view: it would end the thread that serves everybody.
        except BaseException:
            log.exception("The app raised instead of answering")
            return _INTERNAL_ERROR_TO_HEAD if method == "HEAD" else _INTERNAL_ERROR


class _StartResponse:
    """Takes down what the app says. Nothing is sent before the app is done, so it may change its mind until then."""

    __slots__ = ("_said", "_written")

    def __init__(self) -> None:
        self._said: tuple[str, list[tuple[str, str]]] | None = None
        self._written: list[bytes] = []

    def __call__(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None, /
    ) -> Callable[[bytes], object]:
        self._said = status, headers
        return self._written.append

    def answer(self, body: bytes, method: str) -> Answer:
        if not self._said:
            raise RuntimeError("the app returned without calling start_response")
        if self._written:
            body = b"".join(self._written) + body
        return _answer(*self._said, body, method)


class _ErrorsToLog(io.TextIOBase):
    """`wsgi.errors`: what the app reports there goes to the log of this package."""

    def write(self, text: str) -> int:
        if text.strip():
            log.error("%s", text.rstrip())
        return len(text)


_ERRORS_TO_LOG = _ErrorsToLog()


# The server decides about these, whatever the app says; WSGI forbids an app the hop-by-hop ones.
_OURS = frozenset(("connection", "date", "keep-alive", "server", "trailer", "transfer-encoding", "upgrade"))


def _answer(status: str, headers: list[tuple[str, str]], body: bytes, method: str) -> Answer:
    """Write status and headers as bytes, with the Content-Length that body, method and status call for."""
    length = ""
    others, size = [], 0
    for header in headers:
        name, value = header
        if name.lower() == "content-length":
            length = value
        else:
            others.append(header)
            size += len(name) + len(value)
    lines = (_remembered_lines if size <= _LONGEST_LINES else _lines)(status, tuple(others))

    if status.startswith("204"):
        return Answer(lines, b"")
    if method == "HEAD" or status.startswith("304"):
        length = length or (str(len(body)) if body else "")
        if length and not length.isdecimal():
            raise ValueError("the Content-Length is no number")
        body = b""
    else:
        length = str(len(body))
    return Answer(b"%bContent-Length: %b\r\n" % (lines, length.encode("ascii")) if length else lines, body)


def _lines(status: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """The lines of a status and of those of the headers that an app may decide about."""
    lines = [f"HTTP/1.1 {status}\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in headers if name.lower() not in _OURS]
    head = "".join(lines)
    if not head.count("\r") == head.count("\n") == len(lines):
        raise ValueError("a header or the status contains a line break")
    return head.encode("latin-1")


# Most answers begin with the same few. Longer ones are not remembered: a client can have what it sent in them.
_LONGEST_LINES = 256
_remembered_lines = lru_cache(maxsize=64)(_lines)


def _body_too_large(limit: int) -> Answer:
    return _answer(
        "413 Payload Too Large",
        [("Content-Type", "application/json; charset=utf-8")],
        b'{"err":"Request entity too large","limit":%d}' % limit,
        "POST",
    )


_INTERNAL_ERROR = _answer(
    "500 Internal Server Error",
    [("Content-Type", "application/json; charset=utf-8")],
    b'{"success":false,"msg":"Internal error in tiledesk-fake; this is a bug."}',
    "GET",
)
_INTERNAL_ERROR_TO_HEAD = _INTERNAL_ERROR._replace(body=b"")


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
