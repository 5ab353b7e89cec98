"""The tests of a project that uses the fixture pass, and notice every mistake in its client."""

import re
import runpy
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.outside import PATIENCE_S, Project, run_all

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[2] / "examples" / "downstream"
CATALOGUE: Mapping[str, Any] = runpy.run_path(str(EXAMPLE / "mistakes" / "catalogue.py"))
MISTAKES = CATALOGUE["MISTAKES"]

NO_ENVIRONMENT: Mapping[str, str] = {}
NOTICED_BY = {"trouble": "tests/test_trouble.py", "logging out everywhere": "tests/test_logging_out.py"}


def test_its_tests_pass(downstream_python: str, tmp_path: Path) -> None:
    CATALOGUE["copy_with"](None, tmp_path / "copy")

    run = Project(tmp_path / "copy").run("-W", "error", python=downstream_python)

    assert run.code == 0, run.text + run.errors
    assert run.counts["passed"] >= 20
    assert set(run.counts) == {"passed"}


@pytest.mark.parametrize("kind", CATALOGUE["KINDS"])
def test_its_tests_notice_mistakes_of_this_kind(downstream_python: str, tmp_path: Path, kind: str) -> None:
    mistakes = CATALOGUE["KINDS"][kind]
    cases = []
    for number, mistake in enumerate(mistakes):
        copy = tmp_path / str(number)
        CATALOGUE["copy_with"](mistake, copy)
        # To save time: plain assertions, no garbage collection at the end, and first those that are likely to notice.
        frugal = ("--assert=plain", "-p", "no:unraisableexception", NOTICED_BY.get(kind, "tests"))
        arguments = ("-x", "--tb=short", *frugal, "tests")
        cases.append((copy, NO_ENVIRONMENT, arguments))
    runs = run_all(cases, downstream_python)

    for mistake, run in zip(mistakes, runs, strict=True):
        # Failed, and not for want of tests, or of a library that can be imported.
        assert run.code == pytest.ExitCode.TESTS_FAILED, f"{mistake.name}:\n{run.text}{run.errors}"
        assert run.counts["failed"] == 1, f"{mistake.name}:\n{run.text}"


def test_some_are_noticed_by_the_verdict_of_the_fixture_alone(downstream_python: str, tmp_path: Path) -> None:
    subtle = [mistake for mistake in MISTAKES if mistake.name in CATALOGUE["NOTICED_BY_VERDICT_ALONE"]]
    cases = []
    for number, mistake in enumerate(subtle):
        copy = tmp_path / str(number)
        CATALOGUE["copy_with"](mistake, copy)
        cases.append((copy, NO_ENVIRONMENT, ("--tiledesk-strict=false", "--assert=plain")))
    runs = run_all(cases, downstream_python)

    assert len(subtle) == 5
    for mistake, run in zip(subtle, runs, strict=True):
        assert run.code == 0, f"{mistake.name}:\n{run.text}"


def test_its_readme_shows_a_program_that_runs(tmp_path: Path) -> None:
    CATALOGUE["copy_with"](None, tmp_path / "copy")
    (program,) = re.findall(r"```python\n(.*?)```", (EXAMPLE / "README.md").read_text(encoding="utf-8"), re.S)
    project = Project(tmp_path / "copy")
    project.write("program.py", program)
    project.write(
        "tests/test_program.py",
        """
        import runpy

        import pytest


        @pytest.mark.tiledesk(intercept="https://api.tiledesk.com")
        def test_program(fake_tiledesk, capsys):
            ada = fake_tiledesk.add_user(email="ada@example.com", password="secret")
            phone = fake_tiledesk.issue_token(ada, jti="phone")

            runpy.run_path("program.py")

            assert capsys.readouterr().out.startswith("phone 20")
            assert phone.revoked
        """,
    )

    run = project.run("tests/test_program.py")

    assert run.code == 0, run.text + run.errors


def test_there_are_mistakes_of_many_kinds() -> None:
    assert len({mistake.name for mistake in MISTAKES}) == len(MISTAKES) >= 50


def test_one_mistake_can_be_tried(downstream_python: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [downstream_python, str(EXAMPLE / "mistakes" / "try_one.py"), "json", "body"],
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "unexpected-body: Send no body; with most clients that means to leave out json=" in done.stdout
