"""The options that several commands take: a profile, and single assumptions."""

from collections.abc import Mapping
from pathlib import Path

import click

from ..contract.profile import CHOICES, parse_assumptions, read_profile

profile = click.option(
    "--profile",
    "profile_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A YAML file that turns assumptions: `profile:` maps ids to choices.",
)
assume = click.option(
    "--assume", "assumptions", metavar="ID=CHOICE", multiple=True, help="Turn one assumption; may be repeated."
)
# \b keeps click from filling the lines.
ASSUMPTIONS = "\b\nAssumptions and their choices, the default first:\n" + "\n".join(
    f"  {id}={'|'.join(choices)}" for id, choices in CHOICES.items()
)
"""What the help of a command with these options ends with."""


def choices(profile_file: Path | None, assumptions: tuple[str, ...]) -> Mapping[str, str]:
    """The choices of the file, and of `--assume`, which count before them. Raises ProfileError."""
    from_file = {} if profile_file is None else dict(read_profile(profile_file).choices)
    return from_file | parse_assumptions(assumptions, source="--assume")
