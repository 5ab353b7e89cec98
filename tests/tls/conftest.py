"""The fixtures of the tests of the server, which speaks TLS here."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.raw_http import Client
from tests.serving.conftest import *  # noqa: F403 - fixtures
from tests.tls import encrypted
from tests.tls.real_host import ADDRESS
from tiledesk_fake.served import Served
from tiledesk_fake.serving.certificates import certificates
from tiledesk_fake.serving.server import Server


class Always:
    """An attribute that is always the same, whatever is assigned to it."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __get__(self, instance: object, owner: type) -> object:
        return self.value

    def __set__(self, instance: object, value: object) -> None:
        pass


@pytest.fixture(autouse=True)
def over_tls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """In modules whose names end in `over_tls`, servers and clients speak TLS unless told otherwise."""
    if request.module.__name__.endswith("over_tls"):
        defaults = Server.__init__.__kwdefaults__
        assert defaults
        monkeypatch.setitem(defaults, "certificates", certificates())
        monkeypatch.setattr(Served, "_certificates", Always(certificates()), raising=False)
        monkeypatch.setattr(Client, "__init__", encrypted.connect)


@pytest.fixture(scope="module")
def namespace(request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a network namespace of its own, whose resolver and only other host is at `ADDRESS`.

    By a parameter, a name that its hosts file has for this machine.
    """
    name = f"tiledesk-fake-{os.getpid()}"
    if not shutil.which("ip"):
        pytest.skip("there is no `ip`, of iproute2, to make a network namespace with")
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no network namespace can be made: {made.stderr.strip()}")
    folder = Path("/etc/netns") / name
    try:
        folder.mkdir(parents=True)
        (folder / "resolv.conf").write_text(f"nameserver {ADDRESS}\n")
        (folder / "hosts").write_text(f"127.0.0.1 localhost {getattr(request, 'param', '')}\n")
        (folder / "nsswitch.conf").write_text("hosts: files dns\n")
        for words in ("link set lo up", f"addr add {ADDRESS}/24 dev lo"):
            subprocess.run(["ip", "-n", name, *words.split()], check=True)
        yield name
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["ip", "netns", "delete", name], check=False)
