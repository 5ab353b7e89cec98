"""The command `tiledesk-fake learn`."""

from pathlib import Path

import click

from ..conformance.learning import learn as learn_from
from ..conformance.learnt import Learnt
from ..conformance.outcome import CannotCheck
from ..conformance.replay.learning import learn_from as learn_from_file
from ..conformance.report import check_writable
from ..conformance.target import Target
from .examining import Command, credentials_of, examining
from .running import counting, failures_in_one_line, progress


@click.command(cls=Command)
@examining(url_required=False)
@click.option(
    "--from",
    "recording",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Learn from recorded traffic, a .har or .jsonl, in the place of a server; no request is made.",
)
@click.option(
    "--others",
    is_flag=True,
    help="With --from: others may revoke tokens too, of whom the file does not tell.",
)
@click.option(
    "--output", metavar="FILE", type=click.Path(path_type=Path), help="Where the profile goes; stdout unless given."
)
@click.pass_context
def learn(
    context: click.Context,
    *,
    url: str | None,
    may_revoke: bool,
    timeout_s: float,
    recording: Path | None,
    others: bool,
    output: Path | None,
) -> None:
    """Which choice does the server at URL make for each assumption? Writes a profile.

    With --from FILE, what recorded traffic alone decides.
    """
    credentials = credentials_of(context)
    if (url is None) is (recording is None):
        raise click.UsageError("expected either the URL of a server or --from FILE", context)
    if recording is None and others:
        raise click.UsageError("--others belongs to --from FILE", context)
    if recording is not None and may_revoke:
        raise click.UsageError("nothing is revoked where --from FILE is given; leave out --may-revoke", context)
    if output is not None:
        check_writable(output)
    if recording is not None:
        learnt = _learnt_from_file(recording, others=others)
    else:
        learnt = _learnt_from_server(Target(str(url), credentials, may_revoke=may_revoke, timeout_s=timeout_s))
    if output is None:
        click.echo(learnt.yaml(), nl=False)
    else:
        try:
            output.write_text(learnt.yaml(), encoding="utf-8")
        except OSError as cause:
            raise CannotCheck(f"{output}: cannot be written: {cause.strerror or cause}") from cause
    known = len(learnt.choices) - len(learnt.unknown)
    click.echo(f"{known} of {len(learnt.choices)} assumptions answered", err=True)
    for id in learnt.unknown:
        click.echo(f"  {id}: {learnt.evidence[id]}", err=True)
    for record in learnt.revoked:
        unasked = f", {record['unasked']} though it was not asked for" if "unasked" in record else ""
        click.echo(f"revoked {record['_id']} (jti {record['jti']}){unasked}", err=True)
    for each in learnt.left_behind:
        click.echo(f"left behind: {each}", err=True)


def _learnt_from_file(recording: Path, *, others: bool) -> Learnt:
    with failures_in_one_line(()), counting() as tell:
        return learn_from_file(recording, others=others, progress=tell)


def _learnt_from_server(target: Target) -> Learnt:
    with failures_in_one_line(target.credentials):
        try:
            with progress() as tell:
                return learn_from(target, progress=tell)
        except BaseException as ended:
            for record in getattr(ended, "given_up", ()):
                click.echo(f"given up, perhaps revoked: {record['_id']} (jti {record['jti']})", err=True)
            for each in getattr(ended, "left_behind", ()):
                click.echo(f"left behind: {each}", err=True)
            raise
