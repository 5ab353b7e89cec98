"""Every snippet of README and docs runs, and every table that repeats the contract agrees with it."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import textwrap
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tiledesk_fake import TiledeskFake, contract
from tiledesk_fake.contract.profile import check
from tiledesk_fake.violations.violation import CLIENT_RULES

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@dataclass(frozen=True)
class Snippet:
    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def snippets() -> list[Snippet]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Snippet(page, line, match[1], match[2]))
    return found


# Those of docs/clients.md need generators: tests/tools/test_clients_page.py.
# Lines for the shell in docs/tls.md need a port and a hosts entry: tests/tls/test_other_languages.py.
SNIPPETS = [
    snippet
    for snippet in snippets()
    if snippet.page.name != "clients.md" and (snippet.page.name, snippet.language) != ("tls.md", "sh")
]


def of(*languages: str) -> list[Snippet]:
    return [snippet for snippet in SNIPPETS if snippet.language in languages]


def test_no_snippet_is_in_a_language_that_is_not_tested() -> None:
    assert {snippet.language for snippet in SNIPPETS} <= {"python", "bash", "sh", "java", "yaml", "toml"}


def test_the_python_snippets_run(tmp_path: Path) -> None:
    for number, snippet in enumerate(of("python")):
        name = f"test_{number}_{snippet.page.stem.lower()}_{snippet.line}.py"
        text = snippet.text
        if "def test_" not in text:
            text = "def test_it_runs():\n" + "".join(f"    {line}\n" for line in text.splitlines())
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", encoding="utf-8")

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:schemathesis", "-p", "no:cacheprovider", str(tmp_path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100, check=False)

    assert run.returncode == 0, run.stdout + run.stderr
    assert f"{sum(max(1, s.text.count('def test_')) for s in of('python'))} passed" in run.stdout


@pytest.mark.parametrize("snippet", of("bash"), ids=str)
def test_the_shell_snippets_work(snippet: Snippet) -> None:
    for line in snippet.text.splitlines():
        words = shlex.split(line)
        match words[0]:
            case "make":
                run(["make", "--dry-run", *words[1:]])
            case "pip":
                assert words[1:] == ["install", "."]
                assert (ROOT / "pyproject.toml").exists()
            case "flask":
                run([sys.executable, "-m", *words])
            case "tiledesk-fake" if words[1] == "serve":
                serve(words[2:])
            case "tiledesk-fake":
                run([sys.executable, "-m", "tiledesk_fake", *words[1:]])
            case _:
                pytest.fail(f"nothing here knows how to try {line!r}")


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
@pytest.mark.parametrize("snippet", of("sh"), ids=str)
def test_the_sessions_in_a_shell_go_from_the_first_line_to_the_last(snippet: Snippet, tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # The same lines, but for the port: the documented one may be taken on this machine.
    lines = snippet.text.replace("127.0.0.1:8000", f"127.0.0.1:{port}").replace(" serve ", f" serve --port {port} ")
    bin = Path(sys.executable).parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TILEDESK_FAKE_")}
    environment |= {"PATH": f"{bin}:{os.environ['PATH']}", "TILEDESK_FAKE_URL": f"http://127.0.0.1:{port}"}
    # Each line is to succeed, and the server goes whatever happens.
    script = f"set -eu\ntrap 'kill $!' EXIT\n{lines}"
    done = subprocess.run(
        ["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"ok": true' in done.stdout or done.stdout.endswith("ok\n")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("java") is None, reason="there is no java")
def test_the_java_client_is_let_in_to_the_gate_and_refused_before_it_without_its_setting(tmp_path: Path) -> None:
    (snippet,) = of("java")
    setting = ".version(HttpClient.Version.HTTP_1_1)"
    assert setting in snippet.text
    with TiledeskFake() as fake:
        text = snippet.text.replace("http://127.0.0.1:8000/v3", fake.url)
        said = [java(tmp_path, text), java(tmp_path, text.replace(setting, ""))]

    assert said == ["401\n", "400\n"]
    assert [exchange.status for exchange in fake.journal.exchanges] == [401]


def java(folder: Path, text: str) -> str:
    (folder / "Client.java").write_text(text, encoding="utf-8")
    return subprocess.run(
        ["java", "Client.java"], cwd=folder, capture_output=True, text=True, timeout=100, check=True
    ).stdout


def run(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def serve(options: list[str]) -> None:
    # The same options, but the port: the documented one may be taken on this machine.
    command = [sys.executable, "-m", "tiledesk_fake", "serve", *options, "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = iter(process.stdout.readline, "")
        assert any(line.startswith("tiledesk-fake listening on http://127.0.0.1:") for line in lines)
        process.terminate()


@pytest.mark.parametrize("snippet", of("yaml"), ids=str)
def test_the_yaml_snippets_are_profiles_and_scenarios(snippet: Snippet) -> None:
    content = yaml.safe_load(snippet.text)

    if "users" in content:
        TiledeskFake().load(content)
    else:
        assert check(content["profile"], source="docs") == content["profile"]


@pytest.mark.parametrize("snippet", of("toml"), ids=str)
def test_the_toml_snippets_configure_pytest(snippet: Snippet, tmp_path: Path) -> None:
    tomllib.loads(snippet.text)
    (tmp_path / "pyproject.toml").write_text(snippet.text, encoding="utf-8")
    (tmp_path / "test_it.py").write_text("def test_it(fake_tiledesk): pass\n", encoding="utf-8")

    command = [sys.executable, "-m", "pytest", "-p", "no:schemathesis", "-p", "no:hypothesispytest", "-W", "error"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert "tiledesk-fake: " in done.stdout


def test_the_readme_shows_what_a_test_with_a_wrong_client_says(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^    auth-scheme: .*\n(?:        .*\n)+", text, re.MULTILINE)
    (tmp_path / "test_wrong.py").write_text(
        "import requests\n"
        "def test_it(fake_tiledesk):\n"
        "    headers = {'Authorization': 'Bearer x'}\n"
        "    requests.get(f'{fake_tiledesk.url}/jwt/history', headers=headers, timeout=5)\n",
        encoding="utf-8",
    )

    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:schemathesis", "-p", "no:cacheprovider", str(tmp_path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    # The reader of the README has installed a wheel in an environment beside the tests.
    told = run.stdout.replace(str(contract.FILE.parents[1]), ".venv/lib/python3.12/site-packages/tiledesk_fake")

    assert textwrap.dedent(shown) in re.sub(r"(?<=127\.0\.0\.1:)\d+", "8000", told)


def test_the_page_about_checks_names_a_place_of_this_contract() -> None:
    page = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    ((file, number, level),) = re.findall(r"^ +contract  .*/(openapi/\S+):(\d+) \((\w+)\)$", page, re.MULTILINE)

    assert (ROOT / file).read_text(encoding="utf-8").splitlines()[int(number) - 1].strip() == "SortDirection:"
    assert level == "documented"


def test_the_page_about_pytest_names_all_that_a_fake_offers() -> None:
    page = (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")
    section = page.partition("## What a fake offers")[2].partition("\n## ")[0]
    told = set(re.findall(r"`(\w+)", section))
    offered = {name for name in dir(TiledeskFake) if not name.startswith("_")}

    assert offered <= told


def test_the_page_of_assumptions_tells_what_the_contract_tells() -> None:
    page = (ROOT / "docs" / "assumptions.md").read_text(encoding="utf-8")
    sections = dict(
        zip(re.findall(r"^## (.*)$", page, re.MULTILINE), re.split(r"^## .*\n", page, flags=re.M)[1:], strict=True)
    )
    assumptions = contract.load().document["x-assumptions"]

    assert list(sections) == [assumption["id"] for assumption in assumptions]
    for assumption in assumptions:
        choices = [f"- **`{assumption['default']}`** (default): {assumption['meaning']}"]
        choices += [f"- `{choice}`: {told['meaning']}" for choice, told in assumption["alternatives"].items()]
        if numbers := assumption.get("numbers"):
            choices.append(
                f"- any whole number from {numbers['minimum']} to {numbers['maximum']}: {numbers['meaning']}"
            )
        expected = (
            f"{assumption['question']} Confidence {assumption['confidence']}.\n\n"
            + "\n".join(choices)
            + f"\n\nEvidence: {assumption['evidence']}"
        )
        assert sections[assumption["id"]].strip() == expected


def test_the_page_about_pytest_lists_every_rule() -> None:
    page = (ROOT / "docs" / "pytest.md").read_text(encoding="utf-8")

    assert re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE) == [*CLIENT_RULES, "unspent-fault"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_project_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [target for target in targets if not (page.parent / target).exists()] == []
