"""`tiledesk-fake check` and `tiledesk-fake learn`, from outside."""

import json
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from packaging.requirements import Requirement

from tests.conformance.command import run
from tests.conformance.world import NO_ANSWER, Answer, Ask, Request, World, world
from tests.conformance.wrong_servers import WRONG
from tiledesk_fake import TiledeskFake
from tiledesk_fake.conformance import RULES, Examination, Target, check
from tiledesk_fake.conformance.report import check_writable
from tiledesk_fake.conformance.rules import BY_ID

pytestmark = pytest.mark.slow

COMMAND = (sys.executable, "-m", "tiledesk_fake")
ADA = ("--basic", "ada@example.com:Secret")
WITHOUT_THE_EXTRA = "import sys; sys.modules['schemathesis'] = None; from tiledesk_fake.cli import main; main()"
DEAD = "http://127.0.0.1:1/v3"
DOCS = Path(__file__).parents[2] / "docs" / "conformance.md"


@pytest.fixture(scope="module")
def right() -> Iterator[Target]:
    with world().served() as server:
        yield server


@pytest.fixture(scope="module")
def wrong() -> Iterator[tuple[World, Target]]:
    twist = next(each for each in WRONG if each.name == "ascending by default").twist
    served = world(twist)
    with served.served() as server:
        yield served, server


def test_a_server_that_keeps_the_contract_is_0_and_silent_but_for_the_verdict(right: Target) -> None:
    command = [*COMMAND, "check", right.url, *ADA, "--examples", "2", "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stdout
    assert "keeps the contract" in done.stdout
    assert "(seed 7)" in done.stdout
    assert "nothing may be revoked without --may-revoke:" in done.stdout
    assert done.stderr == ""


def test_a_server_that_breaks_it_is_1_and_a_finding_says_how(wrong: tuple[World, Target], tmp_path: Path) -> None:
    _, server = wrong
    file = tmp_path / "report.json"
    done = run("check", server.url, *ADA, "--examples", "1", "--report", str(file))

    assert done.returncode == 1, done.stderr
    form = r"order-default-direction: .*\n  expected  .*\n  got  .*\n  contract  (.*):(\d+) \(documented\)"
    place = re.search(form, done.stdout)
    assert place
    assert "SortDirection:" in Path(place[1]).read_text(encoding="utf-8").splitlines()[int(place[2]) - 1]
    found = {each["rule"]: each for each in json.loads(file.read_text(encoding="utf-8"))["findings"]}
    assert found["order-default-direction"]["contract"] == f"{place[1]}:{place[2]}"
    assert found["order-default-direction"]["level"] == "documented"
    assert found["order-default-direction"]["curl"].startswith("curl -i ")


def test_every_form_of_the_report_has_every_finding_and_no_secret(wrong: tuple[World, Target], tmp_path: Path) -> None:
    served, server = wrong
    reports = {suffix: tmp_path / f"report.{suffix}" for suffix in ("json", "xml", "html")}
    report = check(server, generated=False)
    for path in reports.values():
        report.write(path)

    assert reports["xml"].read_text(encoding="utf-8").startswith("<?xml version='1.0' encoding='utf-8'?>")
    suite = ElementTree.parse(reports["xml"]).getroot()[0]
    assert suite.get("failures") == str(len(suite.findall("testcase/failure"))) == str(len(report.findings))
    assert suite.get("skipped") == str(len(suite.findall("testcase/skipped"))) == str(len(report.left_out))
    assert suite.get("tests") == str(len(suite.findall("testcase")))
    page = reports["html"].read_text(encoding="utf-8")
    assert "<script" not in page
    assert not re.search(r"(?:src|href)=", page)
    for path in reports.values():
        text = path.read_text(encoding="utf-8")
        assert all(rule in text for rule in report.broken_rules)
        assert all(record["_id"] in text for record in report.revoked)
        assert served.jwt not in text
        assert "Secret" not in text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", "URL"), "there is nobody to call as"),
        (("check", "URL", "--basic", "ada@example.com:wrong"), "refuses the credentials given with --basic (401)"),
        (("check", "http://127.0.0.1:1/v3", *ADA), "cannot be reached: no answer: Connection refused"),
        (("check", "URL/nothing", *ADA), "give the URL that precedes /jwt/history"),
        (("check", "URL", "--basic", "ada"), "--basic: expected ADDRESS:PASSWORD"),
        (("check", "URL", "--jwt", "abc"), "--jwt: expected a token of three parts"),
        (("check", "ftp://127.0.0.1", *ADA), "expected a URL like"),
        (("check", "http://ada:secret@127.0.0.1", *ADA), "give them with --basic"),
        (("check", "http://127.0.0.1:99999", *ADA), "expected a URL like"),
        (("check", "URL", *ADA, "--report", "report.pdf"), "--report: expected a file ending in .html, .json, .xml"),
        (("check", "URL", *ADA, "--assume", "page-base=7"), "page-base has no choice '7'"),
        (("check", "URL", *ADA, "--profile", "nothing.yaml"), "nothing.yaml: cannot be read"),
        (("learn", "URL", "--basic", "ada@example.com:wrong"), "refuses the credentials"),
        (("learn", DEAD, *ADA, "--output", "/nowhere/profile.yaml"), "/nowhere/profile.yaml: cannot be written"),
        (("check", DEAD, *ADA, "--report", "/nowhere/report.xml"), "/nowhere/report.xml: cannot be written"),
    ],
)
def test_what_cannot_be_checked_is_2_with_one_clear_line(arguments: tuple[str, ...], words: str, right: Target) -> None:
    done = run(*(argument.replace("URL", right.url) for argument in arguments))

    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.startswith("tiledesk-fake: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_server_that_is_gone_before_the_end_is_2_and_the_report_is_written(tmp_path: Path) -> None:
    def twist(world: World, request: Request, ask: Ask) -> Answer:
        asked = world.memory["asked"] = world.memory.get("asked", 0) + 1
        return ask(request) if asked <= 200 else NO_ANSWER

    file = tmp_path / "report.json"
    with world(twist).served() as server:
        done = run("check", server.url, *ADA, "--report", str(file))

    assert done.returncode == 2
    assert "could not be checked: it no longer answers (no answer: " in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert json.loads(file.read_text(encoding="utf-8"))["verdict"] == "unchecked"


def interrupting(world: World, request: Request, ask: Ask) -> Answer:
    """A server during whose third revocation somebody presses Ctrl-C."""
    given = ask(request)
    if request.revokes and given.status == 200:
        world.memory["revoked"] = world.memory.get("revoked", 0) + 1
        if world.memory["revoked"] == 3:
            signal.raise_signal(signal.SIGINT)
    return given


def newly_revoked(served: World) -> set[str]:
    new = world()
    before = {token.id for token in new.fake.history(new.ada) if token.revoked}
    return {token.id for token in served.fake.history(served.ada) if token.revoked} - before


def test_an_interrupt_is_130_and_what_was_revoked_is_told_and_written(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    served = world(interrupting, signs_in=False)
    with served.served() as server:
        done = run("check", server.url, *ADA, "--may-revoke", "--report", str(file))

    written = json.loads(file.read_text(encoding="utf-8"))
    assert done.returncode == 130
    assert "could not be checked: the check was interrupted" in done.stdout
    assert written["verdict"] == "unchecked"
    assert newly_revoked(served)
    assert newly_revoked(served) <= {each["_id"] for each in written["revoked"]}
    assert all(id in done.stdout for id in newly_revoked(served))
    assert any(each["reason"] == "the check was interrupted" for each in written["left_out"])


def test_an_interrupt_of_learn_is_130_and_what_was_revoked_is_told() -> None:
    served = world(interrupting, signs_in=False)
    with served.served(may_revoke=True) as server:
        done = run("learn", server.url, *ADA, "--jwt", served.jwt, "--may-revoke")

    assert done.returncode == 130
    assert newly_revoked(served)
    assert all(f"given up, perhaps revoked: {id}" in done.stderr for id in newly_revoked(served))


def test_a_failure_that_nobody_expected_is_2_in_one_line_and_what_was_revoked_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(exam: Examination) -> None:
        raise KeyError("Authorization: JWT eyJhbGciOiJub25lIn0.eyJqdGkiOiJ4In0.")

    rules = [BY_ID["revokes-by-jti"], replace(RULES[0], ask=fail)]
    monkeypatch.setattr("tiledesk_fake.cli.check.check_target", partial(check, rules=rules, generated=False))
    file = tmp_path / "report.xml"
    served = world(signs_in=False)
    with served.served() as server:
        done = run("check", server.url, *ADA, "--may-revoke", "--report", str(file))

    assert done.returncode == 2
    assert re.fullmatch(r"tiledesk-fake: failed where it must not, at test_cli.py:\d+: KeyError: .*\n", done.stderr)
    assert "eyJ" not in done.stderr
    assert len(newly_revoked(served)) == 1
    assert newly_revoked(served).pop() in done.stdout
    assert ElementTree.parse(file).getroot()[0].get("errors") == "1"


def test_a_report_that_cannot_be_written_after_all_is_2_and_the_text_is_printed(
    right: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tiledesk_fake.cli.check.check_writable", lambda path: None)
    monkeypatch.setattr("tiledesk_fake.cli.check.check_target", partial(check, rules=RULES[:2], generated=False))
    done = run("check", right.url, *ADA, "--report", str(tmp_path / "nowhere" / "report.xml"))

    assert done.returncode == 2
    assert "keeps the contract" in done.stdout


def test_where_a_report_can_be_written_nothing_is_left_behind_and_nothing_overwritten(tmp_path: Path) -> None:
    there = tmp_path / "there.xml"
    there.write_text("kept", encoding="utf-8")
    check_writable(there)
    check_writable(tmp_path / "new.xml")

    assert there.read_text(encoding="utf-8") == "kept"
    assert list(tmp_path.iterdir()) == [there]


def test_without_the_extra_check_says_what_to_install_and_learn_works(right: Target) -> None:
    command = [sys.executable, "-c", WITHOUT_THE_EXTRA]
    checked = subprocess.run([*command, "check", right.url, *ADA], capture_output=True, text=True, check=False)
    learnt = subprocess.run([*command, "learn", right.url, *ADA], capture_output=True, text=True, check=False)

    assert checked.returncode == 2
    said = checked.stderr.removeprefix("tiledesk-fake: check needs Schemathesis and Hypothesis: pip install ")
    extra = tomllib.loads((DOCS.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    # A line that works before this package is on an index, and in the shell as it stands.
    assert set(map(Requirement, shlex.split(said))) == set(
        map(Requirement, extra["project"]["optional-dependencies"]["check"])
    )
    assert len(checked.stderr.splitlines()) == 1
    assert learnt.returncode == 0
    assert yaml.safe_load(learnt.stdout)["profile"]["page-base"] == "0"


def test_progress_is_visible_on_a_terminal(right: Target) -> None:
    parent, child = pty.openpty()
    with subprocess.Popen([*COMMAND, "learn", right.url, *ADA], stdout=subprocess.DEVNULL, stderr=child):
        os.close(child)
        said = b""
        try:
            while piece := os.read(parent, 4096):
                said += piece
        except OSError:  # the other end is closed
            pass
    os.close(parent)

    assert b"[0/14] list-envelope" in said
    assert b"\r\x1b[K14 of 14" not in said
    assert said.rpartition(b"\x1b[K")[2].startswith(b"8 of 14 assumptions answered")


@pytest.mark.slow
def test_a_seed_repeats_a_run() -> None:
    runs: list[list[tuple[str, str]]] = []
    for each in (11, 11, 12):
        asked: list[tuple[str, str]] = []

        def listen(world: World, request: Request, ask: Ask, asked: list[tuple[str, str]] = asked) -> Answer:
            asked.append((request.method, request.target))
            return ask(request)

        with world(listen, signs_in=False).served(examples=2, seed=each) as server:
            check(server, rules=())
        runs.append(asked)

    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


def test_the_user_who_comes_first_on_the_command_line_is_examined(right: Target) -> None:
    bob = ("--basic", "bob@example.com:hunter2")
    served = world(signs_in=False)
    with served.served() as server:
        done = run("learn", server.url, "--jwt", served.jwt, *bob, "--may-revoke")

    revoked = set(re.findall(r"^revoked ([0-9a-f]{24})", done.stderr, re.MULTILINE))
    assert revoked <= {token.id for token in served.fake.history(served.ada)}
    assert revoked


def test_the_example_passes(tmp_path: Path) -> None:
    example = DOCS.parents[1] / "examples" / "conformance"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:schemathesis", "-p", "no:cacheprovider", str(example)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stdout
    assert re.search(r"^1\d\d passed, \d skipped", done.stdout, re.MULTILINE)


@pytest.mark.slow
def test_the_commands_of_the_documentation_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    commands = re.findall(r"^    tiledesk-fake (.*)$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    with TiledeskFake(profile={"page-base": "1", "revoke-again": "unknown"}) as fake:
        for email, password in (("ada@example.com", "secret"), ("grace@example.com", "hopper")):
            user = fake.add_user(email=email, password=password)
            for _ in range(3):
                fake.issue_token(user)
        few = {"check": ["--examples", "1"], "learn": []}
        asked = [shlex.split(command.replace("http://127.0.0.1:8000/v3", fake.url)) for command in commands]
        done = [run(*words, *few[words[0]]) for words in asked]

    # The first is asked under the default profile, which this server does not keep; the last by what was learnt.
    assert [each.returncode for each in done] == [1, 0, 0], [each.stderr for each in done]
