"""Registers the optional reports of a run: other choices, coverage of the contract, and artifacts of failed tests."""

from __future__ import annotations

from pathlib import Path

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
    config.pluginmanager.register(Dependence(config, report), "tiledesk_fake_dependence")
    config.pluginmanager.register(Matrix(config, hub, asked_for(each, config.rootpath)), "tiledesk_fake_matrix")


def _register_coverage(config: pytest.Config, hub: Hub) -> None:
    file, least = config.getoption("tiledesk_coverage"), config.getoption("tiledesk_coverage_fail_under")
    if file is None and least is None:
        return
    from .contract_coverage import CoverageOfRun

    config.pluginmanager.register(CoverageOfRun(config, hub, file or "", least), "tiledesk_fake_coverage")


def _register_artifacts(config: pytest.Config, hub: Hub) -> None:
    if (folder := config.getoption("tiledesk_artifacts")) is None:
        return
    from .artifacts import Artifacts

    config.pluginmanager.register(Artifacts(hub, Path(config.invocation_params.dir, folder)), "tiledesk_fake_artifacts")
