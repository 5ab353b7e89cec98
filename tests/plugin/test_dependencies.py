"""Whatever the client of the example comes to depend on, `--tiledesk-assume-each` names it, and nothing else."""

import json
import runpy
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.outside import PATIENCE_S, run_all
from tests.plugin.test_downstream import CATALOGUE, EXAMPLE, NO_ENVIRONMENT
from tiledesk_fake.contract.profile import CHOICES

pytestmark = pytest.mark.slow

with pytest.MonkeyPatch.context() as patch:
    patch.syspath_prepend(EXAMPLE / "mistakes")
    DEPENDENCIES: list[Any] = runpy.run_path(str(EXAMPLE / "mistakes" / "dependencies.py"))["DEPENDENCIES"]

# By the first assumption that each is named by, so that none runs with many others in one process.
GROUPS: dict[str, list[Any]] = {}
for each in DEPENDENCIES:
    GROUPS.setdefault(each.falls[0].partition("=")[0], []).append(each)


@pytest.mark.parametrize("id", GROUPS)
def test_each_is_named_by_its_assumption_and_by_no_other(downstream_python: str, tmp_path: Path, id: str) -> None:
    cases = []
    for number, dependency in enumerate(GROUPS[id]):
        copy = tmp_path / str(number)
        CATALOGUE["copy_with"](dependency, copy)
        arguments = ("--tiledesk-assume-each", "--tiledesk-assume-report=report.json", "--assert=plain", "--tb=no")
        cases.append((copy, NO_ENVIRONMENT, arguments))
    runs = run_all(cases, downstream_python)

    for dependency, (copy, _, _), run in zip(GROUPS[id], cases, runs, strict=True):
        fallen = _fallen(copy / "report.json")
        assert set(fallen) == set(dependency.falls), f"{dependency.name}:\n{run.text}{run.errors}"
        # Nothing else failed: as the fake answers by default, the tests pass.
        failed = run.counts["failed"] + run.counts.get("errors", 0)
        assert failed == sum(map(len, fallen.values())), f"{dependency.name}:\n{run.text}"
        assert "not varied" not in run.text


def test_the_client_depends_on_nothing(downstream_python: str, tmp_path: Path) -> None:
    CATALOGUE["copy_with"](None, tmp_path / "copy")
    arguments = ("--tiledesk-assume-each", "--tiledesk-assume-report=report.json")
    (run,) = run_all([(tmp_path / "copy", NO_ENVIRONMENT, arguments)], downstream_python)

    assert run.code == 0, run.text
    assert "No test falls under another choice of what it touches" in run.text
    assert _fallen(tmp_path / "copy" / "report.json") == {}


def test_it_takes_no_marker_to_spare_the_client() -> None:
    """The tests of the example fix no choice, and leave out no variation."""
    assert "mark.tiledesk" not in "".join(path.read_text() for path in (EXAMPLE / "tests").glob("*.py"))


@pytest.mark.parametrize("profile", ["documented", "siblings"])
def test_the_client_works_with_each_profile_that_has_a_name(
    downstream_python: str, tmp_path: Path, profile: str
) -> None:
    CATALOGUE["copy_with"](None, tmp_path / "copy")
    (run,) = run_all([(tmp_path / "copy", NO_ENVIRONMENT, (f"--tiledesk-profile={profile}",))], downstream_python)

    assert run.code == 0, run.text
    assert set(run.counts) == {"passed"}


def test_there_is_one_on_every_choice_that_can_bear_one() -> None:
    assert len({dependency.name for dependency in DEPENDENCIES}) == len(DEPENDENCIES) >= 32
    # Only what a client does wrong meets it, and the verdict of the fixture tells that first.
    bearing = CHOICES.keys() - {"invalid-query"}
    others = {f"{id}={choice}" for id in bearing for choice in CHOICES[id][1:]}
    assert others == {choice for dependency in DEPENDENCIES for choice in dependency.falls}


def test_more_than_one_assumption_needs_a_reason() -> None:
    assert all(bool(dependency.reason) == (len(dependency.assumptions) > 1) for dependency in DEPENDENCIES)


def test_no_dependency_has_the_name_of_a_mistake() -> None:
    names = {each.name for each in [*CATALOGUE["MISTAKES"], *DEPENDENCIES]}

    assert len(names) == len(CATALOGUE["MISTAKES"]) + len(DEPENDENCIES)


def test_one_dependency_can_be_tried(downstream_python: str) -> None:
    done = subprocess.run(
        [downstream_python, str(EXAMPLE / "mistakes" / "try_one.py"), "four", "pages", "are", "enough"],
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert 'your client depends on "A page holds 40 records" (page-size, assumed, confidence 0.85)' in done.stdout


def _fallen(report: Path) -> Mapping[str, list[str]]:
    choices = json.loads(report.read_text(encoding="utf-8"))["choices"]
    return {choice: found["failed"] for choice, found in choices.items() if found["failed"]}
