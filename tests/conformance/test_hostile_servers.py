"""Servers that are broken or hostile: whatever they answer, an examination ends in time and leaks nothing."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
import requests

from tests.conformance.world import Answer, Ask, Request, World, world
from tiledesk_fake.conformance.client import MOST_BYTES, Client, Exchange
from tiledesk_fake.conformance.examination import Examination
from tiledesk_fake.conformance.guard import Guard
from tiledesk_fake.conformance.transport import GuardedAdapter

Talk = Callable[[socket.socket], None]
PATIENCE_S = 20


@contextmanager
def talking(talk: Talk) -> Iterator[str]:
    """The URL of a server that says to every request whatever it likes."""

    def served(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(PATIENCE_S)
            while connection.recv(65536):
                talk(connection)
                # What it says ends here.
                connection.shutdown(socket.SHUT_WR)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=served, args=(listening.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v3"
        # Closing alone does not wake who waits for connections.
        listening.shutdown(socket.SHUT_RDWR)


def saying(*parts: bytes) -> Talk:
    return lambda connection: connection.sendall(b"".join(parts))


def asked(talk: Talk, *, timeout_s: float = PATIENCE_S) -> Exchange:
    """What a client makes of the answer."""
    with talking(talk) as url:
        client = Client(url, Guard((), may_revoke=False), timeout_s=timeout_s)
        try:
            return client.send("GET", "/jwt/history")
        finally:
            client.close()


def over_and_over(begin: bytes, again: bytes, pause_s: float = 0.0) -> Talk:
    """Says something, and then the same without an end."""

    def talk(connection: socket.socket) -> None:
        connection.sendall(begin)
        ending = time.monotonic() + PATIENCE_S
        while time.monotonic() < ending:
            connection.sendall(again)
            if pause_s:
                threading.Event().wait(pause_s)

    return talk


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (OK + b"Content-Length: 1000000000000000\r\n\r\n[]", "no whole answer: more than 16 MB"),
        (OK + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n[]", "no whole answer: more than 16 MB"),
        (OK + b"Content-Length: 5\r\n\r\n[]", "half an answer: 2 bytes of its body"),
        (CHUNKED + b"ffffffffffff\r\n[]", "half an answer"),
        (CHUNKED + b"f" * 30 + b"\r\n[]", "half an answer"),
        (CHUNKED + b"-5\r\n[]", "no whole answer: its length makes no sense"),
        (CHUNKED + b"zz\r\n[]", "half an answer"),
    ],
)
def test_an_answer_whose_length_is_impossible_is_no_whole_answer(answer: bytes, failure: str) -> None:
    exchange = asked(saying(answer))

    assert exchange.status is None
    assert exchange.failure.startswith(failure)


@pytest.mark.parametrize(
    ("begin", "again", "failure"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", "no answer within 1 s"),
        (OK, b"X: y\r\n", "no answer within 1 s"),
        (OK + b"Content-Length: 1000\r\n\r\n", b"[", "no whole answer within 1 s"),
        (CHUNKED, b"1\r\n[\r\n", "no whole answer within 1 s"),
        (OK + b"\r\n", b"[", "no whole answer within 1 s"),
    ],
)
def test_an_answer_that_trickles_in_is_not_waited_for_longer_than_any_other(
    begin: bytes, again: bytes, failure: str
) -> None:
    began_s = time.monotonic()
    exchange = asked(over_and_over(begin, again, pause_s=0.1), timeout_s=1)

    assert (exchange.status, exchange.failure) == (None, failure)
    assert time.monotonic() - began_s < PATIENCE_S / 2


@pytest.mark.parametrize(
    ("begin", "again"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 4000),
        (OK + b"\r\n", b"[" * 65536),
        (CHUNKED, b"10000\r\n" + b"[" * 65536 + b"\r\n"),
    ],
    ids=["continue", "until the end", "chunks"],
)
def test_an_answer_without_an_end_is_read_up_to_a_limit(begin: bytes, again: bytes) -> None:
    exchange = asked(over_and_over(begin, again))

    assert (exchange.status, exchange.failure) == (None, "no whole answer: more than 16 MB")


def test_a_long_answer_is_read_whole() -> None:
    body = b"[" * (MOST_BYTES - 1000)

    assert asked(saying(OK, b"Content-Length: %d\r\n\r\n" % len(body), body)).body == body
    assert asked(saying(OK, b"\r\n", body)).body == body
    assert asked(saying(CHUNKED, b"%x\r\n" % len(body), body, b"\r\n0\r\n\r\n")).body == body


def test_a_few_bytes_do_not_become_millions_while_requests_are_generated() -> None:
    bomb = gzip.compress(b"[" * 50_000_000)

    def packed(world: World, request: Request, ask: Ask) -> Answer:
        return Answer(200, (("Content-Type", "application/json"), ("Content-Encoding", "gzip")), bomb)

    with world(packed).here() as server:
        exam = Examination(server)
        prepared = requests.Request("GET", f"{server.url}/jwt/history").prepare()
        response = GuardedAdapter(exam).send(prepared)

    assert response.headers["Content-Encoding"] == "gzip"
    assert response.content == bomb
