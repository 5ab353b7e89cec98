"""One suite for both classes: the fake in this process, and the same that is served elsewhere.

Each test states what a writer of tests may rely on, whichever of the two the fake is.
"""

import inspect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.served import call
from tiledesk_fake import (
    AlreadyExists,
    Clock,
    Faults,
    Journal,
    MisuseError,
    NotFound,
    ProfileError,
    RemoteFake,
    ScenarioError,
    TiledeskFake,
    User,
    ViolationError,
    connect,
)
from tiledesk_fake.contract.profile import CHOICES
from tiledesk_fake.control.app import ControlApp
from tiledesk_fake.remote.controls import RemoteClock, RemoteFaults

Fake = TiledeskFake | RemoteFake
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
FAR = {
    "ca_file",
    "ca_pem",
    "wsgi_app",
    "app",
    "asgi_app",
    "start",
    "stop",
    "intercept",
    "hand_over",
    "close_held",
}


@pytest.fixture(params=["here", "elsewhere", "a world elsewhere"])
def fake(request: pytest.FixtureRequest) -> Iterator[Fake]:
    served = TiledeskFake(seed=1)
    served.start(app=ControlApp(served, lambda **settings: TiledeskFake(**{"seed": 1, **settings})))
    with served:
        if request.param == "here":
            yield served
        elif request.param == "elsewhere":
            yield connect(served.url)
        else:
            with connect(served.url).world() as world:
                yield world


@pytest.fixture
def other(fake: Fake) -> Iterator[Fake]:
    """Another fake of the same kind."""
    if isinstance(fake, RemoteFake):
        with fake.world(seed=2) as world:
            yield world
    else:
        yield TiledeskFake(seed=2)


@pytest.fixture
def ada(fake: Fake) -> User:
    return fake.add_user(email="ada@example.com", password="secret")


# --- users -------------------------------------------------------------------------------------------------------


def test_a_user_is_found_by_the_address(fake: Fake, ada: User) -> None:
    assert fake.users["ada@example.com"] == ada
    assert list(fake.users) == ["ada@example.com"]
    assert len(fake.users) == 1
    assert "ada@example.com" in fake.users
    assert ada.authorization == "Basic YWRhQGV4YW1wbGUuY29tOnNlY3JldA=="


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"password": "se:cret"},
        {"password": "secret", "active": False},
        {"password": "pä😀", "firstname": "Ada", "lastname": "Löve"},
        {"id": "5E0000000000000000000001"},
    ],
)
def test_a_user_is_what_was_given_whether_basic_works_or_not(fake: Fake, given: dict[str, Any]) -> None:
    user = fake.add_user(email="Ada@example.com", **given)

    assert (user.password, user.active) == (given.get("password"), given.get("active", True))
    assert fake.users["Ada@example.com"] == user
    with pytest.raises(MisuseError, match="Basic can never work"):
        _ = user.authorization


def test_a_user_is_changed_and_removed(fake: Fake, ada: User) -> None:
    bea = fake.update_user(ada, email="bea@example.com", password=None, active=False, firstname="Bea")

    assert bea == User(ada.id, "bea@example.com", None, False, "Bea", "User")
    assert list(fake.users.values()) == [bea]

    fake.remove_user(ada)

    assert list(fake.users) == []


# --- tokens ------------------------------------------------------------------------------------------------------


def test_a_token_has_the_times_it_was_given(fake: Fake, ada: User) -> None:
    token = fake.issue_token(
        ada,
        created_at=NEW_YEAR,
        expires_in=timedelta(hours=1, milliseconds=1),
        jti="a/b%2F?#é..",
        id="5f0000000000000000000001",
    )

    assert (token.id, token.jti, token.user_id) == ("5f0000000000000000000001", "a/b%2F?#é..", ada.id)
    assert (token.created_at, token.expires_at) == (NEW_YEAR, NEW_YEAR + timedelta(hours=1))
    assert fake.history(ada) == [token]
    assert fake.tokens[token.jti] == token
    assert not token.revoked


@pytest.mark.parametrize("jti", [".", "..", "…", "a+b c", "\\"])
def test_a_token_is_revoked_whatever_its_jti(fake: Fake, ada: User, jti: str) -> None:
    token, another = fake.issue_token(ada, jti=jti), fake.issue_token(ada)

    assert fake.revoke(jti=jti) == token
    assert token.revoked
    assert not another.revoked
    assert token.updated_at >= token.created_at


def test_a_token_opens_the_api_until_it_is_revoked(fake: Fake, ada: User) -> None:
    token = fake.issue_token(ada, claims={"role": "owner"})

    assert token.authorization == f"JWT {token.jwt}"
    assert call(fake, "GET", "/jwt/history", token.authorization) == 200

    fake.revoke(token)

    assert call(fake, "GET", "/jwt/history", token.authorization) == 401


def test_a_token_that_the_fake_has_forgotten_says_so(fake: Fake, ada: User) -> None:
    token = fake.issue_token(ada)
    fake.remove_user(ada)

    with pytest.raises(NotFound):
        _ = token.revoked
    with pytest.raises(NotFound):
        _ = token.jwt


def test_tokens_come_in_the_order_of_their_issue(fake: Fake, ada: User) -> None:
    tokens = [fake.issue_token(ada, jti=jti) for jti in ("c", "a", "b")]

    assert list(fake.tokens) == ["c", "a", "b"]
    assert fake.history(ada) == tokens[::-1]


def test_a_user_signs_in_and_the_token_joins_the_history(fake: Fake, ada: User) -> None:
    body = b'{"email": "ada@example.com", "password": "secret"}'

    assert call(fake, "POST", "/auth/signin", body=body, content_type="application/json") == 200
    assert len(fake.history(ada)) == 1
    fake.journal.assert_called("signIn", status=200, times=1)


# --- the clock ---------------------------------------------------------------------------------------------------


def test_the_clock_stops_moves_and_goes_on(fake: Fake) -> None:
    assert not fake.clock.frozen

    fake.clock.freeze(NEW_YEAR)
    fake.clock.advance(timedelta(days=400_000), weeks=1, milliseconds=7, microseconds=999)

    assert fake.clock.now() == NEW_YEAR + timedelta(days=400_007, milliseconds=7)
    assert fake.clock.frozen

    fake.clock.advance(days=-400_000)

    assert fake.clock.now() == NEW_YEAR + timedelta(days=7, milliseconds=7)

    fake.clock.resume()

    assert not fake.clock.frozen
    assert fake.clock.now() > NEW_YEAR + timedelta(days=30)


# --- faults, journal, verdict ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ({"status": 503}, 503),
        ({"status": 200, "body": b"\xff\x00"}, 200),
        ({"status": 200, "body": "text"}, 200),
        ({"status": 418, "body": {"a": [None, 1.5]}}, 418),
        ({"status": 302, "body": "", "headers": {"Location": "/v3/jwt/history"}, "chance": 1}, 302),
        ({"status": 503, "times": 1, "chance": 0.999999}, 503),
        ({"status": 429, "retry_after_s": 5, "when": {"page": 0, "direction": None}}, 429),
    ],
)
def test_a_fault_is_met_once(fake: Fake, ada: User, fault: dict[str, Any], status: int) -> None:
    fake.faults.add("listTokens", **fault)

    assert len(fake.faults.unspent) == 1
    assert fake.faults.unspent[0].startswith("listTokens: status ")

    assert call(fake, "GET", "/jwt/history?page=0", ada.authorization) == status
    assert fake.faults.unspent == []


def test_faults_are_cleared(fake: Fake) -> None:
    fake.faults.add("*", delay_s=0.5, drop="silence", times=3)

    assert fake.faults.unspent == ["*: drop silence, delay 0.5 s, 3 left"]

    fake.faults.clear()

    assert fake.faults.unspent == []


def test_the_journal_tells_who_called_what(fake: Fake, ada: User) -> None:
    fake.issue_token(ada, jti="phone")
    call(fake, "GET", "/jwt/history?page=0", ada.authorization)
    call(fake, "DELETE", "/jwt/history/phone", ada.authorization)
    call(fake, "GET", "/jwt/history", "JWT x.y.z")

    heard = [(each.operation, each.status, each.user) for each in fake.journal.exchanges]

    assert heard == [("listTokens", 200, ada), ("revokeTokenByJti", 200, ada), ("listTokens", 401, None)]
    assert (len(fake.journal), fake.journal.total, fake.journal.dropped) == (3, 3, 0)
    assert fake.journal.since(2) == fake.journal.exchanges[2:]
    fake.journal.assert_called("listTokens", user=ada, page=0, times=1)
    fake.journal.assert_called("revokeTokenByJti", user="ada@example.com", jti="phone", status=200)
    fake.journal.assert_called("listTokens", headers={"Accept-Encoding": "identity", "X-Other": None}, times=2)
    assert "host" in fake.journal.exchanges[0].headers
    fake.journal.assert_not_called("revokeTokenById")

    fake.journal.clear()

    assert (fake.journal.exchanges, fake.journal.total) == ([], 3)


def test_jtis_that_look_alike_once_they_are_redacted_are_told_apart(fake: Fake, ada: User) -> None:
    one, two = ("eyJhbGciOiJIUzI1NiJ9.e30." + letter * 43 for letter in "AB")
    call(fake, "DELETE", f"/jwt/history/{one}", ada.authorization)

    fake.journal.assert_called("revokeTokenByJti", jti=one, times=1)
    fake.journal.assert_not_called("revokeTokenByJti", jti=two)


def test_a_violation_fails_once(fake: Fake, ada: User) -> None:
    call(fake, "GET", "/jwt/history", "Bearer x")
    (violation,) = fake.journal.violations

    with pytest.raises(ViolationError, match="auth-scheme") as failure:
        fake.verify()

    assert failure.value.violations == (violation,)
    assert violation.curl.endswith(f"{fake.url}/jwt/history")
    fake.verify()

    call(fake, "GET", "/jwt/history?pages=1", ada.authorization)
    with pytest.raises(ViolationError, match="unknown-parameter"):
        fake.verify(allow=["auth-scheme"])


@pytest.mark.parametrize("forget", ["journal.clear", "reset"])
def test_what_was_violated_is_judged_even_if_it_is_forgotten(fake: Fake, forget: str) -> None:
    call(fake, "GET", "/jwt/history", "Bearer x")
    fake.journal.clear() if forget == "journal.clear" else fake.reset()

    assert [each.rule for each in fake.journal.untaken_violations] == ["auth-scheme"]
    with pytest.raises(ViolationError, match="auth-scheme"):
        fake.verify()
    assert fake.journal.take_violations() == []


def test_no_violation_escapes_when_there_are_more_than_a_verdict_holds(fake: Fake) -> None:
    for _ in range(101):
        call(fake, "GET", "/jwt/history", "Bearer x")
    fake.journal.take_violations()
    call(fake, "GET", "/jwt/history", "Bearer x")

    with pytest.raises(ViolationError, match="auth-scheme"):
        fake.verify()
    fake.verify()


def test_a_fault_that_no_call_met_fails_unless_it_is_allowed(fake: Fake) -> None:
    fake.faults.add("listTokens", status=503)
    fake.verify(allow=["unspent-fault"])
    fake.faults.add("listTokens", status=503)

    with pytest.raises(ViolationError, match="unspent-fault") as failure:
        fake.verify()

    assert failure.value.unspent_faults == ("listTokens: status 503, 1 left",)


# --- scenarios, snapshots, profiles ------------------------------------------------------------------------------


def test_a_scenario_goes_from_fake_to_fake(fake: Fake, other: Fake, ada: User) -> None:
    fake.clock.freeze(NEW_YEAR)
    token = fake.issue_token(ada, claims={"role": "owner"}, expires_in=timedelta(days=1))
    fake.revoke(token)
    other.load(fake.scenario())

    assert other.users["ada@example.com"] == ada
    assert other.history(ada) == [token]
    assert other.tokens[token.jti].revoked
    assert other.clock.now() == NEW_YEAR


def test_a_scenario_is_a_file_or_a_mapping(fake: Fake, tmp_path: Path) -> None:
    file = tmp_path / "people.yaml"
    file.write_text("users:\n  - email: ada@example.com\n    tokens: [{createdAt: 2026-01-01T00:00:00Z}]\n")
    fake.load(file)
    fake.load({"users": [{"email": "bea@example.com", "tokens": [{"createdAt": NEW_YEAR}, {}]}]})

    assert [len(fake.history(user)) for user in fake.users.values()] == [1, 2]


def test_a_snapshot_is_gone_back_to(fake: Fake, ada: User) -> None:
    fake.clock.freeze(NEW_YEAR)
    before = fake.snapshot()
    fake.add_user(email="bea@example.com")
    fake.clock.resume()
    for _ in range(2):
        fake.restore(before)  # type: ignore[arg-type]

        assert list(fake.users) == ["ada@example.com"]
        assert fake.clock.now() == NEW_YEAR


def test_a_reset_fake_is_as_new_with_its_profile(fake: Fake, ada: User) -> None:
    fake.set_profile({"page-base": "1"})
    fake.clock.freeze(NEW_YEAR)
    fake.reset()

    assert (list(fake.users), fake.journal.exchanges, fake.clock.frozen) == ([], [], False)
    assert fake.profile["page-base"] == "1"


@pytest.mark.parametrize("profile", [None, "siblings", {"page-size": "10"}])
def test_a_profile_is_turned(fake: Fake, profile: Any) -> None:
    fake.set_profile({"page-base": "1"})
    fake.set_profile(profile)

    assert fake.profile == TiledeskFake(profile=profile).profile
    assert fake.contract == TiledeskFake(profile=profile).contract


# --- what is refused, in the same words --------------------------------------------------------------------------


def refusals(tmp_path: Path) -> Iterator[tuple[str, Any]]:  # noqa: PLR0915
    """What is done to a fake with a user, each refused."""
    file = tmp_path / "people.yaml"
    file.write_text("users:\n  - email: bea@example.com\n  - email: ada@example.com\n")
    broken = tmp_path / "broken.yaml"
    broken.write_text("users:\n  - emial: ada@example.com\n")
    yield "taken", lambda fake, ada: fake.add_user(email="ada@example.com")
    yield "id taken", lambda fake, ada: fake.add_user(email="bea@example.com", id=ada.id)
    yield "no address", lambda fake, ada: fake.add_user(email="")
    yield "half a character", lambda fake, ada: fake.add_user(email="a\ud800")
    yield "no id", lambda fake, ada: fake.add_user(email="bea@example.com", id="5")
    yield "of a type", lambda fake, ada: fake.add_user(email="bea@example.com", active="yes")
    yield "address taken", lambda fake, ada: fake.update_user(fake.add_user(email="b"), email="ada@example.com")
    yield "no change", lambda fake, ada: fake.update_user(ada)
    yield "stranger", lambda fake, ada: fake.remove_user(User("5e0000000000000000000009", "x@example.com", None))
    yield "stranger's", lambda fake, ada: fake.issue_token(User("5e0000000000000000000009", "x", None))
    yield "nobody", lambda fake, ada: fake.users["adda@example.com"]
    yield "no e-mail", lambda fake, ada: fake.users[5]
    yield "nothing", lambda fake, ada: fake.tokens["phone"]
    yield "no such token", lambda fake, ada: fake.revoke(jti="phone")
    yield "empty jti", lambda fake, ada: fake.revoke(jti="")
    yield "half a jti", lambda fake, ada: fake.revoke(jti="\ud800")
    yield "no token", lambda fake, ada: fake.revoke()
    yield "token as jti", lambda fake, ada: fake.revoke("phone")
    yield "naive", lambda fake, ada: fake.issue_token(ada, created_at=datetime(2026, 1, 1))
    yield "both", lambda fake, ada: fake.issue_token(ada, expires_at=NEW_YEAR, expires_in=timedelta(1))
    yield "too late", lambda fake, ada: fake.issue_token(ada, created_at=NEW_YEAR, expires_in=timedelta(days=9_999_999))
    yield "claim", lambda fake, ada: fake.issue_token(ada, claims={"jti": "x"})
    yield "no JSON", lambda fake, ada: fake.issue_token(ada, claims={"x": object})
    yield "empty", lambda fake, ada: fake.issue_token(ada, jti="")
    yield "jti taken", lambda fake, ada: [fake.issue_token(ada, jti="phone") for _ in range(2)]
    yield "naive clock", lambda fake, ada: fake.clock.freeze(datetime(2026, 1, 1))
    yield "unit", lambda fake, ada: fake.clock.advance(hour=1)
    yield "step", lambda fake, ada: fake.clock.advance(days=10**12)
    yield "operation", lambda fake, ada: fake.faults.add("listToken", status=503)
    yield "parameter", lambda fake, ada: fake.faults.add("listTokens", status=503, when={"pages": 1})
    yield "no effect", lambda fake, ada: fake.faults.add("listTokens")
    yield "no drop", lambda fake, ada: fake.faults.add("listTokens", drop="silent")
    yield "never", lambda fake, ada: fake.faults.add("listTokens", status=503, times=0)
    yield "text times", lambda fake, ada: fake.faults.add("listTokens", status=503, times="2")
    yield "no body", lambda fake, ada: fake.faults.add("listTokens", status=200)
    yield "chance", lambda fake, ada: fake.faults.add("listTokens", status=503, chance=0)
    yield "header", lambda fake, ada: fake.faults.add("listTokens", status=503, headers={"Date": "x"})
    yield "no header", lambda fake, ada: fake.faults.add("listTokens", drop="silence", headers={"A": "x"})
    yield "noon", lambda fake, ada: fake.clock.freeze("noon")
    yield "here", lambda fake, ada: fake.clock.freeze("2026-01-01T00:00:00")
    yield "headers", lambda fake, ada: fake.journal.assert_called("listTokens", headers="x")
    yield "body", lambda fake, ada: fake.faults.add("listTokens", status=200, body=object)
    yield "asked", lambda fake, ada: fake.journal.assert_called("listToken")
    yield "asked for", lambda fake, ada: fake.journal.assert_called("listTokens", pages=1)
    yield "not called", lambda fake, ada: fake.journal.assert_called("listTokens", page=1)
    yield "times", lambda fake, ada: fake.journal.assert_called("listTokens", times=-1)
    yield "rule", lambda fake, ada: fake.verify(allow=["auth-schema"])
    yield "rules", lambda fake, ada: fake.verify(allow="auth-scheme")
    yield "assumption", lambda fake, ada: fake.set_profile({"page-bass": "1"})
    yield "choice", lambda fake, ada: fake.set_profile({"page-base": "2"})
    yield "profile", lambda fake, ada: fake.set_profile("sibling")
    yield "file", lambda fake, ada: fake.load(file)
    yield "form", lambda fake, ada: fake.load(broken)
    yield "no file", lambda fake, ada: fake.load(tmp_path / "none.yaml")
    yield "mapping", lambda fake, ada: fake.load({"users": [{"email": "ada@example.com"}]})
    yield "key", lambda fake, ada: fake.load({"user": []})


# --- what decided ------------------------------------------------------------------------------------------------


def test_what_decided_an_answer_is_told_though_the_journal_is_cleared_and_the_fake_reset(fake: Fake, ada: User) -> None:
    assert fake.touched == frozenset()

    call(fake, "GET", "/jwt/history?page=0", ada.authorization)
    call(fake, "DELETE", "/jwt/history/nobody", ada.authorization)

    listing, revoking = frozenset({"page-base", "page-size", "list-envelope"}), frozenset({"revoke-unknown"})
    assert [exchange.touched for exchange in fake.journal.exchanges] == [listing, revoking]
    assert fake.touched == listing | revoking

    fake.journal.clear()
    fake.reset()
    fake.journal.assert_not_called("listTokens")

    assert fake.touched == listing | revoking

    fake.journal.forget_touched()

    assert fake.touched == frozenset()


def test_to_read_a_choice_is_to_touch_it_and_to_look_at_the_ids_or_turn_them_is_not(fake: Fake) -> None:
    fake.set_profile({"page-base": "1"})
    assert (list(fake.profile), len(fake.profile), fake.touched) == (list(CHOICES), len(CHOICES), frozenset())

    assert fake.profile["page-base"] == "1"
    assert fake.touched == {"page-base"}

    assert dict(fake.profile)["page-base"] == "1"
    assert fake.touched == CHOICES.keys()


def test_to_read_the_contract_is_to_touch_all_that_turns_it(fake: Fake) -> None:
    assert fake.contract["openapi"]
    assert fake.touched == CHOICES.keys()


EXPECTED = (AlreadyExists, AssertionError, KeyError, MisuseError, NotFound, ProfileError, ScenarioError)


def said(fake: Fake, done: Any) -> tuple[type[BaseException], str]:
    ada = fake.add_user(email="ada@example.com", id="5e0000000000000000000001")
    with pytest.raises(EXPECTED) as refusal:
        done(fake, ada)
    # The nearest that has a public name.
    public = next(kind for kind in refusal.type.__mro__ if kind.__module__ in ("builtins", "tiledesk_fake.errors"))
    return public, str(refusal.value)


def test_what_is_refused_is_refused_in_the_same_words_and_by_the_same_exception(tmp_path: Path) -> None:
    served = TiledeskFake()
    different = {}
    with served.start(app=ControlApp(served, TiledeskFake)):
        for name, done in refusals(tmp_path):
            here = said(TiledeskFake(seed=1), done)
            with connect(served.url).world(seed=1) as world:
                elsewhere = said(world, done)
            if here != elsewhere:
                different[name] = here, elsewhere

    assert different == {}


def test_the_interface_elsewhere_is_that_of_here() -> None:
    def public(kind: type) -> set[str]:
        return {name for name in dir(kind) if not name.startswith("_")}

    of_moments = {"sleep", "restore"}
    of_requests = {"spend", "know", "planned"}

    assert public(TiledeskFake) - public(RemoteFake) == set()
    assert {name for name in public(TiledeskFake) if name in FAR} <= FAR
    assert public(Clock) - public(RemoteClock) == of_moments
    assert public(Faults) - public(RemoteFaults) == of_requests
    assert issubclass(type(RemoteFake.journal), property)
    assert Journal.__name__ == "Journal"


@pytest.mark.parametrize(
    ("here", "elsewhere"), [(TiledeskFake, RemoteFake), (Clock, RemoteClock), (Faults, RemoteFaults)]
)
def test_what_is_called_takes_the_same_elsewhere(here: type, elsewhere: type) -> None:
    for name in dir(here):
        if name.startswith("_") or name in FAR or not callable(getattr(here, name)) or not hasattr(elsewhere, name):
            continue
        parameters = [list(inspect.signature(getattr(kind, name)).parameters.values()) for kind in (here, elsewhere)]
        shapes = [[(each.name, each.kind, each.default) for each in of] for of in parameters]

        assert shapes[0] == shapes[1], name
