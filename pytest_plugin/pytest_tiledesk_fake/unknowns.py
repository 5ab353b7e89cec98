"""Registers the optional reports of a run: other choices, coverage of the contract, and artifacts of failed tests."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile

import pytest

from .dependence import Dependence
from .hub import Hub
from .matrix import Matrix, asked_for
from .urls import SettingError


def register(config: pytest.Config, hub: Hub) -> None:
    """Register the plugins that the options ask for. Raises pytest.UsageError for options that cannot work."""
    try:
        _register_matrix(config, hub)
        _register_coverage(config, hub)
        _register_artifacts(config, hub)
    except SettingError as problem:
        raise pytest.UsageError(str(problem)) from None


def _register_matrix(config: pytest.Config, hub: Hub) -> None:
    each, report = config.getoption("tiledesk_assume_each"), config.getoption("tiledesk_assume_report")
    if each is None and report is None:
        return
    if each is None:
        raise SettingError("--tiledesk-assume-report: nothing is run for it; say --tiledesk-assume-each as well")
    matrix = Matrix(config, hub, asked_for(each, config.rootpath))
    if report is not None:
        _check_place(config, "--tiledesk-assume-report", report)
    config.pluginmanager.register(matrix, "tiledesk_fake_matrix")
    # Tests that are only collected tell nothing.
    if not config.getoption("collectonly"):
        config.pluginmanager.register(Dependence(config, report), "tiledesk_fake_dependence")


def _register_coverage(config: pytest.Config, hub: Hub) -> None:
    file, least = config.getoption("tiledesk_coverage"), config.getoption("tiledesk_coverage_fail_under")
    if file is None and least is None:
        return
    from .contract_coverage import CoverageOfRun

    coverage = CoverageOfRun(config, hub, file or "", least)
    if file:
        _check_place(config, "--tiledesk-coverage", file)
    if not config.getoption("collectonly"):
        config.pluginmanager.register(coverage, "tiledesk_fake_coverage")


def _register_artifacts(config: pytest.Config, hub: Hub) -> None:
    if (folder := config.getoption("tiledesk_artifacts")) is None:
        return
    from .artifacts import Artifacts

    _check_place(config, "--tiledesk-artifacts", folder, is_folder=True)
    config.pluginmanager.register(Artifacts(hub, Path(config.invocation_params.dir, folder)), "tiledesk_fake_artifacts")


def _check_place(config: pytest.Config, option: str, name: str, *, is_folder: bool = False) -> None:
    """Raise SettingError where nothing can be written to a file or folder: before the tests, not for what they found.

    Nothing is left there, because there may be nothing to write.
    """
    if not name:
        raise SettingError(f"{option}: expected a name, got {name!r}")
    path = Path(config.invocation_params.dir, name)
    try:
        there = next(each for each in (path, *path.parents) if each.exists())
        if there == path and not is_folder:
            path.open("a").close()
        else:
            TemporaryFile(dir=there).close()
    except OSError as problem:
        raise SettingError(f"{option}: cannot write {name!r}: {problem.strerror}") from None
