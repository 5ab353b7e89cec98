"""The commands `tiledesk-fake fault …`."""

from base64 import b64encode
from typing import IO, Any

import click

from ..serving.delivery import Drop
from .elsewhere import Json, Pair, asking, control_of, examples, show, without_none

_FOREVER = "forever"


class _Times(click.types.StringParamType):
    """A number of calls, or `forever`."""

    name = "N|forever"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number, or the word."""
        if value == _FOREVER or isinstance(value, int):
            return value
        if not str(value).isdecimal():
            self.fail(f"expected a whole number from 1, or {_FOREVER}, got {value!r}", param, ctx)
        return int(value)


@click.group()
def fault() -> None:
    """Misbehaviour on purpose of a running fake."""


@fault.command("list", epilog=examples("tiledesk-fake fault list"))
@asking
def list_faults(*, url: str, control_token: str | None, as_json: bool) -> None:
    """List the faults that are planned."""
    told = control_of(url, control_token).get("/faults")
    show(told, *(each["text"] for each in told["faults"]), as_json=as_json)


@fault.command(
    epilog=examples(
        "tiledesk-fake fault add listTokens --status 503 --times 2",
        "tiledesk-fake fault add listTokens --status 429 --retry-after-s 5",
        "tiledesk-fake fault add revokeTokenByJti --drop before-answer --when jti=phone",
        "tiledesk-fake fault add '*' --delay-s 1.5 --times forever",
    )
)
@click.argument("operation")
@click.option("--status", type=int, help="What is answered instead; the operation does not happen.")
@click.option("--body", metavar="TEXT", help="The body of that answer, as text.")
@click.option("--body-json", type=Json(), help="The body of that answer, as JSON.")
@click.option("--body-file", type=click.File("rb"), help="The body of that answer: the bytes of a file, - for stdin.")
@click.option("--header", "headers", type=Pair(), multiple=True, help="A header of that answer; may be repeated.")
@click.option("--delay-s", type=float, metavar="SECONDS", help="Hold the answer back.")
@click.option("--drop", metavar="HOW", help="before-answer, mid-body, malformed, silence or after-answer.")
@click.option("--retry-after-s", type=int, metavar="SECONDS", help="Add Retry-After, and refuse until it has passed.")
@click.option("--times", type=_Times(), help="How many calls meet it; 1 unless given.")
@click.option("--when", type=Pair(), multiple=True, help="Only calls with this parameter; may be repeated.")
@click.option("--when-absent", metavar="NAME", multiple=True, help="Only calls without it; may be repeated.")
@click.option("--chance", type=float, metavar="P", help="How likely each call is to meet it, from 0 to 1.")
@asking
def add(
    *,
    operation: str,
    url: str,
    control_token: str | None,
    as_json: bool,
    status: int | None,
    body: str | None,
    body_json: Any,
    body_file: IO[bytes] | None,
    headers: tuple[tuple[str, str], ...],
    delay_s: float | None,
    drop: Drop | None,
    retry_after_s: int | None,
    times: int | str | None,
    when: tuple[tuple[str, str], ...],
    when_absent: tuple[str, ...],
    chance: float | None,
) -> None:
    """Plan a fault for the next calls of an operation: listTokens, revokeTokenByJti, revokeTokenById, signIn or '*'."""
    bodies = without_none(
        body=body if body is not None else body_json,
        body_base64=b64encode(body_file.read()).decode() if body_file else None,
    )
    if [body, body_json, body_file].count(None) < 2:
        raise click.UsageError("expected one of --body, --body-json and --body-file")
    told = control_of(url, control_token).post(
        "/faults",
        without_none(
            operation=operation,
            status=status,
            delay_s=delay_s,
            drop=drop,
            retry_after_s=retry_after_s,
            chance=chance,
            headers=dict(headers) or None,
            when=dict(when) | dict.fromkeys(when_absent) or None,
        )
        | bodies
        | ({} if times is None else {"times": None if times == _FOREVER else times}),
    )
    show(told, told["text"], as_json=as_json)


@fault.command(epilog=examples("tiledesk-fake fault clear"))
@asking
def clear(*, url: str, control_token: str | None, as_json: bool) -> None:
    """Forget all faults."""
    show(control_of(url, control_token).call("DELETE", "/faults"), as_json=as_json)
