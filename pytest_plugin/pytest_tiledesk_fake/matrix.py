"""Runs tests again under the other choices of the assumptions that they touched: `--tiledesk-assume-each`."""

from __future__ import annotations

import copy
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from shlex import quote
from typing import Any

import pytest

from tiledesk_fake.contract.profile import CHOICES
from tiledesk_fake.errors import CannotReach, nearest

from .hub import Hub
from .settings import default_profile
from .urls import SettingError
from .variants import VARIANT, Variant, variant_of

# By the last, a test may ask for any of the others.
_ASKING = {"fake_tiledesk", "fake_tiledesk_server", "fake_tiledesk_factory", "request"}
_NAMED = re.compile(r"\[([a-z-]+)=(\w+)\]$")
_NOT_VARIED: Mapping[str, Any] = {"passed": False, "spared": []}


def asked_for(value: str, root: Path) -> frozenset[str]:
    """The assumptions that the option names, all where it names none. Raises SettingError for what is none."""
    ids = [id for id in re.split(r"[\s,]+", value) if id]
    for id in ids:
        if id not in CHOICES:
            option = "--tiledesk-assume-each"
            if "/" in id or "::" in id or id.endswith(".py") or (root / id).exists():
                # What a node id has in brackets may have blanks and commas.
                tests = value if "::" in value else id
                raise SettingError(
                    f"{option}: took {tests!r} for the ids of assumptions; "
                    f"write the tests first: pytest {quote(tests)} {option}"
                )
            raise SettingError(f"{option}: there is no assumption {id!r}{nearest(id, CHOICES)}")
    return frozenset(ids)


class Matrix:
    """The variants of one run: which there are, and when they run.

    Those of a test follow it once it has passed, in the same process. Those that the command names, by a node id, by
    `--lf` or by `-k` with the id of an assumption, are collected like tests, and run whatever their test touches.
    """

    def __init__(self, config: pytest.Config, hub: Hub, ids: frozenset[str]) -> None:
        self._config = config
        self._hub = hub
        self._ids = ids
        # What the run's profile fixes is varied only by name.
        self._fixed = frozenset() if ids else frozenset(default_profile(config))
        self._named = _Named(config)
        self._phases: dict[str, bool] = {}
        self._planned: list[Variant] = []

    # Those that are named.

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        report = yield
        if self._named.ids:
            for item in [each for each in report.result or () if isinstance(each, pytest.Function)]:
                report.result += [variant_of(item, variant) for variant in self._named.variants(item, self._hub)]
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if VARIANT not in item.stash or self._named.has(item)]

    # Those that follow their tests.

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, Any, Any]:
        if (variant := item.stash.get(VARIANT, None)) is not None:
            with self._hub.assuming(variant.id, variant.choice):
                return (yield)
        self._phases, self._planned = {}, []
        self._hub.verdict.forget_touched()
        # Taken before the test runs, because a test may change itself.
        fresh = copy.copy(item)
        result = yield
        if self._planned and isinstance(fresh, pytest.Function) and all(self._phases.values()):
            # Copied, because the hook comes back here for each of them.
            following = [*(variant_of(fresh, variant) for variant in self._planned), nextitem]
            for one, after in pairwise(following):
                if one is None or item.session.shouldfail or item.session.shouldstop:
                    break
                with _in_the_place_of(item, one):
                    item.ihook.pytest_runtest_protocol(item=one, nextitem=after)
        return result

    # Before the hub's hook, which lets go of the test's fakes.
    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if (variant := item.stash.get(VARIANT, None)) is not None:
            report.tiledesk_variant = variant.told  # type: ignore[attr-defined]
            return report
        if report.when == "setup":
            # Perhaps once more, by a plugin that reruns what failed.
            self._phases = {}
        # One that was expected to fail has an exception of its own, or passed although it was. A subtest is reported as
        # its test is, and before that.
        passed = report.passed and not hasattr(report, "wasxfail")
        self._phases[report.when or ""] = passed and self._phases.get(report.when or "", True)
        if report.when == "teardown" and isinstance(item, pytest.Function):
            try:
                touched = self._hub.verdict.touched
                if touched or self._hub.verdict.used:
                    report.tiledesk_base = self._plan(item, touched)  # type: ignore[attr-defined]
            except CannotReach:
                report.tiledesk_base = _NOT_VARIED  # type: ignore[attr-defined]
        return report

    def _plan(self, item: pytest.Function, touched: frozenset[str]) -> Mapping[str, Any]:
        """Plan the variants of a test that is over, by what it touched, and tell what came of it."""
        if not (all(self._phases.values()) and "call" in self._phases):
            return _NOT_VARIED
        candidates = list(self._candidates(item))
        self._planned = [variant for variant in candidates if variant.id in touched]
        return {"passed": True, "spared": [str(variant) for variant in candidates if variant.id not in touched]}

    def _candidates(self, item: pytest.Item) -> Iterator[Variant]:
        settings = self._hub.settings_of(item)
        wanted = (self._ids or CHOICES.keys()) - settings.fixed - self._fixed
        if settings.assume_each is not True:
            wanted &= settings.assume_each or frozenset()
        base = self._hub.base_of(item)
        for id in CHOICES:
            if id in wanted:
                for choice in CHOICES[id]:
                    if choice != base[id]:
                        yield Variant(item.nodeid, id, choice, base[id])


@contextmanager
def _in_the_place_of(item: pytest.Item, variant: pytest.Item) -> Iterator[None]:
    """A worker of pytest-xdist reports on none but the test in the place among all that it was sent."""
    items = item.session.items
    place = items.index(item)
    items[place] = variant
    try:
        yield
    finally:
        items[place] = item


class _Named:
    """The variants that the command names."""

    def __init__(self, config: pytest.Config) -> None:
        self._arguments = {_tail(argument) for argument in config.args if _NAMED.search(argument)}
        failed: Mapping[str, bool] = {}
        if (config.getoption("lf", False) or config.getoption("failedfirst", False)) and hasattr(config, "cache"):
            failed = config.cache.get("cache/lastfailed", {}) if config.cache else {}
        self._failed = {nodeid for nodeid in failed if _NAMED.search(nodeid)}
        words = set(re.findall(r"[\w-]+", config.getoption("keyword", "") or ""))
        self._keywords = words & CHOICES.keys()
        matches = [_NAMED.search(nodeid) for nodeid in (*self._arguments, *self._failed)]
        self._choices = {(match[1], match[2]) for match in matches if match}
        self.ids = self._keywords | {id for id, _ in self._choices}

    def variants(self, item: pytest.Function, hub: Hub) -> Iterator[Variant]:
        """The variants of a test that the command may name."""
        if _ASKING & set(item.fixturenames):
            base = hub.base_of(item)
            for id in CHOICES:
                for choice in CHOICES[id]:
                    if choice != base[id] and (id in self._keywords or (id, choice) in self._choices):
                        yield Variant(item.nodeid, id, choice, base[id])

    def has(self, item: pytest.Item) -> bool:
        """Whether the command names this variant."""
        variant = item.stash[VARIANT]
        return variant.id in self._keywords or item.nodeid in self._failed or _tail(item.nodeid) in self._arguments


def _tail(nodeid: str) -> str:
    """A node id without the folders, which the command may spell in many ways."""
    path, _, names = nodeid.partition("::")
    return f"{Path(path).name}::{names}"
