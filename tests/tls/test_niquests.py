"""niquests, which puts an urllib3 of its own in the place of the other, and pycurl: in an environment of their own."""

import subprocess
import textwrap
from pathlib import Path

import pytest

from tests.conftest import made_once
from tests.wheel import clean_environment

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> Path:
        return clean_environment(folder / "venv", wheel, "trustme", "niquests", "pycurl", "requests")

    return made_once(tmp_path_factory, "niquests", make)


def run(python: Path, program: str) -> str:
    command = [str(python), "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_niquests_reaches_the_fake_and_keeps_its_connections_and_so_does_requests_beside_it(python: Path) -> None:
    program = """
        import asyncio, niquests, requests
        from tiledesk_fake import TiledeskFake

        URL = "https://api.tiledesk.com/v3/jwt/history"
        before, fake = niquests.Session(), TiledeskFake()

        async def call():
            async with niquests.AsyncSession() as session:
                return [(await session.get(URL)).status_code for _ in range(2)]

        with fake.intercept("https://api.tiledesk.com"):
            print([before.get(URL).status_code for _ in range(2)], asyncio.run(call()), requests.get(URL).status_code)
    """
    assert run(python, program) == "[401, 401] [401, 401] 401"


def test_pycurl_is_not_led_and_reaches_the_fake_by_what_the_page_says(python: Path) -> None:
    program = """
        import io, pycurl
        from urllib.parse import urlsplit
        from tiledesk_fake import TiledeskFake

        def call(**options):
            curl, body = pycurl.Curl(), io.BytesIO()
            for name, value in options.items():
                curl.setopt(getattr(curl, name), value)
            curl.setopt(curl.URL, "https://api.tiledesk.com/v3/jwt/history")
            curl.setopt(curl.WRITEDATA, body)
            curl.perform()
            return curl.getinfo(curl.RESPONSE_CODE)

        with TiledeskFake(tls=True) as fake, fake.intercept("https://api.tiledesk.com"):
            port = urlsplit(fake.url).port
            try:
                call(RESOLVE=["api.tiledesk.com:443:127.0.0.1"], CONNECTTIMEOUT=5)
            except pycurl.error:
                print("not led")
            print(call(CONNECT_TO=[f"api.tiledesk.com:443:127.0.0.1:{port}"], CAINFO=fake.ca_file))
    """
    assert run(python, program) == "not led\n401"
