"""The command `tiledesk-fake check`."""

import sys
from importlib.util import find_spec
from pathlib import Path

import click

from ..conformance.outcome import CannotCheck
from ..conformance.report import Report, check_writable, form_of, report_of
from ..conformance.runner import check as check_target
from ..conformance.target import EXAMPLES, Target
from ..core.ids import new_seed
from ..extras import install_line
from . import options
from .examining import Command, credentials_of, examining
from .running import failures_in_one_line, progress


@click.command(cls=Command, epilog=options.ASSUMPTIONS)
@examining(url_required=True)
@options.profile
@options.assume
@click.option(
    "--examples", default=EXAMPLES, show_default=True, type=click.IntRange(1), help="Generated examples per operation."
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Repeat the run that said this seed.")
@click.option(
    "--report",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the report: .html, .json or .xml (JUnit), by the suffix.",
)
@click.pass_context
def check(
    context: click.Context,
    *,
    url: str,
    may_revoke: bool,
    timeout_s: float,
    profile: str | None,
    assumptions: tuple[str, ...],
    examples: int,
    seed: int | None,
    report: Path | None,
) -> None:
    """Is the server at URL within the contract? Exit 0 if it is, 1 if not, 2 if it cannot be checked."""
    if find_spec("schemathesis") is None or find_spec("hypothesis") is None:
        needed = install_line("check", "schemathesis", "hypothesis")
        raise CannotCheck(f"check needs Schemathesis and Hypothesis: {needed}")
    if report is not None:
        form_of(report)
        check_writable(report)
    target = Target(
        url,
        credentials_of(context),
        options.choices(profile, assumptions),
        may_revoke,
        examples,
        new_seed() if seed is None else seed,
        timeout_s,
    )
    with failures_in_one_line(target.credentials):
        try:
            with progress() as tell:
                found = check_target(target, progress=tell)
        except BaseException as ended:
            # An interrupt too: the report tells what was revoked until then.
            if (until_then := report_of(ended)) is not None:
                _hand_on(until_then, report)
            raise
    _hand_on(found, report)
    if found.broken:
        sys.exit(1)


def _hand_on(found: Report, file: Path | None) -> None:
    # The file comes first, because whoever reads the text may be gone. The text is printed even if the file fails.
    try:
        if file is not None:
            found.write(file)
    finally:
        click.echo(found.text())
