"""Calls of clients to fakes whose tests are over: refused, noted, and told at the end of the run."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

import pytest

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
        """Answer a call to the fake of a test that is over, as a WSGI app, and note it."""
        self.note(nodeid, f"{environ['REQUEST_METHOD']} {redacted(environ.get('RAW_URI', ''))}")
        start_response("410 Gone", [("Content-Type", "application/json; charset=utf-8")])
        return [b'{"success":false,"msg":"The test that this call belongs to is over."}']

    def note(self, nodeid: str, call: str) -> None:
        """Remember a late call, which is told without its credentials."""
        with self._lock:
            calls = self._of.setdefault(nodeid, _Calls([]))
            if len(calls.first) < _MOST_SHOWN:
                calls.first.append(call)
            else:
                calls.further += 1

    def report(self, config: pytest.Config) -> None:
        """Put a warning into pytest's summary for each test whose fake was called after its end."""
        with self._lock:
            late, self._of = self._of, {}
        for nodeid, calls in late.items():
            listed = ", ".join(calls.first) + (f" and {calls.further} more" if calls.further else "")
            message = LateCallWarning(
                f"after {nodeid} was over, its client still called its fake: {listed}. The running test was not "
                "touched, and a call over the network got 410. Stop or join the client's threads before the test ends."
            )
            # Not by warnings.warn: that could fail a test which has nothing to do with it.
            record = warnings.WarningMessage(message, LateCallWarning, __file__, 0)
            config.hook.pytest_warning_recorded.call_historic(
                kwargs={"warning_message": record, "when": "runtest", "nodeid": nodeid, "location": None}
            )
