"""Tools that others wrote, from npm and the index of Python packages; each set is installed once, in a cache."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tiledesk-fake"
# This project's own versions are not those of its judges, and nothing is to be reported to anybody.
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name != "PIP_CONSTRAINT"},
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "REDOCLY_TELEMETRY": "off",
    "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
    "DO_NOT_TRACK": "1",
    # The fake is on this machine, and no proxy leads there.
    "NO_PROXY": ",".join(filter(None, [os.environ.get("NO_PROXY", os.environ.get("no_proxy")), "127.0.0.1"])),
}
_UNREACHABLE = re.compile("ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNRESET|No matching distribution|ProxyError")


def from_npm(*packages: str) -> Path:
    """The folder `node_modules` that holds these packages; skips the test where they cannot be had."""
    needs("node", "npm")
    options = ("--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    return _installed(
        "npm", packages, lambda folder: [["npm", "install", "--prefix", str(folder), *options, *packages]]
    ).joinpath("node_modules")


def from_index(*packages: str) -> Path:
    """The folder `bin` of a virtual environment with these packages; skips the test where they cannot be had."""
    return _installed(
        "pip",
        packages,
        lambda folder: [
            [sys.executable, "-m", "venv", str(folder)],
            [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *packages],
        ],
    ).joinpath("bin")


def needs(*programs: str) -> None:
    """Skips the test where one of these programs is not installed."""
    for program in programs:
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}, which is not installed")


def run(command: list[str], folder: Path, *path: Path, **variables: str) -> str:
    """What a command prints to stdout; it is looked for in these folders first. Fails the test if the command does."""
    search = os.pathsep.join([*map(str, path), ENVIRONMENT["PATH"]])
    done = subprocess.run(
        [shutil.which(command[0], path=search) or command[0], *command[1:]],
        cwd=folder,
        env={**ENVIRONMENT, "PATH": search, **variables},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def _installed(kind: str, packages: tuple[str, ...], commands: Callable[[Path], list[list[str]]]) -> Path:
    folder = CACHE / f"{kind}-{sha256(' '.join(packages).encode()).hexdigest()[:12]}"
    # The link is made last, so what an installation left half done is never found.
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        # A virtual environment cannot be moved, so each process that installs has its own folder, and links it.
        target = Path(tempfile.mkdtemp(dir=CACHE, prefix=f"{folder.name}-"))
        for command in commands(target):
            result = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=300, check=False)
            said = result.stdout + result.stderr
            if result.returncode and _UNREACHABLE.search(said):
                pytest.skip(f"{kind} cannot install {' '.join(packages)}: no registry can be reached")
            assert result.returncode == 0, said
        try:
            folder.symlink_to(target, target_is_directory=True)
        except FileExistsError:
            shutil.rmtree(target)
    return folder.resolve()
