"""The servers that intercepted clients reach: one for each scheme, open as long as the process.

One for each fake would be closed with it, and a client that keeps its connections would then go to the real host.
"""

import threading
from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from ..core.redaction import redacted
from ..core.request import ORIGIN
from ..serving.certificates import certificates
from ..serving.gateway import ignores
from ..serving.server import Server
from ..web.problems import BELOW_THE_APP
from .origin import Origin, canonical
from .registry import REGISTRY

_HOST = "127.0.0.1"
_DEFAULT_PORTS = {"https": 443, "http": 80}


class Door:
    """The WSGI app of one scheme's server: hands each request to whoever answers for its origin."""

    def __init__(self, scheme: str) -> None:
        self._scheme = scheme
        self._server = Server(
            self, host=_HOST, bodies=BELOW_THE_APP, certificates=certificates() if scheme == "https" else None
        )

    @property
    def blocks(self) -> bool:
        """Whether a request may take long, because other people's code has a say in it."""
        return any(getattr(entry.app, "blocks", False) for entry in REGISTRY.entries)

    def ignores(self, environ: WSGIEnvironment) -> bool:
        """Whether nobody looks at the body of this request."""
        entry = REGISTRY.find(self._origin(environ))
        return entry is None or ignores(entry.app, environ)

    def port(self) -> int:
        """The open port; opens one if needed, as in a forked child."""
        with _lock:
            if not self._server.listening:
                self._server.start()
            return self._server.port

    @property
    def open_at(self) -> int | None:
        """The open port, if there is one."""
        return self._server.port if self._server.listening else None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        origin = self._origin(environ)
        entry = REGISTRY.find(origin)
        if entry is not None:
            return entry.app({**environ, ORIGIN: str(origin)}, start_response)
        call = f"{environ['REQUEST_METHOD']} {origin}{redacted(environ.get('RAW_URI', ''))}"
        REGISTRY.refusal(f"{call} came when nobody intercepted that origin any more", origin)
        start_response("410 Gone", [("Content-Type", "application/json; charset=utf-8")])
        return [b'{"success":false,"msg":"Nobody intercepts this origin any more; the test of this call is over."}']

    def _origin(self, environ: WSGIEnvironment) -> Origin:
        name, _, port = environ.get("HTTP_HOST", "").rpartition(":")
        if not port.isdecimal():
            name, port = environ.get("HTTP_HOST", ""), ""
        # What a client has verified counts before what it says.
        host = environ.get("SSL_TLS_SNI") or canonical(name) or ""
        numbers = {each.port for each in REGISTRY.origins if (each.scheme, each.host) == (self._scheme, host)}
        number = int(port[:6]) if port else _DEFAULT_PORTS[self._scheme]
        if number not in numbers and len(numbers) == 1:
            (number,) = numbers
        return Origin(self._scheme, host, number)


_lock = threading.RLock()
_doors: dict[str, Door] = {}


def door(scheme: str) -> Door:
    """The door of a scheme."""
    with _lock:
        if scheme not in _doors:
            _doors[scheme] = Door(scheme)
        return _doors[scheme]


def place_for(scheme: str, *, ipv6: bool) -> tuple[str, int]:
    """The address for clients of a scheme, in the form of a socket's family."""
    return ("::ffff:127.0.0.1" if ipv6 else _HOST), door(scheme).port()


def leads_here(peer: tuple[object, ...]) -> bool:
    """Whether a connection to this address has come to a door."""
    host = str(peer[0]).removeprefix("::ffff:")
    return host == _HOST and peer[1] in {each.open_at for each in _doors.values()}
