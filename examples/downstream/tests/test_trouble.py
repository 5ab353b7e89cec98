"""What goes wrong is told, and what goes wrong for a moment only is tried again."""

from datetime import timedelta
from typing import Any

import pytest
from sessions import NotAuthenticated, RateLimited, SessionsClient, SessionsError, Unavailable, basic, jwt

from tiledesk_fake import TiledeskFake, Token, User


def test_who_is_logged_out_is_not_let_in(fake_tiledesk: TiledeskFake, client: SessionsClient, laptop: Token) -> None:
    fake_tiledesk.revoke(laptop)

    with pytest.raises(NotAuthenticated):
        client.sessions()


def test_a_session_that_has_expired_is_not_let_in(fake_tiledesk: TiledeskFake, ada: User) -> None:
    phone = fake_tiledesk.issue_token(ada, expires_in=timedelta(hours=1))
    client = SessionsClient(fake_tiledesk.url, jwt(phone.jwt))
    assert len(client.sessions()) == 1

    fake_tiledesk.clock.advance(hours=1)

    with pytest.raises(NotAuthenticated):
        client.sessions()


def test_a_wrong_password_is_not_let_in(fake_tiledesk: TiledeskFake, ada: User, laptop: Token) -> None:
    client = SessionsClient(fake_tiledesk.url, basic("ada@example.com", "wrong horse"))

    with pytest.raises(NotAuthenticated):
        client.log_out("laptop")

    assert not laptop.revoked


def test_who_has_no_password_is_not_let_in(fake_tiledesk: TiledeskFake) -> None:
    """Told to log in again, or that the server fails: the real one does."""
    fake_tiledesk.add_user(email="bob@example.com", password=None)
    client = SessionsClient(fake_tiledesk.url, basic("bob@example.com", "guessed"))

    with pytest.raises(SessionsError):
        client.sessions()


@pytest.mark.parametrize("status", [503, 429])
def test_a_busy_server_is_asked_again(
    fake_tiledesk: TiledeskFake, client: SessionsClient, pauses: list[float], status: int
) -> None:
    fake_tiledesk.faults.add("listTokens", status=status, times=2)

    assert len(client.sessions()) == 1
    assert pauses == [0.2, 1.0]


def test_a_busy_server_is_asked_again_to_log_out(
    fake_tiledesk: TiledeskFake, ada: User, client: SessionsClient, laptop: Token
) -> None:
    phone = fake_tiledesk.issue_token(ada)
    fake_tiledesk.faults.add("revokeTokenByJti", status=503)

    client.log_out(phone.jti)

    assert phone.revoked


def test_a_server_that_stays_busy_is_given_up(fake_tiledesk: TiledeskFake, client: SessionsClient) -> None:
    fake_tiledesk.faults.add("listTokens", status=503, times=3)

    with pytest.raises(Unavailable):
        client.sessions()

    fake_tiledesk.journal.assert_called("listTokens", times=3)


def test_a_server_that_fails_is_given_up_at_once(fake_tiledesk: TiledeskFake, client: SessionsClient) -> None:
    fake_tiledesk.faults.add("listTokens", status=500)

    with pytest.raises(Unavailable, match="500"):
        client.sessions()

    fake_tiledesk.journal.assert_called("listTokens", times=1)


def test_the_client_waits_as_long_as_it_is_told(
    fake_tiledesk: TiledeskFake, client: SessionsClient, pauses: list[float]
) -> None:
    fake_tiledesk.clock.freeze()
    fake_tiledesk.faults.add("listTokens", status=429, retry_after_s=30)

    assert len(client.sessions()) == 1
    assert pauses == [30]


def test_the_client_does_not_wait_longer_than_it_has_patience(
    fake_tiledesk: TiledeskFake, client: SessionsClient, pauses: list[float]
) -> None:
    fake_tiledesk.faults.add("listTokens", status=429, retry_after_s=3600)

    with pytest.raises(RateLimited) as limited:
        client.sessions()

    assert limited.value.retry_after_s == 3600
    assert pauses == []


@pytest.mark.parametrize("drop", ["before-answer", "mid-body", "malformed"])
def test_a_lost_list_is_asked_for_again(fake_tiledesk: TiledeskFake, client: SessionsClient, drop: Any) -> None:
    fake_tiledesk.faults.add("listTokens", drop=drop)

    assert len(client.sessions()) == 1


def test_nobody_logs_out_twice_because_an_answer_was_lost(
    fake_tiledesk: TiledeskFake, ada: User, client: SessionsClient
) -> None:
    phone = fake_tiledesk.issue_token(ada)
    fake_tiledesk.faults.add("revokeTokenByJti", drop="mid-body")

    with pytest.raises(Unavailable):
        client.log_out(phone.jti)

    fake_tiledesk.journal.assert_called("revokeTokenByJti", jti=phone.jti, times=1)


def test_a_server_that_takes_too_long_is_given_up(fake_tiledesk: TiledeskFake, laptop: Token) -> None:
    client = SessionsClient(fake_tiledesk.url, jwt(laptop.jwt), timeout_s=0.3)
    fake_tiledesk.faults.add("revokeTokenByJti", delay_s=2)

    with pytest.raises(Unavailable):
        client.log_out("laptop")


@pytest.mark.parametrize("body", ["<html>Under maintenance</html>", '{"success": true}', "null"])
def test_an_answer_that_is_no_list_is_no_answer(fake_tiledesk: TiledeskFake, client: SessionsClient, body: str) -> None:
    fake_tiledesk.faults.add("listTokens", status=200, body=body)

    with pytest.raises(Unavailable):
        client.sessions()
