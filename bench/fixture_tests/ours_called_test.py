"""A test that lists the tokens of the fake."""

import requests
from tiledesk_fake import TiledeskFake


def test_call(fake_tiledesk: TiledeskFake, number: int) -> None:
    token = fake_tiledesk.issue_token(fake_tiledesk.add_user(email="ada@example.com"))
    with requests.Session() as session:
        answer = session.get(f"{fake_tiledesk.url}/jwt/history", headers={"Authorization": token.authorization})
    assert answer.json()["jwts"][0]["jti"] == token.jti
