"""The life of a server: it starts at once, says what it cannot do, and leaves nothing behind."""

import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest import mock
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest

from tests.raw_http import PATIENCE_S, Client, get
from tests.serving.apps import Recorder, answers
from tests.serving.servers import Serve, eventually
from tiledesk_fake.errors import CannotListen, MisuseError, NotListening
from tiledesk_fake.serving.delivery import Delivery
from tiledesk_fake.serving.loop import Loop
from tiledesk_fake.serving.server import Server
from tiledesk_fake.serving.service import Service


def test_clients_are_answered_as_soon_as_start_returns(serve: Serve) -> None:
    server = serve(answers(body=b"hello"))

    with Client(server.port) as client:
        client.send(get())
        assert client.reply().body == b"hello"
    assert server.listening


def test_a_taken_port_is_refused_at_once_with_what_to_do(serve: Serve) -> None:
    taken = serve(answers()).port

    with pytest.raises(CannotListen, match=rf"127\.0\.0\.1:{taken}.*in use.*--port 0"):
        Server(answers(), port=taken).start()


@pytest.mark.parametrize(
    ("host", "port"), [("no-such-host.invalid", 0), ("a" * 300, 0), ("192.0.2.1", 0), ("127.0.0.1", 65_536), ("", -1)]
)
def test_an_impossible_address_is_refused(host: str, port: int) -> None:
    server = Server(answers(), host=host, port=port)

    with pytest.raises(CannotListen, match=r"cannot listen on .*127\.0\.0\.1"):
        server.start()
    assert not server.listening


def test_starting_twice_is_misuse(serve: Serve) -> None:
    server = serve(answers())

    with pytest.raises(MisuseError, match="listens already"):
        server.start()
    with Client(server.port) as client:
        client.send(get())
        assert client.reply().status == 200


def test_stopping_twice_or_before_start_is_fine(serve: Serve) -> None:
    Server(answers()).stop()
    server = serve(answers())

    server.stop()
    server.stop()

    assert not server.listening


def test_a_server_that_does_not_listen_has_no_port(serve: Serve) -> None:
    server = serve(answers())
    server.stop()

    for silent in (server, Server(answers(), port=8000)):
        with pytest.raises(NotListening, match="start"):
            _ = silent.port


def test_a_stopped_server_can_be_started_again(serve: Serve) -> None:
    server = serve(answers())
    server.stop()
    server.start()

    with Client(server.port) as client:
        client.send(get())
        assert client.reply().status == 200


def test_a_fixed_port_is_free_again_after_stop(serve: Serve) -> None:
    first = serve(answers())
    port = first.port
    with Client(port) as client:
        client.send(get())
        client.reply()
        first.stop()  # so that the server's side is the one in TIME_WAIT

    second = serve(answers(), port=port)

    assert second.port == port


def test_a_start_that_fails_half_way_keeps_no_port(serve: Serve) -> None:
    server = serve(answers())
    port = server.port
    server.stop()
    again = Server(answers(), port=port)

    with mock.patch("threading.Thread.start", side_effect=RuntimeError("can't start new thread")):
        with pytest.raises(RuntimeError):
            again.start()
        assert not again.listening
    again.start()
    again.stop()


def test_it_listens_on_the_given_host_only(serve: Serve) -> None:
    port = serve(answers()).port

    with pytest.raises(ConnectionRefusedError):
        Client(port, host="127.0.0.2")


def test_it_listens_on_ipv6(serve: Serve) -> None:
    try:
        server = serve(answers(), host="::1")
    except CannotListen as error:
        pytest.skip(str(error))

    with Client(server.port, host="::1") as client:
        client.send(get())
        assert client.reply().status == 200
    with pytest.raises(CannotListen, match=rf"\[::1\]:{server.port}"):
        Server(answers(), host="::1", port=server.port).start()


def test_nothing_is_answered_after_stop(serve: Serve, app: Recorder) -> None:
    app.deliveries["/late"] = Delivery(delay_s=0.2)
    server = serve(app)
    port = server.port
    idle, half_sent, delayed = clients = [Client(port) for _ in range(3)]
    idle.send(get())
    idle.reply()
    half_sent.send(get()[:-2])
    delayed.send(get("/late"))
    assert eventually(lambda: len(app.environs) == 2)

    server.stop()
    idle.send_despite_close(get())
    half_sent.send_despite_close(get()[-2:])

    assert [client.rest_or_reset() for client in clients] == [b"", b"", b""]
    assert len(app.environs) == 2
    with pytest.raises(ConnectionRefusedError):
        Client(port)
    for client in clients:
        client.close()


LIVES = 200


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors as Linux lists them")
@pytest.mark.parametrize("dirty", [False, True], ids=["clean", "dirty"])
def test_two_hundred_lives_leave_no_descriptor_and_no_thread(dirty: bool) -> None:
    server = Server(answers())

    def live() -> float:
        server.start()
        clients = [Client(server.port), Client(server.port)] if dirty else []
        if dirty:
            half_sent, idle = clients
            half_sent.send(get()[:-2])
            # So that both have been accepted.
            idle.send(get())
            idle.reply()
        began = time.perf_counter()
        server.stop()
        took = time.perf_counter() - began
        for client in clients:
            client.close()
        return took

    def held() -> tuple[int, int]:
        return len(os.listdir("/proc/self/fd")), threading.active_count()

    live()
    before = held()
    stops = sorted(live() for _ in range(LIVES))

    assert held() == before
    assert stops[LIVES * 95 // 100 - 1] < 0.25  # seconds; a hundred times what it takes


def test_the_app_cannot_stop_the_server_it_answers_for(serve: Serve) -> None:
    def stopping(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with pytest.raises(MisuseError, match="another thread"):
            server.stop()
        start_response("200 OK", [])
        return [b"still here"]

    server = serve(stopping)

    with Client(server.port) as client:
        client.send(get())
        assert client.reply().body == b"still here"


def test_two_threads_may_stop_it_at_once(serve: Serve) -> None:
    server = serve(answers())
    stoppers = [threading.Thread(target=server.stop) for _ in range(8)]

    for stopper in stoppers:
        stopper.start()
    for stopper in stoppers:
        stopper.join(PATIENCE_S)

    assert not any(stopper.is_alive() for stopper in stoppers)
    assert not server.listening


def test_a_server_may_share_the_thread_of_another(neighbour: Server) -> None:
    before = threading.active_count()
    for _ in range(2):
        with Client(neighbour.port) as client:
            client.send(get())
            assert client.reply().body == b"GET /"
        neighbour.stop()
        assert threading.active_count() == before
        neighbour.start()


def test_a_server_that_is_to_stop_soon_stops_without_being_waited_for(neighbour: Server) -> None:
    port = neighbour.port
    with Client(port) as client:
        client.send(get())
        client.reply()

        neighbour.stop_soon()

        assert not neighbour.listening
        with pytest.raises(ConnectionRefusedError):
            Client(port)
        assert client.rest_or_reset() == b""


def test_a_client_that_connects_while_its_server_stops_soon_is_not_kept(
    neighbour: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    admitted, stopped = threading.Event(), threading.Event()
    admit = Service.admit

    def slowly(self: Service, client: Any) -> bool:
        admitted.set()
        stopped.wait(PATIENCE_S)
        return admit(self, client)

    monkeypatch.setattr(Service, "admit", slowly)
    with Client(neighbour.port) as client:
        assert admitted.wait(PATIENCE_S)
        neighbour.stop_soon()
        stopped.set()

        assert client.rest_or_reset() == b""


def test_a_server_stops_soon_where_its_loop_learns_of_no_change_while_it_waits(
    neighbour: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Loop, "learns_while_waiting", False)
    with Client(neighbour.port) as client:
        client.send(get())
        client.reply()

        neighbour.stop_soon()

        assert client.rest_or_reset() == b""


def test_a_server_stops_though_the_one_whose_thread_it_shares_has_stopped_first(app: Recorder) -> None:
    host = Server(answers())
    host.start()
    neighbour = Server(app, beside=host)
    neighbour.start()
    port = neighbour.port
    with Client(port) as client:
        client.send(get())
        client.reply()
        host.stop()

        neighbour.stop()

        assert client.rest_or_reset() == b""
    with pytest.raises(ConnectionRefusedError):
        Client(port)
