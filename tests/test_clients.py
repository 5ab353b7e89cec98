"""Any client will do: each of these lists and revokes, over the network or without."""

import asyncio
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import httpx
import pytest
import requests
import urllib3

from tiledesk_fake import TiledeskFake

# Long enough for any answer on a busy machine; a test that waits this long has failed.
PATIENCE_S = 10.0
# Every client must leave the encoding of a jti alone.
JTI = "tablet/2 é?100%"

Call = Callable[[str, str, str], tuple[int, Any]]


def by_requests(method: str, url: str, authorization: str) -> tuple[int, Any]:
    answer = requests.request(method, url, headers={"Authorization": authorization}, timeout=PATIENCE_S)
    return answer.status_code, answer.json()


def by_httpx(method: str, url: str, authorization: str) -> tuple[int, Any]:
    with httpx.Client(headers={"Authorization": authorization}, timeout=PATIENCE_S) as client:
        answer = client.request(method, url)
        return answer.status_code, answer.json()


def by_httpx_async(method: str, url: str, authorization: str) -> tuple[int, Any]:
    async def call() -> tuple[int, Any]:
        async with httpx.AsyncClient(headers={"Authorization": authorization}, timeout=PATIENCE_S) as client:
            answer = await client.request(method, url)
            return answer.status_code, answer.json()

    return asyncio.run(call())


def by_aiohttp(method: str, url: str, authorization: str) -> tuple[int, Any]:
    async def call() -> tuple[int, Any]:
        patience = aiohttp.ClientTimeout(total=PATIENCE_S)
        async with (
            aiohttp.ClientSession(headers={"Authorization": authorization}, timeout=patience) as session,
            session.request(method, url) as answer,
        ):
            return answer.status, await answer.json()

    return asyncio.run(call())


def by_urllib3(method: str, url: str, authorization: str) -> tuple[int, Any]:
    with urllib3.PoolManager(headers={"Authorization": authorization}, timeout=PATIENCE_S) as pool:
        answer = pool.request(method, url)
        return answer.status, answer.json()


def by_urllib_request(method: str, url: str, authorization: str) -> tuple[int, Any]:
    request = urllib.request.Request(url, method=method, headers={"Authorization": authorization})
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return answer.status, json.load(answer)


def by_http_client(method: str, url: str, authorization: str) -> tuple[int, Any]:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_S)
    try:
        connection.request(method, url[url.index("/v3") :], headers={"Authorization": authorization})
        answer = connection.getresponse()
        return answer.status, json.load(answer)
    finally:
        connection.close()


CLIENTS: dict[str, Call] = {
    "requests": by_requests,
    "httpx": by_httpx,
    "httpx, async": by_httpx_async,
    "aiohttp": by_aiohttp,
    "urllib3": by_urllib3,
    "urllib.request": by_urllib_request,
    "http.client": by_http_client,
}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_lists_and_revokes(fake_tiledesk: TiledeskFake, client: str) -> None:
    call = CLIENTS[client]
    ada = fake_tiledesk.add_user(email="ada@example.com", password="secret")
    phone = fake_tiledesk.issue_token(ada)
    tablet = fake_tiledesk.issue_token(ada, jti=JTI)
    laptop = fake_tiledesk.issue_token(ada)
    history = f"{fake_tiledesk.url}/jwt/history"

    listed = call("GET", f"{history}?sortField=createdAt&direction=1", ada.authorization)
    by_jti = call("DELETE", f"{history}/{quote(JTI, safe='')}", phone.authorization)
    by_id = call("DELETE", f"{history}/id/{laptop.id}", phone.authorization)
    unknown = call("DELETE", f"{history}/unknown", phone.authorization) if client != "urllib.request" else (404, {})

    assert listed[0] == 200
    assert {token["jti"] for token in listed[1]["jwts"]} == {phone.jti, JTI, laptop.jti}
    assert (by_jti[0], by_jti[1]["jti"], by_id[0], by_id[1]["jti"]) == (200, JTI, 200, laptop.jti)
    assert unknown[0] == 404
    assert (phone.revoked, tablet.revoked, laptop.revoked) == (False, True, True)
    assert fake_tiledesk.journal.violations == []


def test_a_client_may_know_the_user_by_basic_credentials(fake_tiledesk: TiledeskFake) -> None:
    fake_tiledesk.add_user(email="ada@example.com", password="secret")
    url, credentials = f"{fake_tiledesk.url}/jwt/history", ("ada@example.com", "secret")

    assert requests.get(url, auth=credentials, timeout=PATIENCE_S).json()["count"] == 0
    assert httpx.get(url, auth=credentials, timeout=PATIENCE_S).json()["count"] == 0


def test_httpx_without_a_socket_shares_the_state_of_the_fake(fake_tiledesk: TiledeskFake) -> None:
    ada = fake_tiledesk.add_user(email="ada@example.com", password="secret")
    # Not JTI: a slash does not get through, because this transport hands on the decoded path alone.
    jti = "tablet 2 é?100%"
    tablet = fake_tiledesk.issue_token(ada, jti=jti)
    headers = {"Authorization": ada.authorization}
    transport = httpx.WSGITransport(app=fake_tiledesk.wsgi_app)

    with httpx.Client(transport=transport, base_url="https://api.tiledesk.com/v3", headers=headers) as client:
        revoked = client.delete(f"/jwt/history/{quote(jti, safe='')}")
        (listed,) = client.get("/jwt/history").json()["jwts"]
    (over_network,) = by_requests("GET", f"{fake_tiledesk.url}/jwt/history", ada.authorization)[1]["jwts"]

    assert revoked.status_code == 200
    assert tablet.revoked
    assert listed == over_network == revoked.json()
    fake_tiledesk.journal.assert_called("listTokens", times=2)
    fake_tiledesk.journal.assert_called("revokeTokenByJti", jti=jti, times=1)


def test_a_fake_needs_no_server_for_clients_without_a_socket() -> None:
    fake = TiledeskFake()
    ada = fake.add_user(email="ada@example.com", password="secret")

    with httpx.Client(transport=httpx.WSGITransport(app=fake.wsgi_app), base_url="http://fake/v3") as client:
        answer = client.get("/jwt/history", headers={"Authorization": ada.authorization})

    assert answer.json() == {"perPage": 40, "count": 0, "jwts": []}
    assert not fake.listening
