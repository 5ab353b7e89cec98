"""How an answer is delivered."""

import time

import pytest

from tests.raw_http import Client, get
from tests.serving.apps import Recorder, raising
from tests.serving.servers import Serve, eventually, open_connections
from tiledesk_fake.errors import NoAnswer
from tiledesk_fake.serving.delivery import Delivery
from tiledesk_fake.serving.server import Server


def test_a_delayed_answer_keeps_nobody_else_waiting(serve: Serve, app: Recorder) -> None:
    app.deliveries["/slow"] = Delivery(delay_s=0.4)
    port = serve(app).port
    with Client(port) as slow, Client(port) as quick:
        began = time.monotonic()
        slow.send(get("/slow"))
        assert slow.is_silent_for(0.05)
        quick.send(get("/quick"))

        assert quick.reply().body == b"GET /quick"
        assert slow.is_silent_for(0.05)
        assert slow.reply().body == b"GET /slow"
        assert time.monotonic() - began >= 0.4
        slow.send(get("/next"))
        assert slow.reply().body == b"GET /next"


def test_a_delayed_answer_outlasts_all_deadlines(hurried: Server, app: Recorder) -> None:
    app.deliveries["/slow"] = Delivery(delay_s=0.9)
    with Client(hurried.port) as client:
        client.send(get("/slow"))

        assert client.reply().body == b"GET /slow"


def test_before_answer_resets_without_a_byte(client: Client, app: Recorder) -> None:
    app.deliveries["/"] = Delivery(drop="before-answer")
    client.send(get())

    with pytest.raises(ConnectionResetError):
        client.rest()


@pytest.mark.parametrize("size", [1, 10, 11, 3_000_000])
def test_mid_body_sends_half_of_the_announced_body_and_resets(client: Client, app: Recorder, size: int) -> None:
    app.deliveries["/"] = Delivery(drop="mid-body")
    app.body = b"x" * size
    client.send(get())

    head, body = client.until_reset().split(b"\r\n\r\n")
    assert b"Content-Length: %d\r\n" % size in head
    assert body == b"x" * (size // 2)


def test_mid_body_cuts_the_head_where_there_is_no_body(client: Client, app: Recorder) -> None:
    app.deliveries["/"] = Delivery(drop="mid-body")
    app.body = b""
    client.send(get())

    received = client.until_reset()
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in received


def test_malformed_is_not_http_and_closes(client: Client, app: Recorder) -> None:
    app.deliveries["/"] = Delivery(drop="malformed")
    client.send(get() + get("/never"))

    received = client.rest()
    assert received
    assert b"HTTP/" not in received
    assert len(app.environs) == 1


@pytest.mark.parametrize("silent", ["silence", "raises"])
def test_silence_is_held_past_all_deadlines_until_the_client_gives_up(serve: Serve, silent: str) -> None:
    recorder = Recorder()
    recorder.deliveries["/"] = Delivery(drop="silence")
    app = recorder if silent == "silence" else raising(NoAnswer("as the real server"))
    server = serve(app, request_s=0.3, idle_s=0.3, write_s=0.3, linger_s=0.3)
    with Client(server.port) as client:
        client.send(get() + get("/never"))

        assert client.is_silent_for(0.5)
        client.send(get("/neither"))
        assert open_connections(server) == 1
    assert eventually(lambda: open_connections(server) == 0)
    assert len(recorder.environs) in (0, 1)


def test_a_held_connection_does_not_hold_up_stop(serve: Serve) -> None:
    server = serve(raising(NoAnswer("as the real server")))
    with Client(server.port) as client:
        client.send(get())
        assert client.is_silent_for(0.05)
        server.stop()
        assert client.rest_or_reset() == b""
