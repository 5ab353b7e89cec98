"""Odd requests, byte for byte as they were sent to the real server, are answered as that did; the rest is listed."""

import json
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.raw_http import Client
from tiledesk_fake import TiledeskFake

RECORDED = json.loads((Path(__file__).parent / "data" / "differences.json").read_text(encoding="utf-8"))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COMPARED = ("WWW-Authenticate", "Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Content-Type")

STRICTER = {
    "head-499 dup alg": 401,
    "payload-539 deep": 401,
    "route-836 jwt": 400,
    "method-972 CONNECT": 400,
    "method-989 http/2.0": 400,
    "body-1032 deep as application/json; charset=utf-8": 500,
    "body-1050 deep as application/json; charset=utf-7": 500,
    "framing-1148 te gzip, chunked": 400,
}
"""What is refused on purpose, and with which status; docs/gate.md has the reasons."""


@dataclass(frozen=True)
class Case:
    name: str
    request: bytes
    real: dict[str, Any]

    def __str__(self) -> str:
        return self.name

    @property
    def method(self) -> str:
        return self.request.partition(b" ")[0].decode()


def request_of(case: dict[str, Any]) -> bytes:
    if "request_base64" in case:
        return b64decode(str(case["request_base64"]))
    character, count = case["body_of"]
    return bytes(case["head"] + character * count, "ascii")


CASES = [Case(case["name"], request_of(case), case["real"]) for case in RECORDED["cases"]]


@pytest.fixture(scope="module")
def fake() -> Iterator[TiledeskFake]:
    fake = TiledeskFake(profile={"server-quirks": "observed"}, secret=RECORDED["secret"], base_path="")
    for user in RECORDED["users"]:
        fake.add_user(id=user["_id"], email=user["email"], password=user["password"], active=user["status"] == 100)
    owners = {user.id: user for user in fake.users.values()}
    for token in RECORDED["tokens"]:
        created_at = EPOCH + timedelta(milliseconds=token["createdAt"])
        fake.issue_token(
            owners[token["user"]],
            id=token["_id"],
            jti=token["jti"],
            created_at=created_at,
            revoked=bool(token["revoked"]),
        )
    with fake:
        yield fake


def ask(fake: TiledeskFake, case: Case) -> tuple[int | None, dict[str, str], bytes]:
    with Client(urlsplit(fake.url).port or 0) as client:
        client.send_despite_close(case.request)
        if case.real["status"] is None and case.name not in STRICTER:
            client.socket.settimeout(0.3)
            try:
                assert client.socket.recv(1) == b"an answer where there is none"
            except TimeoutError:
                return None, {}, b""
        reply = client.reply(case.method)
        return reply.status, dict(reply.headers), reply.body


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.name not in STRICTER],
    ids=str,
)
def test_an_odd_request_is_answered_as_the_real_server_did(fake: TiledeskFake, case: Case) -> None:
    status, headers, body = ask(fake, case)

    assert status == case.real["status"]
    if status is None:
        return
    recorded = dict(case.real["headers"])
    for name in COMPARED:
        assert headers.get(name.lower()) == recorded.get(name), name
    assert said(body) == said(case.real["body"].encode("latin-1"))


def said(body: bytes) -> Any:
    """JSON as it means, since the order of a record's keys is assumed; anything else as it is.

    Which of the listed are revoked depends on requests that are not here.
    """
    try:
        value = json.loads(body)
    except ValueError:
        return body
    for record in value.get("jwts", ()) if isinstance(value, dict) else ():
        del record["revoked"], record["updatedAt"]
    return value


@pytest.mark.parametrize("case", [case for case in CASES if case.name in STRICTER], ids=str)
def test_what_stays_stricter_is_refused_with_this_status(fake: TiledeskFake, case: Case) -> None:
    status, _, body = ask(fake, case)

    assert status == STRICTER[case.name]
    assert (status, body) != (case.real["status"], case.real.get("body", "").encode("latin-1"))


def test_everything_that_stays_stricter_is_recorded() -> None:
    assert set(STRICTER) <= {case.name for case in CASES}


def test_text_of_any_size_is_ignored_until_somebody_hooks_into_flask() -> None:
    """Whose routes may look at it, and would not see that it is cut off."""
    request = b"GET /jwt/history HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 512001\r\n\r\n"
    with TiledeskFake(base_path="") as fake:
        assert status_of(fake, request + b"x" * 512_001) == 401
        fake.app.add_url_rule("/own", view_func=lambda: "mine")
        assert status_of(fake, request + b"x" * 512_001) == 413


def status_of(fake: TiledeskFake, request: bytes) -> int:
    with Client(urlsplit(fake.url).port or 0) as client:
        client.send_despite_close(request)
        return client.reply().status
