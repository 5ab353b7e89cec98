"""The container: its commands, run from the wheel in an environment of its own, and the shape of its files.

No engine is needed; what one does with these files is to run these commands.
"""

import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
TOKEN = "open-sesame"


def instructions(text: str) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, each with what follows it."""
    joined = re.sub(r"\\\n\s*", "", text)
    lines = [line.split(maxsplit=1) for line in joined.splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, rest in lines]


def last_stage() -> dict[str, list[str]]:
    """What the image is made of, by instruction."""
    found: dict[str, list[str]] = {}
    for name, rest in instructions(DOCKERFILE):
        if name == "FROM":
            found = {}
        found.setdefault(name, []).append(rest)
    return found


STAGE = last_stage()
ENTRYPOINT: list[str] = json.loads(STAGE["ENTRYPOINT"][0])
COMMAND: list[str] = json.loads(STAGE["CMD"][0])
HEALTHCHECK: list[str] = json.loads(STAGE["HEALTHCHECK"][0].partition(" CMD ")[2])
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICE: dict[str, Any] = COMPOSE["services"]["tiledesk-fake"]


def test_the_image_is_small_runs_as_nobody_and_stops_on_sigterm() -> None:
    assert re.fullmatch(r"python:3\.\d+-slim", STAGE["FROM"][0])
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", STAGE["USER"][0])
    assert STAGE["STOPSIGNAL"] == ["SIGTERM"]
    assert STAGE["EXPOSE"] == ["8000"]
    assert [each.split()[0] for each in STAGE["COPY"]] == ["--from=build"]
    assert "RUN" not in STAGE


def test_no_token_is_in_the_image() -> None:
    assert not any("TOKEN" in rest or "SECRET" in rest for name, rest in instructions(DOCKERFILE) if name != "#")


def test_the_compose_file_publishes_the_port_to_this_machine_alone_and_wants_a_token() -> None:
    assert SERVICE["ports"] == ["127.0.0.1:8000:8000"]
    assert SERVICE["environment"]["TILEDESK_FAKE_CONTROL_TOKEN"].startswith("${TILEDESK_FAKE_CONTROL_TOKEN:?")
    assert SERVICE["command"][: len(COMMAND)] == COMMAND


def test_all_that_the_wheel_is_built_from_goes_into_the_build_and_nothing_else() -> None:
    taken = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }

    assert taken == {"LICENSE", "README.md", "constraints.txt", "hatch_build.py", "openapi", "pyproject.toml"} | {
        "pytest_plugin",
        "src",
    }
    assert all((ROOT / name).exists() for name in taken)


def environment(python: Path, **more: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TILEDESK_FAKE_")}
    return {**inherited, "PATH": f"{python.parent}:{os.environ['PATH']}", **more}


@pytest.mark.slow
def test_without_a_token_the_container_says_what_to_give_and_ends(clean_python: Path) -> None:
    done = subprocess.run(
        [*ENTRYPOINT, *COMMAND, "--port", "0"],
        env=environment(clean_python),
        capture_output=True,
        encoding="utf-8",
        timeout=30,
        check=False,
    )

    assert done.returncode == 2
    assert "--control-token" in done.stderr
    assert "TILEDESK_FAKE_CONTROL_TOKEN" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("command", [COMMAND, SERVICE["command"]], ids=["Dockerfile", "compose"])
def test_the_container_gets_healthy_and_stops_at_once_on_sigterm(clean_python: Path, command: list[str]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    surroundings = environment(
        clean_python, TILEDESK_FAKE_CONTROL_TOKEN=TOKEN, TILEDESK_FAKE_URL=f"http://127.0.0.1:{port}"
    )
    running = subprocess.Popen(
        [*ENTRYPOINT, *command, "--port", str(port)],
        env=surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    try:
        assert running.stdout is not None
        while "listening" not in (line := running.stdout.readline()):
            assert line, "the server ended before it listened"
        healthy = subprocess.run(HEALTHCHECK, env=surroundings, capture_output=True, encoding="utf-8", check=False)
        asked = subprocess.run(
            [*ENTRYPOINT, "user", "list"], env=surroundings, capture_output=True, encoding="utf-8", check=False
        )
        running.send_signal(signal.SIGTERM)
        said, _ = running.communicate(timeout=10)
    finally:
        running.kill()
        running.wait()

    assert (healthy.returncode, healthy.stderr) == (0, "")
    assert asked.returncode == 0
    assert "ada@example.com" in asked.stdout
    assert running.returncode == 0
    assert TOKEN not in line + said
