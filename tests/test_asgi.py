"""The fake as an ASGI app: what asynchronous clients, and servers, get of it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tiledesk_fake import NoAnswer, TiledeskFake, User

PATH = "/v3/jwt/history"


@pytest.fixture
def fake() -> TiledeskFake:
    return TiledeskFake()


@pytest.fixture
def ada(fake: TiledeskFake) -> User:
    return fake.add_user(email="ada@example.com", password="secret")


def ask(fake: TiledeskFake, method: str, path: str, **options: Any) -> httpx.Response:
    async def asked() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(fake.asgi_app), base_url="http://fake") as client:
            return await client.request(method, path, **options)

    return asyncio.run(asked())


def as_ada(ada: User) -> dict[str, str]:
    return {"Authorization": ada.authorization}


def test_it_has_the_state_of_the_fake(fake: TiledeskFake, ada: User) -> None:
    phone = fake.issue_token(ada, jti="phone")

    listed = ask(fake, "GET", PATH, headers=as_ada(ada))
    revoked = ask(fake, "DELETE", f"{PATH}/phone", headers=as_ada(ada))

    assert (listed.status_code, listed.json()["jwts"][0]["jti"], revoked.status_code) == (200, "phone", 200)
    assert phone.revoked
    fake.journal.assert_called("revokeTokenByJti", jti="phone", user=ada, status=200)


def test_it_answers_byte_for_byte_what_the_wsgi_app_answers(fake: TiledeskFake, ada: User) -> None:
    fake.issue_token(ada)
    with httpx.Client(transport=httpx.WSGITransport(app=fake.wsgi_app), base_url="http://fake") as client:
        for method, path in (("GET", PATH), ("HEAD", PATH), ("OPTIONS", PATH), ("GET", "/nowhere"), ("PUT", PATH)):
            one = client.request(method, path, headers=as_ada(ada))
            other = ask(fake, method, path, headers=as_ada(ada))

            assert (one.status_code, one.headers.multi_items(), one.content) == (
                other.status_code,
                other.headers.multi_items(),
                other.content,
            )


@pytest.mark.parametrize("jti", ["a/b", "a%2Fb", "é", "a b", "a?b", "a#b"])
def test_a_jti_arrives_as_it_was_encoded(fake: TiledeskFake, ada: User, jti: str) -> None:
    token = fake.issue_token(ada, jti=jti)

    answer = ask(fake, "DELETE", f"{PATH}/{quote(jti, safe='')}", headers=as_ada(ada))

    assert (answer.status_code, token.revoked) == (200, True)


def test_a_slash_that_is_not_encoded_separates(fake: TiledeskFake, ada: User) -> None:
    fake.issue_token(ada, jti="a/b")

    assert ask(fake, "DELETE", f"{PATH}/a/b", headers=as_ada(ada)).status_code == 404


async def _in_pieces(text: bytes) -> Any:
    for at in range(0, len(text), 7):
        yield text[at : at + 7]


@pytest.mark.parametrize("streamed", [False, True])
def test_a_body_arrives_whole(fake: TiledeskFake, ada: User, streamed: bool) -> None:
    text = json.dumps({"email": ada.email, "password": "secret"}).encode()

    answer = ask(
        fake,
        "POST",
        "/v3/auth/signin",
        content=_in_pieces(text) if streamed else text,
        headers={"Content-Type": "application/json"},
    )

    assert answer.status_code == 200, answer.text
    assert len(fake.history(ada)) == 1


@pytest.mark.parametrize("drop", ["before-answer", "mid-body", "malformed", "silence"])
def test_what_is_never_answered_raises(fake: TiledeskFake, ada: User, drop: Any) -> None:
    fake.faults.add("listTokens", drop=drop)

    with pytest.raises(NoAnswer, match=drop):
        ask(fake, "GET", PATH, headers=as_ada(ada))
    assert ask(fake, "GET", PATH, headers=as_ada(ada)).status_code == 200


def test_planned_answers_come_and_a_delay_moves_a_clock_that_stands(fake: TiledeskFake, ada: User) -> None:
    fake.clock.freeze("2026-01-01T00:00:00Z")
    fake.faults.add("listTokens", status=429, retry_after_s=30, delay_s=5)

    answer = ask(fake, "GET", PATH, headers=as_ada(ada))

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    assert fake.clock.now().isoformat() == "2026-01-01T00:00:05+00:00"


def test_requests_at_once_do_not_wait_for_a_delay(fake: TiledeskFake, ada: User) -> None:
    """The delayed answer comes last, although it was asked for first."""
    fake.faults.add("listTokens", delay_s=0.3)
    order = []

    async def one(client: httpx.AsyncClient, name: str) -> None:
        await client.get(PATH, headers=as_ada(ada))
        order.append(name)

    async def both() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(fake.asgi_app), base_url="http://fake") as client:
            first = asyncio.ensure_future(one(client, "delayed"))
            while not fake.journal.exchanges:
                await asyncio.sleep(0)
            await one(client, "other")
            await first

    asyncio.run(both())

    assert order == ["other", "delayed"]


def test_what_is_added_to_flask_answers_too(fake: TiledeskFake) -> None:
    asgi_app = fake.asgi_app

    @fake.app.get("/v3/projects/<id>")
    async def project(id: str) -> dict[str, str]:
        return {"_id": id}

    @fake.app.get("/v3/lines")
    def lines() -> Iterator[str]:
        yield "one,"
        yield "two"

    @fake.app.after_request
    def mark(response: Any) -> Any:
        response.headers["X-Mark"] = "seen"
        return response

    assert fake.asgi_app is asgi_app
    found = ask(fake, "GET", "/v3/projects/5")
    assert (found.json(), found.headers["X-Mark"]) == ({"_id": "5"}, "seen")
    assert ask(fake, "GET", "/v3/lines").text == "one,two"
    fake.journal.assert_called("project", id="5", status=200)


def scope(**more: Any) -> dict[str, Any]:
    """What an ASGI server tells of a request, without what it may leave out."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": PATH,
        "query_string": b"",
        "headers": [],
        **more,
    }


def told(fake: TiledeskFake, of: dict[str, Any], *messages: dict[str, Any]) -> list[dict[str, Any]]:
    """What the app sends, by asyncio alone."""
    sent: list[dict[str, Any]] = []
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(waiting)

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def run() -> None:
        await fake.asgi_app(of, receive, send)

    asyncio.run(run())
    return sent


def test_a_server_that_leaves_out_what_it_may_is_answered(fake: TiledeskFake, ada: User) -> None:
    sent = told(
        fake, scope(headers=[(b"authorization", ada.authorization.encode())]), {"type": "http.request", "body": b""}
    )

    assert sent[0]["status"] == 200
    assert json.loads(b"".join(each.get("body", b"") for each in sent[1:]))["count"] == 0


def test_it_can_be_mounted(fake: TiledeskFake, ada: User) -> None:
    fake.issue_token(ada, jti="a/b")
    mounted = scope(
        method="DELETE",
        root_path="/tiledesk",
        path=f"/tiledesk{PATH}/a/b",
        raw_path=f"/tiledesk{PATH}/a%2Fb".encode(),
        headers=[(b"authorization", ada.authorization.encode())],
    )

    assert told(fake, mounted, {"type": "http.request", "body": b""})[0]["status"] == 200


def test_servers_learn_that_it_has_started_and_ended(fake: TiledeskFake) -> None:
    sent = told(fake, {"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})

    assert [each["type"] for each in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


WITHOUT = """
import sys
sys.modules["a2wsgi"] = None
import tiledesk_fake
fake = tiledesk_fake.TiledeskFake()
fake.wsgi_app, fake.app
try:
    fake.asgi_app
except tiledesk_fake.MisuseError as error:
    print(error)
"""


def test_without_the_extra_it_says_what_to_install_and_all_else_works() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT], capture_output=True, text=True, timeout=60, check=False
    )

    assert (done.stdout, done.stderr) == ("asgi_app needs a2wsgi: pip install 'a2wsgi>=1.10'\n", "")
