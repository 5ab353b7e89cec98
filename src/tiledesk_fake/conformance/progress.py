"""Progress, for whoever waits."""

from collections.abc import Callable

Progress = Callable[[int, int, str], None]
"""Called with the number of steps that are done, of how many, and what is next."""


def silent(done: int, total: int, doing: str) -> None:
    """Tell nobody."""
