"""A failed test leaves what its fakes heard and hold, for who looks for the reason, and nothing secret."""

import json
from pathlib import Path

import pytest

from tests.plugin.outside import Project
from tests.plugin.test_secrets import CLIENT, SECRETS
from tiledesk_fake import TiledeskFake

SUITE = """
    from client import misuse, set_up

    def test_fails(fake_tiledesk):
        ada, phone = set_up(fake_tiledesk)
        fake_tiledesk.issue_token(ada, jti="with claims", claims={"note": "a claim of ours"}, revoked=True)
        misuse(fake_tiledesk, phone, ada)
        assert False

    def test_passes(fake_tiledesk):
        set_up(fake_tiledesk)
"""


@pytest.fixture
def left(project: Project) -> Path:
    project.write("client.py", CLIENT)
    project.write("secrets.json", json.dumps(SECRETS))
    project.write("test_it.py", SUITE)
    run = project.run("--tiledesk-artifacts=left")
    assert run.counts == {"failed": 1, "passed": 1}, run.text + run.errors
    (folder,) = (project.folder / "left").iterdir()
    return folder


def test_a_failed_test_leaves_its_calls_and_its_state(left: Path) -> None:
    har = json.loads((left / "calls.har").read_text())["log"]
    fake = TiledeskFake()
    fake.load(left / "state.yaml")

    lines = (left / "calls.sh").read_text().splitlines()
    assert har["version"] == "1.2"
    assert len(har["entries"]) == len(lines) >= 10
    assert har["entries"][-1]["request"]["url"].endswith("/jwt/history/the-readable-jti")
    assert all(line.startswith("curl ") for line in lines)
    ada = fake.users["ada@example.com"]
    assert {(token.jti, token.revoked) for token in fake.history(ada)} >= {("with claims", True)}


def test_nothing_in_it_is_secret(left: Path) -> None:
    text = "".join(path.read_text() for path in left.iterdir())

    jwts = (left.parents[1] / "jwts.txt").read_text().split()
    parts = [part for jwt in jwts for part in jwt.split(".")]
    assert [secret for secret in (*SECRETS.values(), *parts, "a claim of ours") if secret in text] == []


@pytest.mark.parametrize(
    ("folder", "said"),
    [
        ("test_it.py", "--tiledesk-artifacts: cannot write 'test_it.py': Not a directory"),
        ("test_it.py/left", "--tiledesk-artifacts: cannot write 'test_it.py/left': Not a directory"),
        ("", "--tiledesk-artifacts: expected a name, got ''"),
    ],
)
def test_a_folder_that_cannot_be_is_refused(project: Project, folder: str, said: str) -> None:
    project.write("test_it.py", "def test_passes(): pass")
    run = project.run(f"--tiledesk-artifacts={folder}")

    assert run.code == pytest.ExitCode.USAGE_ERROR
    assert said in run.errors


def test_nothing_is_left_where_no_test_fails(project: Project) -> None:
    project.write("test_it.py", "def test_passes(fake_tiledesk): pass")
    run = project.run("--tiledesk-artifacts=left")

    assert run.counts == {"passed": 1}
    assert not (project.folder / "left").exists()


def test_what_is_left_is_of_the_failure_where_a_fixture_resets_the_fake_afterwards(project: Project) -> None:
    project.write("client.py", CLIENT)
    project.write("secrets.json", json.dumps(SECRETS))
    project.write(
        "test_it.py",
        """
        import pytest
        from client import misuse, set_up

        @pytest.fixture(autouse=True)
        def clean(fake_tiledesk_server):
            yield
            fake_tiledesk_server.reset()

        def test_fails(fake_tiledesk_server):
            ada, phone = set_up(fake_tiledesk_server)
            misuse(fake_tiledesk_server, phone, ada)
            assert False
        """,
    )
    project.run("--tiledesk-artifacts=left")

    (folder,) = (project.folder / "left").iterdir()
    assert len((folder / "calls.sh").read_text().splitlines()) >= 10
    assert "ada@example.com" in (folder / "state.yaml").read_text()
