"""A fake that is served as by the command, and a browser that looks at its page."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from tests.page.browser import Browser


@dataclass(frozen=True)
class Server:
    """A running command; `page` is where its page is, `base` what precedes every path of the API."""

    origin: str

    @property
    def page(self) -> str:
        return f"{self.origin}/_fake/"

    @property
    def base(self) -> str:
        return f"{self.origin}/v3"

    def call(self, method: str, path: str, authorization: str | None = None) -> int:
        """Call the API as a client would."""
        headers = {"Authorization": authorization} if authorization else {}
        return httpx.request(method, self.base + path, headers=headers, trust_env=False).status_code

    def control(self, method: str, path: str, body: object = None, token: str | None = None) -> httpx.Response:
        """Call the control API."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.request(
            method, self.page + path, json={} if body is None else body, headers=headers, trust_env=False
        )


def serving(*arguments: str) -> Iterator[Server]:
    command = [sys.executable, "-u", "-m", "tiledesk_fake", "serve", "--port", "0", "--quiet", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TILEDESK_FAKE")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        ready = re.search(r"http://127\.0\.0\.1:[0-9]+", process.stdout.readline())
        assert ready
        yield Server(ready[0])
        process.terminate()


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    yield from serving()


@pytest.fixture
def server(running: Server) -> Server:
    """A server without users, calls, faults and choices."""
    running.control("POST", "reset")
    running.control("PUT", "profile")
    running.control("DELETE", "journal")
    return running


@pytest.fixture(scope="module")
def driven(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@pytest.fixture
def browser(driven: Browser) -> Iterator[Browser]:
    driven.look()
    driven.complaints()
    yield driven
    assert driven.complaints() == []
