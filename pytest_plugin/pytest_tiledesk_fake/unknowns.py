"""What is asked for beside the tests: how their clients do under other choices."""

from __future__ import annotations

import pytest

from .dependence import Dependence
from .hub import Hub
from .matrix import Matrix, asked_for
from .settings import SettingError


def register(config: pytest.Config, hub: Hub) -> None:
    """Add what the options ask for to a run. Raises pytest.UsageError for what cannot work."""
    try:
        _register_matrix(config, hub)
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
