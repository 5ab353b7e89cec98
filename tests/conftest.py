"""Fixtures that several test modules use."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.wheel import build_wheel, clean_environment

pytest_plugins = ["pytester"]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return made_once(tmp_path_factory, "wheel", build_wheel)


@pytest.fixture(scope="session")
def clean_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel, pytest and requests, and nothing else."""

    def make(folder: Path) -> Path:
        return clean_environment(folder / "venv", wheel, "pytest", "requests")

    return made_once(tmp_path_factory, "clean", make)


@pytest.fixture
def planted_bugs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that plants a bug into the fake of its own process is not failed for that."""
    monkeypatch.setattr("tiledesk_fake.log.bug_listeners", [])


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Path]) -> Path:
    """The file that `make` makes in a folder: by the first worker that asks, while the others wait for it."""
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder, made = shared / name, shared / f"{name}.made"
    try:
        folder.mkdir()
    except FileExistsError:
        until = time.monotonic() + 110
        while not made.exists():
            assert time.monotonic() < until, f"the {name} takes another worker too long to make"
            time.sleep(0.05)
        if not (path := made.read_text(encoding="utf-8")):
            pytest.skip(f"the {name} could not be made; see the test of another worker that tried")
        return Path(path)
    path = ""
    try:
        path = str(make(folder))
    finally:
        # Written at once, so that nobody reads a part of it.
        (shared / f"{name}.new").write_text(path, encoding="utf-8")
        (shared / f"{name}.new").rename(made)
    return Path(path)
