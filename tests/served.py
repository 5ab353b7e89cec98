"""A fake that is served with its control API and worlds, as `tiledesk-fake serve` serves one."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from tiledesk_fake import RemoteFake, TiledeskFake
from tiledesk_fake.control.app import ControlApp


@contextmanager
def served(*, token: str | None = None, **settings: Any) -> Iterator[TiledeskFake]:
    """The fake, which listens; its worlds are made with the same settings."""
    fake = TiledeskFake(**settings)

    def make(**own: Any) -> TiledeskFake:
        return TiledeskFake(**{**settings, **own})

    with fake.start(app=ControlApp(fake, make, token=token)):
        yield fake


def server_url(fake: TiledeskFake) -> str:
    """The URL of the server, without the base path."""
    return fake.url.removesuffix(fake.base_path)


def call(
    fake: TiledeskFake | RemoteFake,
    method: str,
    path: str,
    authorization: str = "",
    *,
    body: bytes | None = None,
    content_type: str = "",
) -> int:
    """The status of a client's call."""
    url = urlsplit(fake.url)
    connection = HTTPConnection(url.netloc, timeout=10)
    try:
        given = {"Authorization": authorization, "Content-Type": content_type}
        headers = {name: value for name, value in given.items() if value}
        connection.request(method, f"{url.path}{path}", body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
