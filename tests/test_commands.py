"""The commands that ask a server which runs: one obvious way for each task, in a shell."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest

from tests.served import call, served, server_url
from tiledesk_fake import TiledeskFake
from tiledesk_fake.cli import cli

ROOT = Path(__file__).parent.parent
SCRIPT = str(Path(sys.executable).with_name("tiledesk-fake"))


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Shell:
    """Runs commands against one server."""

    server: TiledeskFake

    def __call__(self, line: str, *, typed: str = "", **environment: str) -> Done:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("TILEDESK_FAKE_")}
        done = subprocess.run(
            [SCRIPT, *shlex.split(line)],
            env={**inherited, "TILEDESK_FAKE_URL": server_url(self.server), **environment},
            input=typed,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def shell() -> Iterator[Shell]:
    with served() as server:
        yield Shell(server)


def test_users_are_added_listed_changed_and_removed(shell: Shell) -> None:
    added = shell("user add ada@example.com --password secret --firstname Ada")
    user = shell.server.users["ada@example.com"]

    assert (added.code, added.out) == (0, f"{user.id}  ada@example.com\nAuthorization: {user.authorization}\n")
    assert user.firstname == "Ada"
    assert shell("user list").out == f"{user.id}  ada@example.com\n"
    assert shell("user list --json").json["users"][0]["email"] == "ada@example.com"

    changed = shell(f"user update {user.id} --email bea@example.com --no-password --inactive")

    assert changed.out.splitlines()[0] == f"{user.id}  bea@example.com  inactive"
    assert "Basic can never work" in changed.out
    assert shell("user remove bea@example.com --json").json == {}
    assert len(shell.server.users) == 0


def test_tokens_are_issued_listed_and_revoked(shell: Shell) -> None:
    ada = shell.server.add_user(email="ada@example.com")
    issued = shell("""token issue ada@example.com --jti a/b --expires-in -1h --claims '{"role": "owner"}'""")
    (token,) = shell.server.history(ada)

    assert issued.out == f"{token.authorization}\n"
    assert token.expires_at is not None
    assert token.expires_at < token.created_at
    assert "a/b" in shell(f"token list {ada.id}").out
    assert shell("token revoke a/b").out.endswith("revoked\n")
    assert token.revoked
    assert shell("token list ada@example.com --json").json["tokens"][0]["revoked"] is True


def test_the_clock_is_moved(shell: Shell) -> None:
    assert shell("clock freeze 2026-01-01T00:00:00Z").out == "2026-01-01T00:00:00.000Z  frozen\n"
    assert shell("clock advance --days 1 --minutes -30").out == "2026-01-01T23:30:00.000Z  frozen\n"
    assert shell("clock show --json").json == {"now": "2026-01-01T23:30:00.000Z", "frozen": True}
    assert "frozen" not in shell("clock resume").out
    assert not shell.server.clock.frozen


def test_faults_are_planned_and_the_verdict_asks_for_them(shell: Shell) -> None:
    added = shell("fault add listTokens --status 418 --body-json '[1]' --times 2 --when page=1 --when-absent direction")

    assert added.out == "listTokens: status 418, when page='1', when direction=None, 2 left\n"
    assert shell("fault list").out == added.out
    verdict = shell("verdict")
    assert verdict.code == 1
    assert verdict.out.startswith("unspent-fault: no call met listTokens")
    assert shell("verdict --allow unspent-fault").out == "ok\n"
    assert shell("fault clear").code == 0
    assert shell("verdict --json").json["ok"] is True


def test_the_journal_tells_what_was_called(shell: Shell) -> None:
    ada = shell.server.add_user(email="ada@example.com", password="secret")
    call(shell.server, "GET", "/jwt/history", ada.authorization)
    call(shell.server, "GET", "/jwt/history", "Bearer x")

    assert [line.split()[0] for line in shell("journal").out.splitlines()] == ["1", "2"]
    assert "GET /v3/jwt/history -> 200  by ada@example.com" in shell("journal --user ada@example.com").out
    assert shell("journal --status 401 --after 1 --json").json["exchanges"][0]["number"] == 2
    assert shell("journal --operation listTokens --wait-s 5 --times 2").code == 0
    assert shell("journal --operation revokeTokenById --wait-s 0.1").code == 1
    assert shell("verdict").code == 1
    assert shell("journal --clear").code == 0
    assert shell("journal").out == ""


def test_scenarios_go_in_and_out(shell: Shell, tmp_path: Path) -> None:
    assert shell(f"scenario load {ROOT / 'examples' / 'scenario.yaml'}").code == 0
    saved = shell("scenario save").out
    users = dict(shell.server.users)

    assert users
    assert shell("reset").code == 0
    assert len(shell.server.users) == 0
    assert shell("scenario load -", typed=saved).code == 0
    assert dict(shell.server.users) == users

    again = shell("scenario load -", typed=saved)
    assert again.code == 2
    assert again.err.startswith("tiledesk-fake: /dev/stdin:")


def test_waiting_ends_when_the_server_is_there(shell: Shell) -> None:
    assert shell("wait").out.startswith("ok: tiledesk-fake ")
    assert shell("wait --json").json["status"] == "ok"

    late = shell("wait --timeout 0.2 --url http://127.0.0.1:1")

    assert late.code == 2
    assert late.err.startswith("tiledesk-fake: no answer from http://127.0.0.1:1")


def test_a_world_is_asked_by_its_url(shell: Shell) -> None:
    world = f"{server_url(shell.server)}/w/mine"

    assert shell(f"user add ada@example.com --url {world}").code == 0
    assert "ada@example.com" in shell("user list", TILEDESK_FAKE_URL=world).out
    assert shell("user list").out == ""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("user add ada@example.com", "already"),
        ("user add bea@example.com --id 5", "expected an id of 24 hex digits"),
        ("user update ada@example.com", "expected what to change"),
        ("user update ada@example.com --password x --no-password", "got both"),
        ("user remove adda@example.com", "did you mean 'ada@example.com'?"),
        ("token issue ada@example.com --expires-in soon", "expected a duration like 90s"),
        ("token issue ada@example.com --claims {", "expected JSON"),
        ("token issue ada@example.com --created-at yesterday", "expected a time"),
        ("token revoke phone", "no token with the jti 'phone'"),
        ("clock freeze noon", "expected a time"),
        ("clock advance", "expected how far"),
        ("fault add listToken --status 503", "did you mean 'listTokens'?"),
        ("fault add listTokens", "this fault would do nothing"),
        ("fault add listTokens --status 200 --body a --body-json 1", "expected one of --body"),
        ("fault add listTokens --times often", "expected a whole number from 1, or forever"),
        ("fault add listTokens --when page", "expected NAME=VALUE"),
        ("journal --clear --status 200", "expected --clear alone"),
        ("journal --operation listToken", "did you mean 'listTokens'?"),
        ("journal --wait-s 10", "from 0 to 9"),
        ("verdict --allow auth", "there is no rule 'auth'"),
        ("scenario load none.yaml", "cannot be read"),
        ("user list --url ftp://x", "expected the URL of a server"),
        ("user list --url http://127.0.0.1:1", "no answer"),
        ("user list --control-token 'a b'", "expected a control token"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_code_2(shell: Shell, line: str, said: str) -> None:
    shell.server.add_user(email="ada@example.com")

    done = shell(line)

    assert (done.code, done.out) == (2, "")
    assert len(done.err.splitlines()) == 1
    assert said in done.err


def test_the_control_token_is_sent_and_never_shown() -> None:
    with served(token="open-sesame") as server:
        shell = Shell(server)
        refused = shell("user list --control-token sesame")
        let_in = shell("user list", TILEDESK_FAKE_CONTROL_TOKEN="open-sesame")
        healthy = shell("wait")

    assert refused.code == 2
    assert "sesame" not in refused.out + refused.err
    assert (let_in.code, let_in.err) == (0, "")
    # Whoever waits for the server need not know its token.
    assert healthy.code == 0


def leaves(command: click.Command, *names: str) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None
            yield from leaves(child, *names, name)
    else:
        yield " ".join(names), command


ASKING = {
    name: command
    for name, command in leaves(cli)
    if name.split()[0] not in ("serve", "spec", "check", "learn", "ca", "replay", "diff")
}


def test_every_task_has_its_command() -> None:
    assert set(ASKING) == {
        *(f"user {verb}" for verb in ("list", "add", "update", "remove")),
        *(f"token {verb}" for verb in ("list", "issue", "revoke")),
        *(f"clock {verb}" for verb in ("show", "freeze", "advance", "resume")),
        *(f"fault {verb}" for verb in ("list", "add", "clear")),
        *(f"scenario {verb}" for verb in ("load", "save")),
        *("journal", "verdict", "reset", "wait"),
    }


@pytest.mark.parametrize("name", sorted(ASKING))
def test_every_command_takes_the_same_three_options_and_shows_examples_that_are_its_own(name: str) -> None:
    command = ASKING[name]
    options = {option for parameter in command.params for option in parameter.opts}

    assert {"--url", "--control-token", "--json"} <= options
    assert command.epilog is not None
    assert f"tiledesk-fake {name}" in command.epilog
    for line in command.epilog.splitlines()[2:]:
        # A line for the shell whose words are this command's: parsing it is no error.
        words = [] if "$(" in line else shlex.split(line.partition(" < ")[0].partition(" > ")[0])
        if words:
            own = words[1 + len(name.split()) :]
            own = own[: own.index("&&")] if "&&" in own else own
            command.make_context(name, own)


def test_serving_imports_nothing_that_asks() -> None:
    program = (
        "import sys, tiledesk_fake.cli; print(sorted(n for n in sys.modules if 'remote' in n or n == 'http.client'))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=True)

    assert done.stdout == "[]\n"
