"""Calls of a control API: a connection for each, past every proxy, and in our own exceptions when they fail.

No connection is kept: there is none to close, to share between threads, or to find stale.
"""

import json
import re
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from ..core.redaction import printable, redacted
from ..errors import (
    AlreadyExists,
    CannotReach,
    MisuseError,
    NotFound,
    NotListening,
    ProfileError,
    ScenarioError,
    TiledeskFakeError,
)

JSON = "application/json"

# A server may hold an answer back for 9 s where it is asked to.
_PATIENCE_S = 15.0
_ERRORS: Mapping[str, type[TiledeskFakeError]] = {
    "not-found": NotFound,
    "taken": AlreadyExists,
    "profile": ProfileError,
    "scenario": ScenarioError,
}
_TOKEN = re.compile(r"[!-~]+", re.ASCII)


class Origin(NamedTuple):
    """The origin of a server: a scheme, a host and a port, None for the scheme's default."""

    scheme: str
    host: str
    port: int | None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port is None else f":{self.port}")


class Control:
    """The control API of one fake. Its methods answer the JSON that the server answered.

    They raise what the fake itself would raise, and CannotReach where there is no server, or another one.
    """

    def __init__(self, origin: Origin, mount: str = "", token: str | None = None) -> None:
        """`mount` is empty, or `/w/NAME` for a world."""
        if token is not None and not _TOKEN.fullmatch(token):
            raise MisuseError("expected a control token of visible ASCII characters without blanks, at least one")
        self.origin = origin
        self.mount = mount
        self._token = token
        # A world that has ended would begin anew with the next call.
        self.ended = False

    def below(self, mount: str) -> "Control":
        """The control API of another fake on the same server."""
        return Control(self.origin, mount, self._token)

    def get(self, path: str, **query: object) -> Any:
        """Get a path; a query parameter that is None is left out."""
        given = {name: value for name, value in query.items() if value is not None}
        return self.call("GET", f"{path}?{urlencode(given)}" if given else path)

    def post(self, path: str, body: object = None) -> Any:
        """The answer to a POST."""
        return self.call("POST", path, {} if body is None else body)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The answer to a call with this JSON, None for none."""
        if self.ended:
            raise NotListening("this world has ended; fake.world() begins another")
        headers = {"Accept": JSON}
        content = None
        if body is not None:
            headers["Content-Type"] = JSON
            content = _written(body)
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        status, text = self._sent(method, f"{self.mount}/_fake{path}", content, headers)
        if 200 <= status < 300:
            return self._read(text, status) if text else None
        raise self._error(status, text)

    def _sent(self, method: str, target: str, content: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
        kind = HTTPSConnection if self.origin.scheme == "https" else HTTPConnection
        connection = kind(self.origin.host, self.origin.port, timeout=_PATIENCE_S)
        try:
            connection.request(method, target, content, {**headers, "Connection": "close"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, HTTPException) as cause:
            raise CannotReach(
                f"no answer from {self.origin}: {printable(str(cause)) or type(cause).__name__}; "
                "start the server with tiledesk-fake serve, and give its URL"
            ) from cause
        finally:
            connection.close()

    def _read(self, text: bytes, status: int) -> Any:
        try:
            return json.loads(text, object_pairs_hook=lambda pairs: _Object(self.origin, pairs))
        except ValueError:
            raise _other(self.origin, f"{status} without JSON") from None

    def _error(self, status: int, text: bytes) -> TiledeskFakeError:
        told = self._read(text, status)
        if not isinstance(told, _Object) or not isinstance(told["detail"], str):
            raise _other(self.origin, f"{status} without a reason")
        return _ERRORS.get(str(told["code"]), MisuseError)(told["detail"])


class _Object(dict[str, Any]):
    """An object of JSON; to ask for a field that it lacks is to find out that the server is another one."""

    def __init__(self, origin: Origin, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self._origin = origin

    def __missing__(self, name: str) -> Any:
        raise _other(self._origin, f"an object without {name}")


def _other(origin: Origin, got: str) -> CannotReach:
    return CannotReach(
        f"{origin} answered as no control API does: {got}; expected a server that tiledesk-fake serve started"
    )


def _written(body: object) -> bytes:
    return json.dumps(body, allow_nan=False).encode()


def segment(text: str) -> str:
    """A text as one segment of a path, whatever is in it.

    >>> segment("a/b"), segment("..")
    ('a%2Fb', '%2E%2E')
    """
    return quote(text, safe="").replace(".", "%2E") if text.strip(".") == "" else quote(text, safe="")


def shown(text: str) -> str:
    """A URL as far as a message may show it."""
    return printable(redacted(text))
