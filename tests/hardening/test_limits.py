"""Limits: each at its value and one past it. Those of a connection are in tests/serving/test_limits.py."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import ask, status
from tests.hardening.served import EMAIL, LIST, SCENARIO
from tests.wsgi import call
from tiledesk_fake import MisuseError, ScenarioError, TiledeskFake
from tiledesk_fake.core import history, users
from tiledesk_fake.core.journal import MOST_BYTES, MOST_EXCHANGES, MOST_VIOLATIONS
from tiledesk_fake.gate import nesting
from tiledesk_fake.gate.jwt import sign
from tiledesk_fake.gate.nesting import DEEPEST
from tiledesk_fake.serving.limits import Limits
from tiledesk_fake.web.body import BODY_LIMIT

SECURITY = (Path(__file__).parents[2] / "SECURITY.md").read_text(encoding="utf-8")
JSON = ("Content-Type", "application/json")
SECRET = "of-the-limits"


def new_fake() -> TiledeskFake:
    fake = TiledeskFake(secret=SECRET)
    fake.load(SCENARIO)
    return fake


@pytest.fixture
def fake() -> TiledeskFake:
    return new_fake()


def status_of_ada(fake: TiledeskFake, target: str = LIST, body: bytes = b"") -> int:
    return ask(fake, fake.users[EMAIL], target=target, headers=[JSON], body=body).status


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
        "users": users.MOST_USERS,
        "tokens": history.MOST_TOKENS,
    }
    assert limits.body_bytes == BODY_LIMIT


# --- how deep JSON may nest --------------------------------------------------------------------------------------

BRACKETS = [("[", "]"), ('{"a":', "}")]


def nested(depth: int, brackets: tuple[str, str] = BRACKETS[0]) -> str:
    opening, closing = brackets
    return opening * depth + "1" + closing * depth


@pytest.mark.parametrize("brackets", BRACKETS, ids=["lists", "objects"])
def test_json_may_nest_100_levels_and_no_more(fake: TiledeskFake, brackets: tuple[str, str]) -> None:
    assert [status_of_ada(fake, body=nested(depth, brackets).encode()) for depth in (100, 101)] == [200, 400]


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
            lenient.setattr("tiledesk_fake.gate.jwt.nests_too_deep", lambda text: False)
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
    assert not nesting.nests_too_deep(text)


@pytest.mark.parametrize("text", ['"" ' + "[" * 101, '["\\\\"' + ",[" * 101, "[{" * 51, '"' * 3 + "[" * 0 + "[" * 0])
def test_text_that_is_no_json_is_measured_all_the_same(text: str) -> None:
    assert nesting.nests_too_deep(text) == (text.count("[") + text.count("{") > 100)


# --- what the journal holds --------------------------------------------------------------------------------------


def test_the_journal_holds_1000_exchanges_and_no_more(fake: TiledeskFake) -> None:
    for number in range(1_001):
        if number == 1_000:
            assert (len(fake.journal), fake.journal.dropped) == (1_000, 0)
        status_of_ada(fake, f"{LIST}?page={number}")

    assert (len(fake.journal), fake.journal.dropped) == (1_000, 1)
    assert fake.journal.exchanges[0].query == {"page": "1"}


def test_the_journal_holds_no_more_than_4_mebibytes_of_long_exchanges(fake: TiledeskFake) -> None:
    for number in range(60):
        status_of_ada(fake, f"{LIST}?{'x' * 15_000}={number}")

    held = fake.journal.exchanges
    assert 10 < len(held) < 50
    assert fake.journal.dropped == 60 - len(held)
    assert sum(len(exchange.target) + len(str(exchange.violations)) for exchange in held) < MOST_BYTES


def test_the_journal_holds_the_first_100_violations_and_no_more(fake: TiledeskFake) -> None:
    for number in range(101):
        if number == 100:
            assert len(fake.journal.violations) == 100
        status_of_ada(fake, f"{LIST}?unknown={number}")

    assert len(fake.journal.violations) == 100
    assert "unknown=0" in fake.journal.violations[0].curl


# --- what a fake holds -------------------------------------------------------------------------------------------


def test_a_fake_may_have_100000_users_and_no_more() -> None:
    fake = TiledeskFake()
    for number in range(100_000):
        fake.add_user(email=f"{number}@example.com", password="secret")

    with pytest.raises(MisuseError, match="at most 100,000 users"):
        fake.add_user(email="one-more@example.com")
    assert len(fake.users) == 100_000
    assert status(fake, fake.users["99999@example.com"]) == 200


def test_a_fake_may_have_as_many_tokens_as_the_limit_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a limit that does not take minutes to reach."""
    monkeypatch.setattr(history, "MOST_TOKENS", 50)
    fake = TiledeskFake()
    ada, bob = fake.add_user(email=EMAIL), fake.add_user(email="bob@example.com")
    for number in range(50):
        phone = fake.issue_token(bob if number % 2 else ada)

    with pytest.raises(MisuseError, match="at most 50 tokens"):
        fake.issue_token(ada)
    fake.revoke(phone)
    fake.restore(fake.snapshot())
    assert (len(fake.history(ada)), len(fake.history(bob))) == (25, 25)
    fake.reset()
    fake.issue_token(fake.add_user(email=EMAIL))


def test_a_user_may_have_tens_of_thousands_of_tokens() -> None:
    fake = TiledeskFake(secret=SECRET)
    ada = fake.add_user(email=EMAIL, password="secret")
    for _ in range(20_000):
        fake.issue_token(ada)

    listed = call(fake.wsgi_app, "GET", f"{LIST}?page=499", [("Authorization", ada.authorization)]).json
    assert (listed["count"], len(listed["jwts"])) == (20_000, 40)


def scenario_of(users: int, tokens: int) -> dict[str, Any]:
    """A scenario of so many users with so many tokens each."""
    return {"users": [{"email": f"{number}@example.com", "tokens": [{}] * tokens} for number in range(users)]}


@pytest.mark.parametrize(
    ("within", "beyond"),
    [(scenario_of(3, 0), scenario_of(4, 0)), (scenario_of(2, 5), scenario_of(1, 11)), ({}, scenario_of(1, 11))],
    ids=["users", "tokens", "tokens of one"],
)
def test_a_scenario_may_hold_as_much_as_a_fake_and_no_more(
    within: dict[str, Any], beyond: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "MOST_USERS", 3)
    monkeypatch.setattr(history, "MOST_TOKENS", 10)
    fake = TiledeskFake()

    with pytest.raises(ScenarioError, match=r"expected at most (3 users|10 tokens) in all, got (4|11)"):
        fake.load(beyond)
    assert len(fake.users) == 0
    fake.load(within)
    assert len(fake.users) == len(within.get("users", ()))


def test_scenarios_that_add_up_to_more_than_a_fake_holds_are_refused_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_TOKENS", 10)
    fake = TiledeskFake()
    ada = fake.add_user(email="ada@example.com")
    fake.issue_token(ada)

    with pytest.raises(ScenarioError, match="at most 10 tokens in one fake"):
        fake.load(scenario_of(2, 5))
    assert (list(fake.users), len(fake.history(ada))) == (["ada@example.com"], 1)


def test_a_small_file_that_asks_for_a_lot_is_refused_at_once(tmp_path: Path) -> None:
    """A thousand users who share a list by aliases; a list would be made of each."""
    file = tmp_path / "bomb.yaml"
    first = f"  - {{email: a@example.com, tokens: &all [{'{},' * 2_000}]}}\n"
    others = (f"  - {{email: {number}@example.com, tokens: *all}}\n" for number in range(1_000))
    file.write_text("users:\n" + first + "".join(others), encoding="utf-8")

    with pytest.raises(ScenarioError, match=r"expected at most 2,000,000 tokens in all, got 2,002,000"):
        TiledeskFake().load(file)
