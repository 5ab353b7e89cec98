"""Calls a WSGI app with exactly the given target and headers, as a listening server would."""

import io
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def call(
    app: Any, method: str, target: str, headers: Iterable[tuple[str, str]] = (), body: bytes = b"", *, raw: bool = True
) -> Reply:
    """The app's answer; without `raw` the app sees the decoded path alone, as from a bare WSGI server."""
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    if raw:
        environ["RAW_URI"] = target
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))
    for name, value in headers:
        key = name.upper().replace("-", "_")
        # Of several, the first counts: Node drops the others, and so does the server of this project.
        environ.setdefault(key if key == "CONTENT_TYPE" else f"HTTP_{key}", value)
    started: list[Any] = []
    chunks = app(environ, lambda status, headers, exc_info=None: started.extend([status, headers]))
    try:
        received = b"".join(chunks)
    finally:
        getattr(chunks, "close", lambda: None)()
    names = [name.lower() for name, _ in started[1]]
    assert len(names) == len(set(names)), f"a header comes twice: {names}"
    return Reply(int(started[0].split()[0]), dict(started[1]), received)
