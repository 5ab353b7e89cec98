"""Bytes of one connection in, complete requests as WSGI environs out, or one refusal.

It parses nothing itself: that is done by llhttp (through httptools), the parser inside Node and so the one in front of
the real Tiledesk server. Where llhttp is more lenient than RFC 9112, `RequestReader` adds the missing check.
"""

import io
import re
from collections import deque
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, NoReturn
from urllib.parse import unquote, urlsplit
from wsgiref.types import WSGIEnvironment

import httptools

from .limits import Limits
from .rejection import (
    EXPECTATION_FAILED,
    HEAD_TOO_LARGE,
    TLS_HANDSHAKE,
    TLS_TO_PLAIN,
    UPGRADE_REFUSED,
    Rejection,
)

# As in Node 18, which tells an app of so many headers; what frames the request counts wherever it stands.
_MOST_HEADERS = 1_000
_FRAMING = frozenset(("HTTP_HOST", "HTTP_TRANSFER_ENCODING", "CONTENT_LENGTH"))
# Repeated, the others are joined.
_FIRST_COUNTS = frozenset(
    (
        "CONTENT_LENGTH",
        "CONTENT_TYPE",
        "HTTP_AGE",
        "HTTP_AUTHORIZATION",
        "HTTP_ETAG",
        "HTTP_EXPIRES",
        "HTTP_FROM",
        "HTTP_IF_MODIFIED_SINCE",
        "HTTP_IF_UNMODIFIED_SINCE",
        "HTTP_LAST_MODIFIED",
        "HTTP_LOCATION",
        "HTTP_MAX_FORWARDS",
        "HTTP_PROXY_AUTHORIZATION",
        "HTTP_REFERER",
        "HTTP_RETRY_AFTER",
        "HTTP_SERVER",
        "HTTP_USER_AGENT",
    )
)
_CONTINUE = re.compile(r"(?:^|\W)100-continue(?:$|\W)", re.ASCII | re.IGNORECASE)


class Incoming(NamedTuple):
    """A complete request, and whether its connection outlives the answer."""

    environ: WSGIEnvironment
    keep_alive: bool


class RequestReader:
    """Turns the bytes of one connection into complete requests, and into one refusal where the bytes forbid more.

    Both are left in `arrived`, in the order of the connection. The reader holds at most one unfinished request, which
    cannot outgrow the limits.
    """

    def __init__(
        self,
        template: WSGIEnvironment,
        limits: Limits,
        ignores: Callable[[WSGIEnvironment], bool],
        too_large: Callable[[WSGIEnvironment], Rejection],
    ) -> None:
        """`ignores` says of a request that nobody looks at its body: what is past the limit is let go of.

        `too_large` is the rejection of one whose body somebody would look at.
        """
        self.arrived: deque[Incoming | Rejection] = deque()
        self.begun = 0  # requests of which a first byte has come
        self.underway = False  # the last of them is not complete
        self.ended = False  # no further request can come
        self.awaits_continue = False  # the client holds its body back until it hears `100 Continue`
        self._template = template
        self._limits = limits
        self._ignores = ignores
        self._too_large = too_large
        self._parser = httptools.HttpRequestParser(self)
        self._verdict: Rejection | None = None  # of the callback that has raised
        self._barren_bytes = 0  # read since the last byte of a body, beyond the read in which the request began

    def feed(self, data: memoryview) -> None:
        speaks_tls = not self.begun and data[0] == TLS_HANDSHAKE
        if self.underway:
            self._barren_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.refuse(self._verdict or (TLS_TO_PLAIN if speaks_tls else Rejection(400, str(error))))
        else:
            # A head, trailer or chunk extension without end yields nothing to measure but its bytes.
            if self._barren_bytes > self._limits.head_bytes:
                self.refuse(HEAD_TOO_LARGE)

    def refuse(self, rejection: Rejection) -> None:
        """Make this the last answer of this connection, unless its last request has arrived."""
        if not self.ended:
            self.arrived.append(rejection)
            self._end()

    def close(self) -> None:
        """Let go of everything at once: reader and parser refer to each other, and a body may hang on them."""
        vars(self).clear()

    def _end(self) -> None:
        self.ended, self.underway, self.awaits_continue = True, False, False

    def _fail(self, verdict: Rejection) -> NoReturn:
        self._verdict = verdict
        raise httptools.HttpParserError

    # What httptools calls, in this order.

    def on_message_begin(self) -> None:
        self.begun += 1
        self.underway = True
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._header_bytes = 0
        self._body = io.BytesIO()

    def on_url(self, part: bytes) -> None:
        self._target += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))
        self._header_bytes += len(name) + len(value) + len(": \r\n")

    def on_headers_complete(self) -> None:
        self._check_head_size()
        method, version = self._parser.get_method(), self._parser.get_http_version()
        environ = self._environ = self._template.copy()
        self._add_headers(environ)
        if method == b"CONNECT":
            self._fail(Rejection(400, "CONNECT is for proxies"))
        if self._parser.should_upgrade():
            self._fail(UPGRADE_REFUSED)
        if version not in ("1.1", "1.0"):
            self._fail(Rejection(400, f"HTTP/{version} is not served, only HTTP/1.1 and HTTP/1.0 are"))
        if version == "1.1" and "HTTP_HOST" not in environ:
            self._fail(Rejection(400, "there is no Host header"))
        environ["REQUEST_METHOD"] = method.decode("ascii")
        environ["SERVER_PROTOCOL"] = "HTTP/" + version
        try:
            _set_target(environ, self._target.decode("latin-1"))
        except ValueError:
            self._fail(Rejection(400, "the request target names no place on an HTTP server"))

        coding = environ.pop("HTTP_TRANSFER_ENCODING", None)
        if coding is not None and (version == "1.0" or coding.lower() != "chunked"):
            self._fail(Rejection(400, "no other transfer coding than chunked is understood, and none in HTTP/1.0"))
        expectation = environ.get("HTTP_EXPECT")
        if version == "1.1" and expectation is not None:
            if not _CONTINUE.search(expectation):
                self._fail(EXPECTATION_FAILED)
            self.awaits_continue = True
        length = int(environ.get("CONTENT_LENGTH", "0"))
        self._has_body = coding is not None or length > 0
        self._is_ignored = self._has_body and self._ignores(environ)
        if length > self._limits.body_bytes and not self._is_ignored:
            self._fail(self._too_large(self._environ))

    def _check_head_size(self) -> None:
        request_line = len(self._parser.get_method()) + len(self._target) + len("  HTTP/1.1\r\n")
        if request_line + self._header_bytes + len("\r\n") > self._limits.head_bytes:
            self._fail(HEAD_TOO_LARGE)

    def _add_headers(self, environ: WSGIEnvironment) -> None:
        for number, (name, value) in enumerate(self._headers):
            key = _environ_key(name) if len(name) <= _LONGEST_REMEMBERED else _new_environ_key(name)
            if key is None or (number >= _MOST_HEADERS and key not in _FRAMING):
                continue
            text = value.decode("latin-1").strip(" \t")
            if key not in environ:
                environ[key] = text
            elif key == "HTTP_HOST":
                self._fail(Rejection(400, "there are two Host headers"))
            elif key not in _FIRST_COUNTS:
                environ[key] += ("; " if key == "HTTP_COOKIE" else ", ") + text

    def on_body(self, part: bytes) -> None:
        self._barren_bytes = 0
        self.awaits_continue = False
        if self._is_ignored:
            part = part[: self._limits.body_bytes - self._body.tell()]
        self._body.write(part)
        if self._body.tell() > self._limits.body_bytes:
            self._fail(self._too_large(self._environ))

    def on_message_complete(self) -> None:
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
        self.arrived.append(Incoming(environ, keep_alive))
        if not keep_alive:
            self._end()


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


# Clients send the same names over and over, which saves 4 µs of a request with six. Longer ones are not remembered, so
# that 256 take no memory to speak of.
_LONGEST_REMEMBERED = 64
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
