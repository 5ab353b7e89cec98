"""Proxies of the environment do not capture the calls to a fake, and the environment is as before afterwards."""

import json
from collections.abc import Mapping

import pytest

from tests.plugin.outside import Project, Run, Setup, run_many

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
