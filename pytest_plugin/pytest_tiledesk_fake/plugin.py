"""The fixtures and hooks that pytest finds by the entry point.

pytest imports this module in every run, used or not: only the standard library and pytest may be named at the top, and
no hook may do anything for a test that never asked for a fake.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tiledesk_fake import TiledeskFake

    from .hub import Factory, Hub

_HUB: pytest.StashKey[Hub] = pytest.StashKey()

_MARKER = (
    "tiledesk(profile={...}, scenario='file.yaml', now='2026-01-01T00:00:00Z', allow=['rule'], strict=True): "
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
    group.addoption("--tiledesk-allow", metavar="RULES", help="Rules that may be broken, with commas between.")
    parser.addini("tiledesk_profile", "Profile of the fake: a YAML file, or ID=CHOICE pairs.", default=None)
    parser.addini("tiledesk_strict", "Whether a violation of the API fails its test.", type="bool", default=None)
    parser.addini("tiledesk_allow", "Rules that may be broken.", type="args", default=None)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", _MARKER)
    if _is_configured(config):
        from .settings import check_configuration

        check_configuration(config)


def pytest_report_header(config: pytest.Config) -> str | None:
    if not _is_configured(config):
        return None
    from .settings import header

    return header(config)


def _is_configured(config: pytest.Config) -> bool:
    import os

    return any(
        config.getoption(f"tiledesk_{name}") is not None
        or f"TILEDESK_FAKE_{name.upper()}" in os.environ
        or config.getini(f"tiledesk_{name}") is not None
        for name in ("profile", "strict", "allow")
    )


def _hub(config: pytest.Config) -> Hub:
    from .hub import Hub

    return config.stash.setdefault(_HUB, Hub(config))


@pytest.fixture(scope="session")
def fake_tiledesk_server(request: pytest.FixtureRequest) -> Iterator[TiledeskFake]:
    """The fake of Tiledesk's JWT history API that lives as long as the session (a TiledeskFake, started).

    For what is set up once per session and needs a URL that stays, like the application under test. While a test uses
    `fake_tiledesk`, calls to this URL reach that test's fake. Otherwise the users and tokens in it stay from test to
    test; call reset() yourself. Works with Hypothesis's @given.
    """
    with _hub(request.config).session_fake() as fake:
        yield fake


@pytest.fixture
def fake_tiledesk(request: pytest.FixtureRequest) -> Iterator[TiledeskFake]:
    """A fake of Tiledesk's JWT history API: a TiledeskFake that listens on `fake_tiledesk.url`, new for this test.

    Empty, with real time, no faults and the default profile, whatever the test before has done; see
    @pytest.mark.tiledesk. A test that passes although its client sent what no correct client sends fails, and so does
    one that leaves a planned fault unspent. With Hypothesis's @given use `fake_tiledesk_factory`.
    """
    with _hub(request.config).test_fake(request.node) as fake:
        yield fake


@pytest.fixture(scope="session")
def fake_tiledesk_factory(request: pytest.FixtureRequest) -> Iterator[Factory]:
    """Makes more fakes: `fake_tiledesk_factory(profile={...}, seed=1)` is a TiledeskFake that listens.

    Takes what TiledeskFake takes. Use it as `with fake_tiledesk_factory() as fake:` where many are made, as in a test
    with @given; others stop at the end of the session. Violations fail the test that sees them, as with
    `fake_tiledesk`.
    """
    with _hub(request.config).factory() as factory:
        yield factory


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    result = yield
    # Only a test that passed comes here; one that failed keeps its own failure.
    if hub := item.config.stash.get(_HUB, None):
        hub.verify(item)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    # Not `report.failed`: a test that was expected to fail has an exception of its own as well.
    if call.excinfo and (hub := item.config.stash.get(_HUB, None)):
        report.sections += hub.heard()
        hub.forgive()
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    try:
        return (yield)
    finally:
        if hub := item.config.stash.get(_HUB, None):
            hub.after(item)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if hub := session.config.stash.get(_HUB, None):
        hub.report_late_calls()
