"""A debugger stops where the test that failed is defined, whoever failed it."""

import re

import pytest

from tests.plugin.outside import Project

TESTS = """
    import pytest, requests, unittest

    LIMIT = 40

    @pytest.mark.parametrize("path", ["nowhere"])
    def test_violates(fake_tiledesk, path):
        requests.get(f"{fake_tiledesk.url}/{path}", timeout=10)

    def test_leaves_a_fault(fake_tiledesk):
        fake_tiledesk.faults.add("listTokens", status=503)

    @pytest.fixture
    def says_goodbye(fake_tiledesk):
        yield
        requests.get(f"{fake_tiledesk.url}/goodbye", timeout=10)

    def test_violates_in_teardown(says_goodbye):
        pass

    @pytest.mark.tiledesk(now="2026-01-01T00:00:00Z")
    def test_has_an_idle_marker(fake_tiledesk_server):
        pass

    @pytest.mark.tiledesk(alow=[])
    def test_has_a_wrong_marker(fake_tiledesk):
        pass

    @pytest.mark.tiledesk(scenario={"usres": []})
    def test_has_a_wrong_scenario(fake_tiledesk):
        pass
"""


@pytest.mark.parametrize(
    "name",
    [
        "test_violates",
        "test_leaves_a_fault",
        "test_violates_in_teardown",
        "test_has_an_idle_marker",
        "test_has_a_wrong_marker",
        "test_has_a_wrong_scenario",
    ],
)
def test_pdb_stops_at_the_test(project: Project, name: str) -> None:
    project.write("test_it.py", TESTS)

    run = project.run("--pdb", f"test_it.py::{name}", typed="p LIMIT + 2\nc\n")

    stops = re.findall(r"^> (\S+)\(\d+\)(\S+)\(\)", run.text, re.M)
    assert stops, run.text
    assert {file.rpartition("/")[2] for file, _ in stops} == {"test_it.py"}
    assert {test.partition("[")[0] for _, test in stops} == {name}
    assert "42" in run.text


def test_the_fixtures_of_the_test_are_at_hand(project: Project) -> None:
    project.write("test_it.py", TESTS)

    run = project.run("--pdb", "test_it.py::test_violates[nowhere]", typed="p path\np fake_tiledesk.journal\nc\n")

    assert "'nowhere'" in run.text
    assert "<Journal of 1 exchanges, 1 violations, 0 dropped>" in run.text
