"""What a replay found, as text, HTML and JSON."""

import json
from html import escape
from pathlib import Path
from typing import Any

from ... import __version__
from ..outcome import CannotCheck, options
from ..report import page
from .outcome import Difference, Replay

FORMS = (".html", ".json")
"""The endings of a report's file."""
_SHOWN = 50


def text(found: Replay) -> str:
    """For a terminal: the first differences, what the file does not tell, and the outcome."""
    blocks = [str(each) for each in found.differences[:_SHOWN]]
    if found.differing > _SHOWN:
        blocks.append(f"… and {found.differing - _SHOWN} more; --report FILE.json has up to 1,000")
    if found.not_told:
        blocks.append("\n".join(["Not told by this file:", *(f"  {each}" for each in found.not_told)]))
    return "\n\n".join([*blocks, *filter(None, [_hint(found)]), found.verdict])


def write(found: Replay, path: Path) -> None:
    """Write the report in the form that the ending of the path names. Raises CannotCheck if that cannot be done."""
    form = {".html": _html, ".json": _json}[check_form(path)]
    try:
        path.write_text(form(found), encoding="utf-8")
    except OSError as cause:
        raise CannotCheck(f"{path}: cannot be written: {cause.strerror or cause}") from cause


def check_form(path: Path) -> str:
    """The ending of a report's file. Raises CannotCheck for another one."""
    ending = path.suffix.lower()
    if ending not in FORMS:
        raise CannotCheck(f"--report: expected a file ending in {' or '.join(FORMS)}, got {str(path)!r}")
    return ending


def _hint(found: Replay) -> str:
    explained = sum(bool(each.explained_by) for each in found.differences)
    if not explained:
        return ""
    return f"Other choices explain {explained} differences: replay again with {options(found.explained_by)}"


def _json(found: Replay) -> str:
    content = {
        "tool": f"tiledesk-fake {__version__}",
        "file": found.file,
        "verdict": "differs" if found.differs else "same",
        "profile": dict(found.profile),
        "others": found.others,
        "replayed": found.replayed,
        "differing": found.differing,
        "differences": [_as_dict(each) for each in found.differences],
        "explained_by": found.explained_by,
        "not_told": found.not_told,
    }
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def _as_dict(each: Difference) -> dict[str, Any]:
    return {
        "exchange": each.number,
        "where": each.where,
        "request": each.request,
        "problem": each.problem,
        "got": each.got,
        "expected": each.expected,
        "contract": each.place.line_of_file,
        "level": each.place.level,
        "explained_by": dict(each.explained_by),
    }


def _html(found: Replay) -> str:
    title = f"{'Differs' if found.differs else 'Same'}: {found.file}"
    body = [f"<h1>{escape(title)}</h1>", f"<p>{escape(found.verdict)}</p>"]
    body += [f"<p>{escape(hint)}</p>" for hint in filter(None, [_hint(found)])]
    body += [_article(each) for each in found.differences]
    if found.not_told:
        items = "".join(f"<li>{escape(each)}</li>" for each in found.not_told)
        body.append(f"<h2>Not told by this file</h2><ul>{items}</ul>")
    rows = "".join(f"<dt>{escape(id)}</dt><dd>{escape(choice)}</dd>" for id, choice in found.profile.items())
    body.append(f"<details><summary>Profile</summary><dl>{rows}</dl></details>")
    return page(title, "\n".join(body))


def _article(each: Difference) -> str:
    rows = [("Differs", each.problem), ("Got", each.got), ("The fake", each.expected), ("Contract", str(each.place))]
    if each.explained_by:
        rows.append(("Instead", options(each.explained_by)))
    cells = "".join(f"<dt>{name}</dt><dd><code>{escape(value)}</code></dd>" for name, value in rows)
    heading = escape(f"Exchange {each.number} ({each.where})")
    return f"<article><h2>{heading}</h2><p><code>{escape(each.request)}</code></p><dl>{cells}</dl></article>"
