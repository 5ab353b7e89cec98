"""Waiting for calls: the answer comes when they come, holds no thread, and keeps nobody waiting."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from tests.control.callers import Caller
from tests.wsgi import call
from tiledesk_fake import TiledeskFake
from tiledesk_fake.control.app import ControlApp
from tiledesk_fake.control.waiting import MOST_WAITING

LIST = "/v3/jwt/history"
PATIENCE_S = 7.0


def waits(control: Caller, count: int = 1) -> None:
    """Return once so many requests wait, as the journal's listeners tell."""
    while len(control.fake.journal._listeners) != count:
        control.ok("GET", "/_fake/health")


@contextmanager
def asking(control: Caller, query: str) -> Iterator["Future[Any]"]:
    """A request to the journal, in a thread of the test's."""
    with ThreadPoolExecutor(1) as pool:
        other = Caller(control.fake)
        yield pool.submit(other.ok, "GET", f"/_fake/journal?{query}")
    other.session.close()


def test_the_answer_comes_with_the_call(control: Caller) -> None:
    with asking(control, "wait_s=9") as answer:
        waits(control)
        control("GET", LIST)

        # Sooner than the nine seconds are up.
        assert [each["number"] for each in answer.result(timeout=PATIENCE_S)["exchanges"]] == [1]
    waits(control, 0)


def test_it_comes_at_once_where_enough_have_come_already(control: Caller) -> None:
    control("GET", LIST)
    control("GET", LIST)

    assert len(control.ok("GET", "/_fake/journal?wait_s=9&times=2")["exchanges"]) == 2
    waits(control, 0)


def test_only_what_matches_counts(control: Caller) -> None:
    control("GET", LIST)
    with asking(control, "wait_s=9&operation=revokeTokenByJti&times=2&after=1") as answer:
        waits(control)
        for path in ("/x", "", "/y"):
            control("DELETE" if path else "GET", LIST + path)

        assert [each["target"][-1] for each in answer.result()["exchanges"]] == ["x", "y"]


def test_when_the_time_is_up_it_comes_with_what_there_is(control: Caller) -> None:
    control("GET", LIST)

    journal = control.ok("GET", "/_fake/journal?wait_s=0.05&times=2")

    assert (len(journal["exchanges"]), journal["total"]) == (1, 1)
    waits(control, 0)


def test_it_ends_when_the_client_hangs_up(control: Caller) -> None:
    url = urlsplit(control.origin)
    with socket.create_connection((url.hostname, url.port)) as client:
        client.sendall(b"GET /_fake/journal?wait_s=9 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        waits(control)
    waits(control, 0)


def test_no_more_than_200_wait_and_they_hold_no_thread_and_keep_nobody_waiting(control: Caller) -> None:
    url = urlsplit(control.origin)
    threads = threading.active_count()
    clients = [socket.create_connection((url.hostname, url.port)) for _ in range(MOST_WAITING)]
    try:
        for client in clients:
            client.sendall(b"GET /_fake/journal?wait_s=9 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        waits(control, MOST_WAITING)

        refused = control("GET", "/_fake/journal?wait_s=9")

        assert (MOST_WAITING, refused.status_code, refused.json()["code"]) == (200, 503, "too-many-waiting")
        assert refused.headers["Retry-After"] == "1"
        assert control("GET", "/_fake/journal").status_code == 200
        assert threading.active_count() == threads
        control("GET", LIST)
        assert all(client.recv(20).startswith(b"HTTP/1.1 200 OK") for client in clients)
        waits(control, 0)
    finally:
        for client in clients:
            client.close()


def test_under_another_server_it_waits_in_the_thread_that_the_request_came_in() -> None:
    fake = TiledeskFake()
    app = ControlApp(fake, TiledeskFake)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(call, app, "GET", "/_fake/journal?wait_s=9", [("Host", "localhost")])
        while not fake.journal._listeners:
            assert not answer.done()
        call(fake.wsgi_app, "GET", LIST)

        assert answer.result().json["total"] == 1
    assert call(app, "GET", "/_fake/journal?wait_s=0.01&times=2", [("Host", "localhost")]).json["total"] == 1
