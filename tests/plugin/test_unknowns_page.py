"""docs/unknowns.md, from green tests to what they depend on: its commands run, and print what is shown there."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest

from tests.plugin.outside import Project, Run

PAGE = (Path(__file__).parents[2] / "docs" / "unknowns.md").read_text(encoding="utf-8")
PLUGINS = ("tiledesk_fake", "hypothesispytest")

pytestmark = pytest.mark.slow


class Command(NamedTuple):
    """A command line of the page, and the lines that it is shown to print."""

    arguments: list[str]
    shown: list[str]


def commands() -> Iterator[Command]:
    """The indented blocks: one that is a single command, and after it what that prints."""
    parts = re.split(r"(?m)^    pytest (.*)\n", re.sub(r"(?ms)^```.*?^```$", "", PAGE))
    for arguments, following in zip(parts[1::2], parts[2::2], strict=True):
        blocks = re.findall(r"(?m)(?:^    .*\n)+", following)
        yield Command(shlex.split(arguments), [line for block in blocks for line in dedent(block).splitlines()])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    example, *_ = re.findall(r"(?ms)^```python\n(.*?)^```$", PAGE)
    project.write("tests/test_list.py", example)
    return project


def run(project: Project, *arguments: str) -> Run:
    return project.run("-p", "no:randomly", *arguments, plugins=PLUGINS)


def test_each_command_prints_what_is_shown(project: Project) -> None:
    told = {shlex.join(arguments): (run(project, *arguments), shown) for arguments, shown in commands()}

    missing = [line for done, shown in told.values() for line in shown if line not in done.text.splitlines()]
    assert missing == []
    assert {command: done.counts for command, (done, _) in told.items()} == {
        "--tiledesk-assume-each": {"passed": 4, "failed": 1},
        "--tiledesk-assume-each --tiledesk-profile page-base=0": {"passed": 4},
        "--tiledesk-coverage=coverage.html --tiledesk-coverage-fail-under 60": {"passed": 1},
        "--tiledesk-assume-each --tiledesk-artifacts DIR": {"passed": 4, "failed": 1},
    }
    # So many lines were compared.
    assert [len(shown) for _, shown in told.values()] == [5, 2, 3, 0]
    assert "<html" in project.read("coverage.html")
    (left,) = (project.folder / "DIR").iterdir()
    assert {file.name for file in left.iterdir()} >= {"calls.har", "calls.sh", "state.yaml"}


def test_what_to_run_again_runs_the_one_that_falls(project: Project) -> None:
    (again,) = re.findall(r"(?m)^ +again +pytest (.*)$", PAGE)

    assert run(project, *shlex.split(again)).counts == {"failed": 1}


def test_the_client_that_is_mended_as_the_page_says_falls_nowhere(project: Project) -> None:
    project.write("tests/test_list.py", project.read("tests/test_list.py").replace('params={"page": 0}, ', ""))

    told = run(project, "--tiledesk-assume-each")

    assert "may leave `page` out" in PAGE
    assert told.counts == {"passed": 4}
    assert "No test falls under another choice" in told.text
