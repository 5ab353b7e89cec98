"""`TiledeskFake`: users, tokens, history, time, snapshots, in Python and over a socket."""

import gc
import io
import json
import logging
import socket
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast
from wsgiref.handlers import SimpleHandler

import httpx
import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import status
from tests.wsgi import call
from tiledesk_fake import (
    AlreadyExists,
    CannotListen,
    MisuseError,
    NotFound,
    NotListening,
    TiledeskFake,
    TiledeskFakeError,
    Token,
    User,
)
from tiledesk_fake.contract import load
from tiledesk_fake.scenario import parse_scenario
from tiledesk_fake.web.road import Road
from tiledesk_fake.web.wsgi import WsgiApp

SECRET = "0123456789abcdef" * 4
NOW = datetime(2026, 1, 1, 12, 0, 0, 250_000, tzinfo=UTC)
HOUR = timedelta(hours=1)
LIST = "/v3/jwt/history"


@pytest.fixture
def fake() -> TiledeskFake:
    fake = TiledeskFake(secret=SECRET)
    fake.clock.freeze(NOW)
    return fake


@pytest.fixture
def ada(fake: TiledeskFake) -> User:
    return fake.add_user(email="ada@example.com", password="secret", id="5e000000000000000000000a")


@pytest.fixture
def listening(fake: TiledeskFake) -> Iterator[TiledeskFake]:
    with fake:
        yield fake


def claims_of(token: Token) -> dict[str, Any]:
    """What PyJWT reads from the token, signature verified."""
    claims: dict[str, Any] = json.loads(jwt.PyJWS().decode(token.jwt, SECRET, algorithms=["HS256"]))
    return claims


# --- tokens ------------------------------------------------------------------------------------------------------


def test_a_token_is_of_now_and_does_not_expire_unless_told(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada)

    assert token.created_at == NOW
    assert token.expires_at is None
    assert not token.revoked


def test_a_token_has_a_jti_and_an_id_of_its_own(fake: TiledeskFake, ada: User) -> None:
    tokens = [fake.issue_token(ada) for _ in range(3)]

    assert len({token.jti for token in tokens}) == 3
    assert len({token.id for token in tokens}) == 3
    assert all(len(bytes.fromhex(token.id)) == 12 for token in tokens)


def test_a_token_has_what_it_was_issued_with(fake: TiledeskFake, ada: User) -> None:
    created, expires = NOW - HOUR, datetime(2027, 1, 1, tzinfo=UTC)

    token = fake.issue_token(
        ada, jti="phone", id="6000000000000000000000A1", created_at=created, expires_at=expires, revoked=True
    )

    assert (token.jti, token.id) == ("phone", "6000000000000000000000a1")
    assert (token.created_at, token.expires_at) == (created, expires)
    assert token.revoked


def test_claims_are_those_of_a_sign_in_in_their_order(fake: TiledeskFake, ada: User) -> None:
    claims = claims_of(fake.issue_token(ada, jti="phone"))

    assert list(claims) == [
        "email",
        "firstname",
        "lastname",
        "emailverified",
        "_id",
        "iat",
        "aud",
        "iss",
        "sub",
        "jti",
    ]
    assert claims["email"] == "ada@example.com"
    assert claims["_id"] == ada.id
    assert claims["iat"] == int(NOW.timestamp())
    assert claims["sub"] == "user"
    assert claims["jti"] == "phone"


def test_a_token_that_expires_says_so_last(fake: TiledeskFake, ada: User) -> None:
    claims = claims_of(fake.issue_token(ada, expires_in=HOUR))

    assert list(claims)[-1] == "exp"
    assert claims["exp"] == int((NOW + HOUR).timestamp())


def test_authorization_is_the_scheme_word_and_the_jwt(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada)

    assert token.authorization == f"JWT {token.jwt}"


def test_a_jwt_is_the_same_each_time(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada, expires_in=HOUR)
    first = token.jwt
    fake.clock.advance(hours=5)
    fake.revoke(token)

    assert token.jwt == first


def test_claims_replace_and_extend_those_of_a_sign_in(fake: TiledeskFake, ada: User) -> None:
    claims = claims_of(fake.issue_token(ada, claims={"sub": "userexternal", "note": {"é": [1, None]}}))

    assert claims["sub"] == "userexternal"
    assert claims["note"] == {"é": [1, None]}
    assert claims["_id"] == ada.id


def test_claims_are_as_they_were_when_the_token_was_issued(fake: TiledeskFake, ada: User) -> None:
    note: dict[str, list[int]] = {"list": [1]}
    token = fake.issue_token(ada, claims={"note": note})
    note["list"].append(2)

    assert claims_of(token)["note"] == {"list": [1]}


@pytest.mark.parametrize(("claim", "instead"), [("jti", "jti="), ("iat", "created_at="), ("exp", "expires_in=")])
def test_a_claim_that_the_record_decides_is_refused_with_what_to_give(
    fake: TiledeskFake, ada: User, claim: str, instead: str
) -> None:
    with pytest.raises(MisuseError, match=f"claim '{claim}' follows the record; give {instead}"):
        fake.issue_token(ada, claims={claim: 5})


@pytest.mark.parametrize(
    "value",
    [object(), {1, 2}, b"bytes", "\ud800", float("nan"), float("inf"), NOW, json.loads("[" * 200 + "]" * 200)],
    ids=lambda value: type(value).__name__,
)
def test_claims_that_json_cannot_write_are_refused_at_once(fake: TiledeskFake, ada: User, value: Any) -> None:
    with pytest.raises(MisuseError, match="claims that JSON can write"):
        fake.issue_token(ada, claims={"note": value})
    assert fake.history(ada) == []


@given(
    created=st.datetimes(datetime(1971, 1, 1), datetime(9000, 1, 1), timezones=st.just(UTC)),
    expires_in=st.timedeltas(timedelta(days=-300), timedelta(days=10_000)),
)
@settings(deadline=None, max_examples=50)
def test_record_and_jwt_tell_the_same_expiry_in_whole_seconds(created: datetime, expires_in: timedelta) -> None:
    fake = TiledeskFake(secret=SECRET)
    token = fake.issue_token(fake.add_user(email="ada@example.com"), created_at=created, expires_in=expires_in)

    assert token.expires_at is not None
    assert claims_of(token)["exp"] == int(token.expires_at.timestamp())
    assert token.expires_at.microsecond == 0
    assert timedelta() <= created + expires_in - token.expires_at < timedelta(seconds=1, milliseconds=1)


def test_expiry_counts_from_creation(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada, created_at=NOW - 2 * HOUR, expires_in=HOUR)

    assert token.expires_at == (NOW - HOUR).replace(microsecond=0)
    assert status(fake, token.authorization) == 401


def test_times_of_any_zone_are_told_in_utc(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada, created_at=NOW.astimezone(timezone(timedelta(hours=2))))

    assert token.created_at == NOW
    assert token.created_at.tzinfo is UTC


@pytest.mark.parametrize("name", ["created_at", "expires_at"])
def test_a_naive_datetime_is_refused_with_what_to_do(fake: TiledeskFake, ada: User, name: str) -> None:
    naive: Any = {name: datetime(2026, 1, 1)}

    with pytest.raises(MisuseError, match=r"add tzinfo=datetime\.UTC"):
        fake.issue_token(ada, **naive)
    assert fake.history(ada) == []


@pytest.mark.parametrize(
    "times",
    [
        {"created_at": datetime(1969, 1, 1, tzinfo=UTC)},
        {"expires_at": datetime(1969, 1, 1, tzinfo=UTC)},
        {"expires_in": timedelta(days=-100 * 366)},
        {"expires_in": timedelta(days=8000 * 366)},
        {"expires_in": timedelta.max},
        {"expires_in": timedelta.min},
    ],
)
def test_a_time_out_of_the_years_is_refused(fake: TiledeskFake, ada: User, times: dict[str, Any]) -> None:
    with pytest.raises(MisuseError, match="from 1970 to 9999"):
        fake.issue_token(ada, **times)


def test_two_expiries_are_refused(fake: TiledeskFake, ada: User) -> None:
    with pytest.raises(MisuseError, match="expires_in or expires_at, got both"):
        fake.issue_token(ada, expires_in=HOUR, expires_at=NOW)


def test_a_jti_is_text_of_at_least_one_character(fake: TiledeskFake, ada: User) -> None:
    with pytest.raises(MisuseError, match="jti as text of at least one character"):
        fake.issue_token(ada, jti="")


def test_a_jti_without_a_utf_8_form_is_refused(fake: TiledeskFake, ada: User) -> None:
    with pytest.raises(MisuseError, match="the jti as text that has a UTF-8 form; character 1 has none"):
        fake.issue_token(ada, jti="x\ud800")


@pytest.mark.parametrize("id", ["", "6", "g" * 24, "6" * 25])
def test_an_id_is_24_hex_digits(fake: TiledeskFake, ada: User, id: str) -> None:
    with pytest.raises(MisuseError, match="an id of 24 hex digits"):
        fake.issue_token(ada, id=id)


def test_jti_and_id_can_be_taken_once_whoever_has_them(fake: TiledeskFake, ada: User) -> None:
    taken = fake.issue_token(fake.add_user(email="bob@example.com"), jti="phone")

    with pytest.raises(AlreadyExists, match="jti 'phone'"):
        fake.issue_token(ada, jti="phone")
    with pytest.raises(AlreadyExists, match=f"id {taken.id}"):
        fake.issue_token(ada, id=taken.id.upper())
    assert fake.history(ada) == []


def test_a_user_of_another_fake_has_no_tokens_here(fake: TiledeskFake) -> None:
    stranger = TiledeskFake().add_user(email="ada@example.com")

    with pytest.raises(NotFound, match="add_user makes users, and reset forgets them"):
        fake.issue_token(stranger)


def test_a_user_that_was_forgotten_gets_no_tokens(fake: TiledeskFake, ada: User) -> None:
    fake.reset()

    with pytest.raises(NotFound, match=r"ada@example\.com"):
        fake.issue_token(ada)


def test_a_user_who_is_not_active_has_tokens_that_are_refused(fake: TiledeskFake) -> None:
    off = fake.add_user(email="off@example.com", active=False)

    assert status(fake, fake.issue_token(off).authorization) == 401


# --- history and revocation --------------------------------------------------------------------------------------


def test_a_history_has_the_newest_first_and_revoked_ones_too(fake: TiledeskFake, ada: User) -> None:
    old = fake.issue_token(ada, created_at=NOW - HOUR)
    first, second = fake.issue_token(ada, revoked=True), fake.issue_token(ada)

    assert fake.history(ada) == [second, first, old]


def test_a_history_is_whole_whatever_the_profile_says_of_the_list() -> None:
    fake = TiledeskFake(profile={"revoked-listed": "no", "page-size": "10"})
    ada = fake.add_user(email="ada@example.com")
    for _ in range(50):
        fake.issue_token(ada, revoked=True)

    assert len(fake.history(ada)) == 50


def test_a_history_has_the_tokens_of_its_user_alone(fake: TiledeskFake, ada: User) -> None:
    bob = fake.add_user(email="bob@example.com")
    mine = fake.issue_token(ada)
    fake.issue_token(bob)

    assert fake.history(ada) == [mine]


def test_whether_a_token_is_revoked_is_looked_up_each_time(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada)
    mark = fake.snapshot()

    assert not token.revoked
    call(fake.wsgi_app, "DELETE", f"{LIST}/{token.jti}", [("Authorization", ada.authorization)])
    assert token.revoked
    fake.restore(mark)
    assert not token.revoked


@pytest.mark.parametrize("by", ["token", "jti"])
def test_a_token_is_revoked_by_itself_or_by_jti(fake: TiledeskFake, ada: User, by: str) -> None:
    token, other = fake.issue_token(ada), fake.issue_token(ada)

    revoked = fake.revoke(token) if by == "token" else fake.revoke(jti=token.jti)

    assert revoked == token
    assert (token.revoked, other.revoked) == (True, False)


def test_revoking_again_leaves_the_update_where_it_was(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada)
    fake.clock.advance(hours=1)
    fake.revoke(token)
    fake.clock.advance(hours=1)
    fake.revoke(token)

    (record,) = call(fake.wsgi_app, "GET", LIST, [("Authorization", ada.authorization)]).json["jwts"]
    assert record["createdAt"] == "2026-01-01T12:00:00.250Z"
    assert record["updatedAt"] == "2026-01-01T13:00:00.250Z"


def test_a_token_that_is_not_held_cannot_be_revoked(fake: TiledeskFake, ada: User) -> None:
    with pytest.raises(NotFound, match="no token with the jti 'phone'"):
        fake.revoke(jti="phone")


def test_a_token_of_another_fake_cannot_be_revoked_even_if_the_jti_is_here(fake: TiledeskFake, ada: User) -> None:
    other = TiledeskFake()
    foreign = other.issue_token(other.add_user(email="ada@example.com"), jti="phone")
    mine = fake.issue_token(ada, jti="phone")

    with pytest.raises(NotFound):
        fake.revoke(foreign)
    assert not mine.revoked


def test_revoking_asks_for_one_token(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada)

    with pytest.raises(MisuseError, match="a token or jti=…, one of them"):
        fake.revoke()
    with pytest.raises(MisuseError, match="a token or jti=…, one of them"):
        fake.revoke(token, jti=token.jti)


def test_tokens_are_equal_by_what_they_are_and_can_be_in_sets(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada)

    assert fake.history(ada) == [token]
    assert {token, *fake.history(ada)} == {token}


def test_what_is_issued_is_listed_and_what_is_listed_was_issued(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada, expires_in=HOUR)

    assert call(fake.wsgi_app, "GET", LIST, [("Authorization", token.authorization)]).json == {
        "perPage": 40,
        "count": 1,
        "jwts": [
            {
                "_id": token.id,
                "jti": token.jti,
                "id_user": ada.id,
                "revoked": False,
                "createdAt": "2026-01-01T12:00:00.250Z",
                "updatedAt": "2026-01-01T12:00:00.250Z",
                "expiresAt": "2026-01-01T13:00:00.000Z",
                "__v": 0,
            }
        ],
    }


def test_times_are_listed_in_iso_8601_with_milliseconds(fake: TiledeskFake, ada: User) -> None:
    for days in (0, 1, 58, 59, 364, 365, 10_957, 2_932_895):
        fake.issue_token(ada, created_at=datetime(1970, 1, 1, 23, 59, 59, 999_000, tzinfo=UTC) + timedelta(days))

    listed = call(fake.wsgi_app, "GET", LIST, [("Authorization", ada.authorization)]).json["jwts"]

    expected = [
        token.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z") for token in fake.history(ada)
    ]
    assert [record["createdAt"] for record in listed] == expected


# --- reset, snapshot, restore, seed ------------------------------------------------------------------------------


def test_reset_makes_the_fake_as_new(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada)
    fake.reset()

    assert len(fake.users) == 0
    with pytest.raises(NotFound, match="reset forgets them"):
        fake.history(ada)
    assert "frozen" not in repr(fake.clock)
    with pytest.raises(NotFound, match="reset forgets tokens"):
        _ = token.revoked
    with pytest.raises(NotFound, match="reset forgets tokens"):
        _ = token.jwt
    with pytest.raises(NotFound):
        fake.revoke(token)


def test_after_reset_everything_can_be_taken_again(fake: TiledeskFake, ada: User) -> None:
    fake.issue_token(ada, jti="phone", id="6" * 24)
    fake.reset()

    fake.issue_token(fake.add_user(email=ada.email, id=ada.id), jti="phone", id="6" * 24)


def test_restoring_brings_back_users_tokens_claims_and_time(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada, claims={"note": "x"})
    first = token.jwt
    mark = fake.snapshot()

    fake.reset()
    fake.restore(mark)

    assert list(fake.users) == ["ada@example.com"]
    assert fake.history(ada) == [token]
    assert token.jwt == first
    assert fake.clock.now() == NOW


def test_restoring_forgets_what_came_after_the_snapshot(fake: TiledeskFake, ada: User) -> None:
    mark = fake.snapshot()
    bob = fake.add_user(email="bob@example.com")
    token = fake.issue_token(bob)

    fake.restore(mark)

    assert list(fake.users) == ["ada@example.com"]
    with pytest.raises(NotFound):
        _ = token.revoked


def test_a_snapshot_can_be_restored_again_and_again(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada)
    mark = fake.snapshot()

    for _ in range(3):
        fake.revoke(token)
        fake.issue_token(ada)
        fake.restore(mark)
        assert fake.history(ada) == [token]
        assert not token.revoked


def test_snapshots_nest(fake: TiledeskFake, ada: User) -> None:
    outer = fake.snapshot()
    fake.issue_token(ada)
    inner = fake.snapshot()
    fake.issue_token(ada)

    fake.restore(inner)
    assert len(fake.history(ada)) == 1
    fake.restore(outer)
    assert fake.history(ada) == []
    fake.restore(inner)
    assert len(fake.history(ada)) == 1


def test_a_snapshot_of_another_fake_is_refused_and_changes_nothing(fake: TiledeskFake, ada: User) -> None:
    with pytest.raises(MisuseError, match="a snapshot of this fake, got one of another"):
        fake.restore(TiledeskFake().snapshot())

    assert list(fake.users) == ["ada@example.com"]


def test_the_app_sees_what_is_restored(fake: TiledeskFake, ada: User) -> None:
    app = fake.wsgi_app
    mark = fake.snapshot()
    fake.reset()

    assert call(app, "GET", LIST, [("Authorization", ada.authorization)]).status == 401
    fake.restore(mark)
    assert call(app, "GET", LIST, [("Authorization", ada.authorization)]).status == 200


def story(fake: TiledeskFake) -> list[str]:
    fake.clock.freeze(NOW)
    ada = fake.add_user(email="ada@example.com")
    tokens = [fake.issue_token(ada, expires_in=HOUR) for _ in range(3)]
    return [ada.id, *(token.id for token in tokens), *(token.jti for token in tokens), *(token.jwt for token in tokens)]


def test_with_seed_and_secret_everything_comes_again() -> None:
    assert story(TiledeskFake(seed=7, secret=SECRET)) == story(TiledeskFake(seed=7, secret=SECRET))


def test_another_seed_makes_other_ids() -> None:
    one, other = story(TiledeskFake(seed=7, secret=SECRET)), story(TiledeskFake(seed=8, secret=SECRET))

    assert set(one) & set(other) == set()


def test_reset_starts_the_seed_again() -> None:
    fake = TiledeskFake(seed=7)
    first = story(fake)
    fake.reset()

    assert story(fake) == first


def test_restoring_goes_back_in_the_ids_too() -> None:
    fake = TiledeskFake(seed=7)
    ada = fake.add_user(email="ada@example.com")
    mark = fake.snapshot()
    first = fake.issue_token(ada)
    fake.restore(mark)

    assert fake.issue_token(ada).jti == first.jti


def test_without_a_secret_every_fake_has_one_of_its_own() -> None:
    one, other = story(TiledeskFake(seed=7)), story(TiledeskFake(seed=7))

    assert one[0] == other[0]
    assert one[-1] != other[-1]


# --- arguments ---------------------------------------------------------------------------------------------------


def test_the_profile_tells_the_choice_of_every_assumption() -> None:
    profile = TiledeskFake(profile={"page-base": "1"}).profile

    assert len(profile) == 14
    assert (profile["page-base"], profile["page-size"]) == ("1", "40")


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(MisuseError, match="leave it out for a random one"):
        TiledeskFake(secret="")


def test_a_secret_without_a_utf_8_form_is_refused() -> None:
    with pytest.raises(MisuseError, match="secret as text that has a UTF-8 form"):
        TiledeskFake(secret="\ud800")


def test_a_secret_is_utf_8() -> None:
    fake = TiledeskFake(secret="gehéim-" * 8)
    token = fake.issue_token(fake.add_user(email="ada@example.com"))

    jwt.PyJWS().decode(token.jwt, ("gehéim-" * 8).encode(), algorithms=["HS256"])


@pytest.mark.parametrize(
    "base_path", ["v3", "/v3?x", "/v3#x", "/v 3", "/%76", "/v3//x", "//v3", "http://x/v3", "/v3/é", "/v3\n", "/\x7f"]
)
def test_a_base_path_that_cannot_work_is_refused(base_path: str) -> None:
    with pytest.raises(MisuseError, match="a base path like '/v3', or '' for none"):
        TiledeskFake(base_path=base_path)


# --- the server --------------------------------------------------------------------------------------------------


def test_before_it_listens_a_fake_has_no_url(fake: TiledeskFake) -> None:
    with pytest.raises(NotListening, match=r"use `with TiledeskFake\(\) as fake:` or fake\.start\(\)"):
        _ = fake.url


def test_the_url_is_where_it_answers(listening: TiledeskFake, ada: User) -> None:
    reply = httpx.get(f"{listening.url}/jwt/history", headers={"Authorization": ada.authorization}, trust_env=False)

    assert listening.url.startswith("http://127.0.0.1:")
    assert listening.url.endswith("/v3")
    assert reply.json() == {"perPage": 40, "count": 0, "jwts": []}


def test_socket_and_wsgi_app_have_the_same_state(listening: TiledeskFake, ada: User) -> None:
    token = listening.issue_token(ada)
    headers = {"Authorization": ada.authorization}

    httpx.delete(f"{listening.url}/jwt/history/{token.jti}", headers=headers, trust_env=False)

    assert call(listening.wsgi_app, "GET", LIST, headers.items()).json["jwts"][0]["revoked"]


def test_after_stop_there_is_no_url_and_nobody_answers(fake: TiledeskFake) -> None:
    with fake:
        url = fake.url
    host, _, port = url.removeprefix("http://").partition("/")[0].partition(":")

    with pytest.raises(NotListening):
        _ = fake.url
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))


def test_users_and_tokens_outlive_a_stop(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada)
    fake.start()
    fake.stop()

    assert fake.history(ada) == [token]
    with fake:
        assert httpx.get(
            f"{fake.url}/jwt/history", headers={"Authorization": token.authorization}, trust_env=False
        ).is_success


def test_stopping_what_does_not_listen_is_fine(fake: TiledeskFake) -> None:
    fake.stop()
    fake.start()
    fake.stop()
    fake.stop()


def test_starting_twice_is_refused_with_the_url(listening: TiledeskFake) -> None:
    with pytest.raises(MisuseError, match=f"listens on {listening.url} already; stop"):
        listening.start()


def test_a_fake_that_listens_already_may_be_entered_and_is_stopped_at_the_end(fake: TiledeskFake) -> None:
    url = fake.start().url

    with fake as entered:
        assert entered is fake
        assert fake.url == url
    assert not fake.listening


def test_a_fake_says_whether_it_listens(fake: TiledeskFake) -> None:
    assert not fake.listening
    with fake:
        assert fake.listening
    assert not fake.listening


def test_start_gives_the_fake_itself(fake: TiledeskFake) -> None:
    try:
        assert fake.start() is fake
    finally:
        fake.stop()


def test_a_port_that_is_taken_is_told(listening: TiledeskFake) -> None:
    port = int(listening.url.rpartition(":")[2].partition("/")[0])
    other = TiledeskFake(port=port)

    with pytest.raises(CannotListen, match=str(port)):
        other.start()
    with pytest.raises(NotListening):
        _ = other.url


def test_an_ipv6_address_is_in_brackets() -> None:
    fake = TiledeskFake(host="::1")
    try:
        fake.start()
    except CannotListen:
        pytest.skip("this machine has no IPv6")
    with fake:
        assert fake.url.startswith("http://[::1]:")


def test_the_base_path_is_in_the_url_and_before_every_path() -> None:
    with TiledeskFake(base_path="/api") as fake:
        assert fake.url.endswith("/api")
        assert httpx.get(f"{fake.url}/jwt/history", trust_env=False).status_code == 401


def test_the_app_is_made_once(fake: TiledeskFake) -> None:
    assert fake.wsgi_app is fake.wsgi_app


def test_the_app_is_one_of_flask_and_its_test_client_calls_it(fake: TiledeskFake, ada: User) -> None:
    client = fake.app.test_client()
    headers = {"Authorization": fake.issue_token(ada, jti="phone").authorization}

    listing = client.get("/v3/jwt/history?direction=1", headers=headers)

    assert [record["jti"] for record in json.loads(listing.data)["jwts"]] == ["phone"]
    assert client.head("/v3/jwt/history", headers=headers).content_length == len(listing.data)
    assert client.options("/v3/jwt/history").status == "204 No Content"


def test_the_in_process_client_of_httpx_needs_no_socket(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada)
    with httpx.Client(transport=httpx.WSGITransport(app=fake.wsgi_app), base_url="http://fake/v3") as client:
        listing = client.get("/jwt/history", params={"direction": 1}, headers={"Authorization": token.authorization})

    assert listing.json()["jwts"][0]["jti"] == token.jti


def from_a_bare_server(fake: TiledeskFake, method: str, headers: Mapping[str, str] = {}, body: bytes = b"") -> bytes:
    """What the server of the standard library, which is strict about WSGI, sends for a request to the list."""
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": LIST,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        **headers,
    }
    sent = io.BytesIO()
    SimpleHandler(io.BytesIO(body), sent, io.StringIO(), environ).run(cast(Any, fake.wsgi_app))
    return sent.getvalue()


def test_a_bare_wsgi_server_serves_it(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada)

    assert from_a_bare_server(fake, "GET").startswith(b"HTTP/1.0 401 Unauthorized")
    assert token.jti.encode() in from_a_bare_server(fake, "GET", {"HTTP_AUTHORIZATION": token.authorization})
    assert from_a_bare_server(fake, "OPTIONS").startswith(b"HTTP/1.0 204 No Content")
    declared = {"CONTENT_TYPE": "application/json"}
    too_large = from_a_bare_server(fake, "POST", declared, body=b"x" * 512_001)
    assert too_large.startswith(b"HTTP/1.0 413 Request Entity Too Large")


def test_a_header_that_came_in_several_lines_adds_none_to_the_answer(fake: TiledeskFake) -> None:
    asked = {"HTTP_ACCESS_CONTROL_REQUEST_HEADERS": "authorization\r\n Set-Cookie: a=b"}

    sent = from_a_bare_server(fake, "OPTIONS", asked)

    assert sent.startswith(b"HTTP/1.0 204 No Content")
    assert b"Set-Cookie" not in sent


def test_a_failure_in_process_is_silent_where_nobody_has_set_up_logging(
    fake: TiledeskFake, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    monkeypatch.setattr(Road, "answer", lambda *_: 1 // 0)

    reply = call(fake.wsgi_app, "GET", LIST)

    assert (reply.status, reply.json["msg"]) == (500, "Internal error of tiledesk-fake.")
    assert capfd.readouterr() == ("", "")


def test_many_threads_revoke_a_token_once() -> None:
    fake = TiledeskFake(profile={"revoke-again": "unknown"})
    ada = fake.add_user(email="ada@example.com", password="secret")
    jtis = [fake.issue_token(ada).jti for _ in range(20)]
    headers = [("Authorization", ada.authorization)]

    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda jti: call(fake.wsgi_app, "DELETE", f"{LIST}/{jti}", headers), jtis * 8))

    assert sorted(reply.status for reply in replies) == [200] * 20 + [404] * 140


def test_many_threads_issue_tokens_side_by_side(fake: TiledeskFake, ada: User) -> None:
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda _: fake.issue_token(ada), range(200)))

    assert sorted(token.id for token in tokens) == sorted(token.id for token in fake.history(ada))


# --- what is shown -----------------------------------------------------------------------------------------------


def test_the_repr_says_where_it_listens_and_what_it_holds(fake: TiledeskFake, ada: User) -> None:
    fake.issue_token(ada)

    assert repr(fake) == "<TiledeskFake not listening, 1 users, 1 tokens>"
    with fake:
        assert repr(fake) == f"<TiledeskFake {fake.url}, 1 users, 1 tokens>"


def test_a_token_shows_what_it_is(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada, jti="phone")

    assert repr(token) == (f"Token(id='{token.id}', jti='phone', created_at={token.created_at!r}, expires_at=None)")


def test_a_snapshot_shows_how_much_it_holds(fake: TiledeskFake, ada: User) -> None:
    fake.issue_token(ada)

    assert repr(fake.snapshot()) == "<Snapshot of 1 users, 1 tokens>"


def test_nothing_shows_a_secret_a_password_or_a_token() -> None:
    """Of all objects of this package that are alive: none has them in its repr."""
    secret, password = "s3cr3t-of-the-fake" * 4, "p4ssw0rd-of-ada"
    fake = TiledeskFake(secret=secret)
    ada = fake.add_user(email="ada@example.com", password=password)
    token = fake.issue_token(ada, expires_in=HOUR)
    planned = parse_scenario({"users": [{"email": "ada@example.com", "password": password}]})
    kept: list[Any] = [fake.snapshot(), planned, load(), fake.users, fake.journal, fake.faults]
    for authorization in (ada.authorization, token.authorization, f"JWT  {token.jwt}", "JWT", token.jwt):
        kept.append(call(fake.wsgi_app, "GET", f"{LIST}?secret_token={token.jwt}", [("Authorization", authorization)]))
        kept.append(call(fake.wsgi_app, "DELETE", f"{LIST}/{token.jwt}", [("Authorization", authorization)]))
    hidden = (secret, password, token.jwt, token.jwt.rpartition(".")[2], ada.authorization.removeprefix("Basic "))

    alive = [thing for thing in gc.get_objects() if str(type(thing).__module__).startswith("tiledesk_fake")]
    shown = [text for thing in alive if any(word in (text := repr(thing)) for word in hidden)]

    assert len({type(thing) for thing in alive}) > 15
    assert shown == []


def test_errors_of_this_package_have_one_base(fake: TiledeskFake) -> None:
    for provoke in (lambda: fake.url, lambda: TiledeskFake(secret=""), lambda: fake.load({"x": 1})):
        with pytest.raises(TiledeskFakeError):
            provoke()


def test_the_profile_may_be_a_file(tmp_path: Path) -> None:
    file = tmp_path / "real.yaml"
    file.write_text("profile: {page-base: '1'}", encoding="utf-8")

    assert TiledeskFake(profile=file).profile["page-base"] == "1"


# --- several threads ---------------------------------------------------------------------------------------------


def test_who_needs_the_app_and_who_starts_the_fake_do_not_wait_for_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    making, asked = threading.Event(), threading.Event()
    make = WsgiApp

    def make_slowly(road: Any) -> Any:
        making.set()
        asked.wait(0.2)
        return make(road)

    monkeypatch.setattr("tiledesk_fake.served.WsgiApp", make_slowly)
    fake = TiledeskFake()

    def start() -> None:
        assert making.wait(5)
        asked.set()
        fake.start()

    threads = [threading.Thread(target=each, daemon=True) for each in (lambda: fake.wsgi_app, start)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert not any(thread.is_alive() for thread in threads)
    assert fake.url
    fake.stop()


def test_eight_threads_that_are_the_first_to_use_a_fake_use_the_same() -> None:
    for _ in range(50):
        fake, barrier = TiledeskFake(), threading.Barrier(8)

        def add(number: int, fake: TiledeskFake = fake, barrier: threading.Barrier = barrier) -> None:
            barrier.wait(5)
            fake.add_user(email=f"{number}@example.com")

        threads = [threading.Thread(target=add, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)

        assert len(fake.users) == 8
