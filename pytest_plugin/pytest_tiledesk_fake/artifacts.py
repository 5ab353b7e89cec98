"""The artifacts of failed tests, without secrets: `--tiledesk-artifacts DIR`.

Each failed test has a folder. For each of its fakes the folder has the exchanges, as HAR and as curl lines, and the
state, as a scenario.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from tiledesk_fake import __version__
from tiledesk_fake.core.journal import Exchange
from tiledesk_fake.core.redaction import redacted
from tiledesk_fake.curl import curl
from tiledesk_fake.errors import CannotReach

from .hub import Hub
from .urls import SettingError

_SERVED = "http://127.0.0.1:8000"
"""Where `tiledesk-fake serve --scenario` answers unless told otherwise."""


class Artifacts:
    """Writes the artifacts of each failed test, as of the phase that failed."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        """Raises SettingError where the library that writes HAR files is not installed."""
        try:
            import harfile  # noqa: F401
        except ImportError:
            raise SettingError(
                "--tiledesk-artifacts: expected the library harfile, which is not installed; "
                "it comes with the extra: pip install 'tiledesk-fake[artifacts]'"
            ) from None
        self._hub = hub
        self._folder = folder

    # Before the hub's hook, which lets go of the test's fakes; after the phase that failed, because a fixture may reset
    # the fake in the next.
    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.failed:
            # A server that does not answer leaves nothing to write.
            with suppress(CannotReach):
                if self._hub.verdict.used:
                    self._leave(self._folder / _file_name(item.nodeid))
        return report

    def _leave(self, folder: Path) -> None:
        """Write the exchanges and the state of the running test's fakes. Raises CannotReach."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, (fake, exchanges) in enumerate(self._hub.verdict.left(), 1):
            suffix = f"-{number}" if number > 1 else ""
            _write_har(folder / f"calls{suffix}.har", exchanges)
            scenario = yaml.safe_dump(_without_secrets(fake.scenario()), sort_keys=False, allow_unicode=True)
            (folder / f"state{suffix}.yaml").write_text(scenario, encoding="utf-8")
            lines = [f"{_curl(exchange)}\n" for exchange in exchanges]
            (folder / f"calls{suffix}.sh").write_text("".join(lines), encoding="utf-8")


def _file_name(nodeid: str) -> str:
    """A name that every file system accepts, different for each test."""
    readable = re.sub(r"[^A-Za-z0-9._=-]+", "-", nodeid).strip("-.")[-80:]
    return f"{readable}-{sha256(nodeid.encode()).hexdigest()[:8]}"


def _write_har(path: Path, exchanges: Sequence[Exchange]) -> None:
    from harfile import Content, Creator, HarFile, Record, Request, Response, Timings

    with path.open("w", encoding="utf-8") as file, HarFile(file, creator=Creator("tiledesk-fake", __version__)) as har:
        for exchange in exchanges:
            har.add_entry(
                startedDateTime=exchange.at,
                time=0,
                request=Request(
                    exchange.method,
                    f"{_SERVED}{exchange.target}",
                    "HTTP/1.1",
                    headers=[Record("Authorization", value) for value in _authorization(exchange)],
                    queryString=[Record(name, value) for name, value in exchange.query.items()],
                ),
                # HAR writes 0 for no answer; the journal keeps no bodies.
                response=Response(exchange.status or 0, "", "HTTP/1.1", content=Content()),
                timings=Timings(send=0, wait=0, receive=0),
                comment=exchange.reason and redacted(exchange.reason),
            )


def _curl(exchange: Exchange) -> str:
    headers = [f"Authorization: {value}" for value in _authorization(exchange)]
    return curl(exchange.method, f"{_SERVED}{exchange.target}", headers)


def _authorization(exchange: Exchange) -> list[str]:
    value = exchange.headers.get("authorization")
    return [] if value is None else [value]


def _without_secrets(scenario: dict[str, Any]) -> dict[str, Any]:
    """The scenario with other passwords, and without the test's own claims."""
    return {
        **scenario,
        "users": [
            {
                **user,
                **({"password": "redacted"} if "password" in user else {}),
                "tokens": [{key: value for key, value in token.items() if key != "claims"} for token in user["tokens"]],
            }
            for user in scenario["users"]
        ],
    }
