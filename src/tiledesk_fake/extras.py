"""What to install for an extra: its requirements themselves, which any index has, wherever this package is from."""

import re
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires

from .curl import quoted

_OF_AN_EXTRA = re.compile(r"""(.+?)\s*;\s*extra\s*==\s*["'](.+)["']""")


def install_line(extra: str, *distributions: str) -> str:
    """A line for the shell; `distributions` are named where nothing tells which versions of them are needed.

    >>> install_line("no such extra", "one", "another")
    'pip install one another'
    """
    declared: list[str] = []
    # Without metadata the package was not installed but found on the path.
    with suppress(PackageNotFoundError):
        found = filter(None, map(_OF_AN_EXTRA.fullmatch, requires("tiledesk-fake") or ()))
        declared = [each[1] for each in found if each[2] == extra]
    return f"pip install {' '.join(map(quoted, declared or distributions))}"
