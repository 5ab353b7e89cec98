"""The loop by itself; what servers make of it is in the other modules here."""

import gc
import math
import selectors
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from tests.raw_http import PATIENCE_S
from tiledesk_fake.log import log
from tiledesk_fake.serving.loop import Loop
from tiledesk_fake.serving.rejection import Rejection
from tiledesk_fake.serving.stream import Stream


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A running loop."""
    loop = Loop()
    loop.start("test")
    yield loop
    loop.stop()


class Client:
    """A connection of which the loop has the other end; notes what the loop says of that."""

    def __init__(self, loop: Loop) -> None:
        self.heard: list[str] = []
        self.lost_for_good = threading.Event()
        self.socket, self.other = socket.socketpair()
        self.socket.settimeout(PATIENCE_S)
        loop.do(lambda: setattr(self, "stream", Stream(loop, self.other, self)))
        self.stream: Stream

    def received(self, data: memoryview) -> None:
        self.heard.append(bytes(data).decode())
        self.stream.write(bytes(data).upper())

    def handshook(self) -> None:
        self.heard.append("handshook")

    def misunderstood(self, rejection: Rejection) -> None:
        self.heard.append(rejection.reason)

    def ended(self) -> None:
        self.heard.append("ended")
        self.stream.close()

    def congested(self) -> None:
        self.heard.append("congested")

    def flushed(self) -> None:
        self.heard.append("flushed")

    def lost(self) -> None:
        self.heard.append("lost")
        self.lost_for_good.set()


class Guarded:
    def __init__(self, deadline: float = math.inf, act: Callable[[], object] = lambda: None) -> None:
        self.deadline = deadline
        self._act = act

    def on_deadline(self) -> None:
        self.deadline = math.inf
        self._act()


def test_what_is_read_is_said_and_what_is_written_arrives(loop: Loop) -> None:
    client = Client(loop)

    client.socket.sendall(b"hello")
    assert client.socket.recv(99) == b"HELLO"
    client.socket.close()

    assert client.lost_for_good.wait(PATIENCE_S)
    assert client.heard == ["hello", "ended", "lost"]


def test_a_stream_that_is_closed_sends_the_rest_first(loop: Loop) -> None:
    client, size = Client(loop), 3_000_000

    def write_and_close() -> None:
        client.stream.write(b"a" * size)
        client.stream.write(b"b")
        client.stream.close()
        client.stream.close()

    loop.do(write_and_close)
    received = b""
    while part := client.socket.recv(100_000):
        received += part

    assert received == b"a" * size + b"b"
    assert client.lost_for_good.wait(PATIENCE_S)
    assert client.heard == ["congested", "lost"]
    client.socket.close()


def test_a_stream_is_lost_once_and_after_the_action_that_ends_it(loop: Loop) -> None:
    client = Client(loop)
    during: list[list[str]] = []

    def abort() -> None:
        client.stream.abort()
        client.stream.abort()
        client.stream.close()
        during.append(list(client.heard))

    loop.do(abort)

    assert client.lost_for_good.wait(PATIENCE_S)
    loop.do(lambda: None)
    assert (during, client.heard) == ([[]], ["lost"])
    client.socket.close()


def test_timers_go_off_in_their_order_unless_they_are_cancelled(loop: Loop) -> None:
    order: list[str] = []
    over = threading.Event()

    def plan() -> None:
        loop.call_later(0.03, over.set)
        loop.call_later(0.02, lambda: order.append("second"))
        loop.call_later(0.01, lambda: order.append("first"))
        loop.call_later(0, lambda: order.append("never")).cancel()

    loop.do(plan)

    assert over.wait(PATIENCE_S)
    assert order == ["first", "second"]


@pytest.mark.usefixtures("planted_bugs")
def test_an_action_that_fails_is_logged_and_ends_nothing(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Any] = []
    monkeypatch.setattr(log, "exception", lambda *message: told.append(message))

    loop.do(lambda: 1 / 0)
    loop.do(lambda: None)

    assert len(told) == 1


@pytest.mark.usefixtures("planted_bugs")
def test_a_deadline_that_fails_keeps_no_other_from_being_seen_to(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "exception", lambda *message: None)
    seen = threading.Event()

    def guard() -> None:
        acts: list[Callable[[], object]] = [lambda: 1 / 0, seen.set, lambda: 1 / 0]
        for act in acts:
            loop.guard(Guarded(loop.monotonic(), act))

    loop.do(guard)

    assert seen.wait(PATIENCE_S)
    seen.clear()
    loop.do(lambda: loop.guard(Guarded(loop.monotonic(), seen.set)))
    assert seen.wait(PATIENCE_S)


def test_deadlines_have_one_timer_however_many_clients_came_and_went() -> None:
    loop = Loop()
    for _ in range(100):
        gone = Guarded()
        loop.guard(gone)
        loop.guarded.discard(gone)
    loop.guard(Guarded())

    assert len(loop._timers) == 1
    loop.stop()


@pytest.mark.parametrize("do", [Loop.do, Loop.call], ids=["do", "call"])
def test_what_is_to_be_done_when_the_thread_has_ended_is_done_all_the_same(do: Callable[..., None]) -> None:
    loop, done = Loop(), threading.Event()
    loop.start("test")
    loop.stop()

    do(loop, done.set)

    assert done.is_set()


def test_a_selector_that_does_not_learn_while_it_waits_is_woken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selectors, "DefaultSelector", selectors.SelectSelector)
    loop, accepted = Loop(), threading.Event()
    loop.start("test")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # It waits by now, for what there is to wait for.
        loop.do(lambda: None)

        def once(events: int) -> None:
            loop.unwatch(listener)
            accepted.set()

        loop.watch(listener, once)

        with socket.create_connection(listener.getsockname()):
            assert accepted.wait(PATIENCE_S)
    loop.stop()


def test_it_keeps_nothing_of_a_client_that_is_gone(loop: Loop) -> None:
    client = Client(loop)
    client.socket.sendall(b"x")
    assert client.socket.recv(9) == b"X"
    loop.do(client.stream.abort)
    client.socket.close()
    assert client.lost_for_good.wait(PATIENCE_S)
    loop.do(lambda: None)

    assert [held for held in gc.get_referrers(client.stream) if held not in (vars(client), client)] == []


def test_a_timer_of_the_far_future_neither_ends_nor_spins_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    patience: list[float | None] = []
    select = selectors.DefaultSelector.select

    def noted(self: Any, timeout: float | None = None) -> Any:
        patience.append(timeout)
        return select(self, timeout)

    monkeypatch.setattr(selectors.DefaultSelector, "select", noted)
    loop = Loop()
    loop.start("test")
    for seconds in (1e9, 1e300, math.inf):
        loop.do(partial(loop.call_later, seconds, lambda: None))
    loop.do(lambda: None)

    assert loop.alive
    assert max(each for each in patience if each is not None) == 60.0
    assert len(patience) < 20
    loop.stop()
