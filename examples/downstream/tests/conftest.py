"""Ada, who is logged in on her laptop."""

import pytest
from sessions import SessionsClient, jwt

from tiledesk_fake import TiledeskFake, Token, User


@pytest.fixture
def ada(fake_tiledesk: TiledeskFake) -> User:
    return fake_tiledesk.add_user(email="ada@example.com", password="correct horse")


@pytest.fixture
def laptop(fake_tiledesk: TiledeskFake, ada: User) -> Token:
    return fake_tiledesk.issue_token(ada, jti="laptop")


@pytest.fixture
def pauses() -> list[float]:
    """How long the client has paused, in seconds."""
    return []


@pytest.fixture
def client(fake_tiledesk: TiledeskFake, laptop: Token, pauses: list[float]) -> SessionsClient:
    """A client on Ada's laptop. When it pauses, time passes on the fake's clock and nowhere else."""

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        fake_tiledesk.clock.advance(seconds=seconds)

    return SessionsClient(fake_tiledesk.url, jwt(laptop.jwt), sleep=sleep)
