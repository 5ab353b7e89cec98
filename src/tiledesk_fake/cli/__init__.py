"""The command line: `tiledesk-fake serve`, `ca`, `spec`, `check`, `learn`, `replay`, `diff`, and what asks a server
that runs.

What goes wrong is one line on stderr and exit code 2.
"""

import logging
import os
import re
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from urllib.parse import quote

import click

from .. import __version__, demo
from ..control.app import MOST_WORLDS, ControlApp
from ..core.redaction import JWT, printable
from ..curl import curl
from ..errors import TiledeskFakeError
from ..fake import TiledeskFake
from ..handles import Token
from ..log import log
from ..serving.limits import raise_descriptors
from . import options
from .telling import Telling


class _Group(click.Group):
    """Imports the commands that need more than `serve` does when they are asked for: it starts without them."""

    LATE: Mapping[str, str] = {
        "ca": "ca",
        "check": "check",
        "clock": "clock",
        "diff": "diff",
        "fault": "faults",
        "journal": "journal",
        "learn": "learn",
        "replay": "replay",
        "reset": "scenarios",
        "scenario": "scenarios",
        "spec": "spec",
        "token": "tokens",
        "user": "users",
        "verdict": "journal",
        "wait": "waiting",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *self.LATE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in self.LATE:
            command: click.Command = getattr(import_module(f".{self.LATE[cmd_name]}", __package__), cmd_name)
            return command
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(__version__, prog_name="tiledesk-fake")
@click.pass_context
def cli(context: click.Context) -> None:
    """A stateful fake of Tiledesk's JWT history API."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@cli.command(epilog=options.ASSUMPTIONS)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 picks a free port.")
@options.profile
@options.assume
@click.option(
    "--scenario", metavar="FILE", type=click.Path(path_type=Path), help="Users and tokens to start with, in YAML."
)
@click.option(
    "--secret",
    envvar="TILEDESK_FAKE_SECRET",
    metavar="TEXT",
    help="What tokens are signed with; random unless given. Also read from TILEDESK_FAKE_SECRET.",
)
@click.option("--base-path", metavar="PATH", help="What precedes every path; /v3 unless given.")
@click.option(
    "--control-token",
    envvar="TILEDESK_FAKE_CONTROL_TOKEN",
    metavar="TEXT",
    help="What the control API asks for: Authorization: Bearer TEXT. Needed where others can reach the host. Also read "
    "from TILEDESK_FAKE_CONTROL_TOKEN.",
)
@click.option(
    "--allowed-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="A name besides this machine's own under which the control API is called; may be repeated.",
)
@click.option(
    "--world-limit",
    default=MOST_WORLDS,
    show_default=True,
    type=click.IntRange(1, 1_000_000),
    help="How many worlds (/w/NAME) are kept; past that the one idle longest goes.",
)
@click.option("--tls", is_flag=True, help="Speak TLS, with a certificate for whatever name is asked for.")
@click.option(
    "--ca-dir",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="With --tls: where the authority of the certificates is kept, so that clients trust it once; made if need be. "
    "Without it, each server has an authority of its own, whose key is nowhere else.",
)
@click.option("--quiet", is_flag=True, help="Print nothing but the line that says where it listens, and no exchanges.")
def serve(
    *,
    host: str,
    port: int,
    profile: str | None,
    assumptions: tuple[str, ...],
    scenario: Path | None,
    secret: str | None,
    base_path: str | None,
    control_token: str | None,
    allowed_hosts: tuple[str, ...],
    world_limit: int,
    tls: bool,
    ca_dir: Path | None,
    quiet: bool,
) -> None:
    """Serve the fake until it is interrupted.

    It holds a demo user with three tokens unless a scenario is given, and prints curl lines to paste. The last line
    says where it listens. On stderr there is a line for each exchange, with why it was answered so, and each violation
    of the API in full.
    """
    choices = options.choices(profile, assumptions)
    make = partial(TiledeskFake, profile=choices, secret=secret, base_path=base_path)
    fake = make(host=host, port=port, tls=options.with_tls(ca_dir, tls=tls))
    telling = Telling(lambda text: click.echo(text, err=True), coloured=sys.stderr.isatty())
    app = ControlApp(
        fake,
        make,
        host=host,
        allowed_hosts=allowed_hosts,
        token=control_token,
        world_limit=world_limit,
        listener=None if quiet else telling.tell,
    )
    fake.load(demo.scenario() if scenario is None else scenario)
    raise_descriptors()
    # The system's own handler writes to the socket, at once and in whichever thread. Waiting for an Event would miss a
    # signal that comes just before the wait, and hang where one signal interrupts the handler of another.
    signalled, wakeup = socket.socketpair()
    wakeup.setblocking(False)
    signal.set_wakeup_fd(wakeup.fileno(), warn_on_full_buffer=False)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: None)
    _show_log()
    with signalled, wakeup, telling, fake.start(app=app, on_refused=None if quiet else telling.refused):
        if not quiet:
            for line in (
                *_welcome(fake, with_password=scenario is None, trusting=tls),
                *_controls(fake, control_token),
            ):
                click.echo(line)
        click.echo(f"tiledesk-fake listening on {fake.url}")
        signalled.recv(1)
        # A second one while the server stops, or at the very end when Python has let go of the handlers, is no matter.
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.SIG_IGN)
        signal.set_wakeup_fd(-1)


def _show_log() -> None:
    """What the server has to say of itself is for whoever runs it."""
    to_stderr = logging.StreamHandler()
    to_stderr.setFormatter(logging.Formatter("tiledesk-fake: %(message)s"))
    log.addHandler(to_stderr)


def _welcome(fake: TiledeskFake, *, with_password: bool, trusting: bool) -> list[str]:
    """Lines that can be pasted into a shell: one user's list, and the revocation of two of the tokens."""
    for user in fake.users.values():
        tokens = [token for token in fake.history(user) if user.active and _works(token, fake)]
        if tokens:
            break
    else:
        return ["# No user has a token that is neither revoked nor expired; there is nothing to paste."]
    caller, *others = tokens
    by_token = [f"Authorization: {caller.authorization}"]
    history = f"{fake.url}/jwt/history"
    direct = _past_proxies()
    if trusting:
        direct += ["--cacert", fake.ca_file]
    lines = [
        f"# List the tokens of {user.email}:",
        curl("GET", f"{history}?direction=1&page={fake.profile['page-base']}", by_token, options=direct),
    ]
    by_password = [*direct, "-u", f"{demo.EMAIL}:{demo.PASSWORD}"]
    if with_password:
        lines.append(curl("GET", history, options=by_password))
    # The token that calls goes last: once it is revoked, it calls no more.
    for token, key in zip([*others, caller], ("jti", "id"), strict=False):
        segment = quote(token.jti, safe="") if key == "jti" else f"id/{token.id}"
        lines.append(f"# Revoke one by its {key}:")
        url = f"{history}/{segment}"
        lines.append(
            curl("DELETE", url, options=[*by_password, "--path-as-is"])
            if with_password
            else curl("DELETE", url, by_token, options=[*direct, "--path-as-is"])
        )
    return lines


def _controls(fake: TiledeskFake, control_token: str | None) -> list[str]:
    """The URL of the page, and two lines for the control API; a token is named and never shown."""
    root = f"{fake.url.removesuffix(fake.base_path)}/_fake"
    direct = _past_proxies()
    token = [] if control_token is None else ["Authorization: Bearer $TILEDESK_FAKE_CONTROL_TOKEN"]
    user = '{"email": "lin@example.com"}'
    return [
        f"# See what is called, and turn whatever can be turned: {root}/",
        "# The same for programs. Add a user, and ask what clients did wrong:",
        curl(
            "POST",
            f"{root}/users",
            ["Content-Type: application/json", *token],
            options=direct,
            body=user,
            variables=_CONTROL_TOKEN,
        ),
        curl("GET", f"{root}/verdict", token, options=direct, variables=_CONTROL_TOKEN),
    ]


_CONTROL_TOKEN = re.compile(r"\$(TILEDESK_FAKE_CONTROL_TOKEN)")


def _works(token: Token, fake: TiledeskFake) -> bool:
    return not token.revoked and (token.expires_at is None or token.expires_at > fake.clock.now())


def _past_proxies() -> list[str]:
    """The options that keep curl's call from a proxy of the environment, which would answer for the fake."""
    is_captured = any(map(os.environ.get, ("http_proxy", "all_proxy", "ALL_PROXY")))
    return ["--noproxy", "*"] if is_captured else []


def main() -> None:
    """Run the command line; errors are one line on stderr and exit code 2."""
    try:
        cli.main(prog_name="tiledesk-fake", standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as problem:
        _fail(problem.format_message())
    except TiledeskFakeError as problem:
        _fail(str(problem))
    except BrokenPipeError:
        # Whoever read the output has gone; leave without a traceback at exit.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# What stands for itself in a message, and looks like what --basic takes.
_ADDRESS_AND_PASSWORD = re.compile(r"""(?<![^\s"'(=])[^\s"'@/:…]+@[^\s"'@/:…]+:[^\s"')]+""")


def _fail(message: str) -> None:
    text = JWT.sub(r"\1<redacted>", " ".join(message.split()))
    # A usage error repeats what was given in the wrong place.
    text = _ADDRESS_AND_PASSWORD.sub("<address and password>", text)
    click.echo(f"tiledesk-fake: {printable(text)}", err=True)
    sys.exit(2)
