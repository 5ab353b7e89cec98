"""Ada logs out."""

from collections.abc import Callable

import pytest
import requests
from sessions import SessionsClient, UnknownSession, basic, jwt

from tiledesk_fake import TiledeskFake, Token, User


@pytest.mark.parametrize("jti", ["phone", "Ada's phone", "phone/2", "id", "50% é?#"])
def test_one_session_is_ended_by_its_jti(
    fake_tiledesk: TiledeskFake, ada: User, client: SessionsClient, laptop: Token, jti: str
) -> None:
    phone = fake_tiledesk.issue_token(ada, jti=jti)

    client.log_out(jti)

    assert phone.revoked
    assert not laptop.revoked


def test_one_session_is_ended_by_its_id(
    fake_tiledesk: TiledeskFake, ada: User, client: SessionsClient, laptop: Token
) -> None:
    phone = fake_tiledesk.issue_token(ada)

    client.log_out_by_id(phone.id)

    assert phone.revoked
    assert not laptop.revoked


def test_an_old_session_can_be_ended(fake_tiledesk: TiledeskFake, ada: User, client: SessionsClient) -> None:
    phone, *_ = [fake_tiledesk.issue_token(ada) for _ in range(20)]

    client.log_out(phone.jti)

    assert phone.revoked


def test_what_does_not_exist_cannot_be_ended(client: SessionsClient) -> None:
    with pytest.raises(UnknownSession):
        client.log_out("nobody's")


@pytest.mark.parametrize("id", ["5e0000000000000000000009", "phone"])
def test_what_does_not_exist_cannot_be_ended_by_its_id(client: SessionsClient, id: str) -> None:
    with pytest.raises(UnknownSession):
        client.log_out_by_id(id)


def test_nobody_ends_the_sessions_of_others(fake_tiledesk: TiledeskFake, client: SessionsClient) -> None:
    bob = fake_tiledesk.add_user(email="bob@example.com")
    phone = fake_tiledesk.issue_token(bob)

    with pytest.raises(UnknownSession):
        client.log_out(phone.jti)

    assert not phone.revoked


def test_what_has_ended_cannot_be_ended_again(fake_tiledesk: TiledeskFake, ada: User, client: SessionsClient) -> None:
    phone = fake_tiledesk.issue_token(ada)
    client.log_out(phone.jti)

    with pytest.raises(UnknownSession):
        client.log_out(phone.jti)


def test_all_other_sessions_are_ended(
    fake_tiledesk: TiledeskFake, ada: User, client: SessionsClient, laptop: Token
) -> None:
    others = [fake_tiledesk.issue_token(ada, revoked=number % 10 == 9) for number in range(45)]
    alive = {token.jti for token in others if not token.revoked}

    ended = client.log_out_everywhere()

    assert {session.jti for session in ended} == alive
    assert all(token.revoked for token in others)
    assert not laptop.revoked
    fake_tiledesk.journal.assert_called("revokeTokenByJti", times=len(alive))


def test_the_session_in_use_is_ended_last(fake_tiledesk: TiledeskFake, ada: User, laptop: Token) -> None:
    phone = fake_tiledesk.issue_token(ada)
    tablet = fake_tiledesk.issue_token(ada)

    ended = SessionsClient(fake_tiledesk.url, jwt(phone.jwt)).log_out_everywhere(here_too=True)

    assert ended[-1].jti == phone.jti
    assert all(token.revoked for token in (laptop, phone, tablet))


def test_who_is_logged_in_by_password_ends_all_sessions(fake_tiledesk: TiledeskFake, ada: User, laptop: Token) -> None:
    SessionsClient(fake_tiledesk.url, basic("ada@example.com", "correct horse")).log_out_everywhere()

    assert laptop.revoked


@pytest.mark.parametrize(
    "log_out",
    [
        lambda client, token: client.log_out(token.jti),
        lambda client, token: client.log_out_by_id(token.id),
        lambda client, token: client.log_out_everywhere(),
    ],
    ids=["by jti", "by id", "everywhere"],
)
def test_somebody_may_be_faster(
    fake_tiledesk: TiledeskFake, ada: User, laptop: Token, log_out: Callable[[SessionsClient, Token], object]
) -> None:
    phone = fake_tiledesk.issue_token(ada)
    http = requests.Session()

    def somebody(answer: requests.Response, **_: object) -> None:
        fake_tiledesk.revoke(phone)

    # As soon as the list is answered.
    http.hooks["response"].append(somebody)

    log_out(SessionsClient(fake_tiledesk.url, jwt(laptop.jwt), http), phone)

    assert phone.revoked
    assert not laptop.revoked


def test_what_the_server_no_longer_knows_has_ended(
    fake_tiledesk: TiledeskFake, ada: User, client: SessionsClient
) -> None:
    phone, tablet = fake_tiledesk.issue_token(ada), fake_tiledesk.issue_token(ada)
    fake_tiledesk.faults.add("revokeTokenByJti", status=404, when={"jti": tablet.jti})

    ended = client.log_out_everywhere()

    assert {session.jti for session in ended} == {phone.jti, tablet.jti}
    assert phone.revoked
