"""The command `tiledesk-fake wait`: until a server answers, for compose files and scripts."""

import click

from ..core.clock import Clock
from ..errors import CannotReach
from ..remote.connecting import find
from .elsewhere import asking, examples, show

_PAUSE_S = 0.1


@click.command(
    epilog=examples("tiledesk-fake wait && npm test", "tiledesk-fake wait --timeout 60 --url http://fake:8000")
)
@click.option(
    "--timeout", type=click.FloatRange(0), default=30, show_default=True, metavar="SECONDS", help="How long to wait."
)
@asking
def wait(*, timeout: float, url: str, control_token: str | None, as_json: bool) -> None:
    """Wait until the server is healthy; the exit code is 2 if it is not in time."""
    clock = Clock()
    until_ms = clock.now_ms() + timeout * 1000
    while True:
        try:
            # Health alone: whoever waits need not know the token.
            told = find(url, control_token)[0].get("/health")
        except CannotReach:
            if clock.now_ms() >= until_ms:
                raise
            clock.sleep(_PAUSE_S)
        else:
            show(told, f"ok: tiledesk-fake {told['version']} at {url}", as_json=as_json)
            return
