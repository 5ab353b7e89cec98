"""The coverage of the contract by the tests of a run, from all its processes: `--tiledesk-coverage`."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from shlex import quote

import pytest

from tiledesk_fake.coverage import Cell, Coverage, cells, met
from tiledesk_fake.errors import CannotReach

from .hub import Hub
from .settings import default_profile
from .urls import SettingError

_MOST_MISSING = 10


class CoverageOfRun:
    """Records which cells each test meets, on every worker, and reports at the end."""

    def __init__(self, config: pytest.Config, hub: Hub, file: str, fail_under: str | None) -> None:
        """Write to `file`, in the format of its ending; empty for the terminal alone. Raises SettingError."""
        self._config = config
        self._hub = hub
        if file and Path(file).suffix not in (".html", ".json"):
            option = "--tiledesk-coverage"
            are_tests = "::" in file or Path(config.invocation_params.dir, file).exists()
            hint = f"; write the tests first: pytest {quote(file)} {option}" if are_tests else ""
            raise SettingError(f"{option}: expected a file that ends with .html or .json, got {file!r}{hint}")
        self._file = file
        self._least = _percent(fail_under)
        self._coverage = Coverage(cells(default_profile(config)))

    # Before the hub's hook, which lets go of the test's fakes.
    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        # After each phase, because a fixture may reset the fake in the next. If the server does not answer, the test
        # has failed for that.
        with suppress(CannotReach):
            if self._hub.verdict.used:
                cells = {cell for choices, exchange in self._hub.verdict.heard() for cell in met(exchange, choices)}
                report.tiledesk_cells = sorted(map(list, cells))  # type: ignore[attr-defined]
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._coverage.add(report.nodeid, (Cell(*cell) for cell in getattr(report, "tiledesk_cells", ())))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if hasattr(self._config, "workerinput"):
            return
        if self._file:
            path = Path(self._config.invocation_params.dir, self._file)
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".json":
                text = json.dumps(self._coverage.as_json(), indent=1) + "\n"
            else:
                from .coverage_page import page

                text = page(self._coverage)
            path.write_text(text, encoding="utf-8")
        if self._coverage.percent < self._least and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.section("coverage of the contract")
        for line in self._lines():
            terminalreporter.write_line(line)

    def _lines(self) -> list[str]:
        lines = []
        tests = self._coverage.tests
        for operation in dict.fromkeys(cell.operation for cell in tests):
            of_operation = [cell for cell in tests if cell.operation == operation]
            missing = [cell.case for cell in of_operation if not tests[cell]]
            shown = ", ".join(missing[:_MOST_MISSING]) + (" …" if len(missing) > _MOST_MISSING else "")
            covered = f"{len(of_operation) - len(missing)} of {len(of_operation)}"
            lines.append(f"{operation:<18} {covered:>9}" + (f"  not: {shown}" if missing else ""))
        percent = self._coverage.percent
        lines.append(f"{'in all':<18} {percent:>8g}%" + (f"  in {self._file}" if self._file else ""))
        if percent < self._least:
            lines.append(f"--tiledesk-coverage-fail-under: expected at least {self._least:g} %, got {percent:g} %")
        return lines


def _percent(text: str | None) -> float:
    try:
        percent = 0.0 if text is None else float(text)
    except ValueError:
        percent = -1
    if not 0 <= percent <= 100:
        raise SettingError(f"--tiledesk-coverage-fail-under: expected a number from 0 to 100, got {text!r}")
    return percent
