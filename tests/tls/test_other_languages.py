"""The lines of docs/tls.md for other languages and processes, run in a network namespace of their own."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tls.real_host import HOST

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parents[2] / "docs" / "tls.md"
SERVER, *CLIENTS = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
JAVA = f"""
import java.net.URI;
import java.net.http.*;

public class Client {{
    public static void main(String[] arguments) throws Exception {{
        var request = HttpRequest.newBuilder(URI.create("https://{HOST}/v3/jwt/history")).build();
        System.out.println(HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).statusCode());
    }}
}}
"""


@pytest.fixture(scope="module")
def folder(namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The namespace and a folder with the authority, while the server of the page runs there."""
    path = tmp_path_factory.mktemp("tls")
    (path / "Client.java").write_text(JAVA)
    ca, serve = SERVER.splitlines()
    subprocess.run(_inside(namespace, ca), cwd=path, env=_environment(), check=True, timeout=60)
    command = _inside(namespace, f"exec {serve}")
    with subprocess.Popen(command, cwd=path, env=_environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            assert any(line.startswith("tiledesk-fake listening") for line in iter(process.stdout.readline, ""))
            yield namespace, path
        finally:
            process.terminate()


def _inside(namespace: str, line: str) -> list[str]:
    return ["ip", "netns", "exec", namespace, "sh", "-ec", line]


def _environment() -> dict[str, str]:
    proxies = {name for name in os.environ if name.lower().endswith("_proxy")}
    inherited = {name: value for name, value in os.environ.items() if name not in proxies}
    return {**inherited, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def _program(lines: str) -> str:
    found = re.search(r"\b(curl|node|java|python)\b", lines)
    assert found
    return found[1]


@pytest.mark.parametrize("namespace", [HOST], indirect=True, scope="module")
@pytest.mark.parametrize("lines", CLIENTS, ids=_program)
def test_a_client_in_another_language_reaches_the_fake(folder: tuple[str, Path], lines: str) -> None:
    namespace, path = folder
    if not shutil.which(_program(lines)):
        pytest.skip(f"there is no {_program(lines)} here")

    done = subprocess.run(
        _inside(namespace, lines), cwd=path, env=_environment(), capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("401"), done.stdout + done.stderr


def test_the_page_has_lines_for_four_programs() -> None:
    assert {_program(lines) for lines in CLIENTS} == {"curl", "node", "java", "python"}
