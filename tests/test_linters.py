"""The script that lints the contract, where its linters cannot be had; elsewhere it says itself what it finds."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "lint-contract"

pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the script is in a checkout alone")


def test_the_linters_are_skipped_with_a_reason_where_there_is_no_node(tmp_path: Path) -> None:
    bash, dirname = shutil.which("bash"), shutil.which("dirname")
    assert bash is not None
    assert dirname is not None
    (tmp_path / "dirname").symlink_to(dirname)

    run = subprocess.run([bash, SCRIPT], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False)

    assert run.stdout == "skipped: the linters of the contract need node, which is not installed\n"
    assert run.returncode == 0


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
def test_the_linters_are_skipped_with_a_reason_where_there_is_no_registry(tmp_path: Path) -> None:
    nobody = {
        "npm_config_registry": "http://127.0.0.1:9/",
        "npm_config_fetch_retries": "0",
        "npm_config_cache": str(tmp_path / "npm"),
        "XDG_CACHE_HOME": str(tmp_path),
    }

    run = subprocess.run([SCRIPT], env={**os.environ, **nobody}, capture_output=True, text=True, check=False)

    assert run.stdout.startswith("skipped: npm cannot install the linters of the contract: ")
    assert run.stdout.count("\n") == 1
    assert run.returncode == 0
