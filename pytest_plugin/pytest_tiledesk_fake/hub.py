"""The fakes of one pytest session: where they listen, and what their clients did wrong in which test."""

from __future__ import annotations

import os
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from tiledesk_fake.core.journal import Journal
from tiledesk_fake.core.redaction import redacted
from tiledesk_fake.errors import NotListening, ScenarioError
from tiledesk_fake.fake import TiledeskFake
from tiledesk_fake.serving.server import Server

from .settings import SettingError, Settings, default_profile, settings_of, settings_of_run
from .verdict import failure, heard_section

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# So many fakes of tests that are over go on listening, at least, to notice who still calls them. They are stopped in
# lots, because each change of threads takes longer than most tests with a fake.
_RETIRED_FAKES = 16
_STOPPED_AT_ONCE = 16
_MOST_LATE_CALLS = 5
_LOOPBACK = "127.0.0.1,localhost,::1"
_PROXIES = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")


class Factory(Protocol):
    """Makes fakes that listen; takes what TiledeskFake takes."""

    def __call__(
        self,
        *,
        profile: Mapping[str, str] | str | Path | None = ...,
        secret: str | None = ...,
        base_path: str | None = ...,
        host: str = ...,
        port: int = ...,
        seed: int | None = ...,
    ) -> TiledeskFake: ...


class LateCallWarning(pytest.PytestWarning):
    """A client called the fake of a test that was over; the running test was not touched."""


@dataclass(slots=True)
class _Watched:
    fake: TiledeskFake
    # How many exchanges there had been when the running test began.
    before: int = 0


class _Door:
    """The WSGI app behind an address; who is behind it may change."""

    __slots__ = ("app",)

    def __init__(self, app: WSGIApplication) -> None:
        self.app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self.app(environ, start_response)


@dataclass(slots=True)
class _Place:
    """Where the fake of a test listens, and what is left of it when the test is over.

    Not the fake itself: what lives on makes Python's garbage collector work, and so does what refers back.
    """

    nodeid: str
    door: _Door | None = None
    server: Server | None = None
    over: bool = False
    journal: Journal | None = None
    # How many exchanges there had been when the test was over, or when late ones were last looked for.
    seen: int = 0


@dataclass(slots=True)
class _LateCalls:
    """The first few calls that came after a test, and how many more there were."""

    first: list[str]
    further: int = 0


class Hub:
    """Serves the fakes of a session, and judges each test by what they heard."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        config.add_cleanup(self._stop_all)
        # Its thread serves the fakes of all tests: a thread for each would cost more than all else that a fixture does.
        self._house = Server(_nobody)
        # The fake of the running test, until that is reported, and those that outlast it.
        self._own: _Watched | None = None
        self._lasting: list[_Watched] = []
        # The same until its fixture is torn down, and its place.
        self._current: TiledeskFake | None = None
        self._place: _Place | None = None
        self._run_settings: Settings | None = None
        self._settings: tuple[str, Settings] | None = None
        self._failed = False
        self._retired: deque[_Place] = deque()
        self._late: dict[str, _LateCalls] = {}
        # For those whom tests have left behind.
        self._lock = Lock()
        self._over = False
        self._lives = 0
        self._environment: pytest.MonkeyPatch | None = None
        self._variables_without_proxy = -1

    def begin(self, item: pytest.Item) -> TiledeskFake:
        """The fake of one test, new and empty."""
        settings = self._settings_of(item)
        fake = TiledeskFake(profile=settings.profile or None)
        # Before the scenario, whose tokens may be new at that time.
        if settings.now is not None:
            fake.clock.freeze(settings.now)
        if settings.scenario is not None:
            _load(fake, settings.scenario, item)
        place = self._place = _Place(item.nodeid)
        fake._start_when_asked(partial(self._listen_at, place))
        self._begin_to_pass_proxies()
        self._own = _Watched(fake)
        self._current = fake
        return fake

    def end(self) -> None:
        """The test is done with its fake, and nobody else is to touch it."""
        fake, place = self._current, self._place
        self._current = self._place = None
        self._end_passing_proxies()
        if fake and place:
            self._retire(fake, place)

    @contextmanager
    def session_fake(self) -> Iterator[TiledeskFake]:
        """The fake of the session; calls to its URL reach the running test's fake, where there is one."""
        fake = TiledeskFake(profile=default_profile(self._config))

        def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            return (self._current or fake).wsgi_app(environ, start_response)

        fake._start_when_asked(lambda _: self._listen(app))
        with self._past_proxies(), fake:
            self._lasting.append(_Watched(fake))
            yield fake

    @contextmanager
    def factory(self) -> Iterator[Factory]:
        """A maker of fakes; those that still listen at its end are stopped."""
        made: list[TiledeskFake] = []

        def make(**arguments: Any) -> TiledeskFake:
            arguments.setdefault("profile", default_profile(self._config))
            fake = TiledeskFake(**arguments).start()
            # Tests with @given make them by the hundred, and stop them.
            made[:] = [*(each for each in made if each.listening), fake]
            self._lasting.append(_Watched(fake))
            return fake

        with self._past_proxies():
            yield make
            for fake in made:
                fake.stop()

    def check_marker(self, item: pytest.Item) -> None:
        """Fail the test, which has other fakes, for a marker that is wrong or asks for what `fake_tiledesk` does."""
        __tracebackhide__ = True
        self._settings_of(item)
        keys = {key for mark in item.iter_markers("tiledesk") for key in mark.kwargs}
        if idle := sorted(keys & {"profile", "scenario", "now"}):
            pytest.fail(
                f"@pytest.mark.tiledesk of {item.nodeid}: {', '.join(idle)} would do nothing, because this test does "
                "not use fake_tiledesk, and the marker starts no other fake; call fake_tiledesk_factory(profile=…), "
                "fake.load(…) or fake.clock.freeze(…) instead",
                pytrace=False,
            )

    def verify(self, item: pytest.Item) -> None:
        """Fail the test for what its clients did that no correct client does, and for faults left unspent."""
        __tracebackhide__ = True
        watched = self._watched()
        if not watched:
            return
        violations = [violation for each in watched for violation in each.fake.journal.take_violations()]
        unspent = [fault for each in watched for fault in each.fake.faults.unspent]
        for each in watched:
            each.fake.faults.clear()
        if self._failed:
            # Who failed had no chance to meet all faults.
            unspent = []
        if not violations and not unspent:
            return
        forbidden = self._settings_of(item).forbidden
        violations = [violation for violation in violations if violation.rule in forbidden]
        if "unspent-fault" not in forbidden:
            unspent = []
        if violations or unspent:
            pytest.fail(failure(violations, unspent), pytrace=False)

    def forgive(self) -> None:
        """Forget what clients did wrong so far: the test has failed already, for a reason of its own."""
        self._failed = True
        for watched in self._watched():
            watched.fake.journal.take_violations()

    def heard(self) -> list[tuple[str, str]]:
        """The report section with a line for each exchange of the running test, if there was any."""
        exchanges = [exchange for watched in self._watched() for exchange in watched.fake.journal.since(watched.before)]
        return heard_section(exchanges)

    def after(self) -> None:
        """Let go of what belonged to the test that is over."""
        self._own = None
        self._lasting = [watched for watched in self._lasting if watched.fake.listening]
        for watched in self._watched():
            watched.before = watched.fake.journal.total
            watched.fake.journal.take_violations()
            watched.fake.faults.clear()
        self._failed = False
        self._settings = None

    def report_late_calls(self) -> None:
        """Put a warning into pytest's summary for each test whose fake was called after its end."""
        for retired in list(self._retired):
            self._look_for_late_calls(retired)
        with self._lock:
            late, self._late = self._late, {}
        for nodeid, calls in late.items():
            listed = ", ".join(calls.first) + (f" and {calls.further} more" if calls.further else "")
            message = LateCallWarning(
                f"after {nodeid} was over, its client still called its fake: {listed}. The running test was not "
                "touched, and a call over the network got 410. Stop or join the client's threads before the test ends."
            )
            # Not by warnings.warn: that could fail a test which has nothing to do with it.
            record = warnings.WarningMessage(message, LateCallWarning, __file__, 0)
            self._config.hook.pytest_warning_recorded.call_historic(
                kwargs={"warning_message": record, "when": "runtest", "nodeid": nodeid, "location": None}
            )

    def _watched(self) -> list[_Watched]:
        watched = [self._own, *self._lasting] if self._own and self._own.fake._in_use else self._lasting
        return [each for each in watched if each.fake._in_use] if watched else watched

    def _listen_at(self, place: _Place, app: WSGIApplication) -> Server:
        """Called by a fake that is asked for its address, under its lock."""
        place.door = _Door(app)
        place.server = self._listen(place.door)
        if place.over:
            # Whom the test has left behind is the first to ask.
            self._close(place)
        elif self._environment is None:
            self._look_for_proxies()
        return place.server

    def _retire(self, fake: TiledeskFake, place: _Place) -> None:
        with fake._making:
            place.over = True
            if fake._in_use:
                place.journal, place.seen = fake.journal, fake.journal.total
                self._close(place)
            started_anew = fake._server is not place.server
        if started_anew:
            # By the test itself.
            fake.stop()
        if len(self._retired) >= _RETIRED_FAKES + _STOPPED_AT_ONCE:
            self._stop_retired(_RETIRED_FAKES)

    def _close(self, place: _Place) -> None:
        if place.door:
            place.door.app = partial(self._refuse_late_call, place.nodeid)
        self._retired.append(place)

    def _refuse_late_call(self, nodeid: str, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        self._note_late_call(nodeid, f"{environ['REQUEST_METHOD']} {redacted(environ.get('RAW_URI', ''))}")
        start_response("410 Gone", [("Content-Type", "application/json; charset=utf-8")])
        return [b'{"success":false,"msg":"The test that this call belongs to is over."}']

    def _listen(self, app: WSGIApplication) -> Server:
        with self._lock:
            if self._over:
                raise NotListening("this run of pytest is over, and so are its fakes; make another: TiledeskFake()")
            if not self._house.listening:
                self._house.start()
        server = Server(app, beside=self._house)
        server.start()
        return server

    def _stop_all(self) -> None:
        with self._lock:
            self._over = True
        self._stop_retired()
        self._house.stop()

    def _stop_retired(self, leave: int = 0) -> None:
        while len(self._retired) > leave:
            retired = self._retired.popleft()
            if retired.server:
                retired.server.stop_soon()
            self._look_for_late_calls(retired)

    def _look_for_late_calls(self, retired: _Place) -> None:
        # Those that were under way when their test ended, and those that came through wsgi_app.
        if retired.journal is None:
            return
        for exchange in retired.journal.since(retired.seen):
            self._note_late_call(retired.nodeid, f"{exchange.method} {exchange.target}")
        retired.seen = retired.journal.total

    def _note_late_call(self, nodeid: str, call: str) -> None:
        with self._lock:
            calls = self._late.setdefault(nodeid, _LateCalls([]))
            if len(calls.first) < _MOST_LATE_CALLS:
                calls.first.append(call)
            else:
                calls.further += 1

    @contextmanager
    def _past_proxies(self) -> Iterator[None]:
        self._begin_to_pass_proxies()
        try:
            yield
        finally:
            self._end_passing_proxies()

    def _begin_to_pass_proxies(self) -> None:
        """Keep clients from sending loopback calls to a proxy of the environment, while a fake listens."""
        # Counted, because a fake of the session may begin during a test and outlast it.
        self._lives += 1
        # To look takes longer than all else here, so at the same number of variables it is left to when a fake listens.
        if self._environment is None and len(os.environ) != self._variables_without_proxy:
            self._look_for_proxies()

    def _look_for_proxies(self) -> None:
        if any(map(os.environ.get, _PROXIES)):
            self._environment = _without_loopback()
        else:
            self._variables_without_proxy = len(os.environ)

    def _end_passing_proxies(self) -> None:
        self._lives -= 1
        if not self._lives and self._environment is not None:
            self._environment.undo()
            self._environment = None

    def _settings_of(self, item: pytest.Item) -> Settings:
        __tracebackhide__ = True
        if self._settings is None or self._settings[0] != item.nodeid:
            problem = ""
            try:
                if self._run_settings is None:
                    self._run_settings = settings_of_run(self._config)
                self._settings = item.nodeid, settings_of(item, self._run_settings)
            except SettingError as error:
                problem = str(error)
            if problem:
                # Outside of the handler, so that pytest does not report two errors.
                pytest.fail(problem, pytrace=False)
        assert self._settings
        return self._settings[1]


def _nobody(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
    start_response("404 Not Found", [])
    return [b""]


def _load(fake: TiledeskFake, scenario: Path | Mapping[str, Any], item: pytest.Item) -> None:
    __tracebackhide__ = True
    problem = ""
    try:
        fake.load(scenario)
    except ScenarioError as error:
        problem = str(error)
    if problem:
        pytest.fail(f"@pytest.mark.tiledesk of {item.nodeid}: {problem}", pytrace=False)


def _without_loopback() -> pytest.MonkeyPatch:
    """The environment with loopback addresses excepted from its proxies; `undo` takes that back."""
    lower, upper = os.environ.get("no_proxy"), os.environ.get("NO_PROXY")
    environment = pytest.MonkeyPatch()
    # Where both are set clients differ in which one counts; where one is set, it must go on counting.
    for name, exceptions in {"no_proxy": lower or upper, "NO_PROXY": upper or lower}.items():
        if exceptions is None or exceptions.strip() != "*":
            environment.setenv(name, f"{exceptions},{_LOOPBACK}" if exceptions else _LOOPBACK)
    return environment
