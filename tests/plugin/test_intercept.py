"""The marker, the option and the ini setting that lead clients of the production URL to the fake of the test."""

import pytest

from tests.plugin.outside import Project

# Each test is one whose client has the URL built in.
TESTS = """
    import socket
    import pytest, requests

    session = requests.Session()
    URL = "https://api.tiledesk.com/v3/jwt/history"

    def client(ada):
        return session.get(URL, headers={"Authorization": ada.authorization}, timeout=5).status_code

    @MARK
    def test_one(fake_tiledesk):
        assert session.get(URL, timeout=5).status_code == 401
        ada = fake_tiledesk.add_user(email="bob@example.com", password="secret")
        assert client(ada) == 200
        assert fake_tiledesk.journal.exchanges[-1].origin == "https://api.tiledesk.com"

    @MARK
    def test_two(fake_tiledesk):
        ada = fake_tiledesk.add_user(email="ada@example.com", password="secret")
        assert client(ada) == 200
        assert len(fake_tiledesk.journal) == 1

    def test_without_a_fake():
        assert socket.gethostbyname("api.tiledesk.com").startswith("127.")
"""


@pytest.mark.parametrize(
    ("mark", "arguments", "ini", "environment"),
    [
        ("pytest.mark.tiledesk(intercept='https://api.tiledesk.com')", (), "", {}),
        ("pytest.mark.tiledesk(intercept=['https://api.tiledesk.com', 'http://b.example'])", (), "", {}),
        ("pytest.mark.tiledesk()", ("--tiledesk-intercept", "https://api.tiledesk.com"), "", {}),
        ("pytest.mark.tiledesk()", (), "tiledesk_intercept = https://api.tiledesk.com", {}),
        ("pytest.mark.tiledesk()", (), "", {"TILEDESK_FAKE_INTERCEPT": "https://api.tiledesk.com"}),
    ],
    ids=["marker", "marker-list", "option", "ini", "environment"],
)
def test_clients_reach_the_fake_of_the_running_test(
    project: Project, mark: str, arguments: tuple[str, ...], ini: str, environment: dict[str, str]
) -> None:
    project.write("test_it.py", TESTS.replace("MARK", mark))
    project.write("pytest.ini", f"[pytest]\nfilterwarnings = error\n{ini}\n")

    run = project.run("-rA", *arguments, environment=environment)

    assert run.counts == {"passed": 3}, run.text


def test_strictness_is_as_ever_and_says_which_url_was_called(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pytest, requests

        @pytest.mark.tiledesk(intercept="https://api.tiledesk.com")
        def test_wrong(fake_tiledesk):
            requests.get("https://api.tiledesk.com/v3/jwt/history", headers={"Authorization": "Bearer x"}, timeout=5)
        """,
    )

    told = project.run("-rA").told("test_wrong")

    assert "auth-scheme" in told
    assert "GET https://api.tiledesk.com/v3/jwt/history -> 401" in told


def test_a_late_call_is_refused_and_named(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pytest, requests

        session = requests.Session()
        URL = "https://api.tiledesk.com/v3/jwt/history"

        @pytest.mark.tiledesk(intercept="https://api.tiledesk.com")
        def test_leaves_a_session(fake_tiledesk):
            session.get(URL, timeout=5)

        def test_later():
            assert session.get(URL, timeout=5).status_code == 410
            assert requests.get(URL, timeout=5).status_code == 410
        """,
    )

    run = project.run("-rA", "-W", "default::tiledesk_fake.pytest.LateCallWarning")

    assert run.counts["passed"] == 2, run.text
    assert "test_leaves_a_session was over, its client still called its fake" in run.text
    assert "GET https://api.tiledesk.com/v3/jwt/history" in run.text


def test_a_refusal_is_in_the_report_of_a_failed_test(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pytest, requests

        @pytest.mark.tiledesk(intercept="https://api.tiledesk.com")
        def test_swallows(fake_tiledesk):
            try:
                requests.get("http://api.tiledesk.com/", timeout=5)
            except OSError:
                pass
            assert False
        """,
    )

    run = project.run("-rA")

    assert "tiledesk-fake refused" in run.text
    assert "api.tiledesk.com:80 is refused" in run.text


@pytest.mark.parametrize("value", ["api.tiledesk.com", "https://api.tiledesk.com/v3", "https://127.0.0.1"])
def test_what_is_no_origin_is_an_error_that_says_where_it_was_set(project: Project, value: str) -> None:
    project.write("test_it.py", "def test_it(fake_tiledesk): pass\n")

    run = project.run("--tiledesk-intercept", value)

    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert "--tiledesk-intercept: expected an origin like 'https://api.tiledesk.com'" in run.errors


def test_an_origin_that_cannot_work_in_a_marker_fails_its_test(project: Project) -> None:
    project.write(
        "test_it.py",
        """
        import pytest

        @pytest.mark.tiledesk(intercept=5)
        def test_it(fake_tiledesk): pass
        """,
    )

    assert "@pytest.mark.tiledesk of test_it.py::test_it: expected an origin" in project.run("-rA").text
