"""What is measured, installed below `.bench` and nowhere else.

Runs under any Python, before anything is installed. A package that cannot be installed is left out, and why is kept
for the report.
"""

import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).parent
HOME = HERE.parent / ".bench"
PYTHON = HOME / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
NODE_MODULES = HOME / "node" / "node_modules"

_REASONS = HOME / "left-out.json"
_OURS = ["pytest", "requests", "psutil", "trustme"]
RIVALS = ("pytest-httpserver", "moto[server]", "localstripe")


def prepare() -> None:
    """Install everything else, unless it is there and nothing that says what to install has changed since; then ours.

    Ours as users have it, from a wheel.
    """
    sources = [HERE / "constraints.txt", HERE / "package.json", HERE.parent / "pyproject.toml"]
    stamp = HOME / "installed"
    if not stamp.exists() or any(source.stat().st_mtime > stamp.stat().st_mtime for source in sources):
        _prepare_anew()
        stamp.touch()
    _tell("installing the fake as it is")
    if reason := _pip("--force-reinstall", "--no-deps", str(HERE.parent)):
        sys.exit(f"cannot install the fake: {reason}")


def _prepare_anew() -> None:
    HOME.mkdir(exist_ok=True)
    if not PYTHON.exists():
        venv.create(PYTHON.parents[1], with_pip=True)
    _tell("installing the fake and what measures")
    if reason := _pip(str(HERE.parent), *_OURS):
        sys.exit(f"cannot install what is measured: {reason}")
    reasons = {}
    for rival in RIVALS:
        _tell(f"installing {rival}")
        if reason := _pip(rival):
            reasons[rival.partition("[")[0]] = f"cannot be installed: {reason}"
    packages = json.loads((HERE / "package.json").read_text())["dependencies"]
    _tell(f"installing {', '.join(packages)}")
    if reason := _npm():
        reasons |= dict.fromkeys(packages, f"cannot be installed: {reason}")
    _REASONS.write_text(json.dumps(reasons))


def left_out() -> dict[str, str]:
    """The packages that could not be installed, and why."""
    reasons: dict[str, str] = json.loads(_REASONS.read_text())
    return reasons


def _pip(*packages: str) -> str | None:
    environment = os.environ | {"PIP_CONSTRAINT": str(HERE / "constraints.txt"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return _reason([str(PYTHON), "-m", "pip", "install", "--quiet", *packages], environment)


def _npm() -> str | None:
    npm = shutil.which("npm")
    if npm is None:
        return "there is no npm"
    NODE_MODULES.parent.mkdir(exist_ok=True)
    shutil.copy(HERE / "package.json", NODE_MODULES.parent)
    options = ["--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"]
    return _reason([npm, "install", "--prefix", str(NODE_MODULES.parent), *options], dict(os.environ))


def _reason(command: list[str], environment: dict[str, str]) -> str | None:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return None if done.returncode == 0 else (lines or [f"exit status {done.returncode}"])[-1]


def _tell(text: str) -> None:
    print(f"# {text}", file=sys.stderr, flush=True)
