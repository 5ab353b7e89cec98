"""The workflow of examples/ runs against `serve`, by a runner of Arazzo that others wrote."""

from pathlib import Path

import pytest

from tests.test_cli import serving, url_of
from tests.tools import foreign

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

WORKFLOW = Path(__file__).parents[2] / "examples" / "revoke.arazzo.yaml"
REDOCLY = "@redocly/cli@2.77.0"
ADA = "Basic YWRhQGV4YW1wbGUuY29tOnNlY3JldA=="


@pytest.fixture(scope="module")
def redocly() -> Path:
    return foreign.from_npm(REDOCLY) / ".bin"


def test_the_workflow_is_valid_arazzo(redocly: Path, tmp_path: Path) -> None:
    foreign.run(["redocly", "lint", str(WORKFLOW)], tmp_path, redocly)


def test_every_step_of_the_workflow_gets_what_it_expects_from_serve(redocly: Path, tmp_path: Path) -> None:
    with serving("--quiet") as (_, lines):
        options = ["--server", f"history={url_of(lines)}", "--input", f"authorization={ADA}"]
        said = foreign.run(["redocly", "respect", str(WORKFLOW), *options], tmp_path, redocly)

    assert "Steps: 3 passed, 3 total" in said


def test_a_step_fails_where_the_server_is_another(redocly: Path, tmp_path: Path) -> None:
    with serving("--quiet", "--assume", "revoked-listed=no") as (_, lines):
        options = ["--server", f"history={url_of(lines)}", "--input", f"authorization={ADA}"]
        with pytest.raises(AssertionError, match="1 failed"):
            foreign.run(["redocly", "respect", str(WORKFLOW), *options], tmp_path, redocly)
