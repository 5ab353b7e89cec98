"""The fixtures and hooks that pytest finds by the entry point.

pytest imports this module in every run, used or not: only the standard library and pytest may be named at the top, and
no hook may do anything for a test that never asked for a fake.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tiledesk_fake import TiledeskFake
    from tiledesk_fake.pytest import Factory

    from .hub import Hub

_RUN: pytest.StashKey[Run] = pytest.StashKey()
_FIXTURES = {"fake_tiledesk", "fake_tiledesk_server", "fake_tiledesk_factory"}
_UNKNOWNS = (
    "tiledesk_assume_each",
    "tiledesk_assume_report",
    "tiledesk_coverage",
    "tiledesk_coverage_fail_under",
    "tiledesk_artifacts",
)
_ASKING = _FIXTURES | {"request"}
# No colon before the last parenthesis: pytest takes what is after the first one for the description.
_MARKER = (
    "tiledesk(profile={...}, scenario='file.yaml', now=datetime(...), allow=['rule'], strict=True, assume_each=[...], "
    "intercept=['origin']): "
    "how fake_tiledesk starts this test, and which violations of the API it may see."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("tiledesk-fake")
    group.addoption(
        "--tiledesk-profile",
        metavar="FILE",
        help="Profile of the fake: a YAML file, or ID=CHOICE pairs with commas between.",
    )
    group.addoption(
        "--tiledesk-strict", metavar="BOOL", help="Whether a violation of the API fails its test (default: true)."
    )
    group.addoption(
        "--tiledesk-url",
        metavar="URL",
        help="A server that `tiledesk-fake serve` runs: each test's fake is a world of its own there.",
    )
    group.addoption(
        "--tiledesk-intercept",
        metavar="ORIGINS",
        help="Origins, like https://api.tiledesk.com, whose Python clients reach the fake, with commas between.",
    )
    group.addoption("--tiledesk-allow", metavar="RULES", help="Rules that may be broken, with commas between.")
    group.addoption(
        "--tiledesk-assume-each",
        metavar="IDS",
        nargs="?",
        const="",
        help="Run each test again under every other choice of the assumptions that it touches, or of these IDS.",
    )
    group.addoption(
        "--tiledesk-assume-report", metavar="FILE", help="Where --tiledesk-assume-each writes, in JSON, what it found."
    )
    group.addoption(
        "--tiledesk-coverage",
        metavar="FILE",
        nargs="?",
        const="",
        help="Tell how much of the contract the tests have asked for, in a FILE.html or FILE.json too.",
    )
    group.addoption(
        "--tiledesk-coverage-fail-under", metavar="N", help="Fail the run if less than N percent are covered."
    )
    group.addoption(
        "--tiledesk-artifacts",
        metavar="DIR",
        help="Where each failed test leaves what its fakes heard (HAR, curl) and hold (a scenario), without secrets.",
    )
    parser.addini("tiledesk_profile", "Profile of the fake: a YAML file, or ID=CHOICE pairs.", default=None)
    parser.addini("tiledesk_strict", "Whether a violation of the API fails its test.", type="bool", default=None)
    parser.addini("tiledesk_url", "A server on which each test's fake is a world of its own.", default=None)
    parser.addini("tiledesk_intercept", "Origins whose clients reach the fake.", type="args", default=None)
    parser.addini("tiledesk_allow", "Rules that may be broken.", type="args", default=None)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER)
    if _is_configured(config):
        from .settings import check_configuration

        check_configuration(config)
    config.stash[_RUN] = Run(config)
    config.pluginmanager.register(config.stash[_RUN], "tiledesk_fake_run")
    if _is_set(config, "intercept"):
        # From the start: neither imports of test modules nor tests without a fake may reach these origins.
        _ = config.stash[_RUN].hub
    if any(config.getoption(name) is not None for name in _UNKNOWNS):
        from .unknowns import register

        register(config, config.stash[_RUN].hub)


def pytest_report_header(config: pytest.Config) -> str | None:
    if not _is_configured(config):
        return None
    from .settings import header

    return header(config)


def pytest_collection_finish(session: pytest.Session) -> None:
    if any(not _FIXTURES.isdisjoint(getattr(item, "fixturenames", ())) for item in session.items):
        # Before the first test, whose fixtures may stop the time or replace the files that a fake is made of.
        from .hub import prepare

        prepare()


def _is_configured(config: pytest.Config) -> bool:
    return any(_is_set(config, name) for name in ("profile", "strict", "allow", "url", "intercept"))


def _is_set(config: pytest.Config, name: str) -> bool:
    return bool(
        config.getoption(f"tiledesk_{name}") is not None
        or (name != "url" and os.environ.get(f"TILEDESK_FAKE_{name.upper()}"))
        or _is_in_file(config, f"tiledesk_{name}")
    )


def _is_in_file(config: pytest.Config, name: str) -> bool:
    try:
        return config.getini(name) is not None
    except (TypeError, ValueError, pytest.UsageError):
        # Of a wrong type; `check_configuration` says so.
        return True


@pytest.fixture(scope="session")
def fake_tiledesk_server(request: pytest.FixtureRequest) -> Iterator[TiledeskFake]:
    """The fake of Tiledesk's JWT history API that lives as long as the session: a TiledeskFake that listens.
    For an application under test that is started once and needs a URL that stays the same. While a test uses
    `fake_tiledesk`, calls to this URL reach that test's fake.

    Without `fake_tiledesk` its users and tokens stay from test to test; call reset() yourself. Planned faults do
    not stay. Works with Hypothesis's @given.
    """
    with request.config.stash[_RUN].hub.session_fake() as fake:
        yield fake


@pytest.fixture(scope="session")
def fake_tiledesk_factory(request: pytest.FixtureRequest) -> Iterator[Factory]:
    """Makes more fakes: `fake_tiledesk_factory(profile={...}, seed=1)` is a TiledeskFake that listens.
    Use it as `with fake_tiledesk_factory() as fake:` where many are made, as in a test with @given; others stop at
    the end of the session.

    Takes what TiledeskFake takes. Violations fail the test that sees them, as with `fake_tiledesk`.
    """
    with request.config.stash[_RUN].hub.factory() as factory:
        yield factory


class Run:
    """What one run of pytest has of the fakes: the fixture, and the hooks that judge its tests.

    An object, so that the fixture knows the run and the running test without asking for pytest's `request`, which takes
    longer than all that it does.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._hub: Hub | None = None
        self._item: pytest.Item

    @property
    def hub(self) -> Hub:
        if self._hub is None:
            from .hub import Hub

            self._hub = Hub(self._config)
        return self._hub

    @pytest.fixture
    def fake_tiledesk(self) -> Iterator[TiledeskFake]:
        """A fake of Tiledesk's JWT history API: a TiledeskFake that listens on `fake_tiledesk.url`, new for each test.
        A test that passes although its client sent what no correct client sends fails, and so does one that leaves a
        planned fault unspent. With Hypothesis's @given use `fake_tiledesk_factory`.

        It starts empty, with real time, no faults and the default profile, whatever the test before has done;
        @pytest.mark.tiledesk starts it otherwise or allows what a test means to break.
        """
        hub = self.hub
        yield hub.begin(self._item)
        hub.end(self._item)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        self._item = item

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        # `request` may ask for any fixture later; what the marker says must be right by then.
        if item.get_closest_marker("tiledesk") and not _ASKING.isdisjoint(getattr(item, "fixturenames", ())):
            self.hub.check_marker(item)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        if self._hub:
            self._hub.before_call()
        result = yield
        # Only a test that passed comes here; one that failed keeps its own failure.
        if self._hub:
            self._hub.verdict.judge_call(item, expects_fake=not _FIXTURES.isdisjoint(getattr(item, "fixturenames", ())))
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> Generator[None, Any, Any]:
        if self._hub:
            self._hub.verdict.close_held()
        result = yield
        if self._hub:
            self._hub.verdict.judge_end_of_teardown(item)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if self._hub:
            # Not `report.failed`: a test that was expected to fail has an exception of its own as well.
            if call.excinfo:
                report.sections += self._hub.sections()
                self._hub.verdict.forgive()
            if call.when == "teardown":
                self._hub.after()
        return report

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._hub:
            self._hub.report_late_calls(session)

    # Of pytest-xdist, where it is installed: a worker is done.
    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        if forbidden := getattr(node, "workeroutput", {}).get("tiledesk_fake_late_calls"):
            from .late_calls import fail_for

            fail_for(self._config, forbidden)
