"""A right server with something to examine, and what turns it into another one: a function around it.

A twist gets the world, the request and the way on; it returns an answer. It may ask the right server as often as it
likes, with changed requests.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qsl, urlencode

from tests.wsgi import call
from tiledesk_fake import TiledeskFake
from tiledesk_fake.conformance import Target, target
from tiledesk_fake.conformance.client import Client
from tiledesk_fake.conformance.reply import Reply
from tiledesk_fake.serving.delivery import KEY as DELIVERY
from tiledesk_fake.serving.server import Server

SECRET = "what the tokens of all these worlds are signed with"
HISTORY = "/v3/jwt/history"
REASONS = {200: "OK", 204: "No Content", 308: "Permanent Redirect", 401: "Unauthorized", 404: "Not Found"}


@dataclass(frozen=True)
class Request:
    method: str
    target: str
    authorization: str | None = None
    body: bytes = b""
    generated: bool = False

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def lists(self) -> bool:
        return self.method in ("GET", "HEAD") and self.path.rstrip("/").lower() == HISTORY

    @property
    def revokes(self) -> bool:
        return self.method == "DELETE" and self.path.startswith(f"{HISTORY}/")

    @property
    def by_id(self) -> bool:
        return self.path.startswith(f"{HISTORY}/id/")

    @property
    def key(self) -> str:
        return self.path.rpartition("/")[2]

    def asking(self, **query: object) -> "Request":
        """The same request with other parameters; None takes one away."""
        asked = {name: value for name, value in (self.query | query).items() if value is not None}
        return replace(self, target=f"{self.path}?{urlencode(asked)}" if asked else self.path)

    def about(self, key: str) -> "Request":
        """The same request for another key."""
        return replace(self, target=f"{self.path.rpartition('/')[0]}/{key}")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def saying(self, value: Any) -> "Answer":
        """The same answer with another body."""
        return replace(self, body=json.dumps(value).encode())

    def with_header(self, name: str, value: str | None) -> "Answer":
        """The same answer with one header set, or without it."""
        kept = tuple(each for each in self.headers if each[0].lower() != name.lower())
        return replace(self, headers=kept if value is None else (*kept, (name, value)))


JSON = (("Content-Type", "application/json"),)


def answer(status: int, value: Any = None) -> Answer:
    return Answer(status, JSON, json.dumps(value).encode())


NO_ANSWER = Answer(0, (), b"")
"""The connection is reset."""

Sent = tuple[tuple[str, str], ...]
Ask = Callable[[Request], Answer]
Twist = Callable[["World", Request, Ask], Answer]


def untouched(world: "World", request: Request, ask: Ask) -> Answer:
    return ask(request)


@dataclass
class World:
    """Ada is examined, Bob is somebody else; both have tokens for two pages unless it is `empty`.

    `memory` belongs to the twist.
    """

    fake: TiledeskFake
    twist: Twist = untouched
    signs_in: bool = True
    empty: bool = False
    memory: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        fake = self.fake
        size = int(fake.profile["page-size"])
        self.ada = fake.add_user(email="ada@example.com", password="Secret")
        self.bob = fake.add_user(email="bob@example.com", password="hunter2")
        start = datetime(2026, 1, 1, tzinfo=UTC)
        for number in range(0 if self.empty else max(size + 5, 30)):
            # Pairs that tie, some that expire, some that are revoked, jtis in both cases.
            at = start + timedelta(minutes=number // 2)
            expires_in = timedelta(days=4000 + number % 7) if number % 3 == 0 else None
            jti = f"{'Aa'[number % 2]}-{number * 7919 % 1000:03}"
            fake.issue_token(self.ada, created_at=at, expires_in=expires_in, jti=jti, revoked=number % 11 == 5)
            if number % 3 == 0:
                fake.issue_token(self.bob, created_at=at)
        if self.empty:
            return
        self.jwt = fake.issue_token(self.ada).jwt
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        self.expired = fake.issue_token(self.ada, created_at=long_ago, expires_in=timedelta(hours=1)).jwt

    def ask(self, request: Request) -> Answer:
        """What the right server answers."""
        if self.signs_in and request.method == "POST" and request.path == "/v3/auth/signin":
            return self._sign_in(request)
        headers = [] if request.authorization is None else [("Authorization", request.authorization)]
        reply = call(self.fake.wsgi_app, request.method, request.target, headers, request.body)
        return Answer(reply.status, tuple(reply.headers.items()), reply.body)

    def _sign_in(self, request: Request) -> Answer:
        given = json.loads(request.body)
        user = self.fake.users.get(given.get("email"))
        if user is None or user.password != given.get("password"):
            return answer(401, {"success": False, "msg": "Authentication failed."})
        token = self.fake.issue_token(user)
        return answer(200, {"success": True, "token": token.authorization, "user": {"_id": user.id}})

    def all(self, request: Request, ask: Ask) -> list[dict[str, Any]] | None:
        """All records of whoever calls, the newest first; None if nobody is let in."""
        records: list[dict[str, Any]] = []
        page = int(self.fake.profile["page-base"])
        while True:
            plain = Request("GET", f"{HISTORY}?page={page}", request.authorization)
            listed = ask(plain)
            if listed.status != 200:
                return None
            found = self.array(listed.json)
            if not found:
                return records
            records += found
            page += 1

    def array(self, body: Any) -> list[dict[str, Any]]:
        """The records in the body of a listing."""
        return body if isinstance(body, list) else body[self.fake.profile["list-envelope"]]

    def wsgi(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        request = Request(
            environ["REQUEST_METHOD"],
            environ["RAW_URI"],
            environ.get("HTTP_AUTHORIZATION"),
            environ["wsgi.input"].read(length) if length else b"",
            "HTTP_X_SCHEMATHESIS_TESTCASEID" in environ,
        )
        given = self.twist(self, request, self.ask)
        if given is NO_ANSWER:
            environ[DELIVERY].drop = "before-answer"
            given = answer(500)
        reason = REASONS.get(given.status, "Whatever")
        headers = [(name, value) for name, value in given.headers if name.lower() != "content-length"]
        if request.method != "HEAD":
            headers.append(("Content-Length", str(len(given.body))))
        start_response(f"{given.status} {reason}", headers)
        return [given.body]

    @contextmanager
    def served(self, **options: Any) -> Iterator[Target]:
        """This world on a socket, as something to examine; the options are those of `target`."""
        server = Server(self.wsgi)
        server.start()
        try:
            yield self.target(f"http://127.0.0.1:{server.port}/v3", **options)
        finally:
            server.stop()

    @contextmanager
    def here(self, **options: Any) -> Iterator[Target]:
        """As `served`, without a socket: what a client would send is handed over. Half the work, for many servers."""
        # One request at a time, as the server would.
        lock = RLock()

        def exchange(client: Client, method: str, target: str, sent: Sent, body: bytes) -> Reply:
            authorization = next((value.strip() for name, value in sent if name == "Authorization"), None)
            with lock:
                given = self.twist(self, Request(method, target, authorization, body), self.ask)
            if given is NO_ANSWER:
                return Reply(method, target, sent, None, failure="no answer: the connection was reset")
            said = b"" if method == "HEAD" else given.body
            return Reply(method, target, sent, given.status, given.headers, said)

        with patch.object(Client, "_exchange", exchange):
            yield self.target("http://here.invalid/v3", **options)

    def target(self, url: str, **options: Any) -> Target:
        given: dict[str, Any] = {
            "basic": ["ada@example.com:Secret", "bob@example.com:hunter2"],
            "jwt": [] if self.empty else [self.jwt, self.expired],
            "may_revoke": True,
            "profile": dict(self.fake.profile),
        }
        return target(url, **(given | options))


def deaf(world: World, request: Request, ask: Ask) -> Answer:
    """A twist that revokes nothing: it asks for the revocation of a token that nobody has."""
    return ask(request.about("nobodys")) if request.revokes else ask(request)


def world(
    twist: Twist = untouched,
    *,
    profile: Mapping[str, str] | None = None,
    signs_in: bool = True,
    empty: bool = False,
) -> World:
    """A new world; the same one every time."""
    return World(TiledeskFake(profile=dict(profile or {}), secret=SECRET, seed=3), twist, signs_in, empty)
