"""`--tiledesk-assume-each` names what a client depends on: it runs tests again under what they touched, and no more."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.outside import Project, Run
from tests.plugin.test_dependencies import DEPENDENCIES
from tests.plugin.test_downstream import CATALOGUE
from tiledesk_fake.contract.profile import CHOICES

pytestmark = pytest.mark.slow


SUITE = """
    import json
    import unittest
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    import pytest


    def ask(fake, method="GET", path=""):
        ada = fake.users.get("ada@example.com") or fake.add_user(email="ada@example.com", password="x")
        request = Request(f"{fake.url}/jwt/history{path}", method=method, headers={"Authorization": ada.authorization})
        try:
            with urlopen(request) as answer:
                return answer.status, json.load(answer)
        except HTTPError as refused:
            return refused.code, None


    def test_first_page(fake_tiledesk):
        assert ask(fake_tiledesk, path="?page=0")[0] == 200


    class TestInClass:
        @pytest.mark.parametrize("jti", ["a", "b"])
        def test_unknown(self, fake_tiledesk, jti):
            assert not hasattr(self, "ran")
            self.ran = True
            assert ask(fake_tiledesk, "DELETE", f"/{jti}")[0] == 404


    class TestOfUnittest(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def given(self, fake_tiledesk):
            self.fake = fake_tiledesk

        def test_case(self):
            assert ask(self.fake, "DELETE", "/a")[0] == 404


    def test_requested(request):
        assert ask(request.getfixturevalue("fake_tiledesk"))[1]["jwts"] == []


    def test_session(fake_tiledesk_server):
        assert ask(fake_tiledesk_server)[1]["jwts"] == []


    def test_factory(fake_tiledesk_factory):
        with fake_tiledesk_factory() as fake:
            assert ask(fake)[1]["jwts"] == []


    def test_factory_fixes(fake_tiledesk_factory):
        with fake_tiledesk_factory(profile={"list-envelope": "jwts"}) as fake:
            assert ask(fake)[1]["jwts"] == []


    @pytest.mark.tiledesk(profile={"list-envelope": "jwts"})
    def test_marker_fixes(fake_tiledesk):
        assert ask(fake_tiledesk)[1]["jwts"] == []


    @pytest.mark.tiledesk(assume_each=False)
    def test_marker_spares(fake_tiledesk):
        assert ask(fake_tiledesk)[1]["jwts"] == []


    @pytest.mark.tiledesk(assume_each=["page-size"])
    def test_marker_names(fake_tiledesk):
        assert ask(fake_tiledesk)[1]["jwts"] == []


    @pytest.mark.anyio
    async def test_async(fake_tiledesk):
        assert ask(fake_tiledesk)[1]["jwts"] == []


    @pytest.fixture
    def anyio_backend():
        return "asyncio"


    @pytest.fixture
    def late(fake_tiledesk):
        yield
        assert ask(fake_tiledesk, "DELETE", "/id/none")[0] == 404


    def test_teardown(late):
        pass


    @pytest.mark.xfail
    def test_expected_to_fail(fake_tiledesk):
        assert ask(fake_tiledesk)[0] == 500


    def test_without_a_fake():
        pass
"""
ENVELOPE = ("test_async", "test_factory", "test_requested", "test_session")
UNKNOWN = ("TestInClass::test_unknown[a]", "TestInClass::test_unknown[b]", "TestOfUnittest::test_case", "test_teardown")
EXPECTED = {
    "page-base=1": ["test_first_page"],
    "list-envelope=jwtHistories": [*ENVELOPE],
    "list-envelope=bare": [*ENVELOPE],
    "revoke-unknown=null": [*UNKNOWN],
    "revoke-unknown=phantom": [*UNKNOWN],
    "malformed-id=fail": ["test_teardown"],
}
"""Which tests of the suite fall under which choice."""


@pytest.fixture
def suite(project: Project) -> Project:
    project.write("test_it.py", SUITE)
    return project


def run(project: Project, *arguments: str, plugins: tuple[str, ...] = ()) -> tuple[Run, dict[str, Any]]:
    plugins = ("tiledesk_fake", "anyio", *plugins)
    told = project.run("-rA", *arguments, "--tiledesk-assume-report=report.json", plugins=plugins)
    choices: dict[str, Any] = json.loads(project.read("report.json"))["choices"]
    return told, choices


def fallen(choices: dict[str, Any]) -> dict[str, list[str]]:
    return {
        choice: [nodeid.partition("::")[2] for nodeid in found["failed"]]
        for choice, found in choices.items()
        if found["failed"]
    }


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_each_dependence_is_named_by_its_assumption(suite: Project, workers: tuple[str, ...]) -> None:
    told, choices = run(suite, "--tiledesk-assume-each", *workers, plugins=("xdist",) if workers else ())

    assert told.code == pytest.ExitCode.TESTS_FAILED, told.text + told.errors
    assert fallen(choices) == EXPECTED
    assert (
        'your client depends on "404 {"success":false,"msg":"Object not found."}" (revoke-unknown, assumed, '
        'confidence 0.1): 4 tests fall where it is null: "200 with the body null"' in told.text
    )
    assert "1 test was not varied" in told.text


def test_nothing_that_is_spared_is_a_test_or_shows_as_skipped(suite: Project) -> None:
    told, choices = run(suite, "--tiledesk-assume-each")

    ran, failed = sum(found["ran"] for found in choices.values()), sum(map(len, EXPECTED.values()))
    # What falls in its teardown has passed before that.
    assert set(told.counts) == {"passed", "failed", "errors", "xfailed"}
    assert told.counts["failed"] + told.counts["errors"] == failed
    assert told.counts["passed"] == 14 + ran - told.counts["failed"]
    assert choices["page-base=1"] == {
        "question": "What is the number of the first page?",
        "confidence": 0.85,
        "ran": 1,
        "spared": choices["page-base=1"]["spared"],
        "failed": ["test_it.py::test_first_page"],
    }
    assert choices["page-base=1"]["spared"] >= 8


def test_ids_narrow_it_down_and_reach_what_the_profile_of_the_run_fixes(suite: Project) -> None:
    profile = "--tiledesk-profile=page-base=0,list-envelope=jwts"
    _, by_name = run(suite, "--tiledesk-assume-each=page-base", profile)
    _, all_others = run(suite, "--tiledesk-assume-each", profile)

    assert fallen(by_name) == {"page-base=1": EXPECTED["page-base=1"]}
    assert fallen(all_others).keys() == EXPECTED.keys() - {
        "page-base=1",
        "list-envelope=jwtHistories",
        "list-envelope=bare",
    }


@pytest.mark.parametrize(
    ("arguments", "ran"),
    [
        (["test_it.py::test_first_page[page-base=1]"], ["test_first_page[page-base=1]"]),
        (["test_it.py::TestInClass::test_unknown[a][revoke-unknown=null]"], ["test_unknown[a][revoke-unknown=null]"]),
        (["test_it.py::TestOfUnittest::test_case[revoke-unknown=null]"], ["test_case[revoke-unknown=null]"]),
        # Whatever they touch.
        (["test_it.py::test_first_page[malformed-id=fail]"], ["test_first_page[malformed-id=fail]"]),
        (["-k", "page-base and first"], ["test_first_page[page-base=1]"]),
    ],
    ids=lambda value: str(value)[-40:],
)
def test_one_can_be_named(suite: Project, arguments: list[str], ran: list[str]) -> None:
    told, choices = run(suite, "--tiledesk-assume-each=", *arguments)

    assert [name.rpartition("::")[2] for name in told.outcomes] == ran or len(told.outcomes) == 1
    assert sum(found["ran"] for found in choices.values()) == len(ran)


def test_what_failed_last_is_run_again_and_nothing_else(suite: Project) -> None:
    cached = ("--tiledesk-assume-each=", "-p", "cacheprovider")
    first = suite.run(*cached, plugins=("tiledesk_fake", "anyio"))
    again = suite.run(*cached, "--lf", plugins=("tiledesk_fake", "anyio"))

    assert first.counts["failed"] + first.counts["errors"] == sum(map(len, EXPECTED.values()))
    assert again.counts["failed"] == first.counts["failed"]
    assert again.counts["passed"] == again.counts["errors"] == first.counts["errors"]


def test_the_first_failure_ends_it_where_that_is_asked_for(suite: Project) -> None:
    told, _ = run(suite, "--tiledesk-assume-each", "-x")

    assert told.counts["failed"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tiledesk-assume-each", "test_it.py"], "pytest test_it.py --tiledesk-assume-each"),
        (["--tiledesk-assume-each=page-bas"], "there is no assumption 'page-bas'; did you mean 'page-base'?"),
        (["--tiledesk-assume-report=x.json"], "say --tiledesk-assume-each as well"),
        (
            ["--tiledesk-assume-each", "test_it.py::test_it[a b]"],
            "pytest 'test_it.py::test_it[a b]' --tiledesk-assume-each",
        ),
        (
            ["--tiledesk-assume-each", "--tiledesk-assume-report=."],
            "--tiledesk-assume-report: cannot write '.': Is a directory",
        ),
        (
            ["--tiledesk-assume-each", "--tiledesk-assume-report=test_it.py/x.json"],
            "--tiledesk-assume-report: cannot write 'test_it.py/x.json': Not a directory",
        ),
        (["--tiledesk-assume-each", "--tiledesk-assume-report="], "--tiledesk-assume-report: expected a name, got ''"),
    ],
)
def test_what_cannot_work_is_refused_with_what_can(suite: Project, arguments: list[str], said: str) -> None:
    told = suite.run(*arguments)

    assert told.code == pytest.ExitCode.USAGE_ERROR
    assert said in told.errors


def test_where_tests_are_only_collected_nothing_is_said_of_what_they_depend_on(suite: Project) -> None:
    told = suite.run("--tiledesk-assume-each", "--tiledesk-assume-report=x.json", "--collect-only")

    assert "what your client depends on" not in told.text
    assert "test_first_page" in told.text
    assert not (suite.folder / "x.json").exists()


def test_once_is_said_of_what_was_run_once(suite: Project) -> None:
    told = suite.run("--tiledesk-assume-each=page-base", "test_it.py::test_first_page")

    assert "Once a test was run again under another choice; 0 times that was spared" in told.text


def test_of_what_fails_as_configured_it_is_not_said_that_it_touches_nothing(suite: Project) -> None:
    told = suite.run("test_it.py::test_first_page", "--tiledesk-assume-each", "--tiledesk-profile", "page-base=1")

    assert "No test was run again: none that passes touches an assumption that may be varied." in told.text


def test_a_marker_that_names_no_assumption_is_an_error(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.tiledesk(assume_each=["page-bas"])
        def test_it(fake_tiledesk):
            pass
        """,
    )

    assert "assume_each: no assumption is 'page-bas'; did you mean 'page-base'?" in project.run().text


# Of every assumption that can bear one, and in places of the client that do not overlap.
MANY = (
    "takes every record",
    "four pages are enough",
    "an envelope",
    "sorts by parameter",
    "sorts by time alone",
    "ends page by page",
    "a record or success",
    "asks by id, then looks",
    "the server decides",
    "refused by the server",
    "no error of ours",
)


@pytest.mark.parametrize("planted", [(), MANY], ids=["as it is", "with many dependencies"])
def test_on_the_example_it_finds_what_running_everything_finds(
    downstream_python: str, tmp_path: Path, planted: tuple[str, ...]
) -> None:
    """And runs less than 30 % of that."""
    CATALOGUE["copy_with"](None, tmp_path / "copy")
    project = Project(tmp_path / "copy")
    dependencies = [each for each in DEPENDENCIES if each.name in planted]
    for dependency in dependencies:
        dependency.make(tmp_path / "copy" / "sessions")

    def found(*arguments: str) -> tuple[dict[str, Any], int]:
        arguments = ("--tiledesk-assume-each", "--tiledesk-assume-report=report.json", "--tb=no", *arguments)
        project.run(*arguments, python=downstream_python)
        choices = json.loads(project.read("report.json"))["choices"]
        return fallen(choices), sum(each["ran"] for each in choices.values())

    cheap, ran = found()
    everything, naive = found("-k", " or ".join(CHOICES))

    assert cheap == everything
    assert cheap.keys() == {choice for dependency in dependencies for choice in dependency.falls}
    assert 0 < ran <= 0.3 * naive
