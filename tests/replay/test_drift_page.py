"""The page about drift: its nightly job runs, and so does every command on it."""

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

from tests.replay.recording import written
from tests.replay.traffic import line
from tiledesk_fake import TiledeskFake

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs" / "drift.md").read_text(encoding="utf-8")
NIGHTLY = yaml.safe_load(textwrap.dedent(PAGE.partition("## Every night\n")[2].partition("\n`TILEDESK")[0]))
STEPS = [step["run"] for step in NIGHTLY["jobs"]["drift"]["steps"]]
COMMANDS = re.findall(r"^    (tiledesk-fake .*)$", PAGE, re.MULTILINE)


def traffic(folder: Path) -> Path:
    fake = TiledeskFake()
    token = fake.issue_token(fake.add_user(email="ada@example.com", password="secret"))
    headers = [["Authorization", token.authorization]]
    return written([line(fake, "GET", "/v3/jwt/history", headers)], folder)


def sh(command: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_the_steps_of_the_nightly_job_run_and_find_no_drift_in_the_fake_itself(tmp_path: Path) -> None:
    traffic(tmp_path)
    assert STEPS[0] == 'pip install "tiledesk-fake[check]"'
    with TiledeskFake() as staging:
        ada = staging.add_user(email="ada@example.com", password="secret")
        staging.issue_token(ada)
        basic = f"{ada.email}:{ada.password}"
        for step in STEPS[1:-1]:
            done = sh(step, tmp_path, STAGING_URL=staging.url, TILEDESK_CHECK_BASIC=basic)
            assert done.returncode == 0, f"{step}: {done.stdout}{done.stderr}"
    (tmp_path / "old.yaml").write_text("profile: {page-base: '0'}\n", encoding="utf-8")

    assert sh(STEPS[-1], tmp_path).returncode == 0
    assert {each.name for each in tmp_path.iterdir()} >= {"check.html", "replay.html", "new.yaml"}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_on_the_page_is_understood(command: str, tmp_path: Path) -> None:
    file = traffic(tmp_path)
    recorded = json.loads(file.read_text(encoding="utf-8"))
    entry = {
        "startedDateTime": recorded["at"],
        "time": 1,
        "request": {"method": "GET", "url": "https://x/v3/jwt/history", "headers": []},
        "response": {"status": 401, "headers": [], "content": {}},
    }
    (tmp_path / "traffic.har").write_text(json.dumps({"log": {"entries": [entry]}}), encoding="utf-8")

    done = sh(shlex.join(shlex.split(command)), tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
