"""Faults: planned call by call, spent exactly, in the real server's shape, and really happening on the wire."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import ask
from tests.raw_http import Client, get
from tests.wsgi import call
from tiledesk_fake import MisuseError, NoAnswer, TiledeskFake, User

HISTORY = "/v3/jwt/history"
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
# Long enough for any answer on a busy machine; a test that waits this long has failed.
PATIENCE_S = 10.0


@pytest.fixture
def fake() -> Iterator[TiledeskFake]:
    with TiledeskFake() as fake:
        yield fake


@pytest.fixture
def ada(fake: TiledeskFake) -> User:
    return fake.add_user(email="ada@example.com", password="secret")


def statuses(fake: TiledeskFake, user: User, calls: int) -> list[int]:
    return [ask(fake, user).status for _ in range(calls)]


# What cannot happen is refused when it is planned

IMPOSSIBLE: list[tuple[str, dict[str, Any], str]] = [
    (
        "listToken",
        {"status": 503},
        "there is no operation 'listToken'; did you mean 'listTokens'? Valid: *, listTokens,",
    ),
    ("", {"status": 503}, "there is no operation ''"),
    ("listTokens", {}, "this fault would do nothing; give a status, a delay_s or a drop"),
    ("listTokens", {"times": 2, "when": {"page": 1}}, "this fault would do nothing"),
    ("listTokens", {"status": 199}, "expected a status from 200 to 599, got 199"),
    ("listTokens", {"status": 600}, "expected a status from 200 to 599, got 600"),
    ("listTokens", {"status": "503"}, "status: expected a whole number, got text; write it without quotes"),
    ("listTokens", {"status": True}, "status: expected a whole number, got True"),
    ("listTokens", {"status": 200}, "the real server has no fixed body for 200; give one with body="),
    ("listTokens", {"status": 302}, "the real server has no fixed body for 302; give one with body="),
    ("listTokens", {"status": 204, "body": "x"}, "an answer with the status 204 has no body"),
    ("listTokens", {"status": 304, "drop": "mid-body"}, "an answer with the status 304 has no body"),
    ("listTokens", {"body": "busy"}, "body and retry_after_s belong to an answer; give its status too"),
    ("listTokens", {"body": "busy", "delay_s": 1}, "body and retry_after_s belong to an answer; give its status too"),
    ("listTokens", {"retry_after_s": 5, "drop": "silence"}, "belong to an answer; give its status too"),
    (
        "listTokens",
        {"status": 429, "retry_after_s": -1},
        "expected retry_after_s as whole seconds from 0 to 86400, got -1",
    ),
    (
        "listTokens",
        {"status": 429, "retry_after_s": 0.5},
        "retry_after_s: expected a whole number, got 0.5",
    ),
    ("listTokens", {"status": 429, "retry_after_s": 86_401}, "from 0 to 86400, got 86401"),
    ("listTokens", {"status": 500, "body": {1, 2}}, "expected body as bytes, text or something that JSON can write: "),
    (
        "listTokens",
        {"status": 500, "body": float("nan")},
        "expected body as bytes, text or something that JSON can write",
    ),
    ("listTokens", {"status": 500, "body": "\ud800"}, "expected body as bytes, text or something that JSON can write"),
    ("listTokens", {"delay_s": -1}, "expected delay_s from 0 to 300 seconds, got -1"),
    ("listTokens", {"delay_s": 301}, "expected delay_s from 0 to 300 seconds, got 301"),
    ("listTokens", {"delay_s": float("inf")}, "expected delay_s from 0 to 300 seconds, got inf"),
    ("listTokens", {"delay_s": timedelta(seconds=1)}, "delay_s: expected a number, got a timedelta; in"),
    ("listTokens", {"delay_s": True}, "delay_s: expected a number, got True"),
    (
        "listTokens",
        {"drop": "silent"},
        "there is no drop 'silent'; did you mean 'silence'? Valid: before-answer, mid-body,",
    ),
    ("listTokens", {"drop": True}, "drop: expected text, got True or False"),
    (
        "listTokens",
        {"drop": "silence", "status": 503},
        "with drop='silence' no status is ever seen; leave the status out",
    ),
    ("listTokens", {"drop": "before-answer", "status": 503}, "with drop='before-answer' no status is ever seen"),
    ("listTokens", {"drop": "malformed", "status": 503}, "with drop='malformed' no status is ever seen"),
    ("listTokens", {"drop": "mid-body", "status": 500, "body": b"x"}, "less than two bytes has no middle to be cut in"),
    ("listTokens", {"status": 503, "times": 0}, "expected times as a whole number from 1, got 0"),
    ("listTokens", {"status": 503, "times": 1.5}, "times: expected a whole number, got 1.5"),
    ("listTokens", {"status": 503, "times": True}, "times: expected a whole number, got True"),
    (
        "listTokens",
        {"status": 503, "when": {"jti": "x"}},
        "when: listTokens has no parameter 'jti'; Valid: sortField, ",
    ),
    ("revokeTokenById", {"status": 503, "when": {"_id": "x"}}, "did you mean 'id'? Valid: id"),
    ("*", {"status": 503, "when": {"user": "x"}}, "when: * has no parameter 'user'"),
    ("*", {"status": 503, "when": {5: "x"}}, "when: * has no parameter 5; Valid: "),
]


@pytest.mark.parametrize(
    ("operation", "planned", "told"), IMPOSSIBLE, ids=[f"{case[0]} {case[1]}" for case in IMPOSSIBLE]
)
def test_an_impossible_fault_is_refused_when_it_is_planned(operation: str, planned: dict[str, Any], told: str) -> None:
    fake = TiledeskFake()

    with pytest.raises(MisuseError) as refusal:
        fake.faults.add(operation, **planned)

    assert told in str(refusal.value)
    assert fake.faults.unspent == []


# Statuses

SHAPES = {
    400: ({}, b"Bad Request"),
    401: ({"WWW-Authenticate": 'Basic realm="Users"'}, b"Unauthorized"),
    403: ({"Content-Type": "application/json; charset=utf-8"}, b'{"success":false,"msg":"Unauthorized."}'),
    404: ({"Content-Type": "application/json; charset=utf-8"}, b'{"success":false,"msg":"Object not found."}'),
    409: ({"Content-Type": "application/json; charset=utf-8"}, b'{"success":false,"msg":"Conflict."}'),
    429: ({"Content-Type": "application/json; charset=utf-8"}, b'{"success":false,"msg":"Too Many Requests."}'),
    499: ({"Content-Type": "application/json; charset=utf-8"}, b'{"success":false,"msg":"Error 499."}'),
    500: ({"Content-Type": "application/json; charset=utf-8"}, b'{"err":"error"}'),
    503: ({"Content-Type": "application/json; charset=utf-8"}, b'{"err":"error"}'),
    599: ({"Content-Type": "application/json; charset=utf-8"}, b'{"err":"error"}'),
    204: ({}, b""),
    304: ({}, b""),
}


@pytest.mark.parametrize("status", SHAPES)
def test_a_status_has_the_real_servers_shape(fake: TiledeskFake, ada: User, status: int) -> None:
    headers, body = SHAPES[status]
    fake.faults.add("listTokens", status=status)

    reply = ask(fake, ada)

    assert (reply.status, reply.body) == (status, body)
    wanted = {"Content-Type": None, "WWW-Authenticate": None, "Retry-After": None} | headers
    assert {name: reply.headers.get(name) for name in wanted} == wanted
    assert reply.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    ("body", "sent", "kind"),
    [
        ({"err": "é"}, '{"err":"é"}'.encode(), "application/json; charset=utf-8"),
        ([], b"[]", "application/json; charset=utf-8"),
        (False, b"false", "application/json; charset=utf-8"),
        ("é", "é".encode(), "text/plain; charset=utf-8"),
        ('{"err":1}', b'{"err":1}', "application/json; charset=utf-8"),
        (b"<html>", b"<html>", "text/plain; charset=utf-8"),
        ("", b"", "text/plain; charset=utf-8"),
    ],
)
def test_a_body_may_be_bytes_text_or_json(fake: TiledeskFake, ada: User, body: Any, sent: bytes, kind: str) -> None:
    fake.faults.add("listTokens", status=200, body=body)

    reply = ask(fake, ada)

    assert (reply.status, reply.body, reply.headers["Content-Type"]) == (200, sent, kind)


def test_an_operation_that_is_refused_does_not_happen(fake: TiledeskFake, ada: User) -> None:
    phone = fake.issue_token(ada, jti="phone")
    fake.faults.add("revokeTokenByJti", status=503)

    assert ask(fake, ada, "DELETE", f"{HISTORY}/phone").status == 503
    assert not phone.revoked
    assert ask(fake, ada, "DELETE", f"{HISTORY}/phone").status == 200
    assert phone.revoked


def test_a_fault_comes_before_the_gate_as_an_overloaded_server_does(fake: TiledeskFake) -> None:
    fake.faults.add("listTokens", status=503)

    assert ask(fake).status == 503
    assert ask(fake).status == 401


def test_the_journal_names_the_fault(fake: TiledeskFake, ada: User) -> None:
    fake.faults.add("listTokens", status=503, delay_s=0.01)
    fake.faults.add("listTokens", drop="before-answer")
    ask(fake, ada)
    with pytest.raises(NoAnswer):
        ask(fake, ada)
    ask(fake, ada)

    assert [(heard.fault, heard.status) for heard in fake.journal.exchanges] == [
        ("listTokens: status 503, delay 0.01 s", 503),
        ("listTokens: drop before-answer", None),
        (None, 200),
    ]


# Which calls


def test_faults_are_spent_in_the_order_they_were_planned(fake: TiledeskFake, ada: User) -> None:
    fake.faults.add("listTokens", status=500, times=2)
    fake.faults.add("*", status=502)
    fake.faults.add("listTokens", status=503)

    assert statuses(fake, ada, 5) == [500, 500, 502, 503, 200]


def test_a_fault_hits_its_operation_only(fake: TiledeskFake, ada: User) -> None:
    fake.issue_token(ada, jti="phone", id="6000000000000000000000a1")
    fake.faults.add("revokeTokenById", status=503)

    assert ask(fake, ada).status == 200
    assert ask(fake, ada, "DELETE", f"{HISTORY}/phone").status == 200
    assert ask(fake, ada, "DELETE", f"{HISTORY}/id/6000000000000000000000a1").status == 503


def test_a_star_hits_every_operation_and_nothing_else(fake: TiledeskFake, ada: User) -> None:
    fake.faults.add("*", status=503, times=3)

    assert ask(fake, ada, "GET", "/v3/nowhere").status == 404
    assert ask(fake, ada, "OPTIONS").status == 204
    assert ask(fake, ada, "HEAD").status == 503
    assert ask(fake, ada, "DELETE", f"{HISTORY}/phone").status == 503
    assert ask(fake, ada, "DELETE", f"{HISTORY}/id/1").status == 503


@pytest.mark.parametrize("page", [2, "2"])
def test_when_limits_a_fault_to_calls_with_these_parameters(fake: TiledeskFake, ada: User, page: Any) -> None:
    fake.faults.add("listTokens", status=503, when={"page": page, "direction": 1})

    assert ask(fake, ada, target=f"{HISTORY}?page=2").status == 200
    assert ask(fake, ada, target=f"{HISTORY}?page=1&direction=1").status == 200
    assert ask(fake, ada, target=f"{HISTORY}?direction=1&page=2").status == 503


def test_when_takes_none_for_a_parameter_that_is_not_sent(fake: TiledeskFake, ada: User) -> None:
    fake.faults.add("listTokens", status=503, when={"page": None})

    assert ask(fake, ada, target=f"{HISTORY}?page=0").status == 200
    assert ask(fake, ada).status == 503


def test_when_knows_a_jti_decoded(fake: TiledeskFake, ada: User) -> None:
    fake.faults.add("*", status=503, when={"jti": "a/b"})

    assert ask(fake, ada).status == 200
    assert ask(fake, ada, "DELETE", f"{HISTORY}/a%2Fb").status == 503


def test_what_is_unspent_is_named_until_it_is_cleared(fake: TiledeskFake, ada: User) -> None:
    fake.faults.add("listTokens", status=503, times=3)
    fake.faults.add("*", drop="silence")
    fake.faults.add("revokeTokenById", delay_s=2.5)
    ask(fake, ada)

    assert fake.faults.unspent == [
        "listTokens: status 503, 2 left",
        "*: drop silence, 1 left",
        "revokeTokenById: delay 2.5 s, 1 left",
    ]
    assert repr(fake.faults) == f"<Faults {fake.faults.unspent}>"
    fake.faults.clear()
    assert fake.faults.unspent == []
    assert ask(fake, ada).status == 200


@given(
    st.lists(st.tuples(st.sampled_from(["listTokens", "revokeTokenByJti", "*"]), st.integers(1, 3)), max_size=5),
    st.lists(st.sampled_from(["listTokens", "revokeTokenByJti"]), max_size=20),
)
@settings(deadline=None)
def test_each_call_spends_the_first_fault_that_fits_it(plan: list[tuple[str, int]], calls: list[str]) -> None:
    fake = TiledeskFake()
    left = []
    for number, (operation, times) in enumerate(plan):
        fake.faults.add(operation, status=500 + number, times=times)
        left += [(operation, 500 + number)] * times
    for operation in calls:
        expected = next((status for planned, status in left if planned in ("*", operation)), 401)
        if expected != 401:
            left.remove(next(each for each in left if each[1] == expected))
        method, target = ("GET", HISTORY) if operation == "listTokens" else ("DELETE", f"{HISTORY}/phone")

        assert ask(fake, None, method, target).status == expected
    assert bool(fake.faults.unspent) == bool(left)


def at_once(count: int, work: Callable[[int], object]) -> None:
    """Run the work in so many threads that start together; what one of them raises is raised."""
    together = threading.Barrier(count)
    errors: list[BaseException] = []

    def run(number: int) -> None:
        together.wait(PATIENCE_S)
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert not errors


@pytest.mark.parametrize("through", ["socket", "wsgi"])
def test_sixteen_threads_meet_exactly_the_planned_faults(fake: TiledeskFake, ada: User, through: str) -> None:
    fake.faults.add("listTokens", status=503, times=37)
    fake.faults.add("*", status=500, times=5)
    seen: list[int] = []

    def work(number: int) -> None:
        if through == "wsgi":
            seen.extend(statuses(fake, ada, 10))
            return
        with requests.Session() as session:
            for _ in range(10):
                url, headers = f"{fake.url}/jwt/history", {"Authorization": ada.authorization}
                seen.append(session.get(url, headers=headers, timeout=PATIENCE_S).status_code)

    at_once(16, work)

    assert (seen.count(503), seen.count(500), seen.count(200)) == (37, 5, 118)
    assert fake.faults.unspent == []


# Retry-After


def test_until_retry_after_has_passed_on_the_fakes_clock_every_call_is_refused(fake: TiledeskFake, ada: User) -> None:
    fake.clock.freeze(NEW_YEAR)
    fake.faults.add("listTokens", status=429, retry_after_s=30)

    first = ask(fake, ada)
    fake.clock.advance(seconds=10.5)
    second = ask(fake, ada)
    fake.clock.advance(milliseconds=19_499)
    third = ask(fake, ada)
    fake.clock.advance(milliseconds=1)
    fourth = ask(fake, ada)

    assert [reply.status for reply in (first, second, third, fourth)] == [429, 429, 429, 200]
    assert [reply.headers.get("Retry-After") for reply in (first, second, third, fourth)] == ["30", "20", "1", None]
    assert fake.faults.unspent == []


def test_a_refusal_while_retry_after_runs_spends_nothing(fake: TiledeskFake, ada: User) -> None:
    fake.clock.freeze(NEW_YEAR)
    fake.faults.add("listTokens", status=429, retry_after_s=1, times=2)

    assert statuses(fake, ada, 5) == [429] * 5
    assert fake.faults.unspent == ["listTokens: status 429, 1 left"]
    fake.clock.advance(seconds=1)
    assert statuses(fake, ada, 2) == [429] * 2
    fake.clock.advance(seconds=1)
    assert statuses(fake, ada, 2) == [200] * 2


def test_retry_after_0_refuses_once(fake: TiledeskFake, ada: User) -> None:
    fake.clock.freeze(NEW_YEAR)
    fake.faults.add("listTokens", status=503, retry_after_s=0)

    first, second = ask(fake, ada), ask(fake, ada)

    assert (first.status, first.headers["Retry-After"], second.status) == (503, "0", 200)


# Delays


def test_a_delay_with_a_frozen_clock_advances_it_and_does_not_wait(fake: TiledeskFake, ada: User) -> None:
    fake.clock.freeze(NEW_YEAR)
    fake.faults.add("listTokens", delay_s=299.5)

    with Client(urlsplit(fake.url).port or 0) as client:
        client.send(get(HISTORY, f"Authorization: {ada.authorization}"))
        reply = client.reply()

    # The client's patience is much shorter than the delay.
    assert reply.status == 200
    assert fake.clock.now() == NEW_YEAR + timedelta(seconds=299.5)


def test_a_token_expires_during_a_delay(fake: TiledeskFake, ada: User) -> None:
    fake.clock.freeze(NEW_YEAR)
    phone = fake.issue_token(ada, expires_in=timedelta(seconds=5))
    fake.faults.add("listTokens", delay_s=10)

    assert call(fake.wsgi_app, "GET", HISTORY, [("Authorization", phone.authorization)]).status == 401


def test_a_delay_outlasts_an_impatient_client_and_the_operation_has_happened(fake: TiledeskFake, ada: User) -> None:
    phone = fake.issue_token(ada, jti="phone")
    fake.faults.add("revokeTokenByJti", delay_s=60)
    url, headers = f"{fake.url}/jwt/history/phone", {"Authorization": ada.authorization}

    with pytest.raises(requests.ReadTimeout):
        requests.delete(url, headers=headers, timeout=0.5)

    assert phone.revoked


def test_a_delayed_answer_comes_whole(fake: TiledeskFake, ada: User) -> None:
    fake.faults.add("listTokens", delay_s=0.05)
    fake.faults.add("listTokens", delay_s=0.05, status=503)
    url, headers = f"{fake.url}/jwt/history", {"Authorization": ada.authorization}

    assert requests.get(url, headers=headers, timeout=PATIENCE_S).json()["count"] == 0
    assert requests.get(url, headers=headers, timeout=PATIENCE_S).status_code == 503


# Drops, as clients see them


def by_requests(url: str, authorization: str, timeout: float) -> bytes:
    return requests.get(url, headers={"Authorization": authorization}, timeout=timeout).content


def by_httpx(url: str, authorization: str, timeout: float) -> bytes:
    return httpx.get(url, headers={"Authorization": authorization}, timeout=timeout).content


def by_http_client(url: str, authorization: str, timeout: float) -> bytes:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request("GET", parts.path, headers={"Authorization": authorization})
        return connection.getresponse().read()
    finally:
        connection.close()


CLIENTS = {"requests": by_requests, "httpx": by_httpx, "http.client": by_http_client}
DROPPED: dict[str, dict[str, tuple[type[Exception], ...]]] = {
    "before-answer": {
        "requests": (requests.ConnectionError,),
        "httpx": (httpx.ReadError,),
        "http.client": (ConnectionResetError,),
    },
    "mid-body": {
        "requests": (requests.exceptions.ChunkedEncodingError, requests.ConnectionError),
        "httpx": (httpx.ReadError, httpx.RemoteProtocolError),
        "http.client": (ConnectionResetError, http.client.IncompleteRead),
    },
    "malformed": {
        "requests": (requests.ConnectionError,),
        "httpx": (httpx.RemoteProtocolError,),
        "http.client": (http.client.BadStatusLine,),
    },
    "silence": {
        "requests": (requests.ReadTimeout,),
        "httpx": (httpx.ReadTimeout,),
        "http.client": (TimeoutError,),
    },
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("drop", DROPPED)
def test_a_dropped_answer_is_what_a_client_sees_when_the_network_fails(
    fake: TiledeskFake, ada: User, drop: Any, client: str
) -> None:
    fake.faults.add("listTokens", drop=drop)
    url, patience = f"{fake.url}/jwt/history", 0.5 if drop == "silence" else PATIENCE_S

    with pytest.raises(DROPPED[drop][client]):
        CLIENTS[client](url, ada.authorization, patience)

    assert json.loads(CLIENTS[client](url, ada.authorization, PATIENCE_S))["count"] == 0
    assert [heard.status for heard in fake.journal.exchanges] == [200 if drop == "mid-body" else None, 200]


@pytest.mark.parametrize(("drop", "happens"), [("before-answer", False), ("malformed", False), ("mid-body", True)])
def test_whether_the_operation_happens_is_as_documented(
    fake: TiledeskFake, ada: User, drop: Any, happens: bool
) -> None:
    phone = fake.issue_token(ada, jti="phone")
    fake.faults.add("revokeTokenByJti", drop=drop)

    with pytest.raises(httpx.TransportError):
        httpx.delete(f"{fake.url}/jwt/history/phone", headers={"Authorization": ada.authorization}, timeout=PATIENCE_S)

    assert phone.revoked is happens


def test_mid_body_announces_more_than_it_sends(fake: TiledeskFake, ada: User) -> None:
    fake.faults.add("listTokens", drop="mid-body", status=503)
    fake.faults.add("listTokens", drop="mid-body", status=200, body=b"0123456789")

    for announced, sent in ((b"15", b'{"err":'), (b"10", b"01234")):
        with Client(urlsplit(fake.url).port or 0) as client:
            client.send(get(HISTORY, f"Authorization: {ada.authorization}"))
            head, _, body = client.until_reset().partition(b"\r\n\r\n")

        assert b"Content-Length: " + announced in head.splitlines()
        assert body == sent


def test_silence_is_held_until_the_client_gives_up_and_keeps_nobody_else_waiting(fake: TiledeskFake, ada: User) -> None:
    fake.faults.add("listTokens", drop="silence")

    with Client(urlsplit(fake.url).port or 0) as client:
        client.send(get(HISTORY, f"Authorization: {ada.authorization}"))

        assert client.is_silent_for(0.2)
        assert json.loads(by_requests(f"{fake.url}/jwt/history", ada.authorization, PATIENCE_S))["count"] == 0
        client.end_sending()
        assert client.rest() == b""


def test_the_fake_stops_at_once_though_a_client_is_held(fake: TiledeskFake, ada: User) -> None:
    fake.faults.add("listTokens", drop="silence")
    fake.faults.add("listTokens", delay_s=300)
    held = [Client(urlsplit(fake.url).port or 0) for _ in range(2)]
    for client in held:
        client.send(get(HISTORY, f"Authorization: {ada.authorization}"))
        assert client.is_silent_for(0.1)

    fake.stop()

    for client in held:
        client.rest_or_reset()
        client.close()


def test_without_a_socket_a_drop_raises_and_says_what_to_do(fake: TiledeskFake, ada: User) -> None:
    for drop in ("before-answer", "mid-body", "malformed", "silence"):
        fake.faults.add("listTokens", drop=drop)
        with pytest.raises(NoAnswer, match=rf"\({drop}\).*listen with start\(\).*a fault with a status"):
            ask(fake, ada)


# Lives


def test_reset_forgets_faults(fake: TiledeskFake, ada: User) -> None:
    fake.faults.add("listTokens", status=429, retry_after_s=60)
    ask(fake, ada)
    fake.faults.add("listTokens", status=503)

    fake.reset()

    assert fake.faults.unspent == []
    assert ask(fake).status == 401


def test_each_fake_has_its_own_faults(fake: TiledeskFake) -> None:
    with TiledeskFake() as other:
        other.faults.add("*", status=503)

        assert ask(fake).status == 401
        assert ask(other).status == 503


def test_connections_outlive_a_planned_status(fake: TiledeskFake, ada: User) -> None:
    fake.faults.add("listTokens", status=503)
    parts = urlsplit(fake.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_S)
    connection.connect()
    wire: socket.socket = connection.sock
    seen = []
    for _ in range(2):
        connection.request("GET", HISTORY, headers={"Authorization": ada.authorization})
        response = connection.getresponse()
        seen.append(response.status)
        response.read()

    assert seen == [503, 200]
    assert connection.sock is wire
    connection.close()


def test_an_unspent_fault_says_which_calls_it_waits_for() -> None:
    fake = TiledeskFake()
    fake.faults.add("listTokens", status=503, when={"page": 2})

    assert fake.faults.unspent == ["listTokens: status 503, when page='2', 1 left"]


def test_restoring_forgets_faults_and_lets_the_journal_go_on() -> None:
    fake = TiledeskFake()
    mark = fake.snapshot()
    fake.faults.add("listTokens", status=503)

    fake.restore(mark)

    assert fake.faults.unspent == []
