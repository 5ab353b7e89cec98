"""The options that several commands take: a profile, and single assumptions."""

from collections.abc import Mapping
from pathlib import Path

import click

from ..contract.profile import CHOICES, NUMBERS, parse_assumptions, read_profile

profile = click.option(
    "--profile",
    metavar="NAME|FILE",
    help="documented, the default; siblings, what the API's authors would most probably have written; or a YAML file, "
    "in which `profile:` maps ids to choices.",
)
assume = click.option(
    "--assume", "assumptions", metavar="ID=CHOICE", multiple=True, help="Turn one assumption; may be repeated."
)
# \b keeps click from filling the lines.
ASSUMPTIONS = "\b\nAssumptions and their choices, the default first:\n" + "\n".join(
    f"  {id}={'|'.join(choices)}" + (f"\n    or {NUMBERS[id]}" if id in NUMBERS else "")
    for id, choices in CHOICES.items()
)
"""What the help of a command with these options ends with."""


def choices(profile: str | None, assumptions: tuple[str, ...]) -> Mapping[str, str]:
    """The choices of the profile, and of `--assume`, which count before them. Raises ProfileError."""
    from_file = {} if profile is None else dict(read_profile(profile).choices)
    return from_file | parse_assumptions(assumptions, source="--assume")


def with_tls(folder: Path | None, *, tls: bool) -> bool | Path:
    """What TiledeskFake takes as `tls`."""
    if folder is not None and not tls:
        raise click.UsageError("--ca-dir is where the authority of --tls is kept; add --tls")
    return folder or tls
