"""The common part of commands that call a server: its URL, its token, and how its answer is printed."""

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import click

from ..errors import NotFound, nearest
from ..remote.calls import Control
from ..remote.connecting import reach

Command = Callable[..., Any]

DEFAULT_URL = "http://127.0.0.1:8000"
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DURATION = re.compile(r"([+-]?[0-9]+(?:\.[0-9]+)?)([smhd]?)", re.ASCII)

_url = click.option(
    "--url",
    envvar="TILEDESK_FAKE_URL",
    default=DEFAULT_URL,
    show_default=True,
    metavar="URL",
    help="The server, or one of its worlds: http://HOST:PORT/w/NAME. Also read from TILEDESK_FAKE_URL.",
)
_token = click.option(
    "--control-token",
    envvar="TILEDESK_FAKE_CONTROL_TOKEN",
    metavar="TEXT",
    help="The token that the server was started with, if any. Also read from TILEDESK_FAKE_CONTROL_TOKEN.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, as the control API answers it.")


def asking(command: Command) -> Command:
    """A decorator for `--url`, `--control-token` and `--json`, which come as `url`, `control_token` and `as_json`."""
    return _url(_token(_json(command)))


def control_of(url: str, control_token: str | None) -> Control:
    """The control API at a URL. Raises what `connect` raises."""
    return reach(url, control_token)[0]


def examples(*lines: str) -> str:
    """What the help of a command ends with; \b keeps click from filling the lines."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def show(answer: Any, *lines: str, as_json: bool) -> None:
    """Print an answer: as JSON, an empty one as `{}`, or in these lines."""
    if as_json:
        click.echo(json.dumps({} if answer is None else answer, ensure_ascii=False, indent=2))
        return
    for line in lines:
        click.echo(line)


def user_of(control: Control, name: str) -> dict[str, Any]:
    """The user with this e-mail address or id. Raises NotFound, listing who there is."""
    users: list[dict[str, Any]] = control.get("/users")["users"]
    for user in users:
        if name in (user["email"], user["_id"]):
            return user
    known = [user["email"] for user in users][:20]
    raise NotFound(f"there is no user {name!r}{nearest(name, known) if known else '; `user add` makes users'}")


def path_of(user: dict[str, Any]) -> str:
    """The path of a user in the control API."""
    return f"/users/{quote(user['_id'], safe='')}"


class Duration(click.types.StringParamType):
    """A number of seconds, written as `90`, `90s`, `15m`, `2h` or `7d`; with a minus it is in the past."""

    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The seconds."""
        if isinstance(value, int | float):
            return value
        written = _DURATION.fullmatch(str(value))
        if not written:
            self.fail(f"expected a duration like 90s, 15m, 2h or 7d, got {value!r}", param, ctx)
        return float(written[1]) * _UNITS[written[2] or "s"]


class Pair(click.types.StringParamType):
    """A name and its value, written as `NAME=VALUE`."""

    name = "NAME=VALUE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The name and the value."""
        if isinstance(value, tuple):
            return value
        name, equals, text = str(value).partition("=")
        if not name or not equals:
            self.fail(f"expected NAME=VALUE, got {value!r}", param, ctx)
        return name, text


class Json(click.types.StringParamType):
    """A text that is JSON."""

    name = "JSON"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """What it says."""
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            self.fail("expected JSON; quote it for the shell, as in '{\"a\": 1}'", param, ctx)


def without_none(**given: Any) -> dict[str, Any]:
    """What was given of these."""
    return {name: value for name, value in given.items() if value is not None}
