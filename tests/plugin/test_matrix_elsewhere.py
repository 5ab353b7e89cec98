"""`--tiledesk-assume-each` with `--tiledesk-url`: the same variants are run, spared and failed as here."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.plugin.outside import Project, Run
from tests.plugin.test_elsewhere import worlds
from tests.plugin.test_matrix import EXPECTED, SUITE, fallen, run
from tests.served import served, server_url
from tiledesk_fake import TiledeskFake

pytestmark = pytest.mark.slow

READING = """


    def test_reading(fake_tiledesk):
        ask(fake_tiledesk, "DELETE", "/a")
        assert fake_tiledesk.profile["page-base"] == "0"
        fake_tiledesk.reset()


    def test_reading_of_the_session(fake_tiledesk_server):
        assert fake_tiledesk_server.profile["page-size"] == "40"


    def test_session_again(fake_tiledesk_server):
        fake_tiledesk_server.journal.assert_not_called("signIn")
        assert ask(fake_tiledesk_server, "DELETE", "/a")[0] == 404


    def test_nothing(fake_tiledesk):
        fake_tiledesk.add_user(email="ada@example.com")
        fake_tiledesk.journal.assert_not_called("listTokens", page=0)
"""


@pytest.fixture
def suite(project: Project) -> Project:
    project.write("test_it.py", SUITE + READING)
    return project


@pytest.fixture
def server() -> Iterator[TiledeskFake]:
    with served() as fake:
        yield fake


def run_elsewhere(project: Project, server: TiledeskFake, *arguments: str, **options: Any) -> tuple[Run, Any]:
    return run(project, "--tiledesk-assume-each", "--tiledesk-url", server_url(server), *arguments, **options)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_the_same_is_run_spared_and_failed_as_here(
    suite: Project, server: TiledeskFake, workers: tuple[str, ...]
) -> None:
    coverage = "--tiledesk-coverage=coverage.json"
    here, found_here = run(suite, "--tiledesk-assume-each", coverage)
    covered_here = suite.read("coverage.json")
    elsewhere, found = run_elsewhere(suite, server, coverage, *workers, plugins=("xdist",) if workers else ())

    assert found == found_here, elsewhere.text
    assert suite.read("coverage.json") == covered_here
    assert elsewhere.counts == here.counts
    assert fallen(found)["page-base=1"] == [*EXPECTED["page-base=1"], "test_reading"]
    assert fallen(found)["page-size=10"] == ["test_reading_of_the_session"]
    assert sum(each["spared"] for each in found.values()) > sum(each["ran"] for each in found.values())
    assert worlds(server) == []


def test_the_profile_of_the_server_is_what_is_varied(project: Project) -> None:
    """A variant differs from it in one choice alone."""
    project.write(
        "test_it.py",
        SUITE.partition("    def test_first_page")[0]
        + """
    def check(fake):
        if not fake.users:
            fake.issue_token(fake.add_user(email="ada@example.com", password="x"))
        status, body = ask(fake, path="?page=1")
        records = body if isinstance(body, list) else next(each for each in body.values() if isinstance(each, list))
        # Whichever is varied, the other is as on the server.
        assert isinstance(body, list) or len(records) == 1

    def test_first_page(fake_tiledesk):
        check(fake_tiledesk)

    def test_made(fake_tiledesk_factory):
        with fake_tiledesk_factory() as fake:
            check(fake)

    def test_session(fake_tiledesk_server):
        check(fake_tiledesk_server)
    """,
    )

    with served(profile={"page-base": "1", "list-envelope": "bare", "page-size": "25"}) as server:
        told, found = run_elsewhere(project, server)

    assert fallen(found) == {}, told.text
    assert {choice for choice in found if found[choice]["ran"]} == {
        "page-base=0",
        "list-envelope=jwts",
        "list-envelope=jwtHistories",
    }
    assert all(found[choice]["ran"] == 3 for choice in found if found[choice]["ran"])


@pytest.mark.parametrize(
    "asked", [["--tiledesk-assume-each"], ["--tiledesk-assume-each=", "-k", "page-base"]], ids=["all", "named"]
)
def test_a_server_that_is_not_there_is_an_error_of_each_test(project: Project, asked: list[str]) -> None:
    project.write("test_it.py", "def test_it(fake_tiledesk): pass\ndef test_session(fake_tiledesk_server): pass\n")

    told = project.run(*asked, "--tiledesk-url", "http://127.0.0.1:1")

    assert told.code == pytest.ExitCode.TESTS_FAILED
    assert set(told.counts) - {"deselected"} == {"errors"}
    assert "INTERNALERROR" not in told.text + told.errors


def test_a_server_that_dies_is_an_error_of_the_test_and_not_of_pytest(project: Project, server: TiledeskFake) -> None:
    project.write(
        "test_it.py",
        """
        def test_dying(fake_tiledesk_server):
            assert fake_tiledesk_server.profile["page-base"]
            fake_tiledesk_server._control.origin = fake_tiledesk_server._control.origin._replace(port=1)

        def test_own(fake_tiledesk):
            assert fake_tiledesk.profile["page-base"]
        """,
    )

    beside = ("--tiledesk-coverage", "--tiledesk-artifacts=left")
    told, _ = run_elsewhere(project, server, "-p", "no:randomly", *beside)

    assert "INTERNALERROR" not in told.text + told.errors
    assert "test_dying" in told.text
    assert "mend these first" in told.text
