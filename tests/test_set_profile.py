"""Turning the assumptions of a fake that is in use: what follows at once, and what stays."""

import threading
from collections.abc import Iterator

import pytest
import requests

from tiledesk_fake import Exchange, ProfileError, TiledeskFake, User


@pytest.fixture
def fake() -> Iterator[TiledeskFake]:
    with TiledeskFake() as fake:
        yield fake


@pytest.fixture
def ada(fake: TiledeskFake) -> User:
    return fake.add_user(email="ada@example.com", password="secret")


def get(fake: TiledeskFake, query: str = "", **headers: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(f"{fake.url}/jwt/history{query}", headers=headers, timeout=10)


def test_answers_follow_at_once_and_users_tokens_and_journal_stay(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada)
    before = get(fake, Authorization=ada.authorization).json()

    fake.set_profile({"list-envelope": "bare"})
    after = get(fake, Authorization=ada.authorization).json()

    assert after == before["jwts"]
    assert fake.users["ada@example.com"] == ada
    assert fake.history(ada) == [token]
    assert len(fake.journal) == 2


def test_what_is_not_named_has_its_default(fake: TiledeskFake) -> None:
    defaults = fake.profile

    fake.set_profile({"page-base": "1", "list-envelope": "bare"})
    fake.set_profile({"page-size": "10"})
    assert fake.profile == {**defaults, "page-size": "10"}

    fake.set_profile(None)
    assert fake.profile == defaults


def test_the_gate_follows(fake: TiledeskFake, ada: User) -> None:
    token = fake.issue_token(ada, revoked=True)
    refused = get(fake, Authorization=token.authorization)

    fake.set_profile({"revocation-enforced": "no"})
    let_in = get(fake, Authorization=token.authorization)

    assert (refused.status_code, let_in.status_code) == (401, 200)


def test_parameters_violations_faults_and_assertions_follow(fake: TiledeskFake, ada: User) -> None:
    fake.set_profile({"sort-parameter": "sort"})
    fake.faults.add("listTokens", status=503, when={"sort": "jti"})

    answer = get(fake, "?sort=jti", Authorization=ada.authorization)

    assert answer.status_code == 503
    assert fake.journal.violations == []
    fake.journal.assert_called("listTokens", sort="jti", status=503)


def test_the_flask_app_follows(fake: TiledeskFake, ada: User) -> None:
    client = fake.app.test_client()
    fake.app.before_request(lambda: None)

    fake.set_profile({"list-envelope": "bare"})

    assert client.get("/v3/jwt/history", headers={"Authorization": ada.authorization}).json == []


def test_a_wrong_profile_changes_nothing(fake: TiledeskFake) -> None:
    before = fake.profile

    with pytest.raises(ProfileError, match="did you mean 'page-base'"):
        fake.set_profile({"list-envelope": "bare", "page-bas": "1"})

    assert fake.profile == before


def test_each_request_is_decided_by_one_profile(fake: TiledeskFake, ada: User) -> None:
    """The first page of the default is none of the other, which has a form of its own."""
    over = threading.Event()

    def turn() -> None:
        while not over.is_set():
            fake.set_profile({"page-base": "1", "list-envelope": "bare"})
            fake.set_profile(None)

    turning = threading.Thread(target=turn)
    turning.start()
    try:
        answers = [get(fake, "?page=0", Authorization=ada.authorization) for _ in range(50)]
    finally:
        over.set()
        turning.join()

    assert {(answer.status_code, "perPage" in answer.text) for answer in answers} <= {(200, True), (400, False)}


def test_tokens_are_found_by_their_jti(fake: TiledeskFake, ada: User) -> None:
    phone, desk = fake.issue_token(ada, jti="phone"), fake.issue_token(ada, jti="desk")

    assert dict(fake.tokens) == {"phone": phone, "desk": desk}
    assert (len(fake.tokens), "phone" in fake.tokens, "tablet" in fake.tokens) == (2, True, False)
    with pytest.raises(KeyError, match="no token with the jti 'tablet'"):
        fake.tokens["tablet"]


def test_a_token_tells_whose_it_is_and_when_it_changed(fake: TiledeskFake, ada: User) -> None:
    fake.clock.freeze()
    token = fake.issue_token(ada)
    assert (token.user_id, token.updated_at) == (ada.id, token.created_at)

    fake.clock.advance(hours=1)
    fake.revoke(token)

    assert (token.updated_at - token.created_at).total_seconds() == 3600


def test_exchanges_are_numbered_from_one_whatever_was_cleared(fake: TiledeskFake) -> None:
    get(fake)
    get(fake)
    assert [number for number, _ in fake.journal.numbered] == [1, 2]

    fake.journal.clear()
    get(fake)

    assert [number for number, _ in fake.journal.numbered] == [3]
    assert fake.journal.total == 3


def test_who_watches_the_journal_hears_each_exchange_until_unwatching(fake: TiledeskFake) -> None:
    heard: list[tuple[int, Exchange]] = []

    def listener(number: int, exchange: Exchange) -> None:
        heard.append((number, exchange))

    fake.journal.watch(listener)
    get(fake)
    fake.journal.unwatch(listener)
    fake.journal.unwatch(listener)
    get(fake)

    assert heard == fake.journal.numbered[:1]


def test_violations_that_nobody_took_can_be_looked_at(fake: TiledeskFake) -> None:
    get(fake, "?nothing=1")

    assert [violation.rule for violation in fake.journal.untaken_violations] == ["unknown-parameter"]
    assert len(fake.journal.take_violations()) == 1
    assert fake.journal.untaken_violations == []


def test_planned_faults_are_listed_with_how_many_calls_they_wait_for(fake: TiledeskFake) -> None:
    fake.faults.add("listTokens", status=503, times=2)
    get(fake)

    [(fault, left, text)] = fake.faults.planned

    assert (fault.operation, fault.status, left) == ("listTokens", 503, 1)
    assert fake.faults.unspent == [text] == ["listTokens: status 503, 1 left"]


def test_another_app_can_answer_at_the_address_from_the_start() -> None:
    fake = TiledeskFake()

    def app(environ, start_response):  # type: ignore[no-untyped-def]
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"another"]

    with fake.start(app=app):
        assert get(fake).text == "another"
