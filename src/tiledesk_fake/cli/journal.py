"""The commands `tiledesk-fake journal` and `tiledesk-fake verdict`: what clients did, and whether that may pass."""

import sys
from typing import Any

import click

from .elsewhere import asking, control_of, examples, show


def _line(exchange: dict[str, Any]) -> str:
    reason = f"  reason: {exchange['reason']}" if exchange["reason"] else ""
    return f"{exchange['number']}  {exchange['at']}  {exchange['text']}{reason}"


@click.command(
    epilog=examples(
        "tiledesk-fake journal",
        "tiledesk-fake journal --operation listTokens --status 200 --user ada@example.com",
        "tiledesk-fake journal --operation revokeTokenByJti --wait-s 5",
        "tiledesk-fake journal --clear",
    )
)
@click.option("--operation", metavar="NAME", help="Only calls of this operation, like listTokens.")
@click.option("--status", type=int, help="Only calls that were answered so.")
@click.option("--user", metavar="USER", help="Only calls of this user: e-mail address or id.")
@click.option("--jti", metavar="TEXT", help="Only calls with this jti in the path.")
@click.option("--after", type=int, metavar="N", help="Only calls after the one with this number.")
@click.option("--wait-s", type=float, metavar="SECONDS", help="Wait until enough calls have come, up to 9 seconds.")
@click.option("--times", type=int, metavar="N", help="How many calls to wait for; 1 unless given.")
@click.option("--clear", is_flag=True, help="Forget the exchanges.")
@asking
def journal(*, url: str, control_token: str | None, as_json: bool, clear: bool, **query: Any) -> None:
    """Print what clients sent and what they got, a line for each exchange.

    With --wait-s the exit code is 1 where the calls did not come in time.
    """
    given = {name: value for name, value in query.items() if value is not None}
    if clear and given:
        raise click.UsageError("expected --clear alone: all exchanges are forgotten")
    control = control_of(url, control_token)
    if clear:
        show(control.call("DELETE", "/journal"), as_json=as_json)
        return
    told = control.get("/journal", **given)
    show(told, *map(_line, told["exchanges"]), as_json=as_json)
    if query["wait_s"] is not None and len(told["exchanges"]) < (query["times"] or 1):
        sys.exit(1)


@click.command(
    epilog=examples("tiledesk-fake verdict", "tiledesk-fake verdict --allow auth-scheme --allow unspent-fault")
)
@click.option("--allow", metavar="RULE", multiple=True, help="A rule that may be broken; may be repeated.")
@asking
def verdict(*, url: str, control_token: str | None, as_json: bool, allow: tuple[str, ...]) -> None:
    """Print ok, or what clients did wrong and which faults no call met; the exit code is 1 then."""
    told = control_of(url, control_token).get("/verdict", allow=",".join(allow) or None)
    show(told, told["text"], as_json=as_json)
    if not told["ok"]:
        sys.exit(1)
