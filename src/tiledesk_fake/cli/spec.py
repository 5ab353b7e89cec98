"""The command `tiledesk-fake spec`: the contract, or the overlay that a profile is, on stdout."""

import json
import re
from typing import Any

import click
import yaml

from .. import contract
from ..contract.overlay import overlay
from ..contract.published import FORMS, published
from .options import ASSUMPTIONS, assume, choices
from .options import profile as profile_option

# A scheme, a host or its address, and a path. Credentials would be published, a query precede what is called.
_SERVER = re.compile(
    r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    r"((?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*)"
)


class _Server(click.types.StringParamType):
    """The URL of a server, without a slash at its end."""

    name = "URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        url = str(value)
        if not _SERVER.fullmatch(url):
            got = "one with an @ in it" if "@" in url else repr(url)
            self.fail(
                "expected the URL of a server with its base path, like http://127.0.0.1:8000/v3, "
                f"without credentials and query; got {got}",
                param,
                ctx,
            )
        return url.rstrip("/")


@click.command(epilog=ASSUMPTIONS)
@profile_option
@assume
@click.option(
    "--openapi",
    "openapi",
    type=click.Choice([*FORMS]),
    help="The form of OpenAPI; 3.0 unless given. The two differ in the line that says which.",
)
@click.option(
    "--server",
    type=_Server(),
    help='The server that tools send requests to, such as "try it" on a rendered page; the public API unless given.',
)
@click.option(
    "--overlay",
    "as_overlay",
    is_flag=True,
    help="Print an OpenAPI Overlay 1.0, which turns the contract without options into the one with them.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    show_default=True,
    help="What it is written in.",
)
def spec(
    *,
    profile: str | None,
    assumptions: tuple[str, ...],
    openapi: str | None,
    server: str | None,
    as_overlay: bool,
    form: str,
) -> None:
    """Print the OpenAPI contract.

    It is what the fake serves under the given choices, and says of each behaviour how it is known.
    """
    made = choices(profile, assumptions)
    if as_overlay:
        document = overlay(made, openapi=openapi, server=server)
    else:
        document = published(contract.load(made), openapi=openapi, server=server)
    click.echo(_as_json(document) if form == "json" else _as_yaml(document), nl=False)


def _as_json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _as_yaml(document: dict[str, Any]) -> str:
    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            """Write everything where it belongs: some tools read an alias as text."""
            return True

    written: str = yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)
    return written
