"""The server's own answers, where the app never gets the request or breaks: a status, and the reason."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

OnRefused = Callable[[str, int, str], object]
"""Is told the reason, the status and the client (`127.0.0.1:50000`) of a request that is refused below the app."""

Bodies = Mapping[int, tuple[str, bytes]]
"""The content type and the body for some of the statuses below, of rejections that have none of their own."""

PHRASES: Mapping[int, str] = {
    400: "Bad Request",
    408: "Request Timeout",
    413: "Payload Too Large",
    417: "Expectation Failed",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class Rejection(NamedTuple):
    """The status of an answer that the app did not make, and why it is that one, in words for who runs the server.

    `body` is its content type and body; without one, the owner of the server may have one for the status.
    """

    status: int
    reason: str
    body: tuple[str, bytes] | None = None


REQUEST_TIMEOUT = Rejection(408, "the request did not arrive in time")
TOO_MANY_CONNECTIONS = Rejection(503, "too many connections")
HEAD_TOO_LARGE = Rejection(431, "request line, headers and trailers are too large")
EXPECTATION_FAILED = Rejection(417, "nothing but 100-continue can be expected")
# Bytes that `ws` says before the real server's app hears of it, which listens for WebSockets at its root alone.
UPGRADE_REFUSED = Rejection(
    400,
    "the client offers to upgrade to another protocol than HTTP/1.1; tell it not to (Java: version(HTTP_1_1))",
    ("text/html", b"Bad Request"),
)
BODY_TOO_LARGE = Rejection(413, "the body is too large")
ENDED_EARLY = Rejection(400, "the connection ended in the middle of a request")
APP_FAILED = Rejection(500, "the app raised instead of answering")
PLAIN_TO_TLS = Rejection(400, "plain HTTP came to a port that speaks TLS; call it by https://")
TLS_TO_PLAIN = Rejection(400, "TLS came to a port that speaks plain HTTP; call it by http://, or serve with TLS")

TLS_HANDSHAKE = 22
"""The first byte of every client that speaks TLS, and of none that speaks HTTP."""
