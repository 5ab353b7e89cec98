"""What the server answers by itself: the owner of the server says with which body."""

import pytest

from tests.raw_http import Client, get, post
from tests.serving.apps import raising
from tests.serving.servers import BODIES, INTERNAL_ERROR
from tiledesk_fake import TiledeskFake
from tiledesk_fake.serving.rejection import Bodies
from tiledesk_fake.serving.server import Server

TEXT = "text/plain"
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


@pytest.mark.parametrize("status", REJECTED)
def test_a_rejection_has_the_body_that_the_owner_gives_for_its_status(status: int) -> None:
    assert rejected(status, {status: (TEXT, b"no"), 999: (TEXT, b"never")}) == (status, b"no", TEXT)


@pytest.mark.parametrize("status", REJECTED)
def test_a_rejection_without_a_body_has_none(status: int) -> None:
    assert rejected(status, {999: (TEXT, b"never")}) == (status, b"", None)


def test_a_fake_rejects_a_body_that_is_too_large_as_the_real_server_does() -> None:
    with TiledeskFake() as fake, Client(int(fake.url.rpartition(":")[2].partition("/")[0])) as client:
        client.send_despite_close(REJECTED[413])
        reply = client.reply()

    assert (reply.headers["content-type"], reply.body) == BODIES[413]
    assert list(reply.headers)[:2] == ["content-type", "content-length"]


def test_a_fake_that_breaks_says_so_in_the_shape_of_other_failures(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = TiledeskFake()
    monkeypatch.setattr(type(fake), "wsgi_app", raising(ZeroDivisionError()))
    with fake, Client(int(fake.url.rpartition(":")[2].partition("/")[0])) as client:
        client.send(get())

        assert client.reply().body == INTERNAL_ERROR
