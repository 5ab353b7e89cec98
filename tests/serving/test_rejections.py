"""What the server answers by itself: the owner of the server says with which body."""

import logging

import pytest

from tests.raw_http import Client, get, post
from tests.serving.apps import Recorder, raising
from tests.serving.servers import BODIES, INTERNAL_ERROR, Refused
from tiledesk_fake import TiledeskFake
from tiledesk_fake.serving.rejection import Bodies
from tiledesk_fake.serving.server import Server

TEXT = "text/plain"
# Requests that get this status, one way or another.
REJECTED = {
    400: b"nonsense\r\n\r\n",
    413: post(b"x" * 600_000),
    431: get("/" + "a" * 20_000),
    500: get(),
}


def rejected(status: int, bodies: Bodies) -> tuple[int, bytes, str | None]:
    """The status, the body and the content type of what a server says with these bodies."""
    server = Server(raising(ZeroDivisionError()), bodies=bodies)
    server.start()
    try:
        with Client(server.port) as client:
            client.send_despite_close(REJECTED[status])
            reply = client.reply()
    finally:
        server.stop()
    return reply.status, reply.body, reply.headers.get("content-type")


@pytest.mark.usefixtures("planted_bugs")
@pytest.mark.parametrize("status", REJECTED)
def test_a_rejection_has_the_body_that_the_owner_gives_for_its_status(status: int) -> None:
    assert rejected(status, {status: (TEXT, b"no"), 999: (TEXT, b"never")}) == (status, b"no", TEXT)


@pytest.mark.usefixtures("planted_bugs")
@pytest.mark.parametrize("status", REJECTED)
def test_a_rejection_without_a_body_has_none(status: int) -> None:
    assert rejected(status, {999: (TEXT, b"never")}) == (status, b"", None)


def test_a_fake_rejects_a_body_that_is_too_large_as_the_real_server_does() -> None:
    with TiledeskFake() as fake, Client(int(fake.url.rpartition(":")[2].partition("/")[0])) as client:
        client.send_despite_close(post(b"x" * 512_001, "Content-Type: application/json"))
        reply = client.reply()

    assert (reply.headers["content-type"], reply.body) == BODIES[413]
    assert list(reply.headers)[:2] == ["content-type", "content-length"]


def test_a_fake_says_over_the_wire_too_that_a_preflight_has_no_length() -> None:
    with TiledeskFake() as fake, Client(int(fake.url.rpartition(":")[2].partition("/")[0])) as client:
        client.send(get(method="OPTIONS"))

        assert client.reply("OPTIONS").headers["content-length"] == "0"


@pytest.mark.usefixtures("planted_bugs")
def test_a_fake_that_breaks_says_so_in_the_shape_of_other_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = TiledeskFake()
    monkeypatch.setattr(type(fake), "wsgi_app", raising(ZeroDivisionError()))
    with fake, Client(int(fake.url.rpartition(":")[2].partition("/")[0])) as client:
        client.send(get())

        assert client.reply().body == INTERNAL_ERROR


SECRET = "s3cret-of-the-client"
REFUSED = {
    "not HTTP": (400, f"{SECRET}\r\n\r\n".encode(), "Invalid method encountered"),
    "two lengths": (400, post(b"", "Content-Length: 4"), "Content-Length"),
    "a control": (400, get("/", f"X-A: {SECRET}\x01"), "Invalid header value char"),
    "no host": (400, f"GET /{SECRET} HTTP/1.1\r\n\r\n".encode(), "there is no Host header"),
    "two hosts": (400, get("/", f"Host: {SECRET}"), "there are two Host headers"),
    "a proxy's method": (400, get(f"{SECRET}:80", method="CONNECT"), "CONNECT is for proxies"),
    "HTTP 2": (400, get("/", version="2.0"), "HTTP/2.0 is not served"),
    "another scheme": (400, get(f"gopher://{SECRET}/"), "names no place on an HTTP server"),
    "compressed": (400, get("/", "Transfer-Encoding: gzip, chunked", method="POST"), "no other transfer coding"),
    "offers h2c": (400, get("/", "Connection: Upgrade", "Upgrade: h2c", f"X: {SECRET}"), "offers to upgrade"),
    "offers a secret": (400, get("/", "Connection: Upgrade", f"Upgrade: {SECRET}"), "version(HTTP_1_1)"),
    "expects": (417, get("/", f"Expect: {SECRET}"), "nothing but 100-continue can be expected"),
    "large body": (413, post(SECRET.encode() * 50_000), "the body is too large"),
    "large head": (431, get("/" + SECRET * 1_000), "request line, headers and trailers are too large"),
    "slow": (408, get()[:-2], "the request did not arrive in time"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_the_owner_and_the_log_are_told_what_is_refused_and_why(
    noting: Server, refused: Refused, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    status, sent, why = REFUSED[case]
    caplog.set_level(logging.INFO, "tiledesk_fake")
    with Client(noting.port) as client:
        client.send_despite_close(sent)
        assert client.reply().status == status
        peer = "{}:{}".format(*client.socket.getsockname())

    ((reason, told, who),) = refused
    assert (told, who) == (status, peer)
    assert why in reason
    assert caplog.messages == [f"refused {peer} with {status}: {reason}"]
    assert [record.levelname for record in caplog.records] == ["INFO"]
    assert SECRET not in reason


def test_one_connection_too_many_is_told_as_a_warning(
    noting: Server, refused: Refused, caplog: pytest.LogCaptureFixture
) -> None:
    with Client(noting.port), Client(noting.port), Client(noting.port) as beyond:
        assert beyond.reply().status == 503

    assert [(reason, status) for reason, status, _ in refused] == [("too many connections", 503)]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_what_reaches_the_app_is_not_refused(noting: Server, refused: Refused, app: Recorder) -> None:
    app.status = "400 Bad Request"
    with Client(noting.port) as client:
        client.send(get())
        assert client.reply().status == 400

    assert refused == []


def test_an_owner_that_fails_costs_nobody_an_answer(app: Recorder, logged: list[logging.LogRecord]) -> None:
    def failing(*told: object) -> None:
        raise ZeroDivisionError

    server = Server(app, on_refused=failing)
    server.start()
    with Client(server.port) as client:
        client.send(REJECTED[400])
        assert client.reply().status == 400
    server.stop()

    assert [record.exc_info is not None for record in logged] == [True]


def test_the_owner_of_a_fake_is_told_too(refused: Refused) -> None:
    fake = TiledeskFake().start(on_refused=lambda *told: refused.append(told))
    with fake, Client(int(fake.url.rpartition(":")[2].partition("/")[0])) as client:
        client.send(REJECTED[400])
        assert client.reply().status == 400

    assert [status for _, status, _ in refused] == [400]
    assert fake.journal.total == 0
