"""While a command runs that takes long: how far it is, and what becomes of a failure that nobody expected."""

import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from ..conformance.credentials import Credential, Redaction
from ..conformance.outcome import CannotCheck
from ..conformance.progress import Progress
from ..errors import TiledeskFakeError

_ERASED = "\r\x1b[K"


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


@contextmanager
def progress() -> Iterator[Progress]:
    """Progress on a terminal, in one line that is erased at the end; elsewhere none."""
    if not sys.stderr.isatty():
        yield lambda done, total, doing: None
        return

    def tell(done: int, total: int, doing: str) -> None:
        click.echo(f"{_ERASED}[{done}/{total}] {doing}", nl=False, err=True)

    try:
        yield tell
    finally:
        click.echo(_ERASED, nl=False, err=True)


@contextmanager
def counting() -> Iterator[Callable[[int, str], None]]:
    """Progress on stderr: one line that is erased at the end on a terminal, elsewhere a line now and then."""
    on_terminal = sys.stderr.isatty()

    def tell(done: int, doing: str) -> None:
        if on_terminal:
            click.echo(f"{_ERASED}{doing}: {done:,} exchanges", nl=False, err=True)
        elif done % 10_000 == 0:
            click.echo(f"{doing}: {done:,} exchanges", err=True)

    try:
        yield tell
    finally:
        if on_terminal:
            click.echo(_ERASED, nl=False, err=True)
