"""The examples in other languages run against a server, and notice what their clients do wrong."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.served import served, server_url
from tiledesk_fake import TiledeskFake, connect

EXAMPLES = Path(__file__).parent.parent / "examples"
TOKEN = "open-sesame"


def needed(program: str, *, version: int = 0) -> str:
    """The path of a program, of this major version at least; skips the test where there is none."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed here")
    if version:
        said = subprocess.run([found, "--version"], capture_output=True, encoding="utf-8", check=True).stdout
        if int(said.strip().removeprefix("v").partition(".")[0]) < version:
            pytest.skip(f"{program} is {said.strip()}, and the example needs {version} or newer")
    return found


@pytest.fixture
def server() -> Iterator[TiledeskFake]:
    with served(token=TOKEN) as fake:
        yield fake


def run(server: TiledeskFake, folder: Path, *command: str) -> tuple[int, str]:
    """The exit code of a command that knows the server, and what it said."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TILEDESK_", "NODE_"))}
    environment = {"TILEDESK_FAKE_URL": server_url(server), "TILEDESK_FAKE_CONTROL_TOKEN": TOKEN}
    done = subprocess.run(
        command,
        cwd=folder,
        env={**inherited, **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=90,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def left(server: TiledeskFake) -> int:
    """How many worlds are left."""
    worlds: list[object] = connect(server.url, TOKEN)._control.get("/worlds")["worlds"]
    return len(worlds)


def test_the_example_in_javascript_passes_each_file_in_a_world_that_it_ends(server: TiledeskFake) -> None:
    node = needed("node", version=20)

    code, said = run(server, EXAMPLES / "javascript", node, "--test", "test/")

    assert code == 0, said
    assert "pass 5" in said
    assert left(server) == 0
    assert server.journal.total == 0


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("sortField", "sortFeild", "did you mean 'sortField'?"),
        ("{ method, headers:", "{ method, body: method === 'DELETE' ? '{}' : undefined, headers:", "unexpected-body"),
        ("if (again &&", "if (false &&", "Tiledesk answered 503"),
    ],
)
def test_the_example_in_javascript_notices_a_mistake(
    server: TiledeskFake, tmp_path: Path, right: str, wrong: str, told: str
) -> None:
    node = needed("node", version=20)
    copy = tmp_path / "javascript"
    shutil.copytree(EXAMPLES / "javascript", copy)
    client = (copy / "sessions.js").read_text()
    assert right in client
    (copy / "sessions.js").write_text(client.replace(right, wrong))

    code, said = run(server, copy, node, "--test", "test/")

    assert code == 1
    assert told in said


def test_the_example_in_javascript_needs_nothing_that_is_not_in_node() -> None:
    package = (EXAMPLES / "javascript" / "package.json").read_text()

    assert "ependencies" not in package


def test_the_example_for_the_shell_passes_and_ends_its_world(server: TiledeskFake) -> None:
    needed("curl")

    code, said = run(server, EXAMPLES / "shell", needed("sh"), "sessions.sh")

    assert code == 0, said
    assert [line[:4] for line in said.splitlines()] == ["ok: "] * 6
    assert left(server) == 0


@pytest.mark.parametrize(
    ("right", "wrong", "told"),
    [
        ("page=0", "pages=0", "unknown-parameter"),
        ("DELETE /jwt/history/phone", "DELETE /jwt/history/phon", "not ok: and revoke: expected 200, got 404"),
        ('{"minutes": 2}', '{"minute": 2}', "did you mean"),
    ],
)
def test_the_example_for_the_shell_notices_a_mistake(
    server: TiledeskFake, tmp_path: Path, right: str, wrong: str, told: str
) -> None:
    needed("curl")
    script = (EXAMPLES / "shell" / "sessions.sh").read_text()
    assert right in script
    (tmp_path / "sessions.sh").write_text(script.replace(right, wrong))

    code, said = run(server, tmp_path, needed("sh"), "sessions.sh")

    assert code != 0
    assert told in said
