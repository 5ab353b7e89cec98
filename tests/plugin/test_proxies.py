"""Proxies of the environment do not capture the calls to a fake, and the environment is as before afterwards."""

import json
from collections.abc import Mapping

import pytest

from tests.plugin.outside import Project, Run, Setup, run_many

pytestmark = pytest.mark.slow

# Whoever connects there is refused.
DEAD = "http://127.0.0.1:1"

PROXIED = """
    import json, os, pathlib, urllib.request
    import httpx, pytest, requests

    NAMES = ("no_proxy", "NO_PROXY")
    # urlopen keeps the proxies that it met first, in this process those of another run.
    urllib.request.install_opener(urllib.request.build_opener())

    def environment():
        return {name: os.environ.get(name) for name in NAMES}

    def note(when):
        with open("environment.txt", "a") as file:
            file.write(json.dumps([when, environment()]) + "\\n")

    def ask_by_all(fake, url=None):
        ada = fake.users.get("ada@example.com") or fake.add_user(email="ada@example.com", password="secret")
        url, headers = f"{url or fake.url}/jwt/history", {"Authorization": ada.authorization}
        assert requests.get(url, headers=headers, timeout=10).json()["count"] == 0
        # Without TLS, because getting ready for it takes most of the time.
        assert httpx.get(url, headers=headers, timeout=10, verify=False).json()["count"] == 0
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
            assert json.load(answer)["count"] == 0
        local = url.replace("127.0.0.1", "localhost")
        assert requests.get(local, headers=headers, timeout=10).json()["count"] == 0

    def test_1_before():
        note("without")

    def test_2_with_a_fake(fake_tiledesk):
        ask_by_all(fake_tiledesk)
        note("with")

    def test_3_between():
        note("without")

    def test_4_the_others_are_still_proxied(fake_tiledesk):
        if not any(os.environ.get(name, "").strip() == "*" for name in NAMES):
            for url in ("http://api.tiledesk.test/", "http://192.0.2.1/"):
                with pytest.raises(requests.exceptions.ProxyError):
                    requests.get(url, timeout=10)
                with pytest.raises(httpx.ConnectError):
                    httpx.get(url, timeout=10, verify=False)
        note("with")

    def test_5_a_fake_of_the_session_begins_during_a_test(fake_tiledesk, request):
        ask_by_all(fake_tiledesk, request.getfixturevalue("fake_tiledesk_server").url)
        ask_by_all(fake_tiledesk)

    def test_6_and_outlasts_it(fake_tiledesk_server):
        ask_by_all(fake_tiledesk_server)
        note("with")

    def test_7_a_fake_of_the_factory(fake_tiledesk_factory):
        with fake_tiledesk_factory() as fake:
            ask_by_all(fake)
        note("with")
"""
CONFTEST = """
    import json, os

    def pytest_unconfigure(config):
        with open("environment.txt", "a") as file:
            file.write(json.dumps(["without", {name: os.environ.get(name) for name in ("no_proxy", "NO_PROXY")}]))
"""
LOOPBACK = "127.0.0.1,localhost,::1"


def both(value: str) -> dict[str, str]:
    return {"no_proxy": value, "NO_PROXY": value}


ENVIRONMENTS: dict[str, tuple[dict[str, str], Mapping[str, str]]] = {
    "HTTP_PROXY": ({"HTTP_PROXY": DEAD}, both(LOOPBACK)),
    "http_proxy": ({"http_proxy": DEAD}, both(LOOPBACK)),
    "ALL_PROXY": ({"ALL_PROXY": DEAD}, both(LOOPBACK)),
    "exceptions in capitals": (
        {"HTTP_PROXY": DEAD, "NO_PROXY": "corp.example"},
        both(f"corp.example,{LOOPBACK}"),
    ),
    "exceptions in small letters": (
        {"http_proxy": DEAD, "no_proxy": "corp.example"},
        both(f"corp.example,{LOOPBACK}"),
    ),
    "two different exceptions": (
        {"all_proxy": DEAD, "no_proxy": "a.example", "NO_PROXY": "b.example"},
        {"no_proxy": f"a.example,{LOOPBACK}", "NO_PROXY": f"b.example,{LOOPBACK}"},
    ),
    "an empty exception": ({"HTTP_PROXY": DEAD, "no_proxy": ""}, both(LOOPBACK)),
    # Anything more would end its meaning.
    "everything excepted": ({"HTTP_PROXY": DEAD, "NO_PROXY": "*"}, {"NO_PROXY": "*"}),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Project, Run]]:
    files = {"test_proxied.py": PROXIED, "conftest.py": CONFTEST}
    setups = {name: Setup(files, environment, ("-rA",)) for name, (environment, _) in ENVIRONMENTS.items()}
    setups["no proxy"] = Setup({**files, "test_proxied.py": PROXIED.replace("def test_4", "def not_4")}, {}, ("-rA",))
    return run_many(tmp_path_factory.mktemp("proxied"), setups)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_a_proxy_does_not_capture_calls_to_a_fake(runs: dict[str, tuple[Project, Run]], name: str) -> None:
    project, run = runs[name]
    environment, extended = ENVIRONMENTS[name]

    assert run.counts == {"passed": 7}, run.text + run.errors
    before = {variable: environment.get(variable) for variable in ("no_proxy", "NO_PROXY")}
    noted = [json.loads(line) for line in project.read("environment.txt").splitlines()]
    assert [when for when, _ in noted] == ["without", "with", "without", "with", "with", "with", "without"]
    for when, seen in noted:
        assert seen == (before if when == "without" else {"no_proxy": None, "NO_PROXY": None, **extended})


def test_without_a_proxy_the_environment_is_left_alone(runs: dict[str, tuple[Project, Run]]) -> None:
    project, run = runs["no proxy"]

    assert run.counts == {"passed": 6}, run.text + run.errors
    noted = [json.loads(line)[1] for line in project.read("environment.txt").splitlines()]
    assert noted == [{"no_proxy": None, "NO_PROXY": None}] * len(noted)


def test_a_proxy_that_takes_the_place_of_another_variable_captures_no_calls(project: Project) -> None:
    project.write(
        "test_it.py",
        f"""
        import pytest, requests

        def test_without(fake_tiledesk):
            assert requests.get(f"{{fake_tiledesk.url}}/jwt/history", timeout=10).status_code == 401

        @pytest.fixture
        def proxy(monkeypatch):
            monkeypatch.delenv("TAKES_A_PLACE")
            monkeypatch.setenv("HTTP_PROXY", "{DEAD}")

        def test_with(proxy, fake_tiledesk):
            assert requests.get(f"{{fake_tiledesk.url}}/jwt/history", timeout=10).status_code == 401
        """,
    )

    run = project.run("-W", "error", environment={"TAKES_A_PLACE": "x"})

    assert run.counts == {"passed": 2}, run.text


# --- tests that set and restore the environment themselves -------------------------------------------------------

NOTES = """
    import json, os

    NAMES = ("HTTP_PROXY", "http_proxy", "no_proxy", "NO_PROXY")

    def pytest_runtest_logfinish(nodeid):
        with open("environment.txt", "a") as file:
            file.write(json.dumps([nodeid, {name: os.environ.get(name) for name in NAMES}]) + "\\n")
"""
RESTORING = f"""
    import os
    from unittest import mock
    import pytest, requests

    DEAD = "{DEAD}"

    def ask(fake):
        assert requests.get(f"{{fake.url}}/jwt/history", timeout=10).status_code == 401

    def ask_known(url):
        assert requests.get(f"{{url}}/jwt/history", timeout=10).status_code == 401

    PROXIES = [
        {{"HTTP_PROXY": DEAD}},
        {{"http_proxy": DEAD, "NO_PROXY": "corp.example"}},
        {{"HTTP_PROXY": DEAD, "NO_PROXY": "", "no_proxy": "corp.example"}},
        {{"ALL_PROXY": DEAD, "no_proxy": "corp.example"}},
    ]
    PROXIED = pytest.mark.parametrize("proxied", PROXIES, ids=range(len(PROXIES)))

    @PROXIED
    def test_patched(fake_tiledesk, proxied):
        with mock.patch.dict(os.environ, proxied):
            ask(fake_tiledesk)

    @PROXIED
    def test_patched_in_place_of_all(fake_tiledesk, proxied):
        with mock.patch.dict(os.environ, proxied, clear=True):
            ask(fake_tiledesk)

    @PROXIED
    def test_patched_twice(fake_tiledesk, proxied):
        for _ in range(2):
            with mock.patch.dict(os.environ, proxied):
                ask(fake_tiledesk)
            ask(fake_tiledesk)

    @PROXIED
    def test_set_in_the_body(monkeypatch, fake_tiledesk, proxied):
        for name, value in proxied.items():
            monkeypatch.setenv(name, value)
            ask(fake_tiledesk)

    @PROXIED
    def test_set_in_the_body_and_undone_before_the_fake(fake_tiledesk, monkeypatch, proxied):
        for name, value in proxied.items():
            monkeypatch.setenv(name, value)
            ask(fake_tiledesk)

    @pytest.fixture
    def proxy(monkeypatch, proxied):
        for name, value in proxied.items():
            monkeypatch.setenv(name, value)

    @PROXIED
    def test_set_before(proxy, fake_tiledesk, proxied):
        ask(fake_tiledesk)

    @PROXIED
    def test_set_while_the_server_is_there(fake_tiledesk_server, proxy, proxied):
        ask(fake_tiledesk_server)

    @pytest.fixture(scope="session")
    def known(fake_tiledesk_server):
        return fake_tiledesk_server.url

    @PROXIED
    def test_set_while_the_server_is_known(known, proxy, proxied):
        ask_known(known)

    @PROXIED
    def test_patched_while_the_server_is_there(fake_tiledesk_server, proxied):
        with mock.patch.dict(os.environ, proxied):
            ask(fake_tiledesk_server)

    @PROXIED
    def test_set_while_the_factory_is_there(fake_tiledesk_factory, proxy, proxied):
        with fake_tiledesk_factory() as fake:
            ask(fake)

    def test_sets_its_own_exceptions_for_good(fake_tiledesk):
        ask(fake_tiledesk)
        with mock.patch.dict(os.environ):
            os.environ["NO_PROXY"] = "mine.example"
            os.environ["HTTP_PROXY"] = DEAD
            ask(fake_tiledesk)
            assert os.environ["NO_PROXY"].startswith("mine.example,")
"""
OUTSIDE: dict[str, Mapping[str, str]] = {
    "no proxy": {},
    "a proxy": {"HTTP_PROXY": DEAD},
    "a proxy with exceptions": {"HTTP_PROXY": DEAD, "NO_PROXY": "corp.example"},
    "exceptions alone": {"no_proxy": "corp.example"},
}


@pytest.fixture(scope="module")
def restoring(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Project, Run]]:
    files = {"test_restoring.py": RESTORING, "conftest.py": NOTES}
    setups = {name: Setup(files, environment, ("-rA", "-W", "error")) for name, environment in OUTSIDE.items()}
    return run_many(tmp_path_factory.mktemp("restoring"), setups)


@pytest.mark.parametrize("name", OUTSIDE)
def test_no_proxy_captures_a_call_and_no_test_finds_what_another_left(
    restoring: dict[str, tuple[Project, Run]], name: str
) -> None:
    project, run = restoring[name]

    assert run.counts == {"passed": 41}, run.text + run.errors
    before = {
        variable: OUTSIDE[name].get(variable) for variable in ("HTTP_PROXY", "http_proxy", "no_proxy", "NO_PROXY")
    }
    served = {
        variable: (f"{before['no_proxy'] or before['NO_PROXY'] or ''},{LOOPBACK}").lstrip(",")
        for variable in ("no_proxy", "NO_PROXY")
    }
    for line in project.read("environment.txt").splitlines():
        test, seen = json.loads(line)
        # The server of the session needs its exceptions for as long as there is a proxy.
        assert seen in (before, {**before, **served} if "HTTP_PROXY" in OUTSIDE[name] else before), test
