"""The wheel and the archive of sources, built from this checkout, and an environment that holds the wheel alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def build_wheel(folder: Path, source: Path = ROOT) -> Path:
    """The wheel of a source tree, built into a folder with the build backend of this environment."""
    return _built("--wheel", "*.whl", folder, source)


def build_sdist(folder: Path) -> Path:
    """The archive of the sources of this checkout, built into a folder."""
    return _built("--sdist", "*.tar.gz", folder, ROOT)


def _built(option: str, pattern: str, folder: Path, source: Path) -> Path:
    _run([sys.executable, "-m", "build", option, "--no-isolation", "--outdir", str(folder), str(source)])
    (built,) = folder.glob(pattern)
    return built


def clean_environment(folder: Path, wheel: Path, *extras: str) -> Path:
    """The interpreter of a new virtual environment that holds the wheel, what it needs, and these packages.

    Skips the test where no package index can be reached.
    """
    _run([sys.executable, "-m", "venv", str(folder)])
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    # The wheel is new each time, so constraints of this project do not name it.
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*install, "--constraint", str(ROOT / "constraints.txt"), str(wheel), *extras],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    if done.returncode and "No matching distribution" in done.stderr + done.stdout:
        pytest.skip("no package index can be reached, so a clean environment cannot be filled")
    assert done.returncode == 0, done.stderr
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
