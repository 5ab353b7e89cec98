"""Ada sees where she is logged in."""

from datetime import UTC, datetime, timedelta
from math import ceil

import pytest
from sessions import Session, SessionsClient, basic, jwt

from tiledesk_fake import TiledeskFake, Token, User


def test_all_sessions_are_listed_the_newest_first(fake_tiledesk: TiledeskFake, ada: User) -> None:
    client = SessionsClient(fake_tiledesk.url, ada.authorization)
    for _ in range(95):
        fake_tiledesk.clock.advance(minutes=1)
        fake_tiledesk.issue_token(ada)

    assert [session.jti for session in client.sessions()] == [token.jti for token in fake_tiledesk.history(ada)]


def test_no_page_is_asked_for_in_vain(fake_tiledesk: TiledeskFake, ada: User) -> None:
    """But for what has to be found out: where page 1 is the first, and where the list ends if no count tells."""
    client = SessionsClient(fake_tiledesk.url, ada.authorization)
    for _ in range(80):
        fake_tiledesk.issue_token(ada)

    assert len(client.sessions()) == 80

    profile = fake_tiledesk.profile
    pages = ceil(80 / int(profile["page-size"]))
    found_out = [profile["page-base"] == "1", profile["list-envelope"] == "bare"]
    fake_tiledesk.journal.assert_called("listTokens", times=pages + sum(found_out))


def test_sessions_of_the_same_moment_are_in_the_order_of_their_ids(
    fake_tiledesk: TiledeskFake, ada: User, client: SessionsClient
) -> None:
    fake_tiledesk.clock.freeze()
    ids = sorted(fake_tiledesk.issue_token(ada).id for _ in range(3))

    assert [session.id for session in client.sessions()][:3] == ids[::-1]


def test_who_was_never_logged_in_has_no_sessions(fake_tiledesk: TiledeskFake, ada: User) -> None:
    client = SessionsClient(fake_tiledesk.url, basic("ada@example.com", "correct horse"))

    assert client.sessions() == []


def test_a_session_tells_when_it_began_and_ends(
    fake_tiledesk: TiledeskFake, ada: User, client: SessionsClient, laptop: Token
) -> None:
    began = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
    phone = fake_tiledesk.issue_token(ada, created_at=began, expires_in=timedelta(days=365))

    here, there = client.sessions()

    assert there == Session(phone.id, phone.jti, began, began + timedelta(days=365))
    assert (here.jti, here.expires_at) == ("laptop", None)


def test_a_session_that_has_ended_is_not_listed(fake_tiledesk: TiledeskFake, ada: User, client: SessionsClient) -> None:
    fake_tiledesk.issue_token(ada, jti="phone", revoked=True)

    assert [session.jti for session in client.sessions()] == ["laptop"]


def test_sessions_of_others_are_not_listed(fake_tiledesk: TiledeskFake, client: SessionsClient) -> None:
    bob = fake_tiledesk.add_user(email="bob@example.com")
    fake_tiledesk.issue_token(bob, jti="of bob")

    assert [session.jti for session in client.sessions()] == ["laptop"]


# The last one has both characters in its base64 that differ between alphabets.
@pytest.mark.parametrize("password", ["correct horse", "Grüße", "~~~???ÿÿÿ"])
def test_any_password_will_do(fake_tiledesk: TiledeskFake, password: str) -> None:
    bob = fake_tiledesk.add_user(email="bob@example.com", password=password)
    fake_tiledesk.issue_token(bob)

    assert len(SessionsClient(fake_tiledesk.url, basic("bob@example.com", password)).sessions()) == 1


def test_a_token_will_do_as_a_sign_in_answers_it_and_without_its_scheme_word(
    fake_tiledesk: TiledeskFake, laptop: Token
) -> None:
    for token in (laptop.authorization, laptop.jwt):
        assert len(SessionsClient(fake_tiledesk.url, jwt(token)).sessions()) == 1
