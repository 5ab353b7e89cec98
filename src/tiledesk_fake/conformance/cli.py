"""The commands `tiledesk-fake check` and `tiledesk-fake learn`."""

import math
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from ..contract.profile import parse_assumptions, read_profile
from ..core.ids import new_seed
from ..errors import TiledeskFakeError
from ..extras import install_line
from .credentials import Basic, Credential, Jwt, Redaction
from .learning import learn as learn_from
from .learnt import Learnt
from .outcome import CannotCheck
from .progress import Progress
from .report import Report, check_writable, form_of, report_of
from .runner import check as check_target
from .target import EXAMPLES, TIMEOUT_S, Target


class _Seconds(click.FloatRange):
    """A range of numbers, which nan is not in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        seconds = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return seconds


class _Lines(click.types.StringParamType):
    """A text; an environment variable has one on each line."""

    def split_envvar_value(self, rv: str) -> Sequence[str]:
        return [line for line in rv.splitlines() if line.strip()]


class _Command(click.Command):
    """A command whose usage error names no surplus argument: it may well be a password."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.allow_extra_args = True
        rest = super().parse_args(ctx, args)
        if ctx.args:
            number = "an argument" if len(ctx.args) == 1 else f"{len(ctx.args)} arguments"
            raise click.UsageError(
                f"there is {number} too many beside the URL; each ADDRESS:PASSWORD needs a --basic of its own, each "
                "token a --jwt",
                ctx,
            )
        return rest


def _collect(parse: Callable[[str], Credential]) -> Callable[[click.Context, click.Parameter, tuple[str, ...]], None]:
    def collect(context: click.Context, _: click.Parameter, values: tuple[str, ...]) -> None:
        # Options are called back in the order of the command line, so the first user is the one who was given first.
        context.ensure_object(dict).setdefault("credentials", []).extend(map(parse, values))

    return collect


def _options(*, url_required: bool) -> Callable[[Any], Any]:
    return lambda command: _with_options(command, url_required=url_required)


def _with_options(command: Any, *, url_required: bool) -> Any:
    for option in reversed(
        (
            click.argument("url", required=url_required),
            click.option(
                "--basic",
                metavar="ADDRESS:PASSWORD",
                type=_Lines(),
                envvar="TILEDESK_CHECK_BASIC",
                multiple=True,
                expose_value=False,
                callback=_collect(Basic.parse),
                help="Credentials of a user; may be repeated. The first user is the one examined. Also read from "
                "TILEDESK_CHECK_BASIC, one on each line.",
            ),
            click.option(
                "--jwt",
                metavar="TOKEN",
                type=_Lines(),
                envvar="TILEDESK_CHECK_JWT",
                multiple=True,
                expose_value=False,
                callback=_collect(Jwt.parse),
                help="A token of a user; may be repeated, for the same user or another. Also read from "
                "TILEDESK_CHECK_JWT, one on each line.",
            ),
            click.option(
                "--may-revoke", is_flag=True, help="Allow to revoke tokens of the users; without it, only read."
            ),
            click.option(
                "--timeout",
                "timeout_s",
                default=10.0,
                show_default=True,
                type=_Seconds(*TIMEOUT_S),
                help="The seconds to wait for a whole answer.",
            ),
        )
    ):
        command = option(command)
    return command


@click.command(cls=_Command)
@_options(url_required=True)
@click.option(
    "--profile",
    metavar="NAME|FILE",
    help="documented, the default; siblings, what the API's authors would most probably have written; or a YAML file, "
    "in which `profile:` maps ids to choices.",
)
@click.option(
    "--assume", "assumptions", metavar="ID=CHOICE", multiple=True, help="Turn one assumption; may be repeated."
)
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
    choices = {} if profile is None else dict(read_profile(profile).choices)
    target = Target(
        url,
        tuple(context.ensure_object(dict).get("credentials", ())),
        choices | parse_assumptions(assumptions, source="--assume"),
        may_revoke,
        examples,
        new_seed() if seed is None else seed,
        timeout_s,
    )
    with failures_in_one_line(target.credentials):
        try:
            with _progress() as progress:
                found = check_target(target, progress=progress)
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


@contextmanager
def failures_in_one_line(credentials: Iterable[Credential]) -> Iterator[None]:
    """An unexpected exception becomes CannotCheck: exit status 1 would mean a broken contract."""
    try:
        yield
    except (TiledeskFakeError, click.ClickException, BrokenPipeError):
        raise
    except Exception as problem:
        at = traceback.extract_tb(problem.__traceback__)[-1]
        said = Redaction([[credential] for credential in credentials])(f"{type(problem).__name__}: {problem}")
        where = f"{Path(at.filename).name}:{at.lineno}"
        raise CannotCheck(f"failed where it must not, at {where}: {said}; please report this") from problem


@click.command(cls=_Command)
@_options(url_required=False)
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
    credentials = tuple(context.ensure_object(dict).get("credentials", ()))
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
    from .replay.cli import progress  # noqa: PLC0415
    from .replay.learning import learn_from as learn_from_file  # noqa: PLC0415

    with failures_in_one_line(()), progress() as tell:
        return learn_from_file(recording, others=others, progress=tell)


def _learnt_from_server(target: Target) -> Learnt:
    with failures_in_one_line(target.credentials):
        try:
            with _progress() as progress:
                return learn_from(target, progress=progress)
        except BaseException as ended:
            for record in getattr(ended, "given_up", ()):
                click.echo(f"given up, perhaps revoked: {record['_id']} (jti {record['jti']})", err=True)
            for each in getattr(ended, "left_behind", ()):
                click.echo(f"left behind: {each}", err=True)
            raise


@contextmanager
def _progress() -> Iterator[Progress]:
    """Progress on a terminal, in one line that is erased at the end; elsewhere none."""
    if not sys.stderr.isatty():
        yield lambda done, total, doing: None
        return

    def tell(done: int, total: int, doing: str) -> None:
        click.echo(f"\r\x1b[K[{done}/{total}] {doing}", nl=False, err=True)

    try:
        yield tell
    finally:
        click.echo("\r\x1b[K", nl=False, err=True)
