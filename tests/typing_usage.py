"""Typed use of the public interface: only has to type-check, strictly."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, assert_type

from tiledesk_fake import (
    Clock,
    MisuseError,
    NoAnswer,
    NotFound,
    Snapshot,
    TiledeskFake,
    TiledeskFakeError,
    Token,
    User,
)
from tiledesk_fake.pytest import Factory, LateCallWarning

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def make() -> None:
    TiledeskFake()
    TiledeskFake(profile={"page-base": "1"}, secret="s", base_path="/v3", host="::1", port=8000, seed=7)
    TiledeskFake(profile="real.yaml", secret=None, base_path=None, seed=None)
    TiledeskFake(profile=Path("real.yaml"))
    TiledeskFake("s")  # type: ignore[call-arg]
    TiledeskFake(profile={"page-base": 1})  # type: ignore[dict-item]


def listen(fake: TiledeskFake) -> None:
    assert_type(fake.start(), TiledeskFake)
    assert_type(fake.url, str)
    assert_type(fake.stop(), None)
    with fake as listening:
        assert_type(listening, TiledeskFake)


def hold_users(fake: TiledeskFake) -> User:
    ada = fake.add_user(email="ada@example.com", password="secret", id="5e" * 12, active=True)
    assert_type(ada, User)
    assert_type(ada.id, str)
    assert_type(ada.email, str)
    assert_type(ada.password, str | None)
    assert_type(ada.active, bool)
    assert_type(ada.authorization, str)
    assert_type(fake.users["ada@example.com"], User)
    assert_type(fake.users, Mapping[str, User])
    ada.email = "eve@example.com"  # type: ignore[misc]
    fake.add_user("ada@example.com")  # type: ignore[call-arg]
    return ada


def hold_tokens(fake: TiledeskFake, ada: User) -> Token:
    token = fake.issue_token(ada)
    fake.issue_token(ada, expires_in=timedelta(hours=1), jti="phone", id="6" * 24, claims={"note": ["any", 5, None]})
    fake.issue_token(ada, created_at=datetime.now(UTC), expires_at=datetime.now(UTC), revoked=True)
    fake.issue_token(ada, expires_in=3600)  # type: ignore[arg-type]
    assert_type(token, Token)
    assert_type(token.id, str)
    assert_type(token.jti, str)
    assert_type(token.jwt, str)
    assert_type(token.authorization, str)
    assert_type(token.created_at, datetime)
    assert_type(token.expires_at, datetime | None)
    assert_type(token.revoked, bool)
    assert_type(fake.history(ada), list[Token])
    assert_type(fake.revoke(token), Token)
    assert_type(fake.revoke(jti="phone"), Token)
    token.revoked = True  # type: ignore[misc]
    return token


def turn_the_clock(fake: TiledeskFake) -> None:
    assert_type(fake.clock, Clock)
    assert_type(fake.clock.now(), datetime)
    fake.clock.freeze()
    fake.clock.freeze(datetime(2026, 1, 1, tzinfo=UTC))
    fake.clock.advance(timedelta(hours=2))
    fake.clock.advance(hours=2, minutes=0.5)
    fake.clock.advance(3600)  # type: ignore[arg-type]
    fake.clock.resume()


def go_back(fake: TiledeskFake) -> None:
    mark = fake.snapshot()
    assert_type(mark, Snapshot)
    fake.restore(mark)
    fake.reset()
    fake.restore(None)  # type: ignore[arg-type]


def load(fake: TiledeskFake) -> None:
    fake.load("scenario.yaml")
    fake.load(Path("scenario.yaml"))
    fake.load({"users": [{"email": "ada@example.com", "tokens": [{}]}]})


def serve_in_process(fake: TiledeskFake) -> "WSGIApplication":
    return fake.wsgi_app


def read_the_profile(fake: TiledeskFake) -> None:
    assert_type(fake.profile, Mapping[str, str])
    assert_type(fake.evidence, Mapping[str, str])


def catch(fake: TiledeskFake) -> None:
    try:
        fake.revoke(jti="nothing")
    except (NotFound, MisuseError, NoAnswer) as problem:
        base: TiledeskFakeError = problem
        raise base from None


def make_by_the_factory(fake_tiledesk_factory: Factory) -> None:
    assert_type(fake_tiledesk_factory(), TiledeskFake)
    assert_type(fake_tiledesk_factory(profile={"page-base": "1"}, seed=7, base_path="/v3"), TiledeskFake)
    fake_tiledesk_factory(sed=7)  # type: ignore[call-arg]
    with fake_tiledesk_factory() as fake:
        assert_type(fake, TiledeskFake)


def expect_late_calls() -> type[Warning]:
    return LateCallWarning
