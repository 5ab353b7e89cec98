"""A control API that listens, and how tests call it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests

from tiledesk_fake import TiledeskFake
from tiledesk_fake.control.app import ControlApp

# Longer than any request waits.
PATIENCE_S = 20.0
CODES = {
    "misuse": {400, 405},
    "profile": {400},
    "scenario": {400, 409},
    "not-found": {404},
    "taken": {409},
    "impossible-now": {409},
    "content-type": {415},
    "too-large": {413},
    "control-token": {401},
    "foreign-host": {403},
    "foreign-origin": {403},
    "too-many-waiting": {503},
}


class Caller:
    """Calls one server, and sees to it that what is refused is a problem."""

    def __init__(self, fake: TiledeskFake, **headers: str) -> None:
        self.fake = fake
        self.origin = "http://{0.hostname}:{0.port}".format(urlsplit(fake.url))
        self.headers = headers
        self.session = requests.Session()
        self.session.trust_env = False

    def __call__(self, method: str, path: str, body: Any = None, **how: Any) -> requests.Response:
        """Call `/_fake…` or `/w/NAME/_fake…`, with a body as JSON."""
        if body is not None or method in ("POST", "PUT", "PATCH"):
            how.setdefault("json", {} if body is None else body)
        how["headers"] = {**self.headers, **how.get("headers", {})}
        answer = self.session.request(method, self.origin + path, timeout=PATIENCE_S, **how)
        if answer.status_code >= 400 and "/_fake" in path:
            problem = answer.json()
            assert answer.headers["Content-Type"] == "application/problem+json"
            assert problem["status"] == answer.status_code
            assert answer.status_code in CODES[problem["code"]]
            assert problem["title"]
            assert problem["detail"]
        return answer

    def ok(self, method: str, path: str, body: Any = None, **how: Any) -> Any:
        """The JSON of an answer that is no problem."""
        answer = self(method, path, body, **how)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None


@contextmanager
def listening(fake: TiledeskFake | None = None, **options: Any) -> Iterator[Caller]:
    """A caller of a control API that listens."""
    fake = fake or TiledeskFake()
    with fake.start(app=ControlApp(fake, TiledeskFake, **options)):
        caller = Caller(fake)
        with caller.session:
            yield caller
