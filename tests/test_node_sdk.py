"""The official SDK for NodeJS signs in against the fake, where Node is installed and npm has it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tiledesk_fake import TiledeskFake

SDK = "@tiledesk/tiledesk-client@0.10.13"

SIGN_IN = """
const { TiledeskClient } = require("@tiledesk/tiledesk-client");
const [url, email, password] = process.argv.slice(1);
TiledeskClient.authEmailPassword("an API key", email, password, { APIURL: url }, (error, said) => {
  const answer = error ? { status: error.response.status, body: error.response.data } : { status: 200, body: said };
  process.stdout.write(JSON.stringify(answer));
});
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed"),
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed"),
]


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the SDK is installed in; scripts of packages are not run."""
    folder = tmp_path_factory.mktemp("sdk")
    options = ("--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    done = subprocess.run(
        ["npm", "install", "--prefix", folder, *options, SDK], capture_output=True, text=True, check=False, timeout=300
    )
    if done.returncode:
        pytest.skip(f"npm cannot install {SDK}: {done.stderr.strip().splitlines()[0]}")
    return folder / "node_modules"


@pytest.fixture
def fake() -> Iterator[TiledeskFake]:
    with TiledeskFake() as fake:
        fake.add_user(email="ada@example.com", password="correct-horse", firstname="Ada", lastname="Lovelace")
        yield fake


def sign_in(modules: Path, fake: TiledeskFake, password: str) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        ["node", "-e", SIGN_IN, fake.url, "ada@example.com", password],
        env=environment | {"NODE_PATH": str(modules)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_the_official_sdk_signs_in(modules: Path, fake: TiledeskFake) -> None:
    answer = sign_in(modules, fake, "correct-horse")

    (token,) = fake.history(fake.users["ada@example.com"])
    assert answer["body"]["token"] == token.authorization
    assert answer["body"]["user"]["lastname"] == "Lovelace"
    fake.journal.assert_called("signIn", times=1, user="ada@example.com", status=200)
    assert fake.journal.violations == []


def test_the_official_sdk_tells_a_wrong_password(modules: Path, fake: TiledeskFake) -> None:
    answer = sign_in(modules, fake, "wrong")

    assert answer == {"status": 401, "body": {"success": False, "msg": "Authentication failed. Wrong password."}}
    assert fake.history(fake.users["ada@example.com"]) == []
