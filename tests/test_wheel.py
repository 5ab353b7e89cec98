"""The wheel works alone: built, installed into a clean environment, run there. The sources make the same wheel."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.wheel import build_sdist, build_wheel
from tiledesk_fake.contract import FILE, twin

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


def test_the_wheel_holds_the_package_the_contract_and_the_plugin_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    tops = {name.partition("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"tiledesk_fake", "pytest_tiledesk_fake"}
    assert {"tiledesk_fake/openapi/jwt.yaml", "tiledesk_fake/py.typed", "pytest_tiledesk_fake/plugin.py"} <= names


def test_the_wheel_holds_the_twin_of_each_contract(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    contracts = sorted((tmp_path / "tiledesk_fake" / "openapi").glob("*.yaml"))

    assert [contract.name for contract in contracts] == [file.name for file in sorted(FILE.parent.glob("*.yaml"))]
    for contract in contracts:
        assert contract.with_suffix(".json").read_text(encoding="utf-8") == twin(contract)


def test_the_smoke_tests_pass_from_the_wheel(clean_python: Path, tmp_path: Path) -> None:
    shutil.copy(ROOT / "tests" / "smoke.py", tmp_path / "test_smoke.py")

    command = [str(clean_python), "-W", "error", "-m", "pytest", "-q", "-W", "error", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 passed" in done.stdout


def test_the_installed_command_serves(clean_python: Path, tmp_path: Path) -> None:
    command = [str(clean_python.parent / "tiledesk-fake"), "serve", "--port", "0", "--quiet"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        process.terminate()

    assert re.fullmatch(r"tiledesk-fake listening on http://127\.0\.0\.1:\d+/v3\n", line)
    assert process.returncode == 0


def test_running_needs_no_tool_of_development(clean_python: Path) -> None:
    command = [str(clean_python), "-m", "pip", "list", "--format", "freeze", "--disable-pip-version-check"]
    installed = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.lower()

    assert not re.search(r"^(schemathesis|hypothesis|mypy|ruff)==", installed, re.MULTILINE)


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of sources, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build_sdist(folder)) as archive:
        archive.extractall(folder, filter="data")
    (top,) = (path for path in folder.iterdir() if path.is_dir())
    return top


def files_below(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_sources_hold_all_that_the_project_keeps_but_its_ci(unpacked: Path) -> None:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("this is no checkout, so nothing says what the project keeps")
    kept = {name for name in listing.stdout.splitlines() if not name.startswith(".ci/") and (ROOT / name).exists()}

    assert files_below(unpacked) - {"PKG-INFO"} == kept


def test_the_sources_make_the_same_wheel(unpacked: Path, wheel: Path, tmp_path: Path) -> None:
    # A copy, because a build leaves the twin behind.
    again = build_wheel(tmp_path, shutil.copytree(unpacked, tmp_path / "sources"))

    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(again) as other:
        assert set(one.namelist()) == set(other.namelist())
        assert all(one.read(name) == other.read(name) for name in one.namelist())


def test_tests_run_from_the_sources(unpacked: Path, tmp_path: Path) -> None:
    # A copy, because a run leaves files behind.
    sources = shutil.copytree(unpacked, tmp_path / "sources")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/test_contract.py",
        "-k",
        "example",
    ]
    environment = os.environ | {"PYTHONPATH": f"{sources / 'src'}{os.pathsep}{sources / 'pytest_plugin'}"}
    done = subprocess.run(
        command, cwd=sources, env=environment, capture_output=True, text=True, timeout=100, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
