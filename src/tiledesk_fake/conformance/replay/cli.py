"""The command `tiledesk-fake replay`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ...cli import options
from ..cli import failures_in_one_line
from ..report import check_writable
from . import report as reports
from .replaying import Progress
from .replaying import replay as replayed

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
    with failures_in_one_line(()), progress() as tell:
        found = replayed(file, made, others=others, progress=tell)
    # The file comes first, because whoever reads the text may be gone.
    if report is not None:
        reports.write(found, report)
    click.echo(reports.text(found))
    if found.differs:
        sys.exit(1)


@contextmanager
def progress() -> Iterator[Progress]:
    """Progress on stderr: one line that is erased at the end on a terminal, elsewhere a line now and then."""
    on_terminal = sys.stderr.isatty()

    def tell(done: int, doing: str) -> None:
        if on_terminal:
            click.echo(f"\r\x1b[K{doing}: {done:,} exchanges", nl=False, err=True)
        elif done % 10_000 == 0:
            click.echo(f"{doing}: {done:,} exchanges", err=True)

    try:
        yield tell
    finally:
        if on_terminal:
            click.echo("\r\x1b[K", nl=False, err=True)
