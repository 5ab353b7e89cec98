"""Hooks for httpx and requests that write what a client and a server say as JSON lines, without secrets.

`tiledesk-fake replay` and `tiledesk-fake learn --from` read them:

    import requests
    from tiledesk_fake.recording import Recorder

    with Recorder("traffic.jsonl") as recorder:
        session = requests.Session()
        session.hooks["response"].append(recorder.requests_hook)

With httpx it is `httpx.Client(event_hooks={"response": [recorder.httpx_hook]})`, and `recorder.httpx_async_hook` for an
AsyncClient. Neither library is imported here.

What is written of a JWT is its header and its claims, with a number in the place of the signature, of Basic a number
for each credential, of what a body calls a password, a secret or an API key `<password 1>`. So who called stays known,
and nobody can call with it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, TextIO
from urllib.parse import urlsplit

from .core.clock import Clock
from .core.redaction import redacted
from .errors import MisuseError

_TOKEN = re.compile(r"(?<![\w.-])([\w-]+\.[\w-]+)\.([\w-]+)(?![\w.-])", re.ASCII)
# In a body only what begins as a JWT does is one.
_JWT = re.compile(r"(?<![\w.-])(e(?:yJ|yA|wo|w0|wk)[\w-]*\.[\w-]+)\.([\w-]+)(?![\w.-])", re.ASCII)
_NUMBERS = re.compile(r'Basic ([0-9]+)"|<password ([0-9]+)>|[\w-]{4,}\.[\w-]{2,}\.([0-9]{1,9})(?![\w.-])', re.ASCII)
_HIDDEN = "password|passwd|pwd|psw|secret|api_?key"
_SECRET_NAME = re.compile(_HIDDEN, re.IGNORECASE)
_SECRET_FIELD = re.compile(rf"((?:^|&)[^=&]*(?:{_HIDDEN})[^=&]*=)([^&]+)".encode(), re.IGNORECASE)
_KEPT_OF_REQUESTS = {"authorization", "content-type", "content-encoding", "accept", "accept-encoding", "user-agent"}
_LEFT_OUT_OF_ANSWERS = {"set-cookie", "set-cookie2"}


class Recorder:
    """Writes exchanges to a file of JSON lines, one at a time, from any number of threads.

    A file that exists is added to. Raises MisuseError where it cannot be written.
    """

    def __init__(self, file: str | Path) -> None:
        path = Path(file)
        self._numbers: dict[tuple[str, str], int] = {}
        self._lock = Lock()
        self._clock = Clock()
        try:
            # The numbers in what is there already stand for others.
            self._next = _highest_number(path) + 1
            self._file: TextIO = path.open("a", encoding="utf-8")
        except OSError as cause:
            raise MisuseError(f"{path}: cannot be written: {cause.strerror or cause}") from cause

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. What is heard later is not written."""
        with self._lock:
            self._file.close()

    def requests_hook(self, response: Any, *args: Any, **kwargs: Any) -> None:
        """The hook for `requests`: `session.hooks["response"].append(recorder.requests_hook)`."""
        request = response.request
        body = request.body
        if isinstance(body, str):
            body = body.encode()
        self.write(
            request.method,
            request.url,
            request.headers.items(),
            body if isinstance(body, bytes) else None if body else b"",
            response.status_code,
            response.headers.items(),
            response.content,
        )

    def httpx_hook(self, response: Any) -> None:
        """The hook for `httpx.Client`: `event_hooks={"response": [recorder.httpx_hook]}`."""
        response.read()
        self._write_httpx(response)

    async def httpx_async_hook(self, response: Any) -> None:
        """The hook for `httpx.AsyncClient`."""
        await response.aread()
        self._write_httpx(response)

    def _write_httpx(self, response: Any) -> None:
        request = response.request
        try:
            body: bytes | None = request.content
        except Exception:  # a body that was streamed is gone
            body = None
        self.write(
            request.method,
            str(request.url),
            request.headers.multi_items(),
            body,
            response.status_code,
            response.headers.multi_items(),
            response.content,
        )

    def write(  # noqa: PLR0917 - a request and its answer, in the order in which they are said
        self,
        method: str,
        url: str,
        headers: Iterable[tuple[str, str]],
        body: bytes | None,
        status: int,
        answer_headers: Iterable[tuple[str, str]],
        answer: bytes,
    ) -> None:
        """Write one exchange. `body` is None where it is not known; `answer` is decoded already."""
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with self._lock:
            if self._file.closed:
                return
            line = {
                "request": {
                    "method": method,
                    "target": self._query(target),
                    "headers": [
                        [name, self._credentials(value) if name.lower() == "authorization" else redacted(value)]
                        for name, value in headers
                        if name.lower() in _KEPT_OF_REQUESTS
                    ],
                    **_as_text(None if body is None else self._sent(body)),
                },
                "response": {
                    "status": status,
                    "headers": [
                        [name, value if name.lower() == "www-authenticate" else redacted(value)]
                        for name, value in answer_headers
                        if name.lower() not in _LEFT_OUT_OF_ANSWERS
                    ],
                    **_as_text(self._answered(answer)),
                },
                "at": self._clock.now().isoformat(),
            }
            self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._file.flush()

    def _number(self, kind: str, secret: str) -> int:
        if (kind, secret) not in self._numbers:
            self._numbers[kind, secret] = self._next
            self._next += 1
        return self._numbers[kind, secret]

    def _credentials(self, header: str) -> str:
        """An Authorization header without its secret."""
        words = header.split(" ")
        if "basic" in words[0].lower() and len(words) > 1:
            return f"{words[0]} {self._number('basic', header)}"
        found = _TOKEN.search(header)
        if found or _is_unsigned(words[-1]):
            kept = [word for word in words if _TOKEN.fullmatch(word) or _is_unsigned(word) or len(word) < 8]
            return self._unsigned(" ".join(kept))
        return words[0] if words[0].lower() in ("jwt", "bearer") and len(words) == 1 else "<removed>"

    def _unsigned(self, text: str, pattern: re.Pattern[str] = _TOKEN) -> str:
        return pattern.sub(lambda match: f"{match[1]}.{self._number('jwt', match[0])}", text)

    def _query(self, target: str) -> str:
        path, question, query = target.partition("?")
        parts = [
            self._unsigned(part) if part.startswith("secret_token=") else redacted(f"?{part}")[1:]
            for part in query.split("&")
        ]
        return redacted(path) + question + "&".join(parts)

    def _sent(self, body: bytes) -> bytes:
        """The body of a request without passwords."""
        try:
            said = json.loads(body)
            hidden = self._hidden("", said)
        except (ValueError, RecursionError):
            form = _SECRET_FIELD.sub(lambda found: found[1] + self._password(found[2].decode("latin-1")).encode(), body)
            return self._answered(form)
        return json.dumps(hidden, ensure_ascii=False).encode() if hidden != said else body

    def _hidden(self, name: str, value: Any) -> Any:
        """What JSON says under a name, without its secrets."""
        if isinstance(value, dict):
            return {inner: self._hidden(inner, each) for inner, each in value.items()}
        if isinstance(value, list):
            return [self._hidden(name, each) for each in value]
        if not isinstance(value, str):
            return value
        return self._password(value) if value and _SECRET_NAME.search(name) else self._unsigned(value, _JWT)

    def _password(self, password: str) -> str:
        return f"<password {self._number('password', password)}>"

    def _answered(self, answer: bytes) -> bytes:
        try:
            return self._unsigned(answer.decode(), _JWT).encode()
        except UnicodeDecodeError:
            return answer


def _is_unsigned(word: str) -> bool:
    return word.count(".") == 2 and word.endswith(".")


def _as_text(body: bytes | None) -> dict[str, str | None]:
    try:
        return {"body": None if body is None else body.decode()}
    except UnicodeDecodeError:
        return {"body": base64.b64encode(body or b"").decode(), "encoding": "base64"}


def _highest_number(path: Path) -> int:
    if not path.exists():
        return 0
    with path.open(encoding="utf-8", errors="replace") as lines:
        return max(
            (int(number) for line in lines for match in _NUMBERS.findall(line) for number in match if number), default=0
        )
