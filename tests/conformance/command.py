"""The command line, in this process: starting another one for each question would take most of the time."""

import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from unittest.mock import patch

from tiledesk_fake.cli import main


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str) -> Done:
    """What the command does with these arguments; whatever it raises but its exit comes out."""
    code = 0
    with (
        redirect_stdout(StringIO()) as stdout,
        redirect_stderr(StringIO()) as stderr,
        patch.object(sys, "argv", ["tiledesk-fake", *arguments]),
    ):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Done(code, stdout.getvalue(), stderr.getvalue())
