"""A WSGI environ in, the app's answer out, in the bytes that HTTP/1.1 has for it."""

import io
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from wsgiref.types import WSGIApplication, WSGIEnvironment

from ..errors import NoAnswer
from ..log import log, log_bug
from .rejection import APP_FAILED, BODY_TOO_LARGE, PHRASES, Bodies, Rejection


class Outgoing(NamedTuple):
    """Status line and headers, each with its line end, and the body; `Service.seal` adds what depends on the moment."""

    head: bytes
    body: bytes


def ignores(app: WSGIApplication, environ: WSGIEnvironment) -> bool:
    """Whether an app says by a method of this name that it does not look at this request's body."""
    return bool(getattr(app, "ignores", _reads_everything)(environ))


def _reads_everything(environ: WSGIEnvironment) -> bool:
    return False


def _no_words(environ: WSGIEnvironment) -> None:
    return None


class Gateway:
    """Calls a WSGI app, which may change, with what every environ has in common, and collects its answer."""

    def __init__(self, app: WSGIApplication, host: str, port: int, bodies: Bodies, scheme: str = "http") -> None:
        self.app = app
        self._bodies = bodies
        self._common: WSGIEnvironment = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "SERVER_SOFTWARE": "tiledesk-fake",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": scheme,
            "wsgi.errors": _ERRORS_TO_LOG,
            "wsgi.input_terminated": True,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }

    @property
    def blocks(self) -> bool:
        """Whether the app says by such an attribute that it may take long, and so has a thread of its own."""
        return bool(getattr(self.app, "blocks", False))

    def ignores(self, environ: WSGIEnvironment) -> bool:
        """Whether the app does not look at the body of this request, which may then be cut off."""
        return ignores(self.app, environ)

    def too_large(self, environ: WSGIEnvironment) -> Rejection:
        """The rejection of this request for the size of its body, in the app's words where it has some."""
        return BODY_TOO_LARGE._replace(body=getattr(self.app, "too_large", _no_words)(environ))

    def environ_for(self, peer: tuple[Any, ...] | None) -> WSGIEnvironment:
        """The part of the environ that all requests of one client share."""
        address, port = peer[:2] if peer else ("", "")
        return self._common | {"REMOTE_ADDR": address, "REMOTE_PORT": str(port)}

    def __call__(self, environ: WSGIEnvironment) -> Outgoing | None:
        """The app's answer; None if it gives none on purpose; a 500 if it breaks."""
        start_response = _StartResponse()
        method = environ["REQUEST_METHOD"]
        try:
            parts = self.app(environ, start_response)
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
            log_bug("The app raised instead of answering")
            return self.rejecting(APP_FAILED, method)

    def rejecting(self, rejection: Rejection, method: str = "GET") -> Outgoing:
        """The answer that a rejection becomes, with the body that the owner of the server has for it."""
        headers = [("Retry-After", "1")] if rejection.status == 503 else []
        content_type, body = rejection.body or self._bodies.get(rejection.status, ("", b""))
        if content_type:
            headers.append(("Content-Type", content_type))
        return outgoing(f"{rejection.status} {PHRASES[rejection.status]}", headers, body, method)


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

    def answer(self, body: bytes, method: str) -> Outgoing:
        if not self._said:
            raise RuntimeError("the app returned without calling start_response")
        if self._written:
            body = b"".join(self._written) + body
        return outgoing(*self._said, body, method)


class _ErrorsToLog(io.TextIOBase):
    """`wsgi.errors`: what the app reports there goes to the log of this package."""

    def write(self, text: str) -> int:
        if text.strip():
            log.error("%s", text.rstrip())
        return len(text)


_ERRORS_TO_LOG = _ErrorsToLog()


# The server decides about these, whatever the app says; WSGI forbids an app the hop-by-hop ones.
_OURS = frozenset(("connection", "date", "keep-alive", "server", "trailer", "transfer-encoding", "upgrade"))


def outgoing(status: str, headers: Iterable[tuple[str, str]], body: bytes, method: str) -> Outgoing:
    """Write status and headers as bytes, with the Content-Length that body, method and status call for."""
    lines = [f"HTTP/1.1 {status}\r\n"]
    length = ""
    for name, value in headers:
        lowered = name.lower()
        if lowered == "content-length":
            length = value
        elif lowered not in _OURS:
            lines.append(f"{name}: {value}\r\n")

    if status.startswith("204"):
        # Needless, but some servers say it, and so an app may.
        length, body = "0" if length == "0" else "", b""
    elif method == "HEAD" or status.startswith("304"):
        length = length or (str(len(body)) if body else "")
        if length and not length.isdecimal():
            raise ValueError("the Content-Length is no number")
        body = b""
    else:
        length = str(len(body))
    if length:
        lines.append(f"Content-Length: {length}\r\n")

    head = "".join(lines)
    if not head.count("\r") == head.count("\n") == len(lines):
        raise ValueError("a header or the status contains a line break")
    return Outgoing(head.encode("latin-1"), body)
