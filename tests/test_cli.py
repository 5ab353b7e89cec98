"""The command line, from outside: what it prints, what it serves, how it fails."""

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
import yaml

from tiledesk_fake import TiledeskFake, contract
from tiledesk_fake.contract.overlay import overlay

ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-W", "error", "-m", "tiledesk_fake"]


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=30, check=False)


@contextmanager
def serving(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The running command with what it has printed, the ready line last."""
    command = [*COMMAND, "serve", "--port", "0", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if line.startswith("tiledesk-fake listening on "):
                break
        try:
            yield process, lines
        finally:
            process.kill()


@pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="reads the limits of a process as Linux tells them")
def test_serve_takes_all_the_descriptors_that_it_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    few = "import resource, runpy; resource.setrlimit(resource.RLIMIT_NOFILE, (100, 500)); "
    monkeypatch.setitem(globals(), "COMMAND", [sys.executable, "-c", few + "runpy.run_module('tiledesk_fake')"])

    with serving("--quiet") as (process, _):
        limits = Path(f"/proc/{process.pid}/limits").read_text(encoding="utf-8")

    assert re.search(r"^Max open files +500 +500 ", limits, re.MULTILINE)


def url_of(lines: list[str]) -> str:
    match = re.fullmatch(r"tiledesk-fake listening on (http://127\.0\.0\.1:[0-9]+/v3)", lines[-1])
    assert match
    return match[1]


def call(method: str, url: str, authorization: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.request(method, url, headers={"Authorization": authorization}, timeout=10)


_SHELL = ("sh", "-c")
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl to paste the lines for")


class TestServe:
    @needs_curl
    def test_every_curl_line_works_when_pasted(self) -> None:
        with serving() as (_, lines):
            pasted = [shlex.split(line) for line in lines if line.startswith("curl ")]
            answers = [
                subprocess.run([*words, "-s", "-f"], capture_output=True, text=True, timeout=10, check=True).stdout
                for words in pasted
            ]

        lists, revocations, (added, verdict) = answers[:2], answers[2:4], answers[4:]
        assert [json.loads(answer)["count"] for answer in lists] == [3, 3]
        assert [json.loads(answer)["revoked"] for answer in revocations] == [True, True]
        assert len({json.loads(answer)["_id"] for answer in revocations}) == 2
        assert json.loads(added)["email"] == "lin@example.com"
        assert json.loads(verdict)["ok"] is True

    @needs_curl
    def test_the_page_is_named_and_the_lines_for_the_control_api_leave_the_token_to_the_shell(self) -> None:
        with serving("--control-token", "open-sesame") as (_, lines):
            (page,) = re.findall(r"http://127\.0\.0\.1:[0-9]+/_fake/$", "\n".join(lines), re.MULTILINE)
            shown = requests.get(page, timeout=10)
            pasted = [line for line in lines if line.startswith("curl ") and "/_fake/" in line]
            environment = {**os.environ, "TILEDESK_FAKE_CONTROL_TOKEN": "open-sesame"}
            codes = [
                subprocess.run([*_SHELL, f"{line} -s -f"], env=environment, check=False).returncode for line in pasted
            ]

        assert shown.status_code == 200
        assert codes == [0, 0]
        assert not any("open-sesame" in line for line in lines)

    def test_the_demo_answers_the_example_of_the_contract(self) -> None:
        with serving("--quiet") as (_, lines):
            answer = call("GET", f"{url_of(lines)}/jwt/history", "Basic YWRhQGV4YW1wbGUuY29tOnNlY3JldA==")

        assert answer.json() == contract.load().example("TokenList")

    def test_stderr_has_each_exchange_with_its_reason_and_each_violation_in_full(self) -> None:
        with serving() as (process, lines):
            call("GET", f"{url_of(lines)}/jwt/history?page=7", "Basic YWRhQGV4YW1wbGUuY29tOnNlY3JldA==")
            call("GET", f"{url_of(lines)}/jwt/history", "Bearer abc")
            process.send_signal(signal.SIGTERM)
            assert process.stderr
            told = process.stderr.read()

        listed, refused, violation, *rest = told.splitlines()
        assert listed[8:] == (
            " GET /v3/jwt/history?page=7 -> 200  by ada@example.com  reason: 0 of 3 records; the first page is 0"
        )
        assert refused[8:] == " GET /v3/jwt/history -> 401  broke auth-scheme  reason: unknown scheme word Bearer"
        assert violation.startswith("auth-scheme: Use the scheme word JWT")
        assert "    got       Authorization: Bearer <redacted>" in rest
        assert "\x1b" not in told

    def test_stderr_has_what_was_refused_before_it_was_a_request(self) -> None:
        with serving() as (process, lines):
            with socket.create_connection(("127.0.0.1", urlsplit(url_of(lines)).port or 0), timeout=10) as client:
                client.sendall(b"no HTTP\r\n\r\n")
                while client.recv(1_000):
                    pass
            process.send_signal(signal.SIGTERM)
            assert process.stderr
            (told,) = process.stderr.read().splitlines()

        assert re.fullmatch(r"refused 127\.0\.0\.1:\d+ -> 400  reason: \S.*", told)

    def test_a_reader_that_does_not_read_holds_nobody(self) -> None:
        with serving() as (_, lines):
            # More than a pipe holds.
            for _ in range(600):
                assert call("GET", f"{url_of(lines)}/jwt/history", "Bearer abc").status_code == 401

    def test_quiet_says_nothing_of_exchanges(self) -> None:
        with serving("--quiet") as (process, lines):
            call("GET", f"{url_of(lines)}/jwt/history", "Bearer abc")
            process.send_signal(signal.SIGTERM)
            assert process.stderr
            assert process.stderr.read() == ""

    def test_quiet_prints_the_ready_line_alone(self) -> None:
        with serving("--quiet") as (_, lines):
            assert len(lines) == 1

    def test_a_scenario_takes_the_place_of_the_demo(self) -> None:
        with serving("--scenario", ROOT / "examples" / "scenario.yaml") as (_, lines):
            url = url_of(lines)
            listed = call("GET", f"{url}/jwt/history", "Basic YWRhQGV4YW1wbGUuY29tOnNlY3JldA==").json()
            refused = call("GET", f"{url}/jwt/history", "Basic YWxhbkBleGFtcGxlLmNvbTplbmlnbWE=")

        assert listed["count"] == 4
        assert refused.status_code == 401
        assert not any("secret" in line or "enigma" in line for line in lines)

    @needs_curl
    def test_the_lines_for_a_scenario_work_too(self) -> None:
        with serving("--scenario", ROOT / "examples" / "scenario.yaml") as (_, lines):
            pasted = [shlex.split(line) for line in lines if line.startswith("curl ")]
            for words in pasted:
                subprocess.run([*words, "-s", "-f"], capture_output=True, timeout=10, check=True)

        assert len(pasted) == 5

    def test_assumptions_are_turned_and_the_last_one_counts(self, tmp_path: Path) -> None:
        profile = tmp_path / "profile.yaml"
        profile.write_text("profile: {list-envelope: jwtHistories, page-size: '10'}")
        with serving("--profile", profile, "--assume", "list-envelope=bare", "--quiet") as (_, lines):
            answer = call("GET", f"{url_of(lines)}/jwt/history", "Basic YWRhQGV4YW1wbGUuY29tOnNlY3JldA==")

        assert isinstance(answer.json(), list)

    def test_a_base_path_and_a_secret_are_taken(self) -> None:
        with serving("--base-path", "/api", "--secret", "s3cret", "--quiet") as (_, lines):
            url = lines[-1].removeprefix("tiledesk-fake listening on ")
            answer = call("GET", f"{url}/jwt/history", "Basic YWRhQGV4YW1wbGUuY29tOnNlY3JldA==")

        assert url.endswith("/api")
        assert answer.status_code == 200

    @pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_ends_it_with_exit_code_0_and_silence(self, name: signal.Signals) -> None:
        with serving("--quiet") as (process, lines):
            port = int(url_of(lines).split(":")[2].split("/")[0])
            with socket.create_connection(("127.0.0.1", port)) as idle:
                idle.sendall(b"GET /v3/jwt")
                process.send_signal(name)
                _, errors = process.communicate(timeout=10)

        assert (process.returncode, errors) == (0, "")


class TestSpec:
    def test_it_prints_the_contract(self) -> None:
        printed = yaml.safe_load(run("spec").stdout)

        assert printed == contract.load().document

    def test_it_prints_the_contract_under_a_profile_as_json(self) -> None:
        printed = json.loads(run("spec", "--assume", "page-base=1", "--format", "json").stdout)

        assert printed == contract.load({"page-base": "1"}).document
        assert printed["components"]["schemas"]["PageNumber"]["minimum"] == 1

    @pytest.mark.parametrize(("form", "version"), [("3.0", "3.0.3"), ("3.1", "3.1.0")])
    def test_it_prints_the_contract_in_either_form(self, form: str, version: str) -> None:
        printed = yaml.safe_load(run("spec", "--openapi", form).stdout)

        assert printed == {**contract.load().document, "openapi": version}

    def test_it_names_the_server_that_tools_are_to_reach(self) -> None:
        printed = yaml.safe_load(run("spec", "--server", "http://127.0.0.1:8000/v3/").stdout)

        assert printed["servers"] == [{"url": "http://127.0.0.1:8000/v3"}]

    def test_it_prints_a_profile_as_an_overlay(self) -> None:
        options = ("--overlay", "--assume", "page-base=1", "--openapi", "3.1", "--server", "http://localhost/v3")
        expected = overlay({"page-base": "1"}, openapi="3.1", server="http://localhost/v3")

        assert yaml.safe_load(run("spec", *options).stdout) == expected
        assert json.loads(run("spec", *options, "--format", "json").stdout) == expected

    @pytest.mark.parametrize("options", [(), ("--overlay",)], ids=["document", "overlay"])
    def test_it_writes_no_aliases(self, options: tuple[str, ...]) -> None:
        """Some tools read them as text."""
        turned = ("--assume", "invalid-query=fail", "--assume", "server-quirks=observed")
        printed = run("spec", *options, *turned).stdout

        assert "ServerError" in printed
        assert [event for event in yaml.parse(printed) if isinstance(event, yaml.AliasEvent)] == []


@pytest.mark.parametrize("shipped", ["documented", "siblings"])
def test_a_shipped_profile_goes_by_name(shipped: str) -> None:
    said = json.loads(run("spec", "--profile", shipped, "--format", "json").stdout)

    choices = {assumption["id"]: assumption["choice"] for assumption in said["x-assumptions"]}
    assert choices == TiledeskFake(profile=shipped).profile


def test_a_page_size_is_any_whole_number_on_the_command_line() -> None:
    said = json.loads(run("spec", "--assume", "page-size=7", "--format", "json").stdout)

    assert said["components"]["schemas"]["TokenPage"]["maxItems"] == 7
    wrong = run("spec", "--assume", "page-size=0")
    assert wrong.stderr == (
        "tiledesk-fake: --assume: page-size has no choice '0'; Valid: 40, 10, any whole number from 1 to 1000\n"
    )


@pytest.mark.parametrize("command", ["serve", "spec"])
def test_help_lists_every_assumption_with_its_choices_the_default_first(command: str) -> None:
    shown = run(command, "--help").stdout

    for assumption in contract.load().document["x-assumptions"]:
        choices = "|".join([assumption["default"], *assumption["alternatives"]])
        assert f"  {assumption['id']}={choices}\n" in shown


def test_without_a_command_it_shows_help() -> None:
    shown = run()

    assert shown.returncode == 0
    assert "serve" in shown.stdout
    assert "spec" in shown.stdout


BROKEN = [
    (["serve", "--assume", "page-bse=1"], ["'page-bse'", "did you mean 'page-base'?", "server-quirks"]),
    (["serve", "--assume", "page-base=2"], ["page-base", "'2'", "Valid: 0, 1"]),
    (["serve", "--assume", "page-base"], ["expected ID=CHOICE", "got 'page-base'; write page-base=0 or page-base=1"]),
    (["serve", "--profile", "page-base=1"], ["page-base=1: cannot be read", "--assume page-base=1"]),
    (["serve", "--port", "70000"], ["--port", "70000"]),
    (["serve", "--prot", "1"], ["--prot", "'--port'"]),
    (["serve", "--host", "256.1.1.1", "--control-token", "x"], ["cannot listen on 256.1.1.1"]),
    (
        ["serve", "--host", "0.0.0.0"],
        ["others can reach 0.0.0.0", "--control-token TEXT", "TILEDESK_FAKE_CONTROL_TOKEN"],
    ),
    (["serve", "--host", ""], ["expected a host like '127.0.0.1'"]),
    (["serve", "--control-token", "a b"], ["expected a control token of visible ASCII characters"]),
    (["serve", "--allowed-host", "http://x"], ["--allowed-host", "without scheme and port"]),
    (["serve", "--base-path", "/w/v3"], ["expected a base path other than '/w/v3'"]),
    (["serve", "--world-limit", "0"], ["--world-limit"]),
    (["serve", "--base-path", "v3"], ["expected a base path like '/v3'", "'v3'"]),
    (["serve", "--scenario", "missing.yaml"], ["missing.yaml: cannot be read"]),
    (["serve", "--profile", "missing.yaml"], ["missing.yaml: cannot be read"]),
    (["spec", "--format", "xml"], ["--format", "'xml'", "'yaml', 'json'"]),
    (["spec", "--openapi", "2.0"], ["--openapi", "'2.0'", "'3.0', '3.1'"]),
    (["spec", "--server", "/v3"], ["--server", "like http://127.0.0.1:8000/v3", "got '/v3'"]),
    (["spec", "--server", "ftp://localhost/v3"], ["--server", "got 'ftp://localhost/v3'"]),
    (["spec", "--server", "http://localhost:port/v3"], ["--server", "got 'http://localhost:port/v3'"]),
    (["spec", "--server", "http://localhost/v3?page=1"], ["--server", "without credentials and query"]),
    (["spec", "--server", "http://ada:secret@localhost/v3"], ["--server", "got one with an @ in it"]),
    (["srve"], ["No such command 'srve'"]),
]


@pytest.mark.parametrize(("arguments", "words"), BROKEN, ids=" ".join)
def test_an_error_is_one_line_that_says_what_to_do_and_exit_code_2(arguments: list[str], words: list[str]) -> None:
    failed = run(*arguments)

    assert failed.returncode == 2
    assert failed.stdout == ""
    assert len(failed.stderr.splitlines()) == 1
    for word in words:
        assert word in failed.stderr


BROKEN_FILES = [
    ("users: [\n", "--scenario", ["file.yaml:2", "not valid YAML"]),
    (
        "users:\n  - {email: a@b.c, emial: x}\n",
        "--scenario",
        ["file.yaml:2: users[0]", "'emial'", "did you mean 'email'?"],
    ),
    ("users:\n  - {email: a@b.c, tokens: [{jti: 5}]}\n", "--scenario", ["users[0].tokens[0].jti", "expected text"]),
    ("users: [{email: a@b.c}, {email: a@b.c}]", "--scenario", ["file.yaml:1: users[1]", "'a@b.c' already"]),
    ("profile: {page-base: 1}", "--profile", ["file.yaml:1: profile: page-base", "put it in quotes: '1'"]),
    ("profile: {a: b\n", "--profile", ["file.yaml:2", "not valid YAML"]),
    ("profil: {}", "--profile", ["expected a mapping with the key 'profile'"]),
]


@pytest.mark.parametrize(("content", "option", "words"), BROKEN_FILES, ids=range(len(BROKEN_FILES)))
def test_a_broken_file_is_named_with_its_line(content: str, option: str, words: list[str], tmp_path: Path) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(content)

    failed = run("serve", option, file)

    assert failed.returncode == 2
    assert len(failed.stderr.splitlines()) == 1
    for word in ["file.yaml", *words]:
        assert word in failed.stderr


def test_a_port_that_is_taken_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        failed = run("serve", "--port", str(port))

    assert failed.returncode == 2
    assert len(failed.stderr.splitlines()) == 1
    assert f"127.0.0.1:{port}" in failed.stderr
    assert "--port 0" in failed.stderr


def test_no_line_to_paste_uses_an_expired_token(tmp_path: Path) -> None:
    file = tmp_path / "scenario.yaml"
    file.write_text(
        "users:\n"
        "  - email: bob@example.com\n"
        "    tokens:\n"
        "      - {jti: old, createdAt: 2026-01-01T00:00:00Z}\n"
        "      - {jti: gone, createdAt: 2026-02-01T00:00:00Z, expiresAt: 2026-03-01T00:00:00Z}\n"
    )
    with serving("--scenario", file) as (_, lines):
        pasted = [shlex.split(line) for line in lines if line.startswith("curl ")]
        authorizations = [
            word.removeprefix("Authorization: ") for words in pasted for word in words if "Authorization" in word
        ]
        answers = [call("GET", f"{url_of(lines)}/jwt/history", each).status_code for each in authorizations]

    assert answers == [200, 200]
