"""`serve --tls`, `ca` and the certificate in the control API."""

import os
import re
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

COMMAND = [sys.executable, "-m", "tiledesk_fake"]


@contextmanager
def serving(*options: str) -> Iterator[str]:
    """The URL of a server with these options, without its base path."""
    command = [*COMMAND, "serve", "--port", "0", "--quiet", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        try:
            (url,) = re.findall(r"listening on (\S+)/v3$", process.stdout.readline().strip())
            yield url
        finally:
            process.terminate()


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving("--tls") as url:
        yield url


def test_a_server_with_tls_says_by_its_control_api_whom_to_trust(server: str, tmp_path: Path) -> None:
    got = run("ca", "--url", server, "--output", str(tmp_path / "ca.pem"))
    assert (got.returncode, got.stdout, got.stderr) == (0, "", "")

    answer = requests.get(f"{server}/_fake/ca.pem", verify=str(tmp_path / "ca.pem"), timeout=5)

    assert answer.headers["Content-Type"] == "application/x-pem-file"
    assert answer.content == (tmp_path / "ca.pem").read_bytes()
    assert "PRIVATE" not in answer.text
    assert run("ca", TILEDESK_FAKE_URL=server).stdout == answer.text


def test_a_plain_server_says_that_nobody_vouches_for_it() -> None:
    with serving() as url:
        answer = requests.get(f"{url}/_fake/ca.pem", timeout=5)

    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_the_authority_of_a_folder_outlasts_its_servers(tmp_path: Path) -> None:
    folder = str(tmp_path / "ca")
    before = run("ca", "--ca-dir", folder).stdout
    with serving("--tls", "--ca-dir", folder) as url:
        trusted = requests.get(f"{url}/_fake/health", verify=f"{folder}/ca.pem", timeout=5)

    assert trusted.status_code == 200
    assert (tmp_path / "ca" / "ca.pem").read_text() == before
    assert (tmp_path / "ca" / "ca-key.pem").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("serve", "--ca-dir", "x"), "add --tls"),
        (("ca", "--url", "http://127.0.0.1:8000"), "expected the URL of a server that speaks TLS"),
        (("ca", "--url", "https://a:b@127.0.0.1:8000"), "without credentials"),
        (("ca", "--url", "https://127.0.0.1:1"), "tiledesk-fake serve --tls"),
    ],
    ids=["no-tls", "plain", "credentials", "nobody"],
)
def test_what_cannot_work_is_one_line_that_says_what_to_do(arguments: tuple[str, ...], said: str) -> None:
    got = run(*arguments)

    assert (got.returncode, got.stdout) == (2, "")
    assert said in got.stderr
    assert got.stderr.count("\n") == 1
    assert "a:b" not in got.stderr


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    got = run("ca", "--ca-dir", str(tmp_path / "ca"), "--output", str(tmp_path / "none" / "ca.pem"))

    assert (got.returncode, got.stderr.count("\n")) == (2, 1)


def test_a_certificate_is_one_that_tools_can_read(tmp_path: Path) -> None:
    pem = run("ca", "--ca-dir", str(tmp_path)).stdout

    assert len(ssl.PEM_cert_to_DER_cert(pem)) > 200


def test_the_control_token_is_asked_for_here_too() -> None:
    with serving("--tls", "--control-token", "s3cr3t") as url:
        assert run("ca", "--url", url).returncode == 2
        assert run("ca", "--url", url, TILEDESK_FAKE_CONTROL_TOKEN="s3cr3t").stdout.startswith("-----BEGIN")
