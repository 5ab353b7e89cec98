"""The fake as a plain WSGI callable: from an environ to a request, from an answer to WSGI. Knows no Flask."""

from collections.abc import Iterable
from functools import cache
from http import HTTPStatus
from typing import Protocol
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIEnvironment

from ..core.headers import Headers
from ..core.request import ORIGIN, Request
from ..errors import NoAnswer
from ..serving.delivery import KEY as DELIVERY
from .answer import Answer
from .body import BODY_LIMIT, reads
from .problems import NEVER_SENT, internal_error
from .road import Road

RAW_PATHS = ("RAW_URI", "REQUEST_URI")
"""Where WSGI servers put the target as it was sent, if they do."""

_WITHOUT_BODY = (204, 304)


class Hookable(Protocol):
    """A Flask app around the same road, as far as it matters here."""

    @property
    def hooked(self) -> bool:
        """Whether somebody added to it what has a say in requests."""

    @property
    def propagates(self) -> bool:
        """Whether exceptions are let out."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""


class WsgiApp:
    """Answers by the road alone, until somebody hooks into the Flask app; from then on by way of that.

    Flask's contexts, requests, responses and signals take 110 µs a request, the road of a list 20 µs.
    """

    def __init__(self, road: Road) -> None:
        self.road = road
        self.flask: Hookable | None = None

    @property
    def blocks(self) -> bool:
        """Whether a request may take long, because other people's code has a say in it."""
        return self.flask is not None and self.flask.hooked

    def ignores(self, environ: WSGIEnvironment) -> bool:
        """Whether nobody looks at the body of this request."""
        return not (self.blocks or reads(environ.get("CONTENT_TYPE", "")))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request. Raises NoAnswer where there is to be none and nothing can hold the connection open."""
        flask = self.flask
        if flask is not None and flask.hooked:
            return flask(environ, start_response)
        try:
            answer = self.road.answer(read_request(environ, self.road.base_path), environ.get(DELIVERY))
        except NoAnswer:
            raise
        except Exception:
            if flask is not None and flask.propagates:
                raise
            answer = internal_error()
        return respond(answer or NEVER_SENT, environ, start_response)


def respond(answer: Answer, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Hand an answer to a WSGI server."""
    headers = list(answer.headers)
    if answer.status not in _WITHOUT_BODY:
        headers.append(("Content-Length", str(len(answer.body))))
    start_response(status_line(answer.status), headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]


@cache
def status_line(status: int) -> str:
    """The status with its phrase."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{status} Error"


def read_request(environ: WSGIEnvironment, base_path: str, *, with_body: bool = True) -> Request:
    """The request that an environ describes."""
    path = _raw_path(environ)
    # What follows a # is for the client alone; the real server cuts it off.
    path, cut, _ = path.partition("#")
    query = "" if cut else environ.get("QUERY_STRING", "").partition("#")[0]
    query = f"?{query}" if query else ""
    return Request(
        method=environ["REQUEST_METHOD"],
        target=path + query,
        authorization=environ.get("HTTP_AUTHORIZATION"),
        content_type=environ.get("CONTENT_TYPE", ""),
        body=_body(environ) if with_body else b"",
        requested_headers=environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
        host=environ.get("HTTP_HOST", "127.0.0.1"),
        headers=Headers(environ),
        below_mount=_below_mount(path, environ, base_path) + query if environ.get("SCRIPT_NAME") else "",
        has_body="CONTENT_LENGTH" in environ or "HTTP_TRANSFER_ENCODING" in environ,
        origin=environ.get(ORIGIN),
        header=lambda name: environ.get(f"HTTP_{name.upper().replace('-', '_')}"),
    )


def _body(environ: WSGIEnvironment) -> bytes:
    """The body, up to one byte more than anybody looks at."""
    length = environ.get("CONTENT_LENGTH") or "0"
    if length.isdecimal() and int(length):
        wanted = min(int(length), BODY_LIMIT + 1)
    elif "HTTP_TRANSFER_ENCODING" in environ and environ.get("wsgi.input_terminated"):
        wanted = BODY_LIMIT + 1
    else:
        return b""
    body: bytes = environ["wsgi.input"].read(wanted)
    return body


def _raw_path(environ: WSGIEnvironment) -> str:
    """The path of the target as it was sent; where the WSGI server does not tell, as it may have been."""
    raw: str | None = environ.get(RAW_PATHS[0]) or environ.get(RAW_PATHS[1])
    if raw is not None:
        # Werkzeug's test client tells the path alone there, so the query is taken from where all servers tell it.
        return raw.partition("?")[0]
    return _quoted(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))


def is_below(path: str, base_path: str) -> bool:
    """Whether a path is a base path or below one."""
    return f"{path}/".startswith(f"{base_path}/")


def _below_mount(path: str, environ: WSGIEnvironment, base_path: str) -> str:
    """The raw path without what the app is mounted under, unless that is part of the base path."""
    mount, below = environ["SCRIPT_NAME"], environ.get("PATH_INFO", "")
    if not is_below(below, base_path):
        return path
    for spelt in (mount, _quoted(mount)):
        if path.startswith(spelt):
            return path[len(spelt) :]
    return _quoted(below)


def _quoted(path: str) -> str:
    return quote(_octets(path), safe="/:@!$&'()*+,;=~")


def _octets(path: str) -> bytes:
    """What a path of an environ stands for; httpx.WSGITransport puts it there as text, where WSGI asks for octets."""
    try:
        octets = path.encode("latin-1")
        octets.decode()
    except UnicodeError:
        return path.encode("utf-8", "surrogateescape")
    return octets
