"""With --tiledesk-url, each test's fake is a world of its own on a server elsewhere."""

import runpy
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.outside import Project, Run, run_all
from tests.served import served, server_url
from tiledesk_fake import TiledeskFake, connect

pytestmark = pytest.mark.slow


EXAMPLE = Path(__file__).parents[2] / "examples" / "downstream"

CLIENT = """
    from datetime import datetime, UTC
    from http.client import HTTPConnection
    from urllib.parse import urlsplit

    import pytest

    def call(url, method, path, authorization):
        url = urlsplit(url)
        connection = HTTPConnection(url.netloc)
        connection.request(method, url.path + path, headers={"Authorization": authorization})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status
"""


@pytest.fixture
def server() -> Iterator[TiledeskFake]:
    with served() as fake:
        yield fake


def run(project: Project, server: TiledeskFake, tests: str, *arguments: str, **options: Any) -> Run:
    project.write("test_it.py", CLIENT + tests)
    return project.run("-rA", "--tiledesk-url", server_url(server), *arguments, **options)


def worlds(server: TiledeskFake) -> list[str]:
    """The names of the worlds that are left."""
    control = connect(server.url)._control
    return [each["name"] for each in control.get("/worlds")["worlds"]]


def test_each_test_has_a_world_of_its_own_which_ends_with_it(project: Project, server: TiledeskFake) -> None:
    ran = run(
        project,
        server,
        """
    @pytest.mark.parametrize("number", range(3))
    def test_own(fake_tiledesk, number):
        assert "/w/" in fake_tiledesk.url
        ada = fake_tiledesk.add_user(email="ada@example.com", password="secret")
        assert call(fake_tiledesk.url, "GET", "/jwt/history", ada.authorization) == 200
        fake_tiledesk.journal.assert_called("listTokens", user=ada, times=1)
    """,
    )

    assert ran.counts == {"passed": 3}, ran.text
    assert f"tiledesk-fake: url {server_url(server)} (--tiledesk-url)" in ran.text
    assert worlds(server) == []
    assert len(server.users) == 0


def test_the_verdict_is_the_same(project: Project, server: TiledeskFake) -> None:
    tests = """
    def test_violation(fake_tiledesk):
        call(fake_tiledesk.url, "GET", "/jwt/history", "Bearer x")

    def test_forgotten(fake_tiledesk):
        call(fake_tiledesk.url, "GET", "/jwt/history", "Bearer x")
        fake_tiledesk.reset()

    def test_unspent(fake_tiledesk):
        fake_tiledesk.faults.add("listTokens", status=503)

    @pytest.mark.tiledesk(allow=["auth-scheme"])
    def test_allowed(fake_tiledesk):
        call(fake_tiledesk.url, "GET", "/jwt/history", "Bearer x")

    @pytest.mark.tiledesk(strict=False)
    def test_lenient(fake_tiledesk):
        call(fake_tiledesk.url, "GET", "/jwt/history", "Bearer x")

    def test_made(fake_tiledesk_factory):
        with fake_tiledesk_factory(seed=1) as fake:
            call(fake.url, "GET", "/jwt/history", "Bearer x")

    def test_outlasting(fake_tiledesk_server):
        call(fake_tiledesk_server.url, "GET", "/jwt/history", "Bearer x")

    def test_after_that(fake_tiledesk_server):
        assert call(fake_tiledesk_server.url, "GET", "/jwt/history", "JWT x.y.z") == 401

    def test_failed(fake_tiledesk):
        call(fake_tiledesk.url, "GET", "/jwt/history", "JWT x.y.z")
        assert False
    """
    elsewhere = run(project, server, tests)
    here = project.run("-rA")

    assert elsewhere.outcomes == here.outcomes
    assert elsewhere.outcomes == {
        "test_violation": ["failed"],
        "test_forgotten": ["failed"],
        "test_unspent": ["passed", "error"],
        "test_allowed": ["passed"],
        "test_lenient": ["passed"],
        "test_made": ["failed"],
        "test_outlasting": ["failed"],
        "test_after_that": ["passed"],
        "test_failed": ["failed"],
    }
    assert elsewhere.told("test_violation").splitlines()[0] == here.told("test_violation").splitlines()[0]
    assert "GET /w/" in elsewhere.told("test_failed")
    assert worlds(server) == []


def test_the_marker_starts_the_world(project: Project, server: TiledeskFake) -> None:
    project.write("people.yaml", "users: [{email: ada@example.com, password: secret, tokens: [{}]}]")
    ran = run(
        project,
        server,
        """
    @pytest.mark.tiledesk(profile={"page-base": "1"}, scenario="people.yaml", now=datetime(2026, 1, 1, tzinfo=UTC))
    def test_marked(fake_tiledesk):
        assert fake_tiledesk.profile["page-base"] == "1"
        assert fake_tiledesk.clock.frozen
        (token,) = fake_tiledesk.history(fake_tiledesk.users["ada@example.com"])
        assert token.created_at == datetime(2026, 1, 1, tzinfo=UTC)

    def test_of_the_server(fake_tiledesk):
        assert fake_tiledesk.profile["page-size"] == "10"

    @pytest.mark.tiledesk(scenario={"users": [{"email": "a"}, {"email": "a"}]})
    def test_broken(fake_tiledesk):
        pass
    """,
        "--tiledesk-profile",
        "page-size=10",
    )

    assert ran.outcomes["test_marked"] == ran.outcomes["test_of_the_server"] == ["passed"], ran.text
    assert ran.outcomes["test_broken"] == ["error"]
    assert "users[1]: there is a user with the e-mail address 'a' already" in ran.told("test_broken")


def test_a_test_with_both_fixtures_is_told_why_calls_cannot_go_as_they_do_here(
    project: Project, server: TiledeskFake
) -> None:
    ran = run(
        project,
        server,
        """
    def test_both(fake_tiledesk_server, fake_tiledesk):
        pass

    def test_later(fake_tiledesk, request):
        request.getfixturevalue("fake_tiledesk_server")
    """,
        "-p",
        "no:randomly",
    )

    assert ran.outcomes["test_both"] == ["error"]
    assert "calls to fake_tiledesk_server.url cannot reach fake_tiledesk" in ran.told("test_both")


def test_a_server_that_dies_is_an_error_of_the_test_and_not_of_pytest(project: Project, server: TiledeskFake) -> None:
    ran = run(
        project,
        server,
        """
    def test_one(fake_tiledesk):
        fake_tiledesk._control.origin = fake_tiledesk._control.origin._replace(port=1)

    def test_two(fake_tiledesk):
        fake_tiledesk._control.origin = fake_tiledesk._control.origin._replace(port=1)
        fake_tiledesk.add_user(email="ada@example.com")

    def test_three(fake_tiledesk):
        pass
    """,
    )

    assert {name: sorted(words) for name, words in ran.outcomes.items()} == {
        "test_one": ["error", "failed"],
        "test_two": ["error", "failed"],
        "test_three": ["passed"],
    }
    assert "INTERNALERROR" not in ran.text + ran.errors
    assert "FAILED test_it.py::test_one - Failed: no answer from http://127.0.0.1:1" in ran.text
    assert "start the server with tiledesk-fake serve" in ran.told("test_one")


def test_a_server_that_is_not_there_is_an_error_of_each_test_that_needs_it(project: Project) -> None:
    project.write(
        "test_it.py",
        """
    def test_it(fake_tiledesk):
        pass

    def test_made(fake_tiledesk_factory):
        fake_tiledesk_factory()

    def test_without():
        pass
    """,
    )
    ran = project.run("-rA", "--tiledesk-url", "http://127.0.0.1:1")

    assert ran.outcomes == {"test_it": ["error"], "test_made": ["failed"], "test_without": ["passed"]}
    assert ran.summary("test_it").startswith("Failed: no answer from http://127.0.0.1:1")


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://localhost", "http://a:b@localhost", "http://localhost?x=1"])
def test_a_url_that_is_none_ends_the_run_before_its_tests(project: Project, url: str) -> None:
    ran = project.run("--tiledesk-url", url)

    assert ran.code == pytest.ExitCode.USAGE_ERROR
    assert "--tiledesk-url: expected the URL of a server" in ran.errors
    assert "a:b" not in ran.errors


def test_the_ini_file_may_name_the_server_and_the_environment_the_token(project: Project) -> None:
    with served(token="open-sesame") as server:
        project.write("pytest.ini", f"[pytest]\ntiledesk_url = {server_url(server)}\n")
        project.write("test_it.py", "def test_it(fake_tiledesk): assert '/w/' in fake_tiledesk.url")

        without = project.run("-rA")
        within = project.run("-rA", environment={"TILEDESK_FAKE_CONTROL_TOKEN": "open-sesame"})

    assert without.outcomes == {"test_it": ["error"]}
    assert "control-token" in without.text
    assert within.outcomes == {"test_it": ["passed"]}
    assert "open-sesame" not in without.text + within.text


def test_two_workers_share_one_server(tmp_path: Path, server: TiledeskFake) -> None:
    catalogue = runpy.run_path(str(EXAMPLE / "mistakes" / "catalogue.py"))
    catalogue["copy_with"](None, tmp_path / "copy")

    ran = Project(tmp_path / "copy").run(
        "-n", "2", "--tiledesk-url", server_url(server), plugins=("tiledesk_fake", "xdist")
    )

    assert ran.code == 0, ran.text + ran.errors
    assert ran.counts["passed"] >= 20
    assert worlds(server) == []


@pytest.mark.slow
def test_the_same_mistakes_are_noticed_by_two_runs_that_share_one_server(tmp_path: Path, server: TiledeskFake) -> None:
    catalogue: Mapping[str, Any] = runpy.run_path(str(EXAMPLE / "mistakes" / "catalogue.py"))
    cases: list[tuple[Path, Mapping[str, str], tuple[str, ...]]] = []
    for number, mistake in enumerate(catalogue["MISTAKES"]):
        catalogue["copy_with"](mistake, tmp_path / str(number))
        frugal = ("--assert=plain", "-p", "no:unraisableexception", "-x", "--tb=short")
        arguments = (*frugal, "--tiledesk-url", server_url(server), "tests")
        cases.append((tmp_path / str(number), {}, arguments))

    with ThreadPoolExecutor(2) as pool:
        runs = [run for half in pool.map(run_all, (cases[::2], cases[1::2])) for run in half]

    mistakes = [*catalogue["MISTAKES"][::2], *catalogue["MISTAKES"][1::2]]
    unnoticed = {
        mistake.name: run.text
        for mistake, run in zip(mistakes, runs, strict=True)
        if run.code != pytest.ExitCode.TESTS_FAILED
    }
    assert unnoticed == {}
    assert worlds(server) == []
