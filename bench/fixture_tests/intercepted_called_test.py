"""A test that lists the tokens of the fake by the production URL, with a session that all such tests share."""

import pytest
import requests
from tiledesk_fake import TiledeskFake

SESSION = requests.Session()


@pytest.mark.tiledesk(intercept="https://api.tiledesk.com")
def test_call(fake_tiledesk: TiledeskFake, number: int) -> None:
    token = fake_tiledesk.issue_token(fake_tiledesk.add_user(email="ada@example.com"))
    headers = {"Authorization": token.authorization}
    answer = SESSION.get("https://api.tiledesk.com/v3/jwt/history", headers=headers)
    assert answer.json()["jwts"][0]["jti"] == token.jti
