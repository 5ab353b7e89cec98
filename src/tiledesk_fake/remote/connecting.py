"""How a fake elsewhere is found: by the URL of its server, or of a world there."""

import re
from urllib.parse import urlsplit

from ..arguments import phrase
from ..errors import MisuseError
from .calls import Control, Origin, shown
from .fake import RemoteFake

_WORLD = re.compile(r"/w/[A-Za-z0-9._-]{1,64}(?=/|$)", re.ASCII)


def connect(url: str, control_token: str | None = None) -> RemoteFake:
    """The fake that a server holds: `http://127.0.0.1:8000`, or for one of its worlds `http://127.0.0.1:8000/w/NAME`.

    The base path may follow, as the server prints it. `control_token` is that of the server, where it has one.

    Raises CannotReach where nothing answers, or no server of this package, and MisuseError for a URL that is none, or
    a token that is not the server's.

    >>> from tiledesk_fake import TiledeskFake
    >>> from tiledesk_fake.control.app import ControlApp
    >>> served = TiledeskFake()
    >>> with served.start(app=ControlApp(served, TiledeskFake)):
    ...     fake = connect(served.url)
    ...     ada = fake.add_user(email="ada@example.com", password="secret")
    ...     served.users["ada@example.com"] == ada
    True
    """
    return RemoteFake(*reach(url, control_token))


def reach(url: str, control_token: str | None = None) -> tuple[Control, str]:
    """The control API of the fake that is served at a URL, and its base path; raises what `connect` raises."""
    control, base_path = find(url, control_token)
    # What needs the token, so that a wrong one is refused here and not in the middle of a test.
    control.get("/worlds")
    return control, base_path


def find(url: str, control_token: str | None = None) -> tuple[Control, str]:
    """What `reach` gives, whether the token is the server's or not."""
    for name, value in (("url", url), ("control_token", control_token)):
        if not isinstance(value, str) and not (value is None and name == "control_token"):
            raise MisuseError(f"{name}: expected text, got {phrase(type(value))}")
    origin, path = split(url)
    world = _WORLD.match(path)
    mount = world[0] if world else ""
    control = Control(origin, mount, control_token)
    base_path = str(control.get("/health")["base_path"])
    rest = path.removeprefix(mount).removesuffix("/")
    if rest not in ("", "/_fake", base_path):
        raise _unusable(url, f"; this server's fake is at {origin}{mount}{base_path}")
    return control, base_path


def split(url: str) -> tuple[Origin, str]:
    """Split a server's URL into origin and path. Raises MisuseError for a text that is not such a URL."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _unusable(url) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or "@" in url:
        raise _unusable(url)
    return Origin(parts.scheme, parts.hostname, port), parts.path


def _unusable(url: str, hint: str = "") -> MisuseError:
    return MisuseError(
        "expected the URL of a server, like http://127.0.0.1:8000, or of a world, like http://127.0.0.1:8000/w/NAME, "
        f"without credentials and query; got {shown(url)!r}{hint}"
    )
