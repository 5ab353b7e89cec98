"""Calls of a fake through its WSGI app."""

from collections.abc import Iterable
from typing import Protocol

from tests.wsgi import Reply, call
from tiledesk_fake import TiledeskFake

LIST = "/v3/jwt/history"


class Caller(Protocol):
    """A user or a token."""

    @property
    def authorization(self) -> str: ...


def ask(
    fake: TiledeskFake,
    caller: Caller | str | None = None,
    method: str = "GET",
    target: str = LIST,
    *,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    raw: bool = True,
) -> Reply:
    """The reply to a caller, who may be the value of an Authorization or nobody."""
    authorization = caller if isinstance(caller, str | None) else caller.authorization
    credentials = [] if authorization is None else [("Authorization", authorization)]
    return call(fake.wsgi_app, method, target, [*credentials, *headers], body, raw=raw)


def status(fake: TiledeskFake, caller: Caller | str | None = None, method: str = "GET", target: str = LIST) -> int:
    """The status of the reply to a caller."""
    return ask(fake, caller, method, target).status
