"""Fixtures of the tests that run pytest from outside."""

from pathlib import Path

import pytest

from tests.plugin.outside import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty project that uses the plugin."""
    return Project(tmp_path)


@pytest.fixture(scope="session")
def downstream_python(clean_python: Path) -> str:
    """The interpreter that the tests of the example run with: it has the wheel, and nothing of the checkout."""
    return str(clean_python)
