"""The rows of the table, and how they are written."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One thing that was measured: how many times the other it is, and the bar where it has one."""

    what: str
    ratio: float
    at_most: float | None = None
    at_least: float | None = None
    detail: str = ""

    @property
    def held(self) -> str:
        """Whether the bar is held, in a word; nothing where there is none."""
        if self.at_most is None and self.at_least is None:
            return ""
        too_much = self.at_most is not None and self.ratio > self.at_most
        too_little = self.at_least is not None and self.ratio < self.at_least
        return "NO" if too_much or too_little else "yes"

    @property
    def bar(self) -> str:
        """The bar, as it is written."""
        if self.at_most is not None:
            return f"≤ {self.at_most:g} ×"
        return f"≥ {self.at_least:g} ×" if self.at_least is not None else ""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, its columns aligned."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]

    def written(cells: Sequence[str]) -> str:
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"

    return "\n".join(
        [written(lines[0]), f"|{'|'.join('-' * (width + 2) for width in widths)}|", *map(written, lines[1:])]
    )


def bars(rows: Sequence[Row]) -> str:
    """The rows as a table, each with its bar and whether that is held."""
    return table(
        ("what", "measured", "bar", "held", "how much that is"),
        [(row.what, f"{row.ratio:.2f} ×", row.bar, row.held, row.detail) for row in rows],
    )


def microseconds(seconds: float) -> str:
    """`95 µs`, to three digits."""
    return f"{seconds * 1e6:.3g} µs" if seconds < 1e-3 else f"{seconds * 1e3:.3g} ms"
