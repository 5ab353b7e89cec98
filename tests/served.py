"""A fake that is served with its control API and worlds, as `tiledesk-fake serve` serves one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tiledesk_fake import TiledeskFake
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
