"""Where a tool cannot be had the test that needs it is skipped, and says why."""

import shutil
from pathlib import Path

import pytest

from tests.tools import foreign


@pytest.fixture(autouse=True)
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(foreign, "CACHE", tmp_path)


def test_a_program_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(pytest.skip.Exception, match=r"^needs node, which is not installed$"):
        foreign.from_npm("left-pad")


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_packages_that_no_registry_gives_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nowhere = {
        "npm_config_registry": "http://127.0.0.1:9/",
        "npm_config_fetch_retries": "0",
        "npm_config_cache": str(tmp_path / "npm"),
    }
    monkeypatch.setattr(foreign, "ENVIRONMENT", foreign.ENVIRONMENT | nowhere)

    with pytest.raises(pytest.skip.Exception, match=r"^npm cannot install left-pad: no registry can be reached$"):
        foreign.from_npm("left-pad")


@pytest.mark.slow
def test_an_installation_that_fails_otherwise_fails_the_test(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="Invalid requirement"):
        foreign.from_index("=no package=")
    assert [path.is_symlink() for path in tmp_path.iterdir()] == [False]
