"""The command `tiledesk-fake replay`."""

import sys
from pathlib import Path

import click

from ..conformance.replay import report as reports
from ..conformance.replay.replaying import replay as replayed
from ..conformance.report import check_writable
from . import options
from .running import counting, failures_in_one_line

_FILE = click.Path(path_type=Path)


@click.command(epilog=options.ASSUMPTIONS)
@click.argument("file", type=_FILE)
@options.profile
@options.assume
@click.option(
    "--others",
    is_flag=True,
    help="Others may revoke tokens too: what only a revocation outside the file explains is no difference.",
)
@click.option("--report", metavar="FILE", type=_FILE, help="Write the report: .html or .json, by the suffix.")
def replay(*, file: Path, profile: str | None, assumptions: tuple[str, ...], others: bool, report: Path | None) -> None:
    """Does the fake answer as the server did whose traffic is in FILE, a .har or .jsonl?

    Exit 0 if it does, 1 where it differs, 2 if the file cannot be used.
    """
    made = options.choices(profile, assumptions)
    if report is not None:
        reports.check_form(report)
        check_writable(report)
    with failures_in_one_line(()), counting() as tell:
        found = replayed(file, made, others=others, progress=tell)
    # The file comes first, because whoever reads the text may be gone.
    if report is not None:
        reports.write(found, report)
    click.echo(reports.text(found))
    if found.differs:
        sys.exit(1)
