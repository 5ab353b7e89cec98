"""The commands `tiledesk-fake scenario …` and `tiledesk-fake reset`: all that a fake holds, at once."""

from pathlib import Path

import click

from ..remote.scenarios import send
from .elsewhere import asking, control_of, examples, show


@click.group()
def scenario() -> None:
    """The users and tokens of a running fake, as a file."""


@scenario.command(
    epilog=examples("tiledesk-fake scenario load people.yaml", "tiledesk-fake scenario load - < people.yaml")
)
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@asking
def load(*, file: Path, url: str, control_token: str | None, as_json: bool) -> None:
    """Add the users and tokens of a scenario, a YAML file; all of them or, where one cannot be, none."""
    told = send(control_of(url, control_token), Path("/dev/stdin") if str(file) == "-" else file)
    show(told, f"{told['users']} users, {told['tokens']} tokens", as_json=as_json)


@scenario.command(epilog=examples("tiledesk-fake scenario save > people.yaml", "tiledesk-fake scenario save --json"))
@asking
def save(*, url: str, control_token: str | None, as_json: bool) -> None:
    """Print all users and tokens as a scenario, in YAML. The passwords are in it."""
    import yaml  # noqa: PLC0415 - few commands write YAML

    told = control_of(url, control_token).get("/scenario")
    if as_json:
        show(told, as_json=True)
    else:
        click.echo(yaml.safe_dump(_plain(told), sort_keys=False, allow_unicode=True, width=120), nl=False)


def _plain(value: object) -> object:
    """Mappings as PyYAML takes them."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


@click.command(epilog=examples("tiledesk-fake reset"))
@asking
def reset(*, url: str, control_token: str | None, as_json: bool) -> None:
    """Make the fake as new: no users, no faults, no exchanges, real time. The profile stays."""
    show(control_of(url, control_token).post("/reset"), as_json=as_json)
