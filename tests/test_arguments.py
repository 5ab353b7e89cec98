"""Arguments of a wrong type: refused at the door, with what to write instead, and without showing secrets."""

import inspect
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from os import PathLike, fspath
from pathlib import Path
from typing import Any, get_type_hints

import pytest

from tiledesk_fake import Clock, Faults, Journal, MisuseError, ScenarioError, TiledeskFake
from tiledesk_fake.served import Served

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECRET = "hush-hush"

Use = Callable[[TiledeskFake], object]


def ada(fake: TiledeskFake) -> Any:
    return fake.users["ada@example.com"]


@pytest.fixture
def fake() -> TiledeskFake:
    fake = TiledeskFake()
    fake.add_user(email="ada@example.com", password="secret")
    return fake


def untyped(function: Any) -> Any:
    """The function, for arguments that its annotations forbid."""
    return function


WRONG: list[tuple[Use, str]] = [
    (lambda _: untyped(TiledeskFake)(port="8000"), "port: expected a whole number, got text; write it without quotes"),
    (lambda _: untyped(TiledeskFake)(port=True), "port: expected a whole number, got True"),
    (lambda _: untyped(TiledeskFake)(seed="x"), "seed: expected a whole number, got text; write it without quotes"),
    (lambda _: untyped(TiledeskFake)(profile=5), "profile: expected a mapping, text or a path, got a whole number"),
    (lambda _: untyped(TiledeskFake)(base_path=5), "base_path: expected text, got a whole number"),
    (lambda _: untyped(TiledeskFake)(host=None), "host: expected text, got None"),
    (lambda _: untyped(TiledeskFake)(secret=b"hush-hush"), "secret: expected text, got bytes; decode() it"),
    (lambda fake: untyped(fake.add_user)(email=5), "email: expected text, got a whole number"),
    (lambda fake: untyped(fake.add_user)(email="b@example.com", password=5), "password: expected text, got a whole"),
    (lambda fake: untyped(fake.add_user)(email="b@example.com", id=5), "id: expected text, got a whole number"),
    (lambda fake: untyped(fake.add_user)(email="b@example.com", active="no"), "active: expected True or False, got te"),
    (
        lambda fake: untyped(fake.issue_token)("ada@example.com"),
        "user: expected a User, got text; add_user makes one, and fake.users['ada@example.com'] is the one with that",
    ),
    (
        lambda fake: untyped(fake.issue_token)(fake.issue_token(ada(fake))),
        "user: expected a User, got a Token; add_user",
    ),
    (
        lambda fake: untyped(fake.issue_token)(ada(fake), expires_in=3600),
        "expires_in: expected a timedelta, got 3600; write timedelta(seconds=3600)",
    ),
    (
        lambda fake: untyped(fake.issue_token)(ada(fake), expires_in="2h"),
        "expires_in: expected a timedelta, got text; write it like timedelta(hours=2)",
    ),
    (
        lambda fake: untyped(fake.issue_token)(ada(fake), expires_in=NOON),
        "expires_in: expected a timedelta, got a datetime; subtract the time that it counts from",
    ),
    (
        lambda fake: untyped(fake.issue_token)(ada(fake), created_at="2026-01-01T00:00:00Z"),
        "created_at: expected a datetime, got text; datetime.fromisoformat reads text",
    ),
    (
        lambda fake: untyped(fake.issue_token)(ada(fake), created_at=date(2026, 1, 1)),
        "created_at: expected a datetime, got a date; add the time of day and tzinfo=datetime.UTC",
    ),
    (
        lambda fake: untyped(fake.issue_token)(ada(fake), expires_at=1.5),
        "expires_at: expected a datetime, got 1.5; datetime.fromtimestamp(…, datetime.UTC) reads a number",
    ),
    (lambda fake: untyped(fake.issue_token)(ada(fake), id=5), "id: expected text, got a whole number"),
    (lambda fake: untyped(fake.issue_token)(ada(fake), jti=b"x"), "jti: expected text, got bytes; decode() it"),
    (lambda fake: untyped(fake.issue_token)(ada(fake), revoked=1), "revoked: expected True or False, got 1"),
    (
        lambda fake: untyped(fake.issue_token)(ada(fake), claims=["sub"]),
        "claims: expected a mapping, got a list; write it like {name: value}",
    ),
    (lambda fake: untyped(fake.history)("ada"), "user: expected a User, got text; add_user makes one, and fake.users["),
    (lambda fake: untyped(fake.history)(None), "user: expected a User, got None; add_user makes one, and fake.users["),
    (
        lambda fake: untyped(fake.revoke)("some-jti"),
        "token: expected a Token, got text; for a jti say revoke(jti=…)",
    ),
    (lambda fake: untyped(fake.revoke)(jti=fake.issue_token(ada(fake))), "jti: expected text, got a Token"),
    (lambda fake: untyped(fake.load)(5), "scenario: expected text, a path or a mapping, got a whole number"),
    (lambda fake: untyped(fake.restore)("x"), "snapshot: expected a Snapshot, got text; fake.snapshot() takes one"),
    (
        lambda fake: untyped(fake.clock.freeze)("2026-01-01"),
        "expected a time with its zone, got '2026-01-01'; add Z if",
    ),
    (
        lambda fake: untyped(fake.clock.advance)("2h"),
        "by: expected a timedelta, got text; write it like timedelta(hours=2), or advance(hours=2)",
    ),
    (lambda fake: untyped(fake.clock.advance)(2), "by: expected a timedelta, got 2; write it like timedelta(hours=2)"),
    (
        lambda fake: untyped(fake.clock.advance)(hours="2"),
        "hours: expected a number, got text; write it without quotes",
    ),
    (lambda fake: fake.clock.advance(hour=2), "there is no unit 'hour'; did you mean 'hours'? Valid: weeks, days, ho"),
    (lambda fake: fake.clock.advance(hours=float("nan")), "expected a time from 1970 to 9999"),
    (lambda fake: untyped(fake.faults.add)(5), "operation: expected text, got a whole number"),
    (
        lambda fake: untyped(fake.faults.add)("listTokens", status="503"),
        "status: expected a whole number, got text; write it without quotes",
    ),
    (
        lambda fake: untyped(fake.faults.add)("listTokens", delay_s="1"),
        "delay_s: expected a number, got text; write it without quotes",
    ),
    (
        lambda fake: untyped(fake.faults.add)("listTokens", delay_s=timedelta(seconds=1)),
        "delay_s: expected a number, got a timedelta; in seconds, its total_seconds()",
    ),
    (
        lambda fake: untyped(fake.faults.add)("listTokens", status=503, times=1.5),
        "times: expected a whole number, got 1.5",
    ),
    (
        lambda fake: untyped(fake.faults.add)("listTokens", status=503, when=["page"]),
        "when: expected a mapping, got a list; write it like {name: value}",
    ),
    (lambda fake: untyped(fake.journal.assert_called)(5), "operation: expected text, got a whole number"),
    (lambda fake: untyped(fake.journal.assert_not_called)([]), "operation: expected text, got a list"),
    (
        lambda fake: untyped(fake.journal.assert_called)("listTokens", times="1"),
        "times: expected a whole number, got text; write it without quotes",
    ),
    (lambda fake: fake.journal.assert_called("listTokens", times=-1), "expected times from 0, got -1"),
    (lambda fake: fake.journal.assert_called("listToken"), "there is no operation 'listToken'; did you mean 'listTok"),
    (
        lambda _: untyped(TiledeskFake)(profile=["page-size=10"]),
        "profile: expected a mapping, text or a path, got a list; write it like profile={'page-size': '10'}",
    ),
    (lambda _: untyped(TiledeskFake)(host=["localhost"]), "host: expected text, got a list; give one"),
    (
        lambda _: TiledeskFake(host="127.0.0.1:8000"),
        "expected a host like '127.0.0.1', 'localhost' or '::1', got '127.0.0.1:8000'; a port is given as port=8000",
    ),
    (lambda _: TiledeskFake(host="http://localhost"), "expected a host like '127.0.0.1', 'localhost' or '::1'"),
    (lambda _: TiledeskFake(host="[::1]"), "expected a host like '127.0.0.1', 'localhost' or '::1'"),
    (lambda _: TiledeskFake(host=""), "expected a host like '127.0.0.1', 'localhost' or '::1'"),
    (lambda fake: untyped(fake.start)(beside=fake), "beside: expected a Server, got a TiledeskFake; fake.hand_over(…)"),
    (
        lambda fake: untyped(fake.start)(on_refused="print"),
        "on_refused: expected a function, got text; write it like on_refused=lambda reason, status, client: …",
    ),
    (lambda fake: untyped(fake.start)(app=fake), "app: expected a function, got a TiledeskFake; fake.wsgi_app is one"),
    (lambda fake: untyped(fake.hand_over)(None), "app: expected a function, got None; fake.wsgi_app is one"),
    (
        lambda fake: untyped(fake.issue_token)(ada(fake), expires_at=timedelta(hours=1)),
        "expires_at: expected a datetime, got a timedelta; add it to a time, like fake.clock.now() + ",
    ),
    (
        lambda fake: untyped(fake.clock.freeze)(timedelta(hours=1)),
        "at: expected a datetime or text, got a timedelta; add it to a time",
    ),
    (
        lambda fake: untyped(fake.issue_token)(ada(fake), jti=fake.issue_token(ada(fake))),
        "jti: expected text, got a Token; write jti=….jti",
    ),
    (lambda fake: untyped(fake.add_user)(email=ada(fake)), "email: expected text, got a User; write email=….email"),
    (
        lambda fake: untyped(fake.clock.advance)(hours=timedelta(hours=2)),
        "hours: expected a number, got a timedelta; give the number of hours",
    ),
    (
        lambda fake: untyped(fake.faults.add)("listTokens", status=(503, 503)),
        "status: expected a whole number, got a tuple; give one; for one after the other call it once for each",
    ),
    (
        lambda fake: untyped(fake.faults.add)("listTokens", status=503, when="page=1"),
        "when: expected a mapping, got text; write it like {name: value}",
    ),
    (
        lambda fake: untyped(fake.verify)(allow={"auth-scheme"}),
        "allow: expected a list, got a set; write it like allow=",
    ),
    (lambda fake: fake.load("users:\n  - email: ada@example.com"), "expected the path of a file, got text of several"),
    (
        lambda fake: fake.journal.assert_called("listTokens", status=[200]),
        "status: expected text or a number, got a list",
    ),
    (
        lambda fake: fake.journal.assert_not_called("revokeTokenByJti", jti=fake.issue_token(ada(fake))),
        "jti: expected text or a number, got a Token; write jti=….jti",
    ),
    (
        lambda fake: fake.journal.assert_called("listTokens", user=fake.issue_token(ada(fake))),
        "user: expected a User or an e-mail address, got a Token",
    ),
    (lambda fake: untyped(fake.tokens)[fake.issue_token(ada(fake))], "expected a jti, which is text, got a Token"),
    (lambda fake: untyped(fake.users)[5], "expected an e-mail address, got a whole number"),
    (lambda fake: untyped(fake.users)[[]], "expected an e-mail address, got a list"),
    (
        lambda fake: fake.users["ada@exmple.com"],
        "there is no user 'ada@exmple.com'; did you mean 'ada@example.com'? Valid: ada@example.com",
    ),
]


@pytest.mark.parametrize(("use", "told"), WRONG, ids=[told[:50] for _, told in WRONG])
def test_what_cannot_work_is_a_misuse_that_says_what_to_write(fake: TiledeskFake, use: Use, told: str) -> None:
    with pytest.raises((MisuseError, ScenarioError)) as refused:
        use(fake)

    assert str(refused.value).startswith(told)


def test_what_is_refused_changes_nothing(fake: TiledeskFake) -> None:
    before = fake.clock.setting
    for use, _ in WRONG:
        with pytest.raises((MisuseError, ScenarioError)):
            use(fake)

    assert list(fake.users) == ["ada@example.com"]
    assert all(token.created_at.year > 2025 and not token.revoked for token in fake.history(ada(fake)))
    assert fake.faults.unspent == []
    assert fake.clock.setting == before


@pytest.mark.parametrize(
    "use",
    [
        lambda fake: untyped(fake.revoke)(fake.issue_token(ada(fake)).jwt),
        lambda fake: untyped(fake.history)(fake.issue_token(ada(fake)).authorization),
        lambda fake: untyped(fake.add_user)(email="b@example.com", password=b"hush-hush"),
        lambda fake: untyped(fake.add_user)(email="b@example.com", password=["hush-hush"]),
        lambda fake: untyped(fake.add_user)(email="b@example.com", password=20260101),
        lambda _: untyped(TiledeskFake)(secret=["hush-hush"]),
        lambda fake: untyped(fake.issue_token)(SECRET),
        lambda fake: fake.users[fake.issue_token(ada(fake)).jwt],
    ],
)
def test_no_refusal_shows_a_secret(fake: TiledeskFake, use: Use) -> None:
    with pytest.raises(MisuseError) as refused:
        use(fake)

    for shown in ("eyJ", "hush-hush", "20260101"):
        assert shown not in str(refused.value)


class Folder(PathLike[str]):
    def __init__(self, path: Path) -> None:
        self._path = path

    def __fspath__(self) -> str:
        return fspath(self._path)


def test_what_is_as_good_as_the_type_is_taken(fake: TiledeskFake, tmp_path: Path) -> None:
    """Subclasses, whole numbers for numbers, whatever names a file for a path."""

    class LocalTime(datetime):
        pass

    file = tmp_path / "scenario.yaml"
    file.write_text("users: [{email: bob@example.com}]")

    fake.clock.freeze(LocalTime(2026, 1, 1, tzinfo=UTC))
    fake.clock.advance(hours=1)
    fake.faults.add("listTokens", status=HTTPStatus.SERVICE_UNAVAILABLE, delay_s=1)
    untyped(fake.load)(Folder(file))

    assert fake.clock.now() == datetime(2026, 1, 1, 1, tzinfo=UTC)
    assert "bob@example.com" in fake.users


def test_python_itself_refuses_names_and_numbers_of_arguments(fake: TiledeskFake) -> None:
    with pytest.raises(TypeError, match="'prot'"):
        untyped(TiledeskFake)(prot=5)
    with pytest.raises(TypeError, match="positional"):
        untyped(fake.history)(ada(fake), 5)


def test_signatures_and_documentation_are_those_of_the_methods() -> None:
    assert list(inspect.signature(TiledeskFake).parameters) == [
        "profile",
        "secret",
        "base_path",
        "host",
        "port",
        "tls",
        "seed",
        "strict",
    ]
    assert "Raises AlreadyExists" in (TiledeskFake.issue_token.__doc__ or "")


# Called by the server, by Python itself, or by the pytest plugin, with arguments of their own.
UNCHECKED = {
    "Journal.add",
    "Journal.know",
    "Journal.note_bug",
    "Journal.since",
    "Journal.unwatch",
    "Journal.watch",
    "Faults.know",
    "Faults.spend",
    "Clock.sleep",
}


@pytest.mark.parametrize("public", [TiledeskFake, Served, Clock, Faults, Journal], ids=lambda kind: kind.__name__)
def test_every_public_method_that_takes_arguments_checks_them(public: type) -> None:
    taking = {
        f"{public.__name__}.{name}": method
        for name, method in vars(public).items()
        if inspect.isfunction(method)
        and not name.startswith("_")
        and get_type_hints(inspect.unwrap(method)).keys() - {"return"}
    }

    assert taking.keys() - UNCHECKED == {name for name, method in taking.items() if hasattr(method, "__wrapped__")}
    assert hasattr(TiledeskFake.__init__, "__wrapped__")
