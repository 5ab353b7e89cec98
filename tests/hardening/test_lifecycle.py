"""Stalled clients and the life of the command; what a server does in its own process is in tests/serving."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.hardening.hostile import request
from tests.hardening.served import SCENARIO, SIGNING_SECRET, serving
from tests.raw_http import Client
from tests.serving.processes import cpu_s
from tiledesk_fake import TiledeskFake
from tiledesk_fake.gate.jwt import sign
from tiledesk_fake.serving.limits import Limits
from tiledesk_fake.serving.server import Server

CLIENTS = 64
SERVED_WITHIN_S = 0.5
# A machine that has other things to do may be late now and then; a server that waits for others is late every time.
TRIES = 3
# Until a server gives up on them, stalled clients stay.
CUT_OFF_WITHIN_S = 5.0
ENDS_WITHIN_S = 2.0
WATCHED_S = 0.5


@contextmanager
def listening(app: Any, **limits: float) -> Iterator[Server]:
    server = Server(app)
    server.limits = Limits()._replace(**limits)  # type: ignore[arg-type]
    server.start()
    try:
        yield server
    finally:
        server.stop()


def new_fake() -> TiledeskFake:
    """A fake that does not answer where the real server does not."""
    fake = TiledeskFake(secret=SIGNING_SECRET, profile={"server-quirks": "observed"})
    fake.load(SCENARIO)
    for _ in range(40):
        fake.issue_token(fake.users["ada@example.com"])
    return fake


@pytest.fixture
def fake() -> TiledeskFake:
    return new_fake()


HEAD = request(close=False)[:-2]
BODY = request("POST", "/v3/jwt/history", "Content-Length: 9", close=False) + b"1234"
# The real server does not answer to an empty _id (observed).
SILENCED = f"Authorization: JWT {sign({'_id': '', 'sub': 'user'}, SIGNING_SECRET.encode())}"
STALLS = {
    "head": HEAD,
    "body": BODY,
    "idle": b"",
    "half-line": b"GET /v3",
    "reading": request(close=False) * 50,
    "silence": request(credentials=(SILENCED,), close=False),
}


def is_served_beside(port: int, stall: bytes) -> bool:
    """Whether a client is served in time while CLIENTS others are stalled; they still are when it has been."""
    with ExitStack() as stalled:
        clients = []
        for _ in range(CLIENTS):
            client = stalled.enter_context(Client(port))
            # So that answers which are not read fill the buffers soon.
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            client.send_despite_close(stall)
            clients.append(client)
        served = any(is_served_in_time(port) for _ in range(TRIES))
        if stall != STALLS["reading"]:
            assert all(client.is_silent_for(0.001) for client in clients)
        return served


def is_served_in_time(port: int) -> bool:
    with Client(port) as client:
        client.socket.settimeout(SERVED_WITHIN_S)
        client.send(request())
        try:
            return client.reply().status == 200
        except TimeoutError:
            return False


@pytest.mark.parametrize("stall", STALLS.values(), ids=STALLS)
def test_a_client_is_served_while_64_others_are_stalled(fake: TiledeskFake, stall: bytes) -> None:
    with listening(fake.wsgi_app, request_s=60, write_s=60) as server:
        assert is_served_beside(server.port, stall)


def trickle(client: Client) -> int:
    """The status that cuts off a client which sends its head a byte at a time; 0 if the server lets it go on."""
    client.send(HEAD)
    until = time.monotonic() + CUT_OFF_WITHIN_S
    while time.monotonic() < until:
        client.send_despite_close(b"a")
        if not client.is_silent_for(0.02):
            return client.reply().status
    return 0


def test_a_head_that_trickles_in_is_a_408(fake: TiledeskFake) -> None:
    with listening(fake.wsgi_app, request_s=0.5) as server, Client(server.port) as client:
        assert trickle(client) == 408


# --- the command -------------------------------------------------------------------------------------------------


def test_the_command_listens_on_this_machine_only(tmp_path: Path) -> None:
    with serving(tmp_path) as served, pytest.raises(ConnectionRefusedError):
        Client(served.port, host="127.0.0.2")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="measures a process as Linux does")
def test_idle_clients_cost_next_to_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as served, open_clients(served.port, 50):
        before, until = cpu_s(served.process.pid), time.monotonic() + WATCHED_S
        while time.monotonic() < until:
            time.sleep(0.05)
            assert cpu_s(served.process.pid) - before < 0.1


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
        code = served.process.wait(ENDS_WITHIN_S)
        rest = [client.rest_or_reset() for client in clients]

        assert code == 0
        assert served.errors.read_text(encoding="utf-8") == ""
        assert rest == [b""] * 32
        with pytest.raises(ConnectionRefusedError):
            Client(served.port)


def test_a_second_interrupt_does_not_keep_the_command_from_ending(tmp_path: Path) -> None:
    """Though one signal may come in the middle of another's handler."""
    with serving(tmp_path) as served:
        for _ in range(300):
            if served.process.poll() is not None:
                break
            served.process.send_signal(signal.SIGINT)

        assert served.process.wait(ENDS_WITHIN_S) == 0
