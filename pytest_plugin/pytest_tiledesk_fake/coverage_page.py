"""The coverage of the contract as a page for people: one file that loads nothing."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from tiledesk_fake.coverage import Cell, Coverage, Kind

_KINDS: dict[Kind, str] = {"answer": "Answers", "parameter": "Parameters", "assumption": "Assumptions"}
_STYLE = """
:root { color-scheme: light dark; --ink: #1c2024; --soft: #60646c; --line: #d9d9e0; --ground: #fcfcfd;
  --yes: #e6f6eb; --yes-ink: #1b5e33; --no: #feebec; --no-ink: #a3242b }
@media (prefers-color-scheme: dark) { :root { --ink: #edeef0; --soft: #b0b4ba; --line: #363a3f; --ground: #111113;
  --yes: #132d21; --yes-ink: #8ce2b3; --no: #3b1219; --no-ink: #ffa8ad } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.25rem 4rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif }
h1 { margin: 0; font-size: 1.5rem } h2 { margin: 2.5rem 0 0; font-size: 1.2rem } h3 { margin: 1rem 0 .4rem;
  font-size: .9rem; font-weight: 600; color: var(--soft) }
p { margin: .3rem 0; color: var(--soft) } strong { color: var(--ink) }
progress { width: 100%; height: .6rem; accent-color: #30a46c }
ul { display: flex; flex-wrap: wrap; align-items: flex-start; gap: .4rem; margin: 0; padding: 0; list-style: none }
li { max-width: 100% }
li > span, summary { display: inline-block; padding: .2rem .6rem; border-radius: .4rem; font: .85rem/1.4 ui-monospace,
  monospace }
li > span { background: var(--no); color: var(--no-ink) }
summary { background: var(--yes); color: var(--yes-ink); cursor: pointer }
summary::marker { content: "" } details[open] > summary { border-bottom-left-radius: 0 }
details ol { margin: 0 0 .5rem; padding: .4rem .8rem .4rem 2rem; border-left: 2px solid var(--yes-ink); font: .8rem/1.5
  ui-monospace, monospace; overflow-wrap: anywhere }
"""


def page(coverage: Coverage) -> str:
    """The HTML page: for each operation the cells that were met, each with its tests, and those that were not."""
    tests = coverage.tests
    operations = dict.fromkeys(cell.operation for cell in tests)
    covered = sum(map(bool, tests.values()))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>Coverage of the contract</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        "<h1>Coverage of the contract</h1>\n"
        f"<p><strong>{coverage.percent:g} %</strong>: tests met {covered} of {len(tests)} cases. "
        "Open a green one for the tests behind it; ✗ marks what no test has met.</p>\n"
        f'<progress max="{len(tests)}" value="{covered}" aria-label="Covered"></progress>\n'
        + "".join(_operation(operation, coverage) for operation in operations)
        + "</main>\n</body>\n</html>\n"
    )


def _operation(operation: str, coverage: Coverage) -> str:
    of_operation = [cell for cell in coverage.tests if cell.operation == operation]
    covered = sum(bool(coverage.tests[cell]) for cell in of_operation)
    parts = [
        f"<section>\n<h2>{escape(operation)}</h2>\n<p>{covered} of {len(of_operation)}</p>\n",
    ]
    for kind, heading in _KINDS.items():
        cells = [cell for cell in of_operation if cell.kind == kind]
        parts.append(f"<h3>{heading}</h3>\n<ul>\n{''.join(_cell(cell, coverage.tests[cell]) for cell in cells)}</ul>\n")
    return "".join(parts) + "</section>\n"


def _cell(cell: Cell, tests: Iterable[str]) -> str:
    listed = "".join(f"<li>{escape(test)}</li>" for test in sorted(tests))
    if not listed:
        return f"<li><span>✗ {escape(cell.case)}</span></li>\n"
    return f"<li><details><summary>✓ {escape(cell.case)}</summary><ol>{listed}</ol></details></li>\n"
