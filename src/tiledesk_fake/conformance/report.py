"""The report of an examination, as text, JSON, JUnit and HTML."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from html import escape
from pathlib import Path
from textwrap import fill
from typing import Any
from xml.etree import ElementTree

from .. import __version__
from ..core.redaction import printable
from .outcome import CannotCheck, Finding, Omission, options


@dataclass(slots=True)
class Report:
    """The outcome of one examination. Nothing in it is secret."""

    url: str
    profile: Mapping[str, str]
    seed: int
    may_revoke: bool
    kept: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    left_out: list[Omission] = field(default_factory=list)
    revoked: list[dict[str, str]] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)
    """What may be alive on the server because of the examination, one sentence each."""
    gone: str = ""
    """How the server stopped answering, empty if it did not."""
    stopped: str = ""
    """What ended the examination before its end, empty if nothing did.

    Then, and if the server is gone, `revoked` is all that was given up.
    """

    @property
    def broken(self) -> bool:
        """Whether the server breaks the contract."""
        return bool(self.findings)

    @property
    def outcome(self) -> str:
        """`broken`, `unchecked` if it ended before its end and nothing was found, or `kept`."""
        return "broken" if self.broken else "unchecked" if self.gone or self.stopped else "kept"

    @property
    def broken_rules(self) -> set[str]:
        """The ids of the rules that are broken."""
        return {finding.rule for finding in self.findings}

    @property
    def explained_by(self) -> dict[str, str]:
        """The choices of assumptions that explain findings: under them the server would keep more rules."""
        return {id: choice for finding in self.findings for id, choice in finding.explained_by.items()}

    @property
    def hint(self) -> str:
        """How to go on where other choices explain findings; empty if none does."""
        number = sum(bool(finding.explained_by) for finding in self.findings)
        if not number:
            return ""
        waiting = sum(each.reason.endswith(" is broken") for each in self.left_out)
        left_out = f", and {waiting} rules were left out because others are broken" if waiting else ""
        return (
            f"Another profile explains {number} of {len(self.findings)} findings{left_out}: "
            f"check again with {options(self.explained_by)}"
        )

    @property
    def verdict(self) -> str:
        """The outcome in one sentence."""
        said = f"{len(self.kept)} rules kept, {len(self.findings)} broken, {len(self.left_out)} left out"
        does = {"broken": "breaks the contract", "kept": "keeps the contract"}.get(self.outcome, "could not be checked")
        gone = f"it no longer answers ({self.gone}); " if self.gone else ""
        stopped = f"{self.stopped}; " if self.stopped else ""
        return f"{self.url} {does}: {gone}{stopped}{said} (seed {self.seed})"

    def text(self) -> str:
        """The report for a terminal."""
        blocks = [str(finding) for finding in self.findings]
        if self.left_out:
            by_reason: dict[str, list[str]] = {}
            for each in self.left_out:
                by_reason.setdefault(each.reason, []).append(each.rule)
            said = [f"  {reason}:\n{_wrapped(rules)}" for reason, rules in by_reason.items()]
            blocks.append("\n".join(["Left out:", *said]))
        if self.revoked:
            lines = [f"  {each['_id']} (jti {each['jti']}){_unasked(each)}" for each in self.revoked]
            blocks.append("\n".join([f"{self._revoked_title}:", *lines]))
        if self.left_behind:
            blocks.append("\n".join(["Left behind:", *(f"  {each}" for each in self.left_behind)]))
        return "\n\n".join([*blocks, *filter(None, [self.hint]), self.verdict])

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON takes it."""
        return {
            "tool": f"tiledesk-fake {__version__}",
            "url": self.url,
            "verdict": self.outcome,
            "profile": dict(self.profile),
            "seed": self.seed,
            "may_revoke": self.may_revoke,
            "findings": [_finding(each) for each in self.findings],
            "left_out": [asdict(each) for each in self.left_out],
            "kept": self.kept,
            "explained_by": self.explained_by,
            "revoked": self.revoked,
            "left_behind": self.left_behind,
            "gone": self.gone or None,
            "stopped": self.stopped or None,
        }

    def json(self) -> str:
        """The report as a JSON document."""
        return json.dumps(self.as_dict(), ensure_ascii=False, indent=2) + "\n"

    def junit(self) -> str:
        """The report as JUnit XML: a test case for each rule."""
        suite = ElementTree.Element(
            "testsuite",
            name=f"tiledesk-fake check {self.url}",
            tests=str(len(self.kept) + len(self.findings) + len(self.left_out) + len(self._errors)),
            failures=str(len(self.findings)),
            errors=str(len(self._errors)),
            skipped=str(len(self.left_out)),
        )
        for rule in self.kept:
            _case(suite, rule)
        for finding in self.findings:
            message = _in_xml(f"expected {finding.expected}; got {finding.got}")
            failure = ElementTree.SubElement(_case(suite, finding.rule), "failure", message=message, type="broken")
            failure.text = _in_xml(str(finding))
        for omission in self.left_out:
            ElementTree.SubElement(_case(suite, omission.rule), "skipped", message=_in_xml(omission.reason))
        for name, kind in self._errors:
            ElementTree.SubElement(_case(suite, name), "error", message=_in_xml(self.verdict), type=kind)
        said = [f"{self._revoked_title}: {json.dumps(self.revoked)}"] if self.revoked else []
        said += [f"Left behind: {each}" for each in self.left_behind]
        if said:
            ElementTree.SubElement(suite, "system-out").text = _in_xml("\n".join(said))
        suites = ElementTree.Element("testsuites")
        suites.append(suite)
        ElementTree.indent(suites)
        # ElementTree declares the machine's encoding where it writes text, so it writes bytes.
        written: bytes = ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True)
        return written.decode() + "\n"

    def html(self) -> str:
        """The report as one page, which needs nothing but itself."""
        title = f"{self.outcome.capitalize()}: {escape(self.url)}"
        body = [f"<h1>{title}</h1>", f"<p>{escape(self.verdict)}</p>"]
        body += [f"<p>{escape(self.hint)}</p>"] * bool(self.hint)
        body += [_article(finding) for finding in self.findings]
        body.append(_table("Left out", ("Rule", "What it asks", "Why"), self._omissions()))
        body.append(_table(self._revoked_title, ("id", "jti", ""), self._keys()))
        body.append(_table("Left behind", ("What",), [(each,) for each in self.left_behind]))
        body.append(_table("Profile", ("Assumption", "Choice"), list(self.profile.items())))
        body.append(_table("Kept", ("Rule",), [(rule,) for rule in self.kept]))
        return page(f"{self.outcome.capitalize()}: {self.url}", "\n".join(filter(None, body)))

    def write(self, path: Path) -> None:
        """Write the report in the form that the suffix of the path names: .html, .json or .xml (JUnit).

        Raises CannotCheck for another suffix, or if the file cannot be written.
        """
        form = form_of(path)
        try:
            path.write_text(getattr(self, form)(), encoding="utf-8")
        except OSError as cause:
            raise CannotCheck(f"{path}: cannot be written: {cause.strerror or cause}") from cause

    @property
    def _revoked_title(self) -> str:
        return "Given up, and perhaps revoked" if self.stopped or self.gone else "Revoked"

    @property
    def _errors(self) -> list[tuple[str, str]]:
        """The errors that ended the examination early, as the name of a test case and the type of its error."""
        gone, stopped = ("reachable", "gone"), ("finished", "stopped")
        return [gone] * bool(self.gone) + [stopped] * bool(self.stopped)

    def _keys(self) -> list[tuple[str, ...]]:
        return [(each["_id"], each["jti"], _unasked(each).removeprefix(", ")) for each in self.revoked]

    def _omissions(self) -> list[tuple[str, ...]]:
        return [(each.rule, each.sentence, each.reason) for each in self.left_out]


def page(title: str, body: str) -> str:
    """A page of HTML that needs nothing but itself; `body` is HTML already."""
    return _PAGE.format(title=escape(title), style=_STYLE, body=body)


def report_of(ended: BaseException) -> Report | None:
    """The report until an exception ended an examination; None if no examination had begun."""
    report: Report | None = getattr(ended, "report", None)
    return report


_FORMS = {".html": "html", ".json": "json", ".xml": "junit"}


def form_of(path: Path) -> str:
    """The form that a path's suffix names. Raises CannotCheck for another suffix."""
    if path.suffix.lower() not in _FORMS:
        raise CannotCheck(f"--report: expected a file ending in {', '.join(_FORMS)}, got {str(path)!r}")
    return _FORMS[path.suffix.lower()]


def check_writable(path: Path) -> None:
    """Raise CannotCheck, before anything is asked, if no file can be written there."""
    try:
        # To append nothing leaves a file as it is.
        existed = path.exists()
        path.open("ab").close()
        if not existed:
            path.unlink()
    except OSError as cause:
        raise CannotCheck(f"{path}: cannot be written: {cause.strerror or cause}") from cause


def _unasked(record: Mapping[str, str]) -> str:
    return f", {record['unasked']} though the check did not ask for it" if "unasked" in record else ""


def _wrapped(rules: list[str]) -> str:
    return fill(", ".join(rules), 110, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "sentence": finding.sentence,
        "expected": finding.expected,
        "got": finding.got,
        "contract": finding.place.line_of_file,
        "level": finding.place.level,
        "curl": finding.curl,
        "explained_by": dict(finding.explained_by),
    }


def _case(suite: ElementTree.Element, rule: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", classname="tiledesk_fake.conformance", name=rule)


def _in_xml(text: str) -> str:
    """The text with escapes for the control characters that XML cannot write."""
    return printable(text, keep="\t\n")


def _article(finding: Finding) -> str:
    rows = [("Expected", finding.expected), ("Got", finding.got), ("Contract", str(finding.place))]
    if finding.curl:
        rows.append(("Try", finding.curl))
    if finding.explained_by:
        rows.append(("Instead", options(finding.explained_by)))
    cells = "".join(f"<dt>{name}</dt><dd><code>{escape(value)}</code></dd>" for name, value in rows)
    return f"<article><h2>{escape(finding.rule)}</h2><p>{escape(finding.sentence)}</p><dl>{cells}</dl></article>"


def _table(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th scope='col'>{escape(column)}</th>" for column in columns)
    cells = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f"<details><summary>{title} ({len(rows)})</summary>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table></details>"
    )


_STYLE = """
:root { color-scheme: light dark }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
article { border-left: .3rem solid #c0392b; padding-left: 1rem; margin: 1.5rem 0 }
h1, h2 { line-height: 1.2; overflow-wrap: anywhere }
dt { font-weight: 600 }
dd { margin: 0 0 .5rem }
code { overflow-wrap: anywhere; white-space: pre-wrap }
details { margin: 1rem 0 }
summary { cursor: pointer; font-weight: 600 }
td, th { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; overflow-wrap: anywhere }
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""
