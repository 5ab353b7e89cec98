"""The fakes of one pytest session: where they listen, and what their clients did wrong in which test."""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tiledesk_fake.errors import ScenarioError
from tiledesk_fake.fake import TiledeskFake
from tiledesk_fake.redaction import redacted

from .settings import SettingError, Settings, default_profile, settings_of
from .verdict import failure, heard_section

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# So many fakes of tests that are over go on listening, to notice who still calls them.
_RETIRED_FAKES = 8
_LOOPBACK = "127.0.0.1,localhost,::1"


class Factory(Protocol):
    """Makes fakes that listen; takes what TiledeskFake takes."""

    def __call__(self, **arguments: Any) -> TiledeskFake: ...


class LateCallWarning(pytest.PytestWarning):
    """A client called the fake of a test that was over; the running test was not touched."""


@dataclass(slots=True)
class _Watched:
    fake: TiledeskFake
    # How many exchanges there had been when the running test began.
    before: int = 0


class Hub:
    """Serves the fakes of a session, all from one thread, and judges each test by what they heard."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        config.add_cleanup(self._stop_retired)
        self._watched: list[_Watched] = []
        self._current: TiledeskFake | None = None
        self._settings: tuple[str, Settings] | None = None
        self._retired: deque[TiledeskFake] = deque()
        self._late: dict[str, list[str]] = {}

    @contextmanager
    def test_fake(self, item: pytest.Item) -> Iterator[TiledeskFake]:
        """The fake of one test, new and empty; what arrives after the test fails its teardown."""
        settings = self._settings_of(item)
        fake = TiledeskFake(profile=settings.profile)
        if settings.scenario is not None:
            _load(fake, settings.scenario, item)
        if settings.now is not None:
            fake.clock.freeze(settings.now)
        with _past_proxies():
            fake.start()
            self._watched.append(_Watched(fake))
            self._current = fake
            try:
                yield fake
            finally:
                self._current = None
                self._retire(fake, item.nodeid)
        self.verify(item)

    @contextmanager
    def session_fake(self) -> Iterator[TiledeskFake]:
        """The fake of the session; calls to its URL reach the running test's fake, where there is one."""
        fake = TiledeskFake(profile=self._default_profile())

        def app(environ: WSGIEnvironment, start_response: StartResponse) -> Any:
            return (self._current or fake).wsgi_app(environ, start_response)

        fake.answer_with(app)
        with _past_proxies(), fake:
            self._watched.append(_Watched(fake))
            yield fake

    @contextmanager
    def factory(self) -> Iterator[Factory]:
        """A maker of fakes; those that still listen at its end are stopped."""
        made: list[TiledeskFake] = []

        def make(**arguments: Any) -> TiledeskFake:
            arguments.setdefault("profile", self._default_profile())
            fake = TiledeskFake(**arguments).start()
            made.append(fake)
            self._watched.append(_Watched(fake))
            return fake

        with _past_proxies():
            yield make
            for fake in made:
                fake.stop()

    def verify(self, item: pytest.Item) -> None:
        """Fail the test for what its clients did that no correct client does, and for faults left unspent."""
        __tracebackhide__ = True
        forbidden = self._settings_of(item).forbidden if self._watched else frozenset()
        violations = []
        unspent = []
        for watched in self._watched:
            violations += [each for each in watched.fake.journal.take_violations() if each.rule in forbidden]
            if "unspent-fault" in forbidden:
                unspent += watched.fake.faults.unspent
            watched.fake.faults.clear()
        if violations or unspent:
            pytest.fail(failure(violations, unspent), pytrace=False)

    def forgive(self) -> None:
        """Forget what clients did wrong so far: the test has failed already, for a reason of its own."""
        for watched in self._watched:
            watched.fake.journal.take_violations()
            watched.fake.faults.clear()

    def heard(self) -> list[tuple[str, str]]:
        """The report section with a line for each exchange of the running test, if there was any."""
        exchanges = [exchange for watched in self._watched for exchange in watched.fake.journal.since(watched.before)]
        return heard_section(exchanges)

    def after(self, item: pytest.Item) -> None:
        """Let go of what belonged to the test that is over, and report who called too late."""
        self.forgive()
        self._settings = None
        self._watched = [watched for watched in self._watched if watched.fake.listening]
        for watched in self._watched:
            watched.before = watched.fake.journal.total
        self.report_late_calls()

    def report_late_calls(self) -> None:
        """Put a warning into pytest's summary for each test whose fake was called after its end."""
        late, self._late = self._late, {}
        for nodeid, calls in late.items():
            listed = ", ".join(calls[:5]) + (f" and {len(calls) - 5} more" if len(calls) > 5 else "")
            message = LateCallWarning(
                f"after {nodeid} was over, its client still called its fake: {listed}; it got 410, and the running "
                "test was not touched. Stop or join the client's threads before the test ends."
            )
            # Not by warnings.warn: that could fail a test which has nothing to do with it.
            record = warnings.WarningMessage(message, LateCallWarning, __file__, 0)
            self._config.hook.pytest_warning_recorded.call_historic(
                kwargs={"warning_message": record, "when": "runtest", "nodeid": nodeid, "location": None}
            )

    def _retire(self, fake: TiledeskFake, nodeid: str) -> None:
        def gone(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
            target = redacted(environ.get("RAW_URI", ""))
            self._late.setdefault(nodeid, []).append(f"{environ['REQUEST_METHOD']} {target}")
            body = b'{"success":false,"msg":"The test that this call belongs to is over."}'
            start_response("410 Gone", [("Content-Type", "application/json; charset=utf-8")])
            return [body]

        fake.answer_with(gone)
        self._retired.append(fake)
        if len(self._retired) > _RETIRED_FAKES:
            self._retired.popleft().stop()

    def _stop_retired(self) -> None:
        while self._retired:
            self._retired.popleft().stop()

    def _settings_of(self, item: pytest.Item) -> Settings:
        __tracebackhide__ = True
        if self._settings is None or self._settings[0] != item.nodeid:
            problem = ""
            try:
                self._settings = item.nodeid, settings_of(item)
            except SettingError as error:
                problem = str(error)
            if problem:
                # Outside of the handler, so that pytest does not report two errors.
                pytest.fail(problem, pytrace=False)
        assert self._settings
        return self._settings[1]

    def _default_profile(self) -> Mapping[str, str]:
        return default_profile(self._config)


def _load(fake: TiledeskFake, scenario: Path | Mapping[str, Any], item: pytest.Item) -> None:
    __tracebackhide__ = True
    problem = ""
    try:
        fake.load(scenario)
    except ScenarioError as error:
        problem = str(error)
    if problem:
        pytest.fail(f"@pytest.mark.tiledesk of {item.nodeid}: {problem}", pytrace=False)


@contextmanager
def _past_proxies() -> Iterator[None]:
    """Keep clients from sending loopback calls to a proxy of the environment, while a fake listens."""
    proxied = any(os.environ.get(name) for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"))
    if not proxied:
        yield
        return
    with pytest.MonkeyPatch.context() as environment:
        for name in ("no_proxy", "NO_PROXY"):
            environment.setenv(name, f"{os.environ[name]},{_LOOPBACK}" if os.environ.get(name) else _LOOPBACK)
        yield
