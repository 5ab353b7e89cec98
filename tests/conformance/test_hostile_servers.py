"""Servers that are broken or hostile: whatever they answer, an examination ends in time and leaks nothing."""

import base64
import gzip
import html
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import quote, quote_plus

import pytest
import requests

from tests.conformance.command import run
from tests.conformance.world import Answer, Ask, Request, World, world
from tiledesk_fake.conformance import RULES, check
from tiledesk_fake.conformance.adapter import GuardedAdapter
from tiledesk_fake.conformance.client import MOST_BYTES, Client
from tiledesk_fake.conformance.credentials import Basic, Jwt, Redaction, basic_authorization
from tiledesk_fake.conformance.examination import Examination
from tiledesk_fake.conformance.guard import Guard
from tiledesk_fake.conformance.reply import Reply

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


def asked(talk: Talk, *, timeout_s: float = PATIENCE_S, redact: Redaction | None = None) -> Reply:
    """What a client makes of the answer."""
    with talking(talk) as url:
        client = Client(url, Guard((), may_revoke=False), timeout_s=timeout_s, redact=redact)
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


@pytest.mark.slow
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


PASSWORD = "Gr\"ö\u00dfe/&'+ \\"
ADA = Basic("ada@example.com", PASSWORD)
BASE64 = ADA.authorization.partition(" ")[2]


@pytest.mark.parametrize(
    "echo",
    [
        PASSWORD,
        PASSWORD.encode().decode("latin-1"),
        json.dumps(PASSWORD),
        json.dumps(PASSWORD, ensure_ascii=False),
        json.dumps(PASSWORD).replace("/", "\\/"),
        json.dumps(PASSWORD).replace("00f6", "00F6").replace("00df", "00DF"),
        quote(PASSWORD, safe=""),
        quote(PASSWORD),
        quote_plus(PASSWORD),
        re.sub("%..", lambda each: each[0].lower(), quote(PASSWORD, safe="")),
        html.escape(PASSWORD),
        html.escape(PASSWORD, quote=False),
    ],
)
def test_a_password_is_shown_in_none_of_the_forms_in_which_a_server_may_echo_it(echo: str) -> None:
    assert Redaction([[ADA]])(f"got {echo}").replace('"', "") == "got $PASSWORD1"


@pytest.mark.parametrize("echo", [BASE64, BASE64.rstrip("="), quote(BASE64, safe=""), BASE64.replace("/", "\\/")])
def test_encoded_credentials_are_shown_in_no_form_either(echo: str) -> None:
    assert Redaction([[ADA]])(f"<{echo}>").startswith("<$BASIC1")


@pytest.mark.parametrize("password", ["Geheim:2", "Geheim"])
@pytest.mark.parametrize("email", ["a@b.c", "ab@b.c", "abc@b.c", "ada@example.com"])
def test_the_wrong_passwords_that_are_tried_tell_nothing_of_the_right_one(email: str, password: str) -> None:
    redact = Redaction([[Basic(email, password)]])
    for wrong in (f"x{password}", f"{password.split(':', maxsplit=1)[0]}x", password.swapcase(), ""):
        shown = redact(f"tried {basic_authorization(email, wrong).split()[1]} {wrong} as {email}")

        assert re.fullmatch(rf"tried (<credentials>|\$BASIC1\w+=*) [x:2]*(\$PASSWORD1)?[x:2]* as {email}", shown)


def token(claims: dict[str, object]) -> str:
    parts = (json.dumps(each).encode() for each in ({"alg": "HS256"}, claims))
    return ".".join([*(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts), "c2lnbmF0dXJl"])


def test_the_credentials_of_one_user_are_told_apart() -> None:
    first, second = Jwt(token({"jti": "1"})), Jwt(token({"jti": "2"}))
    redact = Redaction([[ADA, first, second, first], [Jwt(token({"jti": "3"}))]])

    assert redact(first.token) == "$JWT1"
    assert redact(second.token) == "$JWT1_2"
    assert redact(token({"jti": "3"})) == "$JWT2"


def test_an_expired_token_is_a_secret_as_well() -> None:
    served = world()
    with served.here() as server:
        exam = Examination(server)

    assert [each.token for each in exam.expired] == [served.expired]
    assert exam.redact(served.expired) == "$EXPIRED1"


@pytest.mark.parametrize("secret", ["Secret, and longer", token({"jti": "1"}), "Basic QWRhOlNlY3JldA=="])
def test_nothing_of_a_secret_is_left_where_an_answer_is_cut(secret: str) -> None:
    known = Basic("ada@example.com", "Secret, and longer")
    for length in range(270, 300):
        exchange = asked(saying(OK, b"\r\n", b"." * length + secret.encode() + b"!" * 300), redact=Redaction([[known]]))

        assert re.fullmatch(r"200 \.+[$<\w >]*!*… \(\d+ bytes\)", exchange.summary)
        assert not re.search("Secr|ey|QW", exchange.summary)


def test_a_form_that_is_wrong_is_told_without_half_a_secret() -> None:
    for length in range(190, 200):

        def echoing(world: World, request: Request, ask: Ask, length: int = length) -> Answer:
            given = ask(request)
            return given.saying(given.json | {"jwts": "." * length + "Secret"}) if request.lists else given

        with world(echoing).here(jwt=[]) as server:
            report = check(server, rules=RULES[:5], generated=False)

        assert "list-form" in report.broken_rules
        assert ".S" not in report.text()


@pytest.mark.parametrize("command", ["check", "learn"])
def test_what_is_no_http_reaches_the_terminal_printable_and_without_credentials(command: str) -> None:
    def echoing(connection: socket.socket) -> None:
        connection.sendall(f"\x1b[2J {BASE64} {PASSWORD} \x1b]0;owned\x07\r\n\r\n".encode())

    with talking(echoing) as url:
        done = run(command, url, "--basic", f"ada@example.com:{PASSWORD}")

    assert done.returncode == 2
    assert "cannot be reached: no answer: \\x1b[2J $BASIC1 $PASSWORD1 \\x1b]0;owned" in done.stderr
    assert done.stderr.rstrip("\n").isprintable()


def test_a_token_in_a_base_path_is_not_shown() -> None:
    done = run("check", f"http://127.0.0.1:1/{token({'jti': '1'})}/v3", "--basic", "ada@example.com:secret")

    assert "http://127.0.0.1:1/<token>/v3 cannot be reached" in done.stderr


@pytest.mark.parametrize("answer", [b"X" * 60000 + b"\r\n\r\n", OK + b"Content-Type: " + b"x" * 60000 + b"\r\n\r\n[]"])
def test_a_line_without_an_end_is_not_repeated_to_its_end(answer: bytes) -> None:
    assert len(asked(saying(answer)).summary) < 400
