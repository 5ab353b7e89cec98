"""Limits: each at its value and one past it. Those of the server are in tests/test_server.py."""

import json
import re
from pathlib import Path

import pytest

from tests.hardening.served import EMAIL, LIST, SCENARIO
from tests.wsgi import call
from tiledesk_fake import MisuseError, TiledeskFake, nesting
from tiledesk_fake import journal as journal_module
from tiledesk_fake.http1 import Limits
from tiledesk_fake.journal import MOST_BYTES, MOST_EXCHANGES, MOST_VIOLATIONS
from tiledesk_fake.nesting import DEEPEST, nests_too_deep
from tiledesk_fake.tokens import sign
from tiledesk_fake.web.body import BODY_LIMIT

SECURITY = (Path(__file__).parents[2] / "SECURITY.md").read_text(encoding="utf-8")
JSON = ("Content-Type", "application/json")
SECRET = "of-the-limits"


@pytest.fixture
def fake() -> TiledeskFake:
    fake = TiledeskFake(secret=SECRET)
    fake.load(SCENARIO)
    return fake


def ask(fake: TiledeskFake, target: str = LIST, body: bytes = b"") -> int:
    authorization = ("Authorization", fake.users[EMAIL].authorization)
    return call(fake.wsgi_app, "GET", target, [authorization, JSON], body).status


def test_the_documented_limits_are_those_of_the_code() -> None:
    documented = dict(re.findall(r"^\| ([a-z ,]+?) +\| ([0-9,.]+)\b", SECURITY, re.MULTILINE))
    limits = Limits()

    assert {name: float(number.replace(",", "")) for name, number in documented.items()} == {
        "head": limits.head_bytes,
        "body": limits.body_bytes,
        "connections": limits.connections,
        "request": limits.request_s,
        "idle": limits.idle_s,
        "write": limits.write_s,
        "linger": limits.linger_s,
        "nesting": DEEPEST,
        "exchanges": MOST_EXCHANGES,
        "journal": MOST_BYTES,
        "violations": MOST_VIOLATIONS,
    }
    assert limits.body_bytes == BODY_LIMIT


# --- how deep JSON may nest --------------------------------------------------------------------------------------

BRACKETS = [("[", "]"), ('{"a":', "}")]


def nested(depth: int, brackets: tuple[str, str] = BRACKETS[0]) -> str:
    opening, closing = brackets
    return opening * depth + "1" + closing * depth


@pytest.mark.parametrize("brackets", BRACKETS, ids=["lists", "objects"])
def test_json_may_nest_100_levels_and_no_more(fake: TiledeskFake, brackets: tuple[str, str]) -> None:
    assert [ask(fake, body=nested(depth, brackets).encode()) for depth in (100, 101)] == [200, 400]


@pytest.mark.parametrize("brackets", BRACKETS, ids=["lists", "objects"])
def test_claims_may_nest_100_levels_and_no_more(fake: TiledeskFake, brackets: tuple[str, str]) -> None:
    ada = fake.users[EMAIL]
    deep = {"a": json.loads(nested(99, brackets))}
    token = fake.issue_token(ada, claims=deep)

    assert call(fake.wsgi_app, "GET", LIST, [("Authorization", token.authorization)]).status == 200
    with pytest.raises(MisuseError, match="nested deeper than 100 levels"):
        fake.issue_token(ada, claims={"a": deep})


def test_a_token_that_others_made_may_nest_100_levels_and_no_more(
    fake: TiledeskFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def status(depth: int) -> int:
        claims = {"_id": fake.users[EMAIL].id, "sub": "user", "a": json.loads(nested(depth - 1))}
        with monkeypatch.context() as lenient:
            lenient.setattr("tiledesk_fake.tokens.nests_too_deep", lambda text: False)
            token = sign(claims, SECRET.encode())
        return call(fake.wsgi_app, "GET", LIST, [("Authorization", f"JWT {token}")]).status

    assert [status(100), status(101)] == [200, 401]


@pytest.mark.parametrize(
    "text",
    [
        '"' + "[" * 200 + '"',
        '["' + r"\"[" * 200 + '"]',
        '{"' + "{" * 200 + '": 1}',
        "[" + "[]," * 200 + "[]]",
        '["' + r"\\" + '", ' + "[[[" + "]]]]",
        "[" * 60 + "]" * 60 + "{" * 0,
    ],
)
def test_only_what_is_nested_counts(text: str) -> None:
    assert not nests_too_deep(text)


@pytest.mark.parametrize("text", ['"" ' + "[" * 101, '["\\\\"' + ",[" * 101, "[{" * 51, '"' * 3 + "[" * 0 + "[" * 0])
def test_text_that_is_no_json_is_measured_all_the_same(text: str) -> None:
    assert nests_too_deep(text) == (text.count("[") + text.count("{") > 100)


def test_a_limit_that_is_another_is_found(fake: TiledeskFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nesting, "DEEPEST", 99)

    assert [ask(fake, body=nested(depth).encode()) for depth in (100, 101)] != [200, 400]


# --- what the journal holds --------------------------------------------------------------------------------------


def test_the_journal_holds_1000_exchanges_and_no_more(fake: TiledeskFake) -> None:
    for number in range(1_001):
        if number == 1_000:
            assert (len(fake.journal), fake.journal.dropped) == (1_000, 0)
        ask(fake, f"{LIST}?page={number}")

    assert (len(fake.journal), fake.journal.dropped) == (1_000, 1)
    assert fake.journal.exchanges[0].query == {"page": "1"}


def test_the_journal_holds_no_more_than_4_mebibytes_of_long_exchanges(fake: TiledeskFake) -> None:
    for number in range(100):
        ask(fake, f"{LIST}?{'x' * 15_000}={number}")

    held = fake.journal.exchanges
    assert 10 < len(held) < 90
    assert fake.journal.dropped == 100 - len(held)
    assert sum(len(exchange.target) + len(str(exchange.violations)) for exchange in held) < MOST_BYTES


def test_the_journal_holds_the_first_100_violations_and_no_more(fake: TiledeskFake) -> None:
    for number in range(101):
        if number == 100:
            assert len(fake.journal.violations) == 100
        ask(fake, f"{LIST}?unknown={number}")

    assert len(fake.journal.violations) == 100
    assert "unknown=0" in fake.journal.violations[0].curl


def test_a_journal_that_holds_more_is_found(fake: TiledeskFake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "MOST_EXCHANGES", 1_001)
    for number in range(1_001):
        ask(fake, f"{LIST}?page={number}")

    assert (len(fake.journal), fake.journal.dropped) != (1_000, 1)


# --- what has no limit but memory --------------------------------------------------------------------------------


def test_a_user_may_have_tens_of_thousands_of_tokens() -> None:
    """The documentation says why there is no limit; what there is still answers by pages."""
    fake = TiledeskFake(secret=SECRET)
    ada = fake.add_user(email=EMAIL, password="secret")
    for _ in range(20_000):
        fake.issue_token(ada)

    listed = call(fake.wsgi_app, "GET", f"{LIST}?page=499", [("Authorization", ada.authorization)]).json
    assert (listed["count"], len(listed["jwts"])) == (20_000, 40)


def test_a_fake_may_have_thousands_of_users() -> None:
    fake = TiledeskFake()
    for number in range(5_000):
        fake.add_user(email=f"{number}@example.com", password="secret")

    assert len(fake.users) == 5_000
    assert ask_as(fake, "4999@example.com") == 200


def ask_as(fake: TiledeskFake, email: str) -> int:
    return call(fake.wsgi_app, "GET", LIST, [("Authorization", fake.users[email].authorization)]).status
