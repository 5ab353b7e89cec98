"""The fixtures of the tests of the server, which speaks TLS here."""

import pytest

from tests.raw_http import Client
from tests.serving.conftest import *  # noqa: F403 - fixtures
from tests.tls import encrypted
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
