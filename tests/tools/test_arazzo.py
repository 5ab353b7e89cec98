"""The workflow of examples/ runs against `serve`, by a runner of Arazzo that others wrote."""

from pathlib import Path

import pytest

from tests.test_cli import serving, url_of
from tests.tools import foreign
from tiledesk_fake import demo

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

WORKFLOW = Path(__file__).parents[2] / "examples" / "revoke.arazzo.yaml"
REDOCLY = "@redocly/cli@2.77.0"


def options_for(url: str) -> list[str]:
    """Where both contracts are served, and who signs in: the demo user of `serve`."""
    return [
        *("--server", f"auth={url}", "--server", f"history={url}"),
        *("--input", f"email={demo.EMAIL}", "--input", f"password={demo.PASSWORD}"),
    ]


@pytest.fixture(scope="module")
def redocly() -> Path:
    return foreign.from_npm(REDOCLY) / ".bin"


def test_the_workflow_is_valid_arazzo(redocly: Path, tmp_path: Path) -> None:
    foreign.run(["redocly", "lint", str(WORKFLOW)], tmp_path, redocly)


def test_every_step_of_the_workflow_gets_what_it_expects_from_serve(redocly: Path, tmp_path: Path) -> None:
    with serving("--quiet") as (_, lines):
        options = options_for(url_of(lines))
        said = foreign.run(["redocly", "respect", str(WORKFLOW), *options], tmp_path, redocly)

    assert "Steps: 4 passed, 4 total" in said


def test_a_step_fails_where_the_server_is_another(redocly: Path, tmp_path: Path) -> None:
    with serving("--quiet", "--assume", "revoked-listed=no") as (_, lines):
        options = options_for(url_of(lines))
        with pytest.raises(AssertionError, match="1 failed"):
            foreign.run(["redocly", "respect", str(WORKFLOW), *options], tmp_path, redocly)
