"""The fakes of one run of pytest: how they begin, and what happens when they and their tests are over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tiledesk_fake import contract as contracts
from tiledesk_fake.contract.profile import read_profile
from tiledesk_fake.errors import CannotReach, ScenarioError
from tiledesk_fake.fake import TiledeskFake
from tiledesk_fake.pytest import Factory

from .addresses import Addresses
from .failing import fail_in, reaching
from .intercepting import Intercepting
from .late_calls import LateCalls
from .proxies import ExceptedFake, ProxyExceptions
from .settings import Settings, SettingsOfTests, default_profile, intercepted, server_url
from .verdict import Verdict

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from .elsewhere import Elsewhere


class Hub:
    """Makes the fakes of one run, and ends them."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._settings = SettingsOfTests(config)
        self._proxies = ProxyExceptions()
        self._late_calls = LateCalls()
        self._addresses = Addresses(self._late_calls)
        self._elsewhere = _elsewhere(config)
        self._intercepting = Intercepting(self._note_late)
        self._intercepting.guard(intercepted(config))
        self.verdict = Verdict(self._settings)
        # While a variant of a test runs: the choice that it assumes instead of the usual one.
        self._assumed: Mapping[str, str] = {}
        self._of_session: list[TiledeskFake] = []
        # The fake of the running test, until its fixture is torn down.
        self._current: TiledeskFake | None = None
        self._nodeid = ""
        config.add_cleanup(self._addresses.close)
        config.add_cleanup(self._intercepting.close)
        if self._elsewhere:
            config.add_cleanup(self._elsewhere.end_all)
        config.add_cleanup(self.verdict.close)

    def begin(self, item: pytest.Item) -> TiledeskFake:
        """The fake of one test, new and empty."""
        settings = self._settings.of(item)
        if self._elsewhere:
            if settings.intercept:
                fail_in(item, _NOT_ELSEWHERE)
            if "fake_tiledesk_server" in getattr(item, "fixturenames", ()):
                fail_in(item, _TWO_WORLDS)
            with reaching(item):
                fake = self._elsewhere.begin(self._starting(settings.profile))
        else:
            fake = ExceptedFake(self._proxies, profile=self._starting(settings.profile))
        # Before the scenario, because its tokens may be issued at that time.
        if settings.now is not None:
            fake.clock.freeze(settings.now)
        if settings.scenario is not None:
            _load(fake, settings.scenario, item)
        if not self._elsewhere:
            self._addresses.open(fake)
        self._proxies.begin()
        self.verdict.begin(fake, settings.fixed)
        self._current, self._nodeid = fake, item.nodeid
        if settings.intercept:
            self._intercepting.begin(fake, settings.intercept)
        return fake

    def end(self, item: pytest.Item) -> None:
        """End the fake of a test, so that nobody calls it any more; fail for faults that no call has met."""
        self._intercepting.end()
        fake, self._current = self._current, None
        self._proxies.end()
        if fake and self._elsewhere:
            self._elsewhere.close(fake)
        elif fake:
            self._addresses.retire(fake, item.nodeid)
        self.verdict.close_held()
        self.verdict.judge_end_of_fake(item)

    @contextmanager
    def session_fake(self) -> Iterator[TiledeskFake]:
        """The fake of the session; calls to its URL reach the running test's fake, if there is one.

        With `--tiledesk-url` they cannot, so a test that uses both fails and says why.
        """
        profile = self._starting(default_profile(self._config))
        if self._elsewhere:
            if self._current:
                pytest.fail(_TWO_WORLDS, pytrace=False)
            world = self._elsewhere.begin(profile)
            self._of_session.append(world)
            with self._past_proxies(), world:
                self.verdict.watch(world)
                yield world
            self._of_session.remove(world)
            return
        fake = ExceptedFake(self._proxies, profile=profile)
        self._of_session.append(fake)
        self._addresses.open_for(fake, _Behind(lambda: self._current or fake))
        with self._past_proxies(), fake:
            self.verdict.watch(fake)
            yield fake
        self._of_session.remove(fake)

    @contextmanager
    def factory(self) -> Iterator[Factory]:
        """A maker of fakes; it stops those that still listen at its end."""
        made: list[TiledeskFake] = []

        def make(**arguments: Any) -> TiledeskFake:
            given = arguments.get("profile", default_profile(self._config) or None)
            choices = given if isinstance(given, Mapping) else {} if given is None else read_profile(given).choices
            fixed: Iterable[str] = choices if "profile" in arguments else ()
            # Without an assumed choice a file stays a file: it also has evidence.
            arguments["profile"] = given if all(id in fixed for id in self._assumed) else self._starting(choices)
            if self._elsewhere:
                fake = self._elsewhere.begin(**arguments)
            else:
                fake = ExceptedFake(self._proxies, **arguments).start()
            # Tests with @given make hundreds of fakes, and stop them.
            made[:] = [*(each for each in made if each.listening), fake]
            self.verdict.watch(fake, fixed)
            return fake

        with self._past_proxies():
            yield make
            for fake in made:
                if self._elsewhere:
                    self._elsewhere.close(fake)
                else:
                    fake.stop()

    def settings_of(self, item: pytest.Item) -> Settings:
        """The settings of a test."""
        return self._settings.of(item)

    def base_of(self, item: pytest.Item) -> Mapping[str, str]:
        """The choices that a test is configured to run under."""
        configured = self._settings.of(item).profile
        # Where the server does not answer, the test will say so.
        with suppress(CannotReach):
            configured = configured or self._usual()
        return contracts.load(configured).choices

    @contextmanager
    def assuming(self, id: str, choice: str) -> Iterator[None]:
        """Let every fake of a test make this choice, unless its maker has fixed it; users and tokens stay."""
        self._assume({id: choice})
        try:
            yield
        finally:
            self._assume({})

    def _assume(self, choice: Mapping[str, str]) -> None:
        self._assumed = choice
        for fake in self._of_session:
            # Where the server does not answer, the test will say so.
            with suppress(CannotReach):
                fake.set_profile({**(default_profile(self._config) or self._usual()), **choice})

    def _starting(self, configured: Mapping[str, str]) -> Mapping[str, str] | None:
        """The profile that a fake starts with, with what is assumed; None for what it has by itself."""
        if not self._assumed:
            return configured or None
        return {**(configured or self._usual()), **self._assumed}

    def _usual(self) -> Mapping[str, str]:
        """The choices of a fake for which none are configured, the defaults left out or not. Raises CannotReach."""
        return self._elsewhere.usual_choices() if self._elsewhere else {}

    def check_marker(self, item: pytest.Item) -> None:
        """Fail the test for a marker that cannot work, whatever the test does."""
        self._settings.of(item)

    def before_call(self) -> None:
        """The test's fixtures are there, and so is a proxy that one of them has set."""
        self._proxies.renew()

    def after(self) -> None:
        """Let go of what belonged to the test that is over."""
        self.verdict.after()
        if self._elsewhere:
            self._elsewhere.end_closed()
        self._settings.forget()
        self._proxies.forget()
        self._intercepting.forget()

    def sections(self) -> list[tuple[str, str]]:
        """What the report of a failed test says beside."""
        return [*self.verdict.sections(), *self._intercepting.sections()]

    def _note_late(self, text: str, journal: object) -> None:
        is_running = self._current is not None and self._current.journal is journal
        nodeid = self._nodeid if is_running else self._addresses.nodeid_of(journal)
        self._late_calls.note(nodeid or self._nodeid, text.partition(" came ")[0])

    def report_late_calls(self, session: pytest.Session) -> None:
        """Tell of each test whose fake was called after its end."""
        self._addresses.look_for_late_calls()
        self._late_calls.report(session)

    @contextmanager
    def _past_proxies(self) -> Iterator[None]:
        self._proxies.begin()
        try:
            yield
        finally:
            self._proxies.end()


_NOT_ELSEWHERE = (
    "intercept leads clients to a fake in this process, and with --tiledesk-url the fake is elsewhere; leave out one "
    "of the two"
)
_TWO_WORLDS = (
    "with --tiledesk-url, calls to fake_tiledesk_server.url cannot reach fake_tiledesk: each is a world of its own on "
    "a server elsewhere, with its own URL. Give the client fake_tiledesk.url, or use fake_tiledesk_server alone"
)


class _Behind:
    """The WSGI app of whichever fake is behind an address."""

    def __init__(self, fake: Callable[[], TiledeskFake]) -> None:
        self._fake = fake

    @property
    def blocks(self) -> bool:
        return self._fake().wsgi_app.blocks

    def ignores(self, environ: WSGIEnvironment) -> bool:
        return self._fake().wsgi_app.ignores(environ)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._fake().wsgi_app(environ, start_response)


def _elsewhere(config: pytest.Config) -> Elsewhere | None:
    url = server_url(config)
    if url is None:
        return None
    # A client of HTTP takes long to import, and most runs need none.
    from .elsewhere import Elsewhere

    return Elsewhere(url)


def prepare() -> None:
    """Import and read all that serving a request takes, as the first fake does."""
    TiledeskFake()


def _load(fake: TiledeskFake, scenario: Path | Mapping[str, Any], item: pytest.Item) -> None:
    try:
        with reaching(item):
            fake.load(scenario)
    except ScenarioError as problem:
        fail_in(item, f"@pytest.mark.tiledesk of {item.nodeid}: {problem}")
