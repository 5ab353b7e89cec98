"""A served state: an address to call, a WSGI app, a Flask app. Only this module leads to server and web."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from weakref import finalize
from wsgiref.types import WSGIApplication

from .arguments import checked
from .core.handing import OnlyOnce
from .errors import MisuseError, NotListening
from .serving.rejection import OnRefused
from .serving.server import Server
from .state import State
from .web.problems import BELOW_THE_APP
from .web.road import Road
from .web.wsgi import WsgiApp

if TYPE_CHECKING:
    from .serving.certificates import Certificates
    from .web.app import FlaskApp
    from .web.asgi import AsgiApp


_ON_REFUSED_WANTED = "write it like on_refused=lambda reason, status, client: …"


class Served(OnlyOnce):
    """A state, below a base path, for clients: by HTTP between `start` and `stop`, and in process at any time."""

    def __init__(
        self, make_state: Callable[[], State], *, base_path: str, host: str, port: int, tls: bool | str | Path
    ) -> None:
        self._certificates: Certificates | None = None
        if tls:
            from .serving.certificates import certificates, kept_in

            self._certificates = certificates() if tls is True else kept_in(Path(tls))
        self._ca_file: tuple[Path, finalize[..., Any]] | None = None
        self._make_state = make_state
        self._base_path = _checked_base_path(base_path)
        self._host, self._port = _checked_host(host), port
        # Clients know the address by the time that a fake is stopped and started again.
        self._last_port = 0
        # What is made when it is first needed, and the lock that it is made under; whoever holds that waits for nobody.
        self._making = RLock()
        self._made_state: State | None = None
        self._made_wsgi_app: WsgiApp | None = None
        self._made_app: FlaskApp | None = None
        self._made_asgi_app: AsgiApp | None = None
        self._server: Server | None = None

    @property
    def _state(self) -> State:
        # Made when it is first needed: many a test has a fake that it does not use.
        if self._made_state is None:
            with self._making:
                if self._made_state is None:
                    self._made_state = self._make_state()
        return self._made_state

    @property
    def base_path(self) -> str:
        """What precedes every path: `/v3`."""
        return self._base_path

    @property
    def wsgi_app(self) -> WsgiApp:
        """The fake as a WSGI app with the same state, for clients that need no socket.

        Where the real server would not answer, calling it raises NoAnswer.
        """
        if self._made_wsgi_app is None:
            with self._making:
                if self._made_wsgi_app is None:
                    self._made_wsgi_app = WsgiApp(Road(self._state, self._base_path))
        return self._made_wsgi_app

    @property
    def app(self) -> FlaskApp:
        """The fake's own Flask app, with the same state.

        Routes, blueprints, hooks and signals work for each way in: `url`, `wsgi_app` and `app.test_client()`. The three
        operations are there by their operationIds: `url_for("listTokens")`. Set-up is allowed at any time.

        >>> from tiledesk_fake import TiledeskFake
        >>> fake = TiledeskFake()
        >>> @fake.app.get("/v3/projects/<id>")
        ... def project(id):
        ...     return {"_id": id, "name": "Support"}
        >>> fake.app.test_client().get("/v3/projects/5").json["name"]
        'Support'
        >>> fake.journal.assert_called("project", id="5", status=200)
        """
        if self._made_app is None:
            wsgi_app = self.wsgi_app
            with self._making:
                if self._made_app is None:
                    from .web.app import FlaskApp

                    app = FlaskApp(wsgi_app.road, self._state.contract.served, self._state.journal.know)
                    app.extensions["tiledesk_fake"] = self
                    self._made_app = wsgi_app.flask = app
        return self._made_app

    @property
    def asgi_app(self) -> AsgiApp:
        """The fake as an ASGI app with the same state, for asynchronous clients: `httpx.ASGITransport(fake.asgi_app)`.

        It answers all that `wsgi_app` and `app` do, in threads beside the event loop of asyncio. Where the real server
        would not answer, calling it raises NoAnswer. It needs the extra `asgi`, and raises MisuseError without.
        """
        if self._made_asgi_app is None:
            wsgi_app = self.wsgi_app
            with self._making:
                if self._made_asgi_app is None:
                    from .web.asgi import asgi_app

                    self._made_asgi_app = asgi_app(wsgi_app)
        return self._made_asgi_app

    @checked(beside="fake.hand_over(…) gives one", app="fake.wsgi_app is one", on_refused=_ON_REFUSED_WANTED)
    def start(
        self,
        *,
        beside: Server | None = None,
        app: WSGIApplication | None = None,
        on_refused: OnRefused | None = None,
    ) -> Self:
        """Listen, in a thread of this process: a new one, or that of the server `beside`, which must be stopped later.

        A fake that is started again listens on the same port as before. `app` answers in the place of `wsgi_app`; it
        may add routes and call `wsgi_app` for the rest. `on_refused(reason, status, client)` is called for each request
        that never reaches the fake, and so is not in its journal: it is not HTTP, too slow, too large, or one too many.
        The function must not wait.

        Raises CannotListen if the address or port is not available.
        """
        with self._making:
            if self._server is not None:
                raise MisuseError(f"this fake listens on {self.url} already; stop() it first")
            server = Server(
                app or self.wsgi_app,
                host=self._host,
                port=self._port or self._last_port,
                beside=beside,
                bodies=BELOW_THE_APP,
                on_refused=on_refused,
                certificates=self._certificates,
            )
            server.start()
            self._server, self._last_port = server, server.port
        return self

    @checked(app="fake.wsgi_app is one")
    @checked(origin="write it like 'https://api.tiledesk.com'")
    def intercept(self, origin: str, *, block_network: bool = False) -> AbstractContextManager[object]:
        """A context in which Python clients of an origin reach this fake, over real TLS, with no change of their code.

        It changes name look-up and trust of this process, for this origin's host alone, and restores them at its end.
        `block_network` refuses all hosts but this machine. A connection that cannot be redirected raises
        NetworkRefused, a ConnectionRefusedError that says why. The fake need not listen. It needs the extra `tls`.

        Raises MisuseError for a text that is not an origin.

        >>> from http.client import HTTPSConnection
        >>> from tiledesk_fake import TiledeskFake
        >>> fake, client = TiledeskFake(), HTTPSConnection("api.tiledesk.com")
        >>> with fake.intercept("https://api.tiledesk.com"):
        ...     client.request("GET", "/v3/jwt/history")
        ...     client.getresponse().status
        401
        >>> client.close()
        >>> fake.journal.exchanges[0].origin
        'https://api.tiledesk.com'
        """
        from .intercept import Interception

        return Interception(self.wsgi_app, origin, block_network=block_network, owner=self._state.journal)

    @checked(app="fake.wsgi_app is one")
    def hand_over(self, app: WSGIApplication) -> Server | None:
        """Let another app answer at this fake's address, as a test runner does when a test is over.

        `url` stays the same, and so do the connections of clients; those that wait for a delayed or silent answer are
        closed. Returns the server at that address, or None for a fake that does not listen.

        >>> from tiledesk_fake import TiledeskFake
        >>> from wsgiref.simple_server import demo_app
        >>> with TiledeskFake() as fake:
        ...     before = fake.url
        ...     server = fake.hand_over(demo_app)
        ...     fake.url == before
        True
        """
        with self._making:
            if self._server is not None:
                self._server.hand_over(app)
            return self._server

    def close_held(self) -> None:
        """Close the connections of clients that wait for a delayed or silent answer."""
        with self._making:
            if self._server is not None:
                self._server.close_held()

    @property
    def listening(self) -> bool:
        """Whether the fake listens."""
        return self._server is not None

    def stop(self) -> None:
        """Stop listening; after this nothing is answered. Users and tokens stay. Stopping twice is fine."""
        with self._making:
            server, self._server = self._server, None
            ca_file, self._ca_file = self._ca_file, None
        if ca_file is not None:
            ca_file[1]()
        # Outside the lock: the server's thread, which is waited for, may be about to take it.
        if server is not None:
            server.stop()

    @property
    def url(self) -> str:
        """The base URL, with the base path: `http://127.0.0.1:49152/v3`. Raises NotListening before start()."""
        server = self._server
        if server is None:
            raise NotListening("this fake does not listen yet; use `with TiledeskFake() as fake:` or fake.start()")
        host = f"[{server.host}]" if ":" in server.host else server.host
        scheme = "http" if self._certificates is None else "https"
        return f"{scheme}://{host}:{server.port}{self._base_path}"

    @property
    def ca_pem(self) -> bytes | None:
        """The content of `ca_file`; None for a fake that does not speak TLS."""
        return self._certificates.pem if self._certificates is not None else None

    @property
    def ca_file(self) -> str:
        """The path of a file with the certificate of the authority that vouches for this fake; gone after `stop`.

        Clients must trust it, as with `requests.get(fake.url, verify=fake.ca_file)`, and holds no key.

        Raises NotListening before start(), and MisuseError for a fake that does not speak TLS.
        """
        with self._making:
            if self._server is None:
                raise NotListening("this fake does not listen yet, and `ca_file` goes with stop(); start() it first")
            if self._certificates is None:
                raise MisuseError("this fake speaks plain HTTP, which needs no CA; make it with TiledeskFake(tls=True)")
            if self._ca_file is None:
                path = self._certificates.write_public_part()
                self._ca_file = path, finalize(self, path.unlink, missing_ok=True)
            return str(self._ca_file[0])

    def __enter__(self) -> Self:
        return self if self.listening else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _checked_host(host: str) -> str:
    # One colon stands before a port; an IPv6 address has more.
    if not host or "/" in host or "[" in host or host.count(":") == 1:
        raise MisuseError(
            f"expected a host like '127.0.0.1', 'localhost' or '::1', got {host!r}; a port is given as port=8000"
        )
    return host


def _checked_base_path(base_path: str) -> str:
    trimmed = base_path.rstrip("/")
    if trimmed and (
        not trimmed.startswith("/")
        or "//" in trimmed
        or not (trimmed.isascii() and trimmed.isprintable())
        or any(character in trimmed for character in "?#% ")
    ):
        raise MisuseError(f"expected a base path like '/v3', or '' for none, got {base_path!r}")
    return trimmed
