"""A test that lists tokens that pytest-httpserver was told to answer."""

import requests
from pytest_httpserver import HTTPServer

_RECORD = {
    "_id": "600000000000000000000001",
    "jti": "0b6f0f5e-1b1f-4f0e-8b0e-5f2f0e7a9c11",
    "id_user": "5e0000000000000000000001",
    "revoked": False,
    "createdAt": "2026-01-05T12:00:00.000Z",
    "updatedAt": "2026-01-05T12:00:00.000Z",
    "__v": 0,
}


def test_call(httpserver: HTTPServer, number: int) -> None:
    httpserver.expect_request("/v3/jwt/history", headers={"Authorization": "JWT a.b.c"}).respond_with_json(
        {"perPage": 40, "count": 1, "jwts": [_RECORD]}
    )
    with requests.Session() as session:
        answer = session.get(httpserver.url_for("/v3/jwt/history"), headers={"Authorization": "JWT a.b.c"})
    assert answer.json()["jwts"][0]["jti"] == _RECORD["jti"]
