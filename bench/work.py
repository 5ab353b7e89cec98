"""The work: the list of 40 records, and a revocation, both called with a JWT.

The same fake comes out in every process, so one process can serve it and another knows its tokens and its answers.
"""

import io
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple
from wsgiref.types import WSGIApplication, WSGIEnvironment

from tiledesk_fake import TiledeskFake, Token

LIST = "/v3/jwt/history"
RECORDS = 40
_JTI_CHARACTERS = 168


class Work(NamedTuple):
    """What is asked, and the bytes of the answers."""

    authorization: str
    jti: str
    listed: bytes
    revoked: bytes

    @property
    def revocation(self) -> str:
        """The target that revokes the token."""
        return f"{LIST}/{self.jti}"


@cache
def work() -> Work:
    """The work, and what the fake answers to it."""
    fake, tokens = new_fake()
    authorization = tokens[0].authorization
    listed = call(fake.wsgi_app, environ("GET", LIST, authorization))
    revoked = call(fake.wsgi_app, environ("DELETE", f"{LIST}/{tokens[-1].jti}", authorization))
    return Work(authorization, tokens[-1].jti, listed, revoked)


def new_fake() -> tuple[TiledeskFake, list[Token]]:
    """A fake with a user who has 40 tokens that expire, of jtis so long that the list is about 16 KB of JSON."""
    fake = TiledeskFake(seed=1, secret="the secret of the bench")
    user = fake.add_user(email="ada@example.com", password="secret", id="5e0000000000000000000001")
    start = datetime(2026, 1, 1, tzinfo=UTC)
    tokens = [
        fake.issue_token(
            user,
            jti=f"{number:04}".rjust(_JTI_CHARACTERS, "a"),
            created_at=start + timedelta(hours=number),
            expires_at=datetime(2099, 1, 1, tzinfo=UTC),
        )
        for number in range(RECORDS)
    ]
    return fake, tokens


def environ(method: str, target: str, authorization: str) -> WSGIEnvironment:
    """What a server hands to a WSGI app for such a request."""
    path, _, query = target.partition("?")
    return {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "RAW_URI": target,
        "REQUEST_URI": target,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:80",
        "HTTP_AUTHORIZATION": authorization,
        "HTTP_ACCEPT": "*/*",
        "HTTP_USER_AGENT": "bench",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def call(app: WSGIApplication, request: WSGIEnvironment) -> bytes:
    """The body that a WSGI app answers with 200; AssertionError for any other answer."""
    statuses: list[str] = []

    def start_response(status: str, headers: Any, exc_info: Any = None, /) -> Any:
        statuses.append(status)

    body = b"".join(app(request, start_response))
    assert statuses[0].startswith("200"), (statuses, body)
    return body
