"""Faults for ever, by chance, with headers, and after the answer; an address that stays; headers in the journal."""

import pickle
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest

from tests.wsgi import Reply, call
from tiledesk_fake import CannotListen, MisuseError, TiledeskFake
from tiledesk_fake.contract import load
from tiledesk_fake.core.request import OperationName

HISTORY = "/v3/jwt/history"


@pytest.fixture
def fake() -> Iterator[TiledeskFake]:
    fake = TiledeskFake(seed=1)
    yield fake
    fake.stop()


def ask(fake: TiledeskFake, **headers: str) -> Reply:
    ada = fake.users.get("ada@example.com") or fake.add_user(email="ada@example.com", password="secret")
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    return call(fake.wsgi_app, "GET", HISTORY, [("Authorization", ada.authorization), *said.items()])


def test_a_fault_without_times_is_met_until_it_is_cleared_and_is_spent_once_met(fake: TiledeskFake) -> None:
    fake.faults.add("listTokens", status=503, times=None)
    assert fake.faults.unspent == ["listTokens: status 503, never met"]

    assert [ask(fake).status for _ in range(5)] == [503] * 5

    assert fake.faults.unspent == []
    fake.verify()
    assert ask(fake).status == 200


def test_a_fault_for_ever_hides_the_ones_behind_it(fake: TiledeskFake) -> None:
    fake.faults.add("*", status=503, times=None)
    fake.faults.add("listTokens", status=500)

    assert [ask(fake).status for _ in range(3)] == [503] * 3
    assert fake.faults.unspent == ["listTokens: status 500, 1 left"]


def by_chance(seed: int | None, *, chance: float = 0.3, calls: int = 60, times: int | None = None) -> list[int]:
    fake = TiledeskFake(seed=seed)
    fake.faults.add("listTokens", status=503, chance=chance, times=times)
    return [ask(fake).status for _ in range(calls)]


def test_a_fault_by_chance_hits_some_and_the_same_ones_with_the_same_seed() -> None:
    hit = by_chance(1)

    assert hit == by_chance(1)
    assert hit != by_chance(2)
    assert 5 < hit.count(503) < 35
    assert by_chance(1, chance=1) == [503] * 60
    assert by_chance(1, times=2).count(503) == 2


def test_a_fault_by_chance_is_spent_once_it_could_have_hit(fake: TiledeskFake) -> None:
    fake.faults.add("listTokens", status=503, chance=1e-9, times=3)
    assert fake.faults.unspent == ["listTokens: status 503, chance 1e-09, never met"]

    assert ask(fake).status == 200

    assert fake.faults.unspent == []


def test_a_call_that_chance_spares_meets_the_next_fault(fake: TiledeskFake) -> None:
    fake.faults.add("listTokens", status=503, chance=1e-9)
    fake.faults.add("listTokens", status=500)

    assert ask(fake).status == 500


def test_chance_changes_no_id() -> None:
    def issued(*, chance: float) -> list[str]:
        fake = TiledeskFake(seed=1)
        fake.faults.add("listTokens", status=503, chance=chance, times=None)
        ada = fake.add_user(email="ada@example.com", password="secret")
        return [(ask(fake), fake.issue_token(ada).jti)[1] for _ in range(3)]

    assert issued(chance=0.5) == issued(chance=1)


def test_headers_are_added_or_replace_those_of_the_answer(fake: TiledeskFake) -> None:
    fake.faults.add("listTokens", status=302, body="", headers={"Location": "https://sign-in.example.com/"})
    fake.faults.add("listTokens", status=502, body="<h1>Bad Gateway</h1>", headers={"content-type": "text/html"})
    fake.faults.add("listTokens", status=503, retry_after_s=5, headers={"X-Request-Id": "7"})

    moved, html, busy = (ask(fake) for _ in range(3))

    assert (moved.status, moved.headers["Location"]) == (302, "https://sign-in.example.com/")
    assert (html.headers["content-type"], html.body) == ("text/html", b"<h1>Bad Gateway</h1>")
    assert "Content-Type" not in html.headers
    assert (busy.headers["X-Request-Id"], busy.headers["Retry-After"]) == ("7", "5")


MISUSES: list[tuple[dict[str, Any], str]] = [
    ({"status": [503, 503]}, "status: expected a whole number, got a list; give one; for one after the other call it"),
    ({"drop": True}, "drop: expected text, got True or False; write it like drop='before-answer'"),
    ({"drop": "after"}, "there is no drop 'after'; did you mean 'after-answer'?"),
    ({"status": 503, "times": 0}, "expected times as a whole number from 1, got 0; None is for until cleared"),
    ({"status": 503, "chance": 0}, "expected chance above 0, up to 1, got 0"),
    ({"status": 503, "chance": 30}, "expected chance above 0, up to 1, got 30; 0.3 is three calls of ten"),
    ({"status": 503, "chance": float("nan")}, "expected chance above 0"),
    ({"delay_s": 1, "headers": {"Location": "/"}}, "headers belong to an answer; give its status too"),
    ({"status": 503, "headers": [("Location", "/")]}, "write it like headers={'Location': "),
    ({"status": 503, "headers": {"Content-Length": "5"}}, "headers: Content-Length is written by the server"),
    ({"status": 503, "headers": {"X": "a\r\nY: b"}}, "expected X as text of one line in latin-1"),
    ({"status": 503, "headers": {"X": 5}}, "expected X as text of one line in latin-1"),
    ({"status": 503, "headers": {"X Y": "5"}}, "expected the name of a header, like Location, got 'X Y'"),
    ({"status": 503, "drop": "before-answer"}, "no status is ever seen"),
]


@pytest.mark.parametrize(("what", "told"), MISUSES, ids=[str(what) for what, _ in MISUSES])
def test_a_fault_that_cannot_be_is_misuse_with_the_line_to_write(
    fake: TiledeskFake, what: dict[str, Any], told: str
) -> None:
    with pytest.raises(MisuseError) as refused:
        fake.faults.add("listTokens", **what)

    assert told in str(refused.value)
    assert fake.faults.unspent == []


def whole_answer(client: socket.socket, request: bytes) -> bytes:
    client.sendall(request)
    received = b""
    while b"\r\n\r\n" not in received or not received.endswith(b"}"):
        part = client.recv(65_536)
        if not part:
            break
        received += part
    return received


def test_after_a_whole_answer_the_connection_that_was_to_be_kept_is_closed(fake: TiledeskFake) -> None:
    ada = fake.add_user(email="ada@example.com", password="secret")
    fake.faults.add("listTokens", drop="after-answer")
    fake.start()
    request = f"GET {HISTORY} HTTP/1.1\r\nHost: x\r\nAuthorization: {ada.authorization}\r\n\r\n".encode()

    with socket.create_connection(("127.0.0.1", urlsplit(fake.url).port or 0), timeout=10) as client:
        answer = whole_answer(client, request)
        end = client.recv(1)

    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"}")
    assert b"connection: close" not in answer.lower()
    assert end == b""
    (heard,) = fake.journal.exchanges
    assert (heard.status, heard.fault) == (200, "listTokens: drop after-answer")


def test_a_planned_answer_can_be_the_last_of_its_connection_and_without_one_it_is_just_answered(
    fake: TiledeskFake,
) -> None:
    fake.faults.add("listTokens", status=503, drop="after-answer")
    fake.faults.add("listTokens", status=204, drop="after-answer")

    assert [ask(fake).status for _ in range(3)] == [503, 204, 200]
    assert fake.journal.exchanges[-1].reason == "0 of 0 records"


def test_a_fake_that_is_started_again_has_the_same_url(fake: TiledeskFake) -> None:
    fake.start()
    url = fake.url

    fake.stop()
    with fake:
        assert fake.url == url
    with TiledeskFake(port=urlsplit(url).port or 0) as other:
        assert other.url == url
        with pytest.raises(CannotListen):
            fake.start()


@pytest.mark.parametrize("at", ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", datetime(2026, 1, 1, tzinfo=UTC)])
def test_the_clock_is_frozen_by_text_too(fake: TiledeskFake, at: datetime | str) -> None:
    fake.clock.freeze(at)

    assert fake.clock.now() == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "told"),
    [
        ("2026-01-01T00:00:00", "expected a time with its zone, got '2026-01-01T00:00:00'; add Z if it is UTC"),
        ("2026-01-01", "add Z if it is UTC: 2026-01-01T00:00:00Z"),
        ("yesterday", "expected a time like '2026-01-01T00:00:00Z', got 'yesterday'"),
        ("1969-01-01T00:00:00Z", "expected a time from 1970 to 9999"),
        (5, "at: expected a datetime or text, got a whole number"),
    ],
)
def test_text_that_is_no_time_is_misuse(fake: TiledeskFake, at: Any, told: str) -> None:
    with pytest.raises(MisuseError) as refused:
        fake.clock.freeze(at)

    assert told in str(refused.value)
    assert not fake.clock.frozen


def test_the_journal_has_the_headers_by_lower_case_names_and_without_credentials(fake: TiledeskFake) -> None:
    ask(
        fake,
        User_Agent="client/1.0",
        X_Api_Key="hush",
        Cookie="session=hush",
        X_Session="hush",
        X_Note="see JWT eyJ0.eyJ0.hush",
    )

    (heard,) = fake.journal.exchanges
    assert dict(heard.headers) == {
        "user-agent": "client/1.0",
        "x-api-key": "<redacted>",
        "x-session": "<redacted>",
        "x-note": "see JWT <redacted>",
        "cookie": "<redacted>",
        "authorization": "Basic <redacted>",
    }
    assert "hush" not in repr(heard)
    with pytest.raises(TypeError):
        heard.headers["user-agent"] = "other"  # type: ignore[index]
    assert pickle.loads(pickle.dumps(heard)).headers == heard.headers


def test_headers_can_be_asserted_and_a_near_miss_is_told(fake: TiledeskFake) -> None:
    ask(fake, User_Agent="client/1.0")

    fake.journal.assert_called("listTokens", headers={"User-Agent": "client/1.0", "x-other": None}, status=200)
    fake.journal.assert_called("listTokens", headers={"authorization": "Basic xyz"})
    fake.journal.assert_not_called("listTokens", headers={"user-agent": "client/2.0"})
    with pytest.raises(AssertionError, match=r"differs in header user-agent: expected 'curl', got 'client/1\.0'"):
        fake.journal.assert_called("listTokens", headers={"user-agent": "curl"})
    with pytest.raises(MisuseError, match="headers: expected a mapping"):
        fake.journal.assert_called("listTokens", headers="curl")


def test_the_names_of_operations_are_those_of_the_contract() -> None:
    literal, text = get_args(OperationName)

    assert text is str
    assert set(get_args(literal)) == set(load({}).parameter_names)


def test_a_list_is_no_scenario_and_the_line_to_write_is_told(fake: TiledeskFake) -> None:
    with pytest.raises(MisuseError, match=r"write it like load\(\{'users': \[…\]\}\)"):
        fake.load([{"email": "ada@example.com"}])  # type: ignore[arg-type]
