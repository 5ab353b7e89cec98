"""Stalled clients and the life of the command; what a server does in its own process is in tests/test_server.py."""

import dataclasses
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.hardening.hostile import request
from tests.hardening.served import SCENARIO, SIGNING_SECRET, serving
from tests.raw_http import PATIENCE_S, Client
from tiledesk_fake import TiledeskFake
from tiledesk_fake.http1 import Limits
from tiledesk_fake.server import Server

CLIENTS = 64
# Until a server gives up on them, stalled clients stay; nobody may wait so long.
HARD_STOP_S = 5.0


@contextmanager
def listening(app: Any, **limits: float) -> Iterator[Server]:
    server = Server(app)
    server.limits = dataclasses.replace(Limits(), **limits)  # type: ignore[arg-type]
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def fake() -> TiledeskFake:
    fake = TiledeskFake(secret=SIGNING_SECRET)
    fake.load(SCENARIO)
    for _ in range(40):
        fake.issue_token(fake.users["ada@example.com"])
    return fake


HEAD = request(close=False)[:-2]
BODY = request("POST", "/v3/jwt/history", "Content-Length: 9", close=False) + b"1234"
STALLS = {"head": HEAD, "body": BODY, "idle": b"", "half-line": b"GET /v3", "reading": request(close=False) * 50}


def is_served_beside(port: int, stall: bytes) -> bool:
    """Whether a client is served while CLIENTS others are stalled; they still are when it has been."""
    with ExitStack() as stalled:
        clients = []
        for _ in range(CLIENTS):
            client = stalled.enter_context(Client(port))
            # So that answers which are not read fill the buffers soon.
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.send_despite_close(stall)
            clients.append(client)
        with Client(port) as normal:
            normal.socket.settimeout(HARD_STOP_S)
            normal.send(request())
            try:
                served = normal.reply().status == 200
            except TimeoutError:
                served = False
        if not stall.endswith(b"\r\n\r\n"):
            assert all(client.is_silent_for(0.001) for client in clients)
        return served


@pytest.mark.parametrize("stall", STALLS.values(), ids=STALLS)
def test_a_client_is_served_while_64_others_are_stalled(fake: TiledeskFake, stall: bytes) -> None:
    with listening(fake.wsgi_app, request_s=60, write_s=60) as server:
        assert is_served_beside(server.port, stall)


def test_a_server_that_waits_for_each_client_in_turn_is_found() -> None:
    """The server of the standard library without threads."""
    import threading
    from wsgiref.simple_server import WSGIRequestHandler, demo_app, make_server

    class Quiet(WSGIRequestHandler):
        timeout = 8

        def log_message(self, *_: object) -> None:
            pass

    with make_server("127.0.0.1", 0, demo_app, handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        with Client(server.server_port) as stalled, Client(server.server_port) as normal:
            stalled.send(HEAD)
            normal.socket.settimeout(0.5)
            normal.send(request())
            with pytest.raises(TimeoutError):
                normal.reply()
        server.shutdown()
        thread.join(PATIENCE_S)


def trickle(client: Client) -> int:
    """The status that ends a client which sends its head a byte at a time; 0 if the server lets it go on."""
    client.send(HEAD)
    until = time.monotonic() + HARD_STOP_S
    while time.monotonic() < until:
        client.send_despite_close(b"a")
        if not client.is_silent_for(0.02):
            return client.reply().status
    return 0


def test_a_head_that_trickles_in_is_a_408(fake: TiledeskFake) -> None:
    with listening(fake.wsgi_app, request_s=0.5) as server, Client(server.port) as client:
        assert trickle(client) == 408


def test_a_deadline_that_each_byte_stretches_is_found(fake: TiledeskFake, monkeypatch: pytest.MonkeyPatch) -> None:
    from tiledesk_fake.http1 import Connection

    await_request = Connection._await_request

    def stretched(self: Connection) -> None:
        self._timed_request = 0
        await_request(self)

    monkeypatch.setattr(Connection, "_await_request", stretched)
    monkeypatch.setattr("tests.hardening.test_lifecycle.HARD_STOP_S", 1.5)

    with listening(fake.wsgi_app, request_s=0.5) as server, Client(server.port) as client:
        assert trickle(client) == 0


# --- the command -------------------------------------------------------------------------------------------------


@contextmanager
def open_clients(port: int, number: int = 32) -> Iterator[list[Client]]:
    """Clients that are idle, stalled in a head, stalled in a body, and served once, in turn."""
    with ExitStack() as stack:
        clients = [stack.enter_context(Client(port)) for _ in range(number)]
        for client, data in zip(clients, [b"", HEAD, BODY, request(close=False)] * number, strict=False):
            client.send(data)
            if data.endswith(b"\r\n\r\n"):
                assert client.reply().status == 200
        yield clients


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_though_32_clients_are_connected(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path) as served, open_clients(served.port) as clients:
        served.process.send_signal(number)
        code = served.process.wait(PATIENCE_S)
        rest = [client.rest_or_reset() for client in clients]

        assert code == 0
        assert served.errors.read_text(encoding="utf-8") == ""
        assert rest == [b""] * 32
        with pytest.raises(ConnectionRefusedError):
            Client(served.port)


def ends_despite_many_signals(directory: Path, before: str = "", patience_s: float = PATIENCE_S) -> bool:
    """Whether the command ends with exit code 0 though one signal comes in the middle of another's handler."""
    with serving(directory, before=before) as served:
        for _ in range(300):
            if served.process.poll() is not None:
                break
            served.process.send_signal(signal.SIGINT)
        try:
            return served.process.wait(patience_s) == 0
        except subprocess.TimeoutExpired:
            return False


def test_a_second_interrupt_does_not_keep_the_command_from_ending(tmp_path: Path) -> None:
    assert ends_despite_many_signals(tmp_path)


def test_a_command_that_does_not_end_is_found(tmp_path: Path) -> None:
    deaf = "import signal; real = signal.signal; signal.signal = lambda number, _: real(number, signal.SIG_IGN)"

    assert not ends_despite_many_signals(tmp_path, before=deaf, patience_s=1)


def test_what_a_server_leaves_behind_is_found() -> None:
    """The count of the test that starts and stops a server 200 times sees one descriptor."""
    import os

    before = len(os.listdir("/proc/self/fd"))
    with socket.socket():
        assert len(os.listdir("/proc/self/fd")) == before + 1
