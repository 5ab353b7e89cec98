"""A client that goes on calling after its test is over touches nobody else, and is named."""

import re

import pytest

from tests.plugin.outside import Project

pytestmark = pytest.mark.slow

# All other warnings fail their test.
WARN = ("-W", "error", "-W", "default::tiledesk_fake.pytest.LateCallWarning")

# The first test leaves a thread behind that calls, as badly as it can, while the second one runs.
LATE = """
    import http.client, threading
    import pytest

    may_call, has_called = threading.Event(), threading.Event()
    statuses = []

    def call(fake_or_url, path="/jwt/history", authorization="Bearer abc"):
        url = getattr(fake_or_url, "url", fake_or_url)
        connection = http.client.HTTPConnection(url.split("/")[2], timeout=10)
        try:
            connection.request("GET", "/v3" + path, headers={"Authorization": authorization})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def test_leaves_a_thread_behind(fake_tiledesk):
        url, app = fake_tiledesk.url, fake_tiledesk.wsgi_app

        def late():
            may_call.wait(10)
            for number in range(7):
                statuses.append(call(url, f"/late/{number}?token=hunter2"))
            environ = {
                "REQUEST_METHOD": "GET", "PATH_INFO": "/v3/within", "SERVER_NAME": "x", "SERVER_PORT": "80",
                "wsgi.url_scheme": "http",
            }
            list(app(environ, lambda status, headers, exc_info=None: statuses.append((int(status[:3]), b""))))
            has_called.set()

        threading.Thread(target=late).start()

    def test_is_innocent(fake_tiledesk):
        ada = fake_tiledesk.add_user(email="ada@example.com", password="secret")
        fake_tiledesk.faults.add("*", status=503)

        may_call.set()
        assert has_called.wait(10)

        assert [status for status, _ in statuses] == [410] * 7 + [404]
        assert statuses[0][1] == b'{"success":false,"msg":"The test that this call belongs to is over."}'
        assert fake_tiledesk.journal.exchanges == []
        assert fake_tiledesk.faults.unspent
        assert call(fake_tiledesk, authorization=ada.authorization)[0] == 503
        assert call(fake_tiledesk, authorization=ada.authorization)[0] == 200

    def test_is_innocent_too():
        pass
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2", "--dist", "loadfile")], ids=["alone", "xdist"])
def test_a_late_call_is_refused_and_named_and_touches_no_other_test(project: Project, workers: tuple[str, ...]) -> None:
    project.write("test_late.py", LATE)

    run = project.run(*WARN, *workers, plugins=("xdist", "tiledesk_fake") if workers else ("tiledesk_fake",))

    assert run.code == 0, run.text
    assert (run.counts["passed"], run.counts.get("warnings", 0) + run.counts.get("warning", 0)) == (3, 1)
    _, _, warning = run.text.partition("warnings summary")
    assert "test_late.py::test_leaves_a_thread_behind" in warning.splitlines()[1]
    assert re.search(
        r"LateCallWarning: after test_late\.py::test_leaves_a_thread_behind was over, its client still called its "
        r"fake: GET /v3/late/0\?token=<redacted>, GET /v3/late/1\?token=<redacted>, .* and 3 more\. "
        r"The running test was not touched, and a call over the network got 410\. "
        r"Stop or join the client's threads before the test ends\.",
        warning,
    )
    assert "hunter2" not in run.text.partition("warnings summary")[2]


def test_a_late_call_after_the_last_test_is_named(project: Project) -> None:
    project.write(
        "test_last.py",
        """
        import urllib.error, urllib.request
        import pytest

        called = []

        @pytest.fixture(scope="session", autouse=True)
        def set_up_before_and_torn_down_after_all_others():
            yield
            with pytest.raises(urllib.error.HTTPError, match="410") as answer:
                urllib.request.urlopen(called[0], timeout=10)
            answer.value.close()

        def test_tells_its_url(fake_tiledesk):
            called.append(f"{fake_tiledesk.url}/jwt/history")
        """,
    )

    run = project.run(*WARN)

    assert run.code == 0, run.text
    assert "after test_last.py::test_tells_its_url was over, its client still called its fake: GET /v3/" in run.text


def test_a_call_that_is_under_way_when_its_test_ends_is_named(project: Project) -> None:
    project.write(
        "test_under_way.py",
        """
        import threading

        held = []

        def test_leaves_a_call_under_way(fake_tiledesk):
            # As if the call took longer than the test.
            lock = fake_tiledesk._state.lock
            lock.acquire()
            environ = {
                "REQUEST_METHOD": "GET", "PATH_INFO": "/v3/jwt/history", "SERVER_NAME": "x", "SERVER_PORT": "80",
                "HTTP_AUTHORIZATION": "Bearer abc", "wsgi.url_scheme": "http",
            }
            app = fake_tiledesk.wsgi_app
            thread = threading.Thread(target=lambda: list(app(environ, lambda status, headers, exc_info=None: None)))
            thread.start()
            held.extend([lock, thread])

        def test_is_innocent(fake_tiledesk):
            lock, thread = held
            lock.release()
            thread.join()
            assert fake_tiledesk.journal.exchanges == []
        """,
    )

    run = project.run(*WARN)

    assert run.code == 0, run.text
    assert "its client still called its fake: GET /v3/jwt/history. The running test" in run.text


def test_who_ends_its_threads_is_not_named(project: Project) -> None:
    project.write(
        "test_joins.py",
        """
        import threading, urllib.error, urllib.request
        import pytest

        def call(url):
            with pytest.raises(urllib.error.HTTPError) as answer:
                urllib.request.urlopen(f"{url}/jwt/history", timeout=10)
            answer.value.close()

        @pytest.mark.parametrize("number", range(3))
        def test_joins(fake_tiledesk, number):
            thread = threading.Thread(target=call, args=[fake_tiledesk.url])
            thread.start()
            thread.join()
        """,
    )

    run = project.run("-W", "error")

    assert run.counts == {"passed": 3}, run.text


def test_who_is_left_behind_by_a_test_that_never_called_is_refused_and_named_too(project: Project) -> None:
    project.write(
        "test_idle.py",
        """
        import urllib.error, urllib.request
        import pytest

        left = []

        def test_does_nothing(fake_tiledesk):
            left.append(fake_tiledesk)

        def test_is_innocent(fake_tiledesk):
            with pytest.raises(urllib.error.HTTPError, match="410") as answer:
                urllib.request.urlopen(f"{left[0].url}/jwt/history", timeout=10)
            answer.value.close()
            assert fake_tiledesk.journal.exchanges == []
        """,
    )

    run = project.run(*WARN)

    assert run.code == 0, run.text + run.errors
    assert "after test_idle.py::test_does_nothing was over, its client still called its fake: GET /v3/jwt" in run.text


def test_a_fake_that_its_test_has_started_anew_ends_with_the_test(project: Project) -> None:
    project.write(
        "test_anew.py",
        """
        import threading
        import pytest
        import requests

        urls = []

        def test_starts_it_anew(fake_tiledesk):
            urls.append(fake_tiledesk.url)
            fake_tiledesk.stop()
            fake_tiledesk.start()
            urls.append(fake_tiledesk.url)
            assert requests.get(f"{fake_tiledesk.url}/jwt/history", timeout=10).status_code == 401

        def test_is_innocent(fake_tiledesk):
            threads = [thread.name for thread in threading.enumerate() if thread.name.startswith("tiledesk-fake")]
            assert len(threads) == 1
            for url in urls:
                with pytest.raises(requests.ConnectionError):
                    requests.get(url, timeout=10)
        """,
    )

    run = project.run("-W", "error")

    assert run.code == 0, run.text + run.errors
    assert run.counts == {"passed": 2}


# --- warning filters ---------------------------------------------------------------------------------------------

CALLED_LATE = """
    import urllib.error, urllib.request
    import pytest

    left = []

    {mark}
    def test_leaves_its_url(fake_tiledesk):
        left.append(fake_tiledesk.url)

    def test_is_innocent(fake_tiledesk):
        with pytest.raises(urllib.error.HTTPError, match="410") as answer:
            urllib.request.urlopen(f"{{left[0]}}/jwt/history", timeout=10)
        answer.value.close()
"""
CATEGORY = "tiledesk_fake.pytest.LateCallWarning"
IN_INI = "[pytest]\nfilterwarnings =\n    error\n    {}\n"


def mark(filter: str) -> str:
    return f'@pytest.mark.filterwarnings("{filter}")'


FILTERS = {
    "by default": ("shown", (), "", ""),
    "ignored": ("silent", ("-W", f"ignore::{CATEGORY}"), "", ""),
    "ignored by the plugin's own name for it": (
        "silent",
        ("-W", "ignore::pytest_tiledesk_fake.LateCallWarning"),
        "",
        "",
    ),
    "ignored as a warning of pytest": ("silent", ("-W", "ignore::pytest.PytestWarning"), "", ""),
    "ignored by its message": ("silent", ("-W", "ignore:after test_it.py"), "", ""),
    "another is ignored": ("shown", ("-W", "ignore:after test_other.py"), "", ""),
    "an error": ("error", ("-W", f"error::{CATEGORY}"), "", ""),
    "an error as all are": ("error", ("-W", "error"), "", ""),
    "an error in the ini file": ("error", (), IN_INI.format(""), ""),
    "ignored in the ini file": ("silent", (), IN_INI.format(f"ignore::{CATEGORY}"), ""),
    "the command line counts more": ("shown", ("-W", f"default::{CATEGORY}"), IN_INI.format(""), ""),
    "the test's own filter counts most": ("silent", ("-W", "error"), "", mark(f"ignore::{CATEGORY}")),
    "an error for one test": ("error", (), "", mark(f"error::{CATEGORY}")),
    "an error in xdist": ("error", ("-W", "error", "-n", "2", "--dist", "loadfile"), "", ""),
    "ignored in xdist": ("silent", ("-W", f"ignore::{CATEGORY}", "-n", "1"), "", ""),
}


@pytest.mark.parametrize("name", FILTERS)
def test_late_calls_obey_the_filters_of_warnings(project: Project, name: str) -> None:
    expected, arguments, ini, mark = FILTERS[name]
    project.write("test_it.py", CALLED_LATE.format(mark=mark))
    project.write("pytest.ini", ini or "[pytest]\n")

    run = project.run("-rE", *arguments, plugins=("xdist", "tiledesk_fake"))

    told = "after test_it.py::test_leaves_its_url was over" in run.text
    assert (run.code, run.counts.pop("passed"), run.counts, told) == {
        "shown": (0, 2, {"warnings": 1}, True),
        "silent": (0, 2, {}, False),
        "error": (1, 2, {"errors": 1}, True),
    }[expected], run.text + run.errors
    if expected == "error":
        line = re.search("^ERROR test_it.py::test_leaves_its_url - .*LateCallWarning: after", run.text, re.M)
        assert line, run.text
