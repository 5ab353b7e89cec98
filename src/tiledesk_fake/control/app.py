"""The app of `tiledesk-fake serve`: the fake, before it the control API, and beside it the worlds.

A plain WSGI callable, and no Flask blueprint: Flask's rules see the decoded path, where a jti with `%2F` is two
segments, and to import Flask takes longer than the server's whole start. A call of the fake passes one look at its
path.
"""

import re
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from wsgiref.types import StartResponse, WSGIEnvironment

from ..core.journal import Exchange
from ..core.redaction import printable, redacted
from ..core.request import Request
from ..errors import MisuseError
from ..log import log
from ..web.answer import Answer, json_answer
from ..web.wire import refusal
from ..web.wsgi import read_request, respond
from .security import Security
from .worlds import CONTROL, NAME, Worlds

if TYPE_CHECKING:
    from ..fake import TiledeskFake
    from .api import ControlApi

MOST_WORLDS = 1_000
"""How many worlds a server has unless it is told otherwise."""

_BESIDE_THE_FAKE = ("/_fake", "/w/")
_ABSOLUTE = re.compile(r"https?://[^/?#]*", re.IGNORECASE)
_WORLD = re.compile(r"/w/([^/?]*)")
_TAKEN = re.compile(r"/(_fake|w)(/|$)")


class ControlApp:
    """A WSGI app that answers for a fake, for its control API, and for the worlds beside it.

    - `make` makes a fake for a world, with the settings that worlds are to have; it takes `seed`, `secret` and
      `base_path` for one that has its own.
    - `host` is where the server listens; the control API serves requests for it, for this machine's own names and for
      `allowed_hosts`.
    - `token` is asked for by the control API where there is one.
    - `listener` is told of each exchange as it comes, those of worlds too. It must not wait.

    Raises MisuseError for a host that others can reach without a token, and for a base path that is the control API's.

    >>> from tiledesk_fake import TiledeskFake
    >>> fake = TiledeskFake()
    >>> with fake.start(app=ControlApp(fake, TiledeskFake)):
    ...     fake.listening
    True
    """

    def __init__(
        self,
        fake: "TiledeskFake",
        make: "Callable[..., TiledeskFake]",
        *,
        host: str = "127.0.0.1",
        allowed_hosts: Iterable[str] = (),
        token: str | None = None,
        world_limit: int = MOST_WORLDS,
        listener: Callable[[Exchange], object] | None = None,
    ) -> None:
        if _TAKEN.match(fake.base_path):
            raise MisuseError(
                f"expected a base path other than {fake.base_path!r}; at /_fake and /w are the control API and the "
                "worlds"
            )
        self._fake = fake.wsgi_app
        self._worlds = Worlds(fake, make, world_limit, listener)
        self._security = Security(host, allowed_hosts, token)

    @property
    def blocks(self) -> bool:
        """Whether a request may take long, because other people's code has a say in it."""
        return self._fake.blocks

    def ignores(self, environ: WSGIEnvironment) -> bool:
        """Whether nobody looks at the body of this request; the control API looks at all of its own."""
        return self._fake.ignores(environ) and not (
            environ["PATH_INFO"].startswith(_BESIDE_THE_FAKE) and _place(environ).is_control
        )

    def too_large(self, environ: WSGIEnvironment) -> tuple[str, bytes] | None:
        """The content type and the body of the refusal of a body too large to be read; None where it is the fake's."""
        if not (environ["PATH_INFO"].startswith(_BESIDE_THE_FAKE) and _place(environ).is_control):
            return None
        answer = self._api.too_large()
        return dict(answer.headers)["Content-Type"], answer.body

    @cached_property
    def _api(self) -> "ControlApi":
        # Most of a process's time to its first answer goes into imports, and many a client needs no control.
        from .api import ControlApi  # noqa: PLC0415

        return ControlApi(self._worlds, self._security)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ.get("PATH_INFO", "").startswith(_BESIDE_THE_FAKE):
            place = _place(environ)
            if place.is_control:
                answer = self._api.answer(read_request(environ, ""), environ, place.world, place.below)
                return respond(answer, environ, start_response)
            if place.world is not None:
                return self._of_world(place.world, place.request, environ, start_response)
        return self._fake(environ, start_response)

    def _of_world(
        self, name: str, request: Request, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        if not NAME.fullmatch(name):
            answer = _for_clients(404, "There is no such world; a name is 1 to 64 of the characters A-Z a-z 0-9 . _ -")
            return respond(answer, environ, start_response)
        world = self._worlds.called(name)
        if world is None:
            call = printable(redacted(f"{request.method} {request.target}"))
            log.warning("The world %s has ended, and a client still called it: %s", name, call)
            answer = _for_clients(410, "This world has ended; a call of its control API begins it anew.")
            return respond(answer, environ, start_response)
        mount = f"/w/{name}"
        # What the client sent stays in the journal; what it is mounted under does not count.
        inside = {
            **environ,
            "SCRIPT_NAME": environ.get("SCRIPT_NAME", "") + mount,
            "PATH_INFO": environ["PATH_INFO"].removeprefix(mount),
        }
        return world.fake.wsgi_app(inside, start_response)


class _Place(NamedTuple):
    """The app for a request without its body: the control API or the fake, of the world that the request names."""

    request: Request
    world: str | None
    below: str
    is_control: bool


def _place(environ: WSGIEnvironment) -> _Place:
    # By the raw target, since a decoded one may look as if it were for the control API.
    request = read_request(environ, "", with_body=False)
    target = _ABSOLUTE.sub("", request.below_mount, count=1)
    world = _WORLD.match(target)
    below = target[world.end() :] if world else target
    return _Place(request, world[1] if world else None, below, bool(CONTROL.match(below)))


def _for_clients(status: int, message: str) -> Answer:
    return json_answer(status, refusal(message), ("Access-Control-Allow-Origin", "*"))
