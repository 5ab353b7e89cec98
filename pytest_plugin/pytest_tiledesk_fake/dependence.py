"""What a client depends on, in plain words: which tests fail under another choice of an assumption."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any

import pytest

from tiledesk_fake import contract as contracts
from tiledesk_fake.contract.specialising import alternative_of

_MOST_TESTS = 10


class Dependence:
    """The outcomes of a run's variants, from the reports of all its processes, and their summary."""

    def __init__(self, config: pytest.Config, report_file: str | None) -> None:
        self._config = config
        self._file = report_file
        self._session: pytest.Session | None = None
        self._ran: dict[tuple[str, str], set[str]] = {}
        self._failed: dict[tuple[str, str], dict[str, str]] = {}
        self._spared: dict[str, int] = {}
        self._not_varied: set[str] = set()
        self._instead_of: dict[tuple[str, str], str] = {}

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._session = session

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        variant: Mapping[str, str] | None = getattr(report, "tiledesk_variant", None)
        if variant is not None:
            self._note_variant(report, variant)
        elif (base := getattr(report, "tiledesk_base", None)) is not None:
            if not base["passed"]:
                self._not_varied.add(report.nodeid)
            for choice in base["spared"]:
                self._spared[choice] = self._spared.get(choice, 0) + 1

    def _note_variant(self, report: pytest.TestReport, variant: Mapping[str, str]) -> None:
        key = variant["id"], variant["choice"]
        nodeid = variant["base"]
        if report.nodeid not in self._ran.setdefault(key, set()) and self._session:
            # pytest takes the number of tests from its collection.
            self._session.testscollected += 1
        self._ran[key].add(report.nodeid)
        self._instead_of[key] = variant["instead_of"]
        failed = self._failed.setdefault(key, {})
        if report.failed:
            failed[nodeid] = report.nodeid
        elif report.when == "setup":
            # Run again, by a plugin that reruns failures.
            failed.pop(nodeid, None)

    def as_json(self) -> dict[str, Any]:
        """The content of `--tiledesk-assume-report`."""
        assumptions = _assumptions()
        keys = {f"{id}={choice}": (id, choice) for id in assumptions for choice in _choices(assumptions[id])}
        return {
            "choices": {
                name: {
                    "question": assumptions[id]["question"],
                    "confidence": assumptions[id]["confidence"],
                    "ran": len(self._ran.get((id, choice), ())),
                    "spared": self._spared.get(name, 0),
                    "failed": sorted(self._failed.get((id, choice), ())),
                }
                for name, (id, choice) in keys.items()
                if (id, choice) in self._ran or name in self._spared
            }
        }

    def pytest_sessionfinish(self) -> None:
        if self._file and not hasattr(self._config, "workerinput"):
            path = Path(self._config.invocation_params.dir, self._file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(self.as_json(), indent=1) + "\n", encoding="utf-8")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("what your client depends on")
        for line in self.lines():
            terminalreporter.write_line(line)

    def lines(self) -> list[str]:
        """The summary, grouped by assumption."""
        ran = sum(map(len, self._ran.values()))
        lines = []
        for id, assumption in _assumptions().items():
            fallen = [
                (choice, self._failed[id, choice]) for choice in _choices(assumption) if self._failed.get((id, choice))
            ]
            if fallen:
                lines += [*self._paragraph(id, assumption, fallen), ""]
        if not lines and ran:
            lines.append("No test falls under another choice of what it touches, as far as they were run again.")
        elif not ran:
            lines.append("No test was run again: none that passes touches an assumption that may be varied.")
        spared = sum(self._spared.values())
        lines.append(
            f"{_times(ran).capitalize()} a test was run again under another choice; {_times(spared)} that was spared, "
            "because the test does not touch the assumption."
        )
        if self._not_varied:
            number = len(self._not_varied)
            lines.append(
                f"{number} {'test was' if number == 1 else 'tests were'} not varied, "
                "because only what passes as configured can tell: mend these first."
            )
        return lines

    def _paragraph(self, id: str, assumption: Mapping[str, Any], fallen: list[tuple[str, dict[str, str]]]) -> list[str]:
        base = self._instead_of[id, fallen[0][0]]
        known = f"assumed, confidence {assumption['confidence']:g}" if base == assumption["default"] else "chosen"
        lines = []
        for choice, tests in fallen:
            number = f"{len(tests)} {'test falls' if len(tests) == 1 else 'tests fall'}"
            lines.append(
                f'your client depends on "{_meaning(assumption, base)}" ({id}, {known}): '
                f'{number} where it is {choice}: "{_meaning(assumption, choice)}"'
            )
            lines += [f"    {nodeid}" for nodeid in sorted(tests)[:_MOST_TESTS]]
            if len(tests) > _MOST_TESTS:
                lines.append(f"    … and {len(tests) - _MOST_TESTS} more")
            lines.append(f"    again     pytest --tiledesk-assume-each={id} {quote(tests[min(tests)])}")
        lines.append(
            f"    next      make the client work either way; or ask a server, tiledesk-fake learn URL; or, where it is "
            f"known, fix it in the profile: --tiledesk-profile {id}={base}"
        )
        return lines


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def _assumptions() -> dict[str, Mapping[str, Any]]:
    return {assumption["id"]: assumption for assumption in contracts.load().document["x-assumptions"]}


def _choices(assumption: Mapping[str, Any]) -> list[str]:
    return [assumption["default"], *assumption["alternatives"]]


def _meaning(assumption: Mapping[str, Any], choice: str) -> str:
    meant = assumption if choice == assumption["default"] else alternative_of(assumption, choice)
    return str(meant["meaning"]).rstrip(".")
