"""How long a client may take."""

import contextlib
import time
from unittest import mock

import pytest

from tests.raw_http import Client, chunked, get, post
from tests.serving.apps import Recorder
from tests.serving.servers import Serve, assert_refused, eventually, open_connections
from tiledesk_fake.serving.delivery import Delivery
from tiledesk_fake.serving.server import Server


@pytest.mark.parametrize(
    "unfinished",
    [b"G", get()[:-2], post(b"body")[:-1], chunked(b"body")[:-2], get() + get()[:-2]],
    ids=["first-byte", "head", "body", "chunks", "second"],
)
def test_a_request_that_does_not_arrive_in_time_is_a_408(hurried: Server, app: Recorder, unfinished: bytes) -> None:
    with Client(hurried.port) as client:
        client.send(unfinished)

        if unfinished.startswith(get()):
            assert client.reply().status == 200
        assert assert_refused(client, 408).body == b""


@pytest.mark.parametrize("trickling", [get("/" + "a" * 1000), post(b"x" * 1000)], ids=["head", "body"])
def test_a_trickle_does_not_stretch_the_deadline(hurried: Server, app: Recorder, trickling: bytes) -> None:
    with Client(hurried.port) as client:
        client.send(trickling[:-40])
        for byte in trickling[-40:]:
            client.send_despite_close(bytes([byte]))
            if not client.is_silent_for(0.02):
                break

        assert_refused(client, 408)
    assert app.environs == []


def test_an_idle_connection_is_closed_without_a_word(hurried: Server) -> None:
    with Client(hurried.port) as fresh, Client(hurried.port) as used:
        used.send(get())
        assert used.reply().status == 200

        assert fresh.rest() == b""
        assert used.rest() == b""


def test_an_idle_connection_is_not_taken_for_a_slow_one(serve: Serve, app: Recorder) -> None:
    server = serve(app, request_s=0.1)
    with Client(server.port) as client:
        assert client.is_silent_for(0.3)
        client.send(get())
        assert client.reply().status == 200
        assert client.is_silent_for(0.3)
        client.send(get())
        assert client.reply().status == 200


def test_a_client_that_does_not_take_its_answer_is_cut_off(hurried: Server, app: Recorder) -> None:
    app.body = b"x" * 50_000_000
    with Client(hurried.port) as client:
        client.send(get() + get("/next"))

        assert eventually(lambda: open_connections(hurried) == 1)
        assert eventually(lambda: open_connections(hurried) == 0)
        assert len(client.rest_or_reset()) < 50_000_000
    assert len(app.environs) == 1


def gulp(client: Client) -> int:
    """Take a million bytes, however small the pieces are in which they come."""
    taken = 0
    while taken < 1_000_000 and (part := client.socket.recv(1_000_000)):
        taken += len(part)
    return taken


def test_a_client_that_takes_its_answer_slowly_gets_it_all(hurried: Server, app: Recorder) -> None:
    app.body = b"x" * 30_000_000
    with Client(hurried.port) as client:
        client.send(get() + get("/next"))

        received = 0
        began = time.monotonic()
        while taken := gulp(client):
            received += taken
            if time.monotonic() - began < 0.8:  # more than any deadline
                time.sleep(0.1)
            elif received > 60_000_000:
                break
    assert received > 60_000_000
    assert [environ["PATH_INFO"] for environ in app.environs] == ["/", "/next"]


def test_deadlines_hold_while_a_test_stops_the_clocks(serve: Serve, app: Recorder) -> None:
    with contextlib.ExitStack() as stopped:
        for name in ("time", "monotonic", "perf_counter", "sleep"):
            stopped.enter_context(mock.patch(f"time.{name}", return_value=1_000_000_000.0))  # in 2001
        server = serve(app, request_s=0.3)
        app.deliveries["/slow"] = Delivery(delay_s=0.1)
        with Client(server.port) as client:
            client.send(get("/slow") + get()[:-2])
            reply = client.reply()
            assert reply.body == b"GET /slow"
            assert "2001" not in reply.headers["date"]
            assert_refused(client, 408)
