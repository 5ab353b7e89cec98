"""Why a call was answered as it was, in the journal alone."""

import base64
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from tests.wsgi import Reply, call
from tiledesk_fake import NoAnswer, TiledeskFake
from tiledesk_fake.gate.jwt import sign

HISTORY = "/v3/jwt/history"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECRET = "of the tests"


class World:
    """A fake with ada, who has three tokens, and eve, who has one."""

    def __init__(self, **profile: str) -> None:
        self.fake = TiledeskFake(secret=SECRET, profile={name.replace("_", "-"): of for name, of in profile.items()})
        self.fake.clock.freeze(NOW)
        self.ada = self.fake.add_user(email="ada@example.com", password="secret", id="a" * 24)
        self.eve = self.fake.add_user(email="eve@example.com", password="of:eve", id="e" * 24)
        self.bob = self.fake.add_user(email="bob@example.com", password="secret", active=False)
        self.phone = self.fake.issue_token(self.ada, jti="my phone", id="1" * 24)
        self.tablet = self.fake.issue_token(self.ada, jti="TABLET")
        self.old = self.fake.issue_token(self.ada, jti="old", revoked=True)
        self.hers = self.fake.issue_token(self.eve, jti="hers", id="2" * 24)

    def ask(self, method: str, target: str, authorization: str | None = None) -> Reply:
        headers = [] if authorization is None else [("Authorization", authorization)]
        return call(self.fake.wsgi_app, method, target, headers)

    def why(self, method: str, target: str, authorization: str | None = None) -> str | None:
        """The reason that the journal has for a call."""
        self.ask(method, target, authorization)
        return self.fake.journal.exchanges[-1].reason

    def signed(self, *, secret: str = SECRET, **claims: object) -> str:
        said = {"_id": self.ada.id, "sub": "user"} | claims
        return f"JWT {sign(said, secret.encode())}"


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.fixture
def world() -> World:
    return World()


REFUSED = {
    "revoked": lambda world: world.old.authorization,
    "expired": lambda world: world.fake.issue_token(world.ada, expires_at=NOW).authorization,
    "not yet valid": lambda world: world.signed(nbf=NOW.timestamp() + 1),
    "bad signature": lambda world: world.signed(secret="of another fake"),
    "no such user": lambda world: world.signed(_id="f" * 24),
    "wrong password": lambda world: basic("ada@example.com:Secret"),
    "wrong password; the gate cuts it off at its colon": lambda world: basic("eve@example.com:of:eve"),
    "no credentials": lambda world: None,
    "no JWT": lambda world: "JWT null",
    "unknown scheme word Bearer": lambda world: f"Bearer {world.phone.jwt}",
    "unknown scheme word": lambda world: f"{world.phone.jwt} JWT",
    "one word, where a scheme word and credentials belong": lambda world: world.phone.jwt,
    "no colon in the Basic credentials": lambda world: basic("ada@example.com"),
    "no password in the Basic credentials": lambda world: basic("ada@example.com:"),
    "no e-mail address in the Basic credentials": lambda world: basic(":secret"),
    "exp or nbf is no number": lambda world: world.signed(exp="1"),
    "the claim _id is missing": lambda world: world.signed(_id=None),
    "the claim _id is no id": lambda world: world.signed(_id="ada"),
    "no such bot; this fake has users only": lambda world: world.signed(sub="bot"),
    "good credentials, but not in two words with one space between": lambda world: f"{world.phone.authorization} x",
}


@pytest.mark.parametrize("reason", REFUSED)
def test_who_is_refused_learns_nothing_and_the_journal_why(world: World, reason: str) -> None:
    reply = world.ask("GET", HISTORY, REFUSED[reason](world))  # type: ignore[no-untyped-call]

    (heard,) = world.fake.journal.exchanges
    assert heard.reason == reason
    assert reply.status >= 400
    assert reason.encode() not in reply.body
    assert not any(reason in value for value in reply.headers.values())


def test_an_inactive_user_is_one_by_basic_and_by_token(world: World) -> None:
    token = world.fake.issue_token(world.bob)

    assert world.why("GET", HISTORY, basic("bob@example.com:secret")) == "inactive user"
    assert world.why("GET", HISTORY, token.authorization) == "inactive user"


def test_an_address_with_capitals_is_told_from_one_that_nobody_has(world: World) -> None:
    world.fake.add_user(email="Ida@example.com", password="secret")

    assert world.why("GET", HISTORY, basic("nobody@example.com:secret")) == "no such user"
    assert world.why("GET", HISTORY, basic("Ida@example.com:secret")) == (
        "no such user; the address is stored with capitals, and looked for in lower case"
    )


UNKNOWN = {
    "nothing": "no such jti",
    "1" * 24: "no such jti; it is the id of a token of this user: use /jwt/history/id/…",
    "2" * 24: "no such jti; it is the id of a token of another user: use /jwt/history/id/…",
    "my%2520phone": "no such jti; decoded once more it exists: percent-encode it once",
    "my+phone": "no such jti; with a space for each + it exists: in a path a space is %20",
    "TABLET%20": "no such jti; without the white space around it it exists",
    "%22TABLET%22": "no such jti; without the quotes around it it exists",
    "tablet": "no such jti; in upper case it exists",
    "hers": "the jti is that of another user's token",
    "id/": "no such jti; if an id was to follow the last slash, it is empty",
    "id/hers": "no such id; it is the jti of a token of another user: use /jwt/history/…",
    "id/TABLET": "no such id; it is the jti of a token of this user: use /jwt/history/…",
    f"id/{'3' * 24}": "no such id",
    "id/5": "no such id; one is 24 hex digits",
    f"id/%20{'1' * 24}": "no such id; without the white space around it it exists",
    f"id/{'2' * 24}": "the id is that of another user's token",
}


@pytest.mark.parametrize("segment", UNKNOWN)
def test_what_is_not_there_is_told_from_what_was_meant(segment: str) -> None:
    world = World(malformed_id="unknown")

    reply = world.ask("DELETE", f"{HISTORY}/{segment}", world.ada.authorization)

    assert reply.status == 404
    assert world.fake.journal.exchanges[-1].reason == UNKNOWN[segment]


def test_a_whole_token_for_its_jti_is_told_and_not_shown(world: World) -> None:
    reason = world.why("DELETE", f"{HISTORY}/{world.phone.jwt}", world.ada.authorization)

    assert reason == "no such jti; it is a whole token, and its jti belongs here"
    assert world.phone.jwt not in world.fake.journal.exchanges[-1].line


def test_a_malformed_id_has_its_reason_where_the_server_fails_on_it_too() -> None:
    world = World(malformed_id="fail")

    assert world.ask("DELETE", f"{HISTORY}/id/TABLET", world.ada.authorization).status == 500
    assert world.fake.journal.exchanges[-1].reason == (
        "no such id; it is the jti of a token of this user: use /jwt/history/…"
    )


def test_the_second_revocation_is_told_where_it_is_refused() -> None:
    world = World(revoke_again="unknown")

    assert world.why("DELETE", f"{HISTORY}/old", world.ada.authorization) == "revoked already"


def test_nothing_is_said_of_a_revocation_that_works(world: World) -> None:
    assert world.why("DELETE", f"{HISTORY}/TABLET", world.ada.authorization) is None


LISTS = [
    ("", {}, "3 of 3 records"),
    ("?page=1", {}, "0 of 3 records; the first page is 0"),
    ("?page=2", {"page-base": "1"}, "0 of 3 records; the first page is 1"),
    ("?page=2", {"page-base": "1", "revoked-listed": "no"}, "0 of 2 records; the first page is 1"),
]


@pytest.mark.parametrize(("query", "profile", "reason"), LISTS)
def test_a_list_tells_what_it_had(query: str, profile: dict[str, str], reason: str) -> None:
    world = World(**profile)

    assert world.why("GET", HISTORY + query, world.ada.authorization) == reason


def test_an_empty_list_tells_of_the_revoked_ones_that_are_not_in_it() -> None:
    world = World(revoked_listed="no")
    ida = world.fake.add_user(email="ida@example.com", password="secret")
    assert world.why("GET", HISTORY, ida.authorization) == "0 of 0 records"

    world.fake.issue_token(ida, revoked=True)

    assert world.why("GET", HISTORY, ida.authorization) == (
        "0 of 0 records; revoked ones are not listed, and there are 1"
    )


def test_dots_that_a_client_has_folded_are_told(world: World) -> None:
    for target, dots in ((f"{HISTORY}/", "."), ("/v3/jwt/", ".."), ("/v3/jwt", ".."), (HISTORY, ".")):
        assert world.why("DELETE", target, world.ada.authorization) == (
            f"no such path; {dots!r} as a jti or id is folded by the client, and an empty one leads here too"
        )
    world.fake.issue_token(world.ada, jti="..")
    assert world.why("DELETE", "/v3/jwt/", world.ada.authorization) == (
        "no such path; the jti '..' was folded by the client: revoke it by its id"
    )
    assert world.why("GET", "/v3/jwt/", world.ada.authorization) == "no such path, or not by this method"


def test_a_path_outside_the_base_path_is_told(world: World) -> None:
    assert world.why("GET", "/jwt/history") == "no such path; all begin with /v3"


def test_a_value_that_the_schema_excludes_is_told_without_credentials(world: World) -> None:
    reason = world.why("GET", f"{HISTORY}?direction=5", world.ada.authorization)
    assert reason == "direction: the value is not one of -1, 1; got '5'"

    world.ask("GET", f"{HISTORY}?direction={quote(world.phone.authorization)}", world.ada.authorization)

    assert world.phone.jwt not in repr(world.fake.journal.exchanges)


def test_a_dropped_call_that_came_back_at_once_is_told(world: World) -> None:
    world.fake.faults.add("listTokens", drop="before-answer")
    for _ in range(2):
        try:
            world.ask("GET", HISTORY, world.ada.authorization)
        except NoAnswer:
            continue

    first, second = world.fake.journal.exchanges
    assert (first.status, first.reason) == (None, None)
    assert second.reason == (
        "3 of 3 records; the dropped call came back at once and succeeded: "
        "the client retries by itself, so drop it times=2"
    )


def test_a_dropped_call_that_came_back_later_or_as_another_is_no_retry_of_the_client(world: World) -> None:
    world.fake.faults.add("listTokens", drop="before-answer", times=2)
    for _ in range(2):
        with pytest.raises(NoAnswer):
            world.ask("GET", HISTORY, world.ada.authorization)

    assert world.why("GET", f"{HISTORY}?page=0", world.ada.authorization) == "3 of 3 records"
    world.fake.clock.advance(seconds=5)
    assert world.why("GET", HISTORY, world.ada.authorization) == "3 of 3 records"


def test_an_exchange_has_a_line_with_its_reason(world: World) -> None:
    world.ask("GET", HISTORY, world.old.authorization)
    world.ask("GET", f"{HISTORY}?page=7", world.ada.authorization)

    assert [heard.line for heard in world.fake.journal.exchanges] == [
        "00:00:00 GET /v3/jwt/history -> 401  reason: revoked",
        "00:00:00 GET /v3/jwt/history?page=7 -> 200  by ada@example.com  reason: 0 of 3 records; the first page is 0",
    ]
