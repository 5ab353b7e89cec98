"""WSGI apps to serve."""

from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from tiledesk_fake.serving.delivery import KEY, Delivery
from tiledesk_fake.serving.server import Server


class Recorder:
    """An app that remembers each environ and body it got, and answers `GET /path` or what it is told to."""

    def __init__(self) -> None:
        self.environs: list[WSGIEnvironment] = []
        self.bodies: list[bytes] = []
        self.status = "200 OK"
        self.headers = [("Content-Type", "text/plain")]
        self.body: bytes | None = None
        self.deliveries: dict[str, Delivery] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.environs.append(environ)
        self.bodies.append(environ["wsgi.input"].read())
        wanted = self.deliveries.get(environ["PATH_INFO"], Delivery())
        delivery: Delivery = environ[KEY]
        delivery.delay_s, delivery.drop = wanted.delay_s, wanted.drop
        start_response(self.status, list(self.headers))
        answer = f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}".encode("latin-1")
        return [answer if self.body is None else self.body]

    @property
    def environ(self) -> WSGIEnvironment:
        """Of the one request there was."""
        (environ,) = self.environs
        return environ


Serve = Callable[..., Server]


def answers(status: str = "200 OK", body: bytes = b"fine") -> WSGIApplication:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, [])
        return [body]

    return app


def raising(error: BaseException, *, late: bool = False) -> WSGIApplication:
    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if late:
            start_response("200 OK", [])
            yield b"half of it"
        raise error

    def eager(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return list(app(environ, start_response))

    return app if late else eager


class Ignoring(Recorder):
    """One that says that it looks at no text."""

    def ignores(self, environ: WSGIEnvironment) -> bool:
        return str(environ.get("CONTENT_TYPE", "")).startswith("text/")
