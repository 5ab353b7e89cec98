"""Specmatic loads the file as it is written, and finds in `serve` the answers whose examples it has requests for."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.test_cli import serving, url_of
from tests.tools import foreign
from tiledesk_fake.contract import FILE

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

ADA = "YWRhQGV4YW1wbGUuY29tOnNlY3JldA=="


def test_every_example_that_has_a_name_in_common_with_an_answer_gets_it(tmp_path: Path) -> None:
    foreign.needs("java")
    jar = foreign.from_npm("specmatic@2.55.1") / "specmatic" / "specmatic.jar"
    shutil.copy(FILE, tmp_path)

    with serving("--quiet") as (_, lines):
        command = ["java", "-jar", str(jar), "test", FILE.name, f"--testBaseURL={url_of(lines)}"]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env={**foreign.ENVIRONMENT, "basicAuth": ADA},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    found = re.findall(
        r"^Scenario: \w+ (\S+) -> (\d+) with the request from the example '(\w+)'.* has (\w+)$",
        done.stdout,
        re.MULTILINE,
    )
    by_list, by_jti, by_id = "/jwt/history", "/jwt/history/(jti:string)", "/jwt/history/id/(id:string)"
    assert {(path, status, name): outcome for path, status, name, outcome in found} == {
        (by_list, "200", "firstPage"): "SUCCEEDED",
        (by_jti, "200", "known"): "SUCCEEDED",
        (by_jti, "404", "unknown"): "SUCCEEDED",
        (by_jti, "404", "reservedWord"): "SUCCEEDED",
        # Specmatic itself cannot send it: it puts the slash into the path as it is.
        (by_jti, "404", "slash"): "FAILED",
        (by_id, "200", "known"): "SUCCEEDED",
        (by_id, "404", "unknown"): "SUCCEEDED",
    }, done.stdout
