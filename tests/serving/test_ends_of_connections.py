"""How connections end, and that nothing is left of them."""

import contextlib
import gc
import logging
import time
import weakref
from collections.abc import Iterable, Iterator
from typing import Any
from unittest import mock
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from tests.raw_http import Client, get, post
from tests.serving.apps import Recorder, answers
from tests.serving.servers import Serve, eventually, open_connections
from tiledesk_fake.serving.connection import Connection
from tiledesk_fake.serving.delivery import Delivery
from tiledesk_fake.serving.server import Server


@pytest.mark.parametrize("before", [b"", get("/slow")], ids=["at-once", "paused"])
def test_a_client_may_go_on_sending_and_still_read_its_last_answer(
    client: Client, app: Recorder, before: bytes
) -> None:
    app.deliveries["/slow"] = Delivery(delay_s=0.2)
    client.send(before + get("/last", "Connection: close") + b"x" * 20_000_000)

    if before:
        assert client.reply().body == b"GET /slow"
    assert client.reply().body == b"GET /last"
    assert client.rest() == b""


def test_the_end_of_a_connection_is_told_at_once(serve: Serve, app: Recorder) -> None:
    with Client(serve(app, linger_s=60).port) as client:
        client.send(get("/", "Connection: close"))

        assert client.reply().status == 200
        assert client.rest() == b""


def test_a_client_that_does_not_close_is_not_waited_for(hurried: Server) -> None:
    with Client(hurried.port) as client:
        client.send(get("/", "Connection: close"))

        assert client.rest()
        assert eventually(lambda: open_connections(hurried) == 0)


def test_a_client_that_is_gone_before_the_goodbye_is_no_incident(
    client: Client, app: Recorder, logged: list[logging.LogRecord]
) -> None:
    """Its reset may come between the last write and the half-close, which then fails."""
    app.deliveries["/slow"] = Delivery(delay_s=0.1)
    with mock.patch("tiledesk_fake.serving.stream.Stream.end_writing", side_effect=OSError):
        client.send(get("/slow", "Connection: close"))
        assert client.reply().status == 200
        assert client.rest_or_reset() == b""

    assert logged == []


def test_a_client_that_gives_up_during_a_delay_is_forgotten(
    serve: Serve, app: Recorder, logged: list[logging.LogRecord]
) -> None:
    app.deliveries["/slow"] = Delivery(delay_s=0.3)
    server = serve(app)
    client = Client(server.port)
    client.send(get("/slow"))
    assert eventually(lambda: len(app.environs) == 1)
    client.reset()

    assert eventually(lambda: open_connections(server) == 0)
    time.sleep(0.4)
    assert logged == []


@pytest.mark.parametrize("targets", [["/slow"], ["/slow", "/quick"]], ids=["one", "two"])
def test_a_client_that_only_stops_sending_still_gets_its_answers(
    client: Client, app: Recorder, targets: list[str]
) -> None:
    app.deliveries["/slow"] = Delivery(delay_s=0.2)
    client.send(b"".join(get(target) for target in targets))
    client.end_sending()

    assert [client.reply().body for _ in targets] == [f"GET {target}".encode() for target in targets]
    assert client.rest() == b""


def test_an_idle_connection_keeps_nothing_of_its_last_request(serve: Serve) -> None:
    bodies: list[weakref.ref[Any]] = []

    def noting(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        bodies.append(weakref.ref(environ["wsgi.input"]))
        return answers()(environ, start_response)

    with Client(serve(noting).port) as client:
        client.send(post(b"x" * 500_000))
        assert client.reply().status == 200

        assert eventually(lambda: bodies[0]() is None)


def test_a_closed_connection_is_freed_without_waiting_for_the_garbage_collector(serve: Serve, app: Recorder) -> None:
    server = serve(app)
    with without_garbage_collection():
        with Client(server.port) as client:
            client.send(post(b"x" * 500_000)[:-1])
            assert eventually(lambda: open_connections(server) == 1)
            connection, body = held_for_the_one_client_of(server)
            assert connection()
            assert body()
        assert eventually(lambda: not connection() and not body())


def held_for_the_one_client_of(server: Server) -> "list[weakref.ref[Any]]":
    assert server._listening
    (connection,) = server._listening.service.open
    assert isinstance(connection, Connection)
    reader = connection._reader
    assert eventually(lambda: reader.underway)
    return [weakref.ref(connection), weakref.ref(reader._body)]


@contextlib.contextmanager
def without_garbage_collection() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
