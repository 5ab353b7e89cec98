"""Two profiles are told apart in plain words."""

import re
from pathlib import Path

import pytest

from tests.conformance.command import run


def test_the_same_profile_has_not_changed() -> None:
    done = run("diff", "documented", "documented")

    assert (done.returncode, done.stdout) == (0, "documented makes the same 14 choices as documented.\n")


def test_a_change_is_told_with_what_it_means_and_the_tests_that_it_touches(tmp_path: Path) -> None:
    new = tmp_path / "new.yaml"
    new.write_text("profile: {page-base: '1', page-size: '25'}\nevidence: {page-base: seen}\n", encoding="utf-8")

    done = run("diff", "documented", str(new))

    assert done.returncode == 1
    assert "page-base: What is the number of the first page?\n" in done.stdout
    assert "  before  0: The first page is page 0.\n" in done.stdout
    assert "  now     1: The first page is page 1; page 0 is invalid.\n" in done.stdout
    assert "  shown   seen\n" in done.stdout
    assert "  now     25: A page holds that many records.\n" in done.stdout
    assert (
        "  tests   those that end in [page-base=1] under --tiledesk-assume-each=page-base, run under 0\n" in done.stdout
    )
    assert "  tests   those that touch it, which --tiledesk-assume-each=page-size names; run them by " in done.stdout
    assert "--tiledesk-profile page-size=25\n" in done.stdout
    assert "pytest --tiledesk-assume-each=page-base,page-size" in done.stdout


@pytest.mark.parametrize(("old", "new"), [("documented", "siblings"), ("siblings", "documented")])
def test_every_choice_between_profiles_that_ship_has_tests_of_its_name(old: str, new: str) -> None:
    done = run("diff", old, new)

    changed = re.findall(r"^([\w-]+): .*\?$", done.stdout, re.MULTILINE)
    named = re.findall(r"^  tests   those that end in \[([\w-]+)=", done.stdout, re.MULTILINE)
    assert (done.returncode, len(changed) > 5, changed) == (1, True, named)


def test_a_profile_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    done = run("diff", "documented", str(tmp_path / "nowhere.yaml"))

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
