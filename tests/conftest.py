"""Fixtures that several test modules use."""

from pathlib import Path

import pytest

from tests.wheel import build_wheel, clean_environment

pytest_plugins = ["pytester"]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def clean_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel, pytest and requests, and nothing else."""
    return clean_environment(tmp_path_factory.mktemp("clean") / "venv", wheel, "pytest", "requests")
