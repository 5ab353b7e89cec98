"""Fixtures of the tests that run pytest from outside."""

import sys
from pathlib import Path

import pytest

from tests.plugin.outside import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project that uses the plugin."""
    return Project(tmp_path)


@pytest.fixture(scope="session")
def downstream_python() -> str:
    """The interpreter that the tests of the example run with."""
    return sys.executable
