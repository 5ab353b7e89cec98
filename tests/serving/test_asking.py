"""Apps that take long, and apps that wait to be asked again."""

import threading
import time
from collections.abc import Callable, Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from tests.raw_http import Client, get, post
from tests.serving.servers import Serve, eventually
from tiledesk_fake.errors import NoAnswer
from tiledesk_fake.serving.delivery import KEY, Delivery


class Blocking:
    """An app that is called in a thread of its own while `blocks` is true; `/slow` ends when `go` is set."""

    def __init__(self, *, blocks: bool = True) -> None:
        self.blocks = blocks
        self.go = threading.Event()
        self.threads: list[str] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.threads.append(threading.current_thread().name)
        if environ["PATH_INFO"] == "/slow":
            self.go.wait(10)
        if environ["PATH_INFO"] == "/silent":
            raise NoAnswer
        if environ["PATH_INFO"] == "/broken":
            raise SystemExit
        start_response("200 OK", [])
        return [environ["PATH_INFO"].encode() + environ["wsgi.input"].read()]


class Waiting:
    """An app that answers when it is told to, or when 10 seconds are over."""

    def __init__(self, *, blocks: bool = False, wait_s: float = 10.0) -> None:
        self.blocks = blocks
        self.wait_s = wait_s
        self.ready = False
        self.deliveries: list[Delivery] = []
        self.bodies: list[bytes] = []
        self.gone = 0
        self.meanwhile: Callable[[Delivery], object] = lambda delivery: None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        delivery: Delivery = environ[KEY]
        self.deliveries.append(delivery)
        self.bodies.append(environ["wsgi.input"].read())
        if not self.ready and len(self.deliveries) < 5 and environ["PATH_INFO"] != "/quick":
            delivery.wait_s = self.wait_s
            delivery.on_gone = self.leave
            self.meanwhile(delivery)
        start_response("200 OK", [])
        return [b"asked %d times" % len(self.deliveries)]

    def leave(self) -> None:
        self.gone += 1

    def wake(self) -> None:
        self.ready = True
        self.deliveries[0].wake()


def test_an_app_that_takes_long_keeps_nobody_waiting(serve: Serve) -> None:
    app = Blocking()
    port = serve(app).port
    with Client(port) as slow, Client(port) as quick:
        slow.send(get("/slow"))
        quick.send(get("/quick"))

        assert quick.reply().body == b"/quick"
        assert slow.is_silent_for(0.05)
        app.go.set()
        assert slow.reply().body == b"/slow"


def test_an_app_that_does_not_block_is_called_in_the_thread_of_the_server(serve: Serve) -> None:
    app = Blocking(blocks=False)
    port = serve(app).port
    with Client(port) as client:
        client.send(get("/"))
        client.reply()
        app.blocks = True
        client.send(get("/"))
        client.reply()

    assert app.threads == [f"tiledesk-fake:{port}", "tiledesk-fake: a view"]


def test_requests_of_one_connection_are_answered_in_their_order(serve: Serve) -> None:
    with Client(serve(Blocking()).port) as client:
        client.send(b"".join(post(str(number).encode(), target=f"/{number}") for number in range(20)))

        assert [client.reply().body for _ in range(20)] == [b"/%d%d" % (number, number) for number in range(20)]


def test_a_client_that_leaves_an_app_that_takes_long_is_forgotten(serve: Serve) -> None:
    app = Blocking()
    port = serve(app).port
    with Client(port) as client:
        client.send(get("/slow"))
        assert eventually(lambda: bool(app.threads))
    app.go.set()

    with Client(port) as client:
        client.send(get("/next"))
        assert client.reply().body == b"/next"


@pytest.mark.usefixtures("planted_bugs")
@pytest.mark.parametrize("path", ["/silent", "/broken"])
def test_what_goes_wrong_in_a_thread_is_as_it_is_elsewhere(serve: Serve, path: str) -> None:
    with Client(serve(Blocking()).port) as client:
        client.send(get(path))

        if path == "/silent":
            assert client.is_silent_for(0.2)
        else:
            assert client.reply().status == 500


def test_a_server_stops_while_an_app_takes_long(serve: Serve) -> None:
    app = Blocking()
    server = serve(app)
    with Client(server.port) as client:
        client.send(get("/slow"))
        assert eventually(lambda: bool(app.threads))
        server.stop()

        assert client.rest() == b""
    app.go.set()


@pytest.mark.parametrize("blocks", [False, True])
def test_an_app_that_waits_is_asked_again_when_it_is_woken(serve: Serve, blocks: bool) -> None:
    app = Waiting(blocks=blocks)
    port = serve(app).port
    with Client(port) as client, Client(port) as quick:
        client.send(post(b"body"))
        assert client.is_silent_for(0.1)
        quick.send(get("/quick"))
        assert quick.reply().status == 200
        app.wake()

        assert client.reply().body == b"asked 3 times"
    assert app.bodies == [b"body", b"", b"body"]
    assert app.gone == 0


@pytest.mark.parametrize("blocks", [False, True])
def test_an_app_that_waits_is_asked_again_when_its_time_is_over(serve: Serve, blocks: bool) -> None:
    app = Waiting(blocks=blocks, wait_s=0.2)
    with Client(serve(app).port) as client:
        began = time.monotonic()
        client.send(get("/"))

        assert client.reply().body == b"asked 5 times"
        assert time.monotonic() - began >= 4 * 0.2


@pytest.mark.parametrize("blocks", [False, True])
def test_who_is_woken_before_it_waits_is_asked_again_at_once(serve: Serve, blocks: bool) -> None:
    app = Waiting(blocks=blocks)
    woken = threading.Event()

    def wake(delivery: Delivery) -> None:
        if not woken.is_set():
            woken.set()
            app.ready = True
            thread = threading.Thread(target=delivery.wake)
            thread.start()
            thread.join()

    app.meanwhile = wake
    with Client(serve(app).port) as client:
        client.send(get("/"))

        assert client.reply().body == b"asked 2 times"


def test_an_app_that_waits_is_told_when_its_client_is_gone(serve: Serve) -> None:
    app = Waiting()
    port = serve(app).port
    with Client(port) as client:
        client.send(get("/"))
        assert eventually(lambda: len(app.deliveries) == 1)
    assert eventually(lambda: app.gone == 1)
    app.wake()

    with Client(port) as client:
        client.send(get("/"))
        assert client.reply().body == b"asked 2 times"


def test_apps_that_wait_hold_no_thread(serve: Serve) -> None:
    app = Waiting()
    app.meanwhile = lambda delivery: None
    port = serve(app).port
    before = set(threading.enumerate())
    clients = [Client(port) for _ in range(4)]
    for client in clients:
        client.send(get("/"))
    assert eventually(lambda: len(app.deliveries) == 4)

    assert set(threading.enumerate()) <= before
    app.ready = True
    for delivery in list(app.deliveries):
        delivery.wake()
    for client in clients:
        assert client.reply().status == 200
        client.close()
