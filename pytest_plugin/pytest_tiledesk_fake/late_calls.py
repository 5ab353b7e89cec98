"""Calls of clients to fakes whose tests are over: refused, recorded, and reported at the end of the run."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import pytest
from _pytest.config import parse_warning_filter

from tiledesk_fake.core.redaction import redacted
from tiledesk_fake.pytest import LateCallWarning

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_MOST_SHOWN = 5


@dataclass(slots=True)
class _Calls:
    """The first few late calls to the fake of one test, and how many more there were."""

    first: list[str]
    further: int = 0


class LateCalls:
    """The late calls of one run, by the test whose fake was called."""

    def __init__(self) -> None:
        # Clients call from threads of their own.
        self._lock = Lock()
        self._of: dict[str, _Calls] = {}

    def refuse(self, nodeid: str, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        """Answer a call to the fake of a test that is over, as a WSGI app, and record it."""
        self.note(nodeid, f"{environ['REQUEST_METHOD']} {redacted(environ.get('RAW_URI', ''))}")
        start_response("410 Gone", [("Content-Type", "application/json; charset=utf-8")])
        return [b'{"success":false,"msg":"The test that this call belongs to is over."}']

    def note(self, nodeid: str, call: str) -> None:
        """Record a late call, without its credentials."""
        with self._lock:
            calls = self._of.setdefault(nodeid, _Calls([]))
            if len(calls.first) < _MOST_SHOWN:
                calls.first.append(call)
            else:
                calls.further += 1

    def report(self, session: pytest.Session) -> None:
        """Warn of each test whose fake was called after its end, or fail the run where such warnings are errors.

        A warning by the client's thread would be lost, and one at once would fail a test that has nothing to do with
        it. So this is done at the end, under the filters of the run and of the test that is named.
        """
        with self._lock:
            late, self._of = self._of, {}
        items = {item.nodeid: item for item in session.items if item.nodeid in late}
        forbidden = {}
        for nodeid, calls in late.items():
            listed = ", ".join(calls.first) + (f" and {calls.further} more" if calls.further else "")
            message = (
                f"after {nodeid} was over, its client still called its fake: {listed}. The running test was not "
                "touched, and a call over the network got 410. Stop or join the client's threads before the test ends."
            )
            if _is_error(session.config, nodeid, items.get(nodeid), message):
                forbidden[nodeid] = message
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            # A worker of pytest-xdist, which has no say in how the run ends.
            output["tiledesk_fake_late_calls"] = forbidden
        elif forbidden:
            fail_for(session.config, forbidden)
            if session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
                session.exitstatus = pytest.ExitCode.TESTS_FAILED


def fail_for(config: pytest.Config, forbidden: Mapping[str, str]) -> None:
    """Report an error for each of these tests, which say how their fakes were called too late."""
    for nodeid, message in forbidden.items():
        try:
            raise LateCallWarning(message)
        except LateCallWarning as problem:
            shown = pytest.ExceptionInfo.from_exception(problem).getrepr(style="value")
        path = nodeid.partition("::")[0]
        report = pytest.TestReport(nodeid, (path, None, nodeid), {}, "failed", shown, "teardown")
        config.hook.pytest_runtest_logreport(report=report)


def _is_error(config: pytest.Config, nodeid: str, item: pytest.Item | None, message: str) -> bool:
    """Warn, unless the filters say otherwise; True where they make an error of it."""
    path, line, _ = item.reportinfo() if item else (nodeid.partition("::")[0], None, "")
    module = getattr(getattr(item, "module", None), "__name__", None)
    warning = LateCallWarning(message)
    with warnings.catch_warnings(record=True) as shown:
        for mark in item.iter_markers("filterwarnings") if item else ():
            for text in mark.args:
                warnings.filterwarnings(*parse_warning_filter(text, escape=False))
        try:
            warnings.warn_explicit(warning, None, str(path), (line or 0) + 1, module, registry={})
        except LateCallWarning:
            return True
    for record in shown:
        config.hook.pytest_warning_recorded.call_historic(
            kwargs={"warning_message": record, "when": "runtest", "nodeid": nodeid, "location": None}
        )
    return False
