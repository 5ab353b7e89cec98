"""The options of commands that examine a server elsewhere: its URL, the credentials of its users, and time-outs."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import click

from ..conformance.credentials import Basic, Credential, Jwt
from ..conformance.target import TIMEOUT_S


class _Seconds(click.FloatRange):
    """A range of numbers, which nan is not in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        seconds = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return seconds


class _Lines(click.types.StringParamType):
    """A text; an environment variable has one on each line."""

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        return [line for line in rv.splitlines() if line.strip()]


class Command(click.Command):
    """A command whose usage error names no surplus argument: it may well be a password."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click has it, but for the words of a surplus argument."""
        ctx.allow_extra_args = True
        rest = super().parse_args(ctx, args)
        if ctx.args:
            number = "an argument" if len(ctx.args) == 1 else f"{len(ctx.args)} arguments"
            raise click.UsageError(
                f"there is {number} too many beside the URL; each ADDRESS:PASSWORD needs a --basic of its own, each "
                "token a --jwt",
                ctx,
            )
        return rest


def _collect(parse: Callable[[str], Credential]) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], None]:
    def collect(context: click.Context, _: click.Parameter, values: tuple[str, ...]) -> None:
        # Options are called back in the order of the command line, so the first user is the one who was given first.
        context.ensure_object(dict).setdefault("credentials", []).extend(map(parse, values))

    return collect


def examining(*, url_required: bool) -> Callable[[Any], Any]:
    """The options of a command that examines a server."""
    return lambda command: _with_options(command, url_required=url_required)


def _with_options(command: Any, *, url_required: bool) -> Any:
    for option in reversed(
        (
            click.argument("url", required=url_required),
            click.option(
                "--basic",
                metavar="ADDRESS:PASSWORD",
                type=_Lines(),
                envvar="TILEDESK_CHECK_BASIC",
                multiple=True,
                expose_value=False,
                callback=_collect(Basic.parse),
                help="Credentials of a user; may be repeated. The first user is the one examined. Also read from "
                "TILEDESK_CHECK_BASIC, one on each line.",
            ),
            click.option(
                "--jwt",
                metavar="TOKEN",
                type=_Lines(),
                envvar="TILEDESK_CHECK_JWT",
                multiple=True,
                expose_value=False,
                callback=_collect(Jwt.parse),
                help="A token of a user; may be repeated, for the same user or another. Also read from "
                "TILEDESK_CHECK_JWT, one on each line.",
            ),
            click.option(
                "--may-revoke", is_flag=True, help="Allow to revoke tokens of the users; without it, only read."
            ),
            click.option(
                "--timeout",
                "timeout_s",
                default=10.0,
                show_default=True,
                type=_Seconds(*TIMEOUT_S),
                help="The seconds to wait for a whole answer.",
            ),
        )
    ):
        command = option(command)
    return command


def credentials_of(context: click.Context) -> tuple[Credential, ...]:
    """The credentials that a command was given, in the order of the command line."""
    return tuple(context.ensure_object(dict).get("credentials", ()))
