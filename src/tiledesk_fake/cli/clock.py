"""The commands `tiledesk-fake clock …`."""

from typing import Any

import click

from .elsewhere import asking, control_of, examples, show, without_none


def _show(told: dict[str, Any], *, as_json: bool) -> None:
    show(told, f"{told['now']}{'  frozen' if told['frozen'] else ''}", as_json=as_json)


@click.group()
def clock() -> None:
    """The time of a running fake."""


@clock.command("show", epilog=examples("tiledesk-fake clock show"))
@asking
def show_clock(*, url: str, control_token: str | None, as_json: bool) -> None:
    """Print what time it is for the fake."""
    _show(control_of(url, control_token).get("/clock"), as_json=as_json)


@clock.command(epilog=examples("tiledesk-fake clock freeze", "tiledesk-fake clock freeze 2026-01-01T00:00:00Z"))
@click.argument("at", required=False)
@asking
def freeze(*, at: str | None, url: str, control_token: str | None, as_json: bool) -> None:
    """Stop the clock, at a time or where it is."""
    _show(control_of(url, control_token).post("/clock/freeze", without_none(at=at)), as_json=as_json)


@clock.command(epilog=examples("tiledesk-fake clock advance --hours 2", "tiledesk-fake clock advance --days -1"))
@click.option("--days", type=float)
@click.option("--hours", type=float)
@click.option("--minutes", type=float)
@click.option("--seconds", type=float)
@asking
def advance(*, url: str, control_token: str | None, as_json: bool, **units: float | None) -> None:
    """Move the clock, frozen or not, forwards or backwards."""
    given = without_none(**units)
    if not given:
        raise click.UsageError("expected how far: --days, --hours, --minutes or --seconds")
    _show(control_of(url, control_token).post("/clock/advance", given), as_json=as_json)


@clock.command(epilog=examples("tiledesk-fake clock resume"))
@asking
def resume(*, url: str, control_token: str | None, as_json: bool) -> None:
    """Show the real time again."""
    _show(control_of(url, control_token).post("/clock/resume"), as_json=as_json)
