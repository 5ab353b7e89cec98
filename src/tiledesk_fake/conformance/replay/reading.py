"""Reading a recording, HAR or JSON lines, an exchange at a time: no more than one is ever in memory."""

import base64
import binascii
import json
import math
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ...core.clock import milliseconds
from ...errors import MisuseError
from .entries import entries_of
from .exchange import Exchange, Headers, Unusable

LONGEST_LINE = 64 * 2**20
"""A line of more bytes is no exchange."""

_METHOD = re.compile(r"[A-Za-z!#$%&'*+.^_`|~0-9-]{1,40}")
_LONGEST_MS = 3_600_000


def exchanges(file: Path) -> Iterator[Exchange]:
    """The exchanges of a recording, in the order of the file. Raises Unusable, which says where."""
    read = {".har": _of_har, ".jsonl": _of_lines}.get(file.suffix.lower())
    if read is None:
        raise Unusable(f"expected a recording that ends in .har or .jsonl, got {str(file)!r}")
    try:
        yield from read(file)
    except OSError as cause:
        raise Unusable(f"{file}: cannot be read: {cause.strerror or cause}") from cause


def _of_lines(file: Path) -> Iterator[Exchange]:
    number = 0
    with file.open("rb") as lines:
        for line_number in range(1, 2**62):
            line = lines.readline(LONGEST_LINE + 1)
            if not line:
                return
            reading = _Reading(file, f"line {line_number}")
            if len(line) > LONGEST_LINE:
                raise reading.wrong(f"expected at most {LONGEST_LINE:,} bytes, got more")
            if line.strip() in (b"", b"\xef\xbb\xbf"):
                continue
            number += 1
            yield reading.exchange_of_line(number, reading.json(line))


def _of_har(file: Path) -> Iterator[Exchange]:
    for number, entry in enumerate(entries_of(file), 1):
        yield _Reading(file, f"entry {number}").exchange_of_entry(number, entry)


class _Reading:
    """Takes one exchange apart, and says where what is not as it should be."""

    def __init__(self, file: Path, where: str) -> None:
        self._file = file
        self._where = where

    def wrong(self, problem: str) -> Unusable:
        """The error that says what is wrong, and where."""
        return Unusable(f"{self._file}, {self._where}: {problem}")

    def json(self, line: bytes) -> Any:
        """The JSON of a line."""
        try:
            return json.loads(line.decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise self.wrong("expected UTF-8, got other bytes") from None
        except RecursionError:
            raise self.wrong("expected JSON that is no deeper than an exchange, got it nested too deep") from None
        except ValueError as problem:
            raise self.wrong(f"expected an exchange in JSON: {problem}") from None

    def exchange_of_line(self, number: int, said: Any) -> Exchange:
        """The exchange that a line says."""
        request, response = self._parts(said)
        status = response.get("status")
        return Exchange(
            number,
            self._where,
            self._method(request),
            self._text(request, "target"),
            self._pairs(request),
            self._body(request),
            None if status is None or status == 0 else self._status(status),
            self._pairs(response),
            self._body(response),
            self._time(said, "at"),
        )

    def exchange_of_entry(self, number: int, said: Any) -> Exchange:
        """The exchange that an entry of a HAR says."""
        request, response = self._parts(said)
        url = self._text(request, "url")
        try:
            parts = urlsplit(url)
        except ValueError:
            raise self.wrong("request.url: expected a URL") from None
        begin = len(parts.scheme) + len("://") + len(parts.netloc) if parts.netloc else 0
        took_ms = said.get("time", 0)
        if isinstance(took_ms, bool) or not isinstance(took_ms, int | float) or not math.isfinite(took_ms):
            raise self.wrong(f"time: expected milliseconds, got {_shown(took_ms)}")
        took_ms = int(min(max(took_ms, 0), _LONGEST_MS))
        status = response.get("status")
        return Exchange(
            number,
            self._where,
            self._method(request),
            url[begin:] or "/",
            self._named(request),
            self._content(request, "postData"),
            None if status in (None, 0, -1) else self._status(status),
            self._named(response),
            self._content(response, "content"),
            self._time(said, "startedDateTime") + took_ms,
            took_ms,
            aborted=True,
        )

    def _parts(self, said: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        if not isinstance(said, dict):
            raise self.wrong(f"expected an object with request and response, got {_shown(said)}")
        for key in ("request", "response"):
            if not isinstance(said.get(key), dict):
                raise self.wrong(f"{key}: expected an object, got {_shown(said.get(key))}")
        return said["request"], said["response"]

    def _text(self, said: dict[str, Any], key: str) -> str:
        text = said.get(key)
        if not isinstance(text, str) or not text:
            raise self.wrong(f"{key}: expected text, got {_shown(text)}")
        return self._sendable(text, key)

    def _sendable(self, text: str, key: str) -> str:
        try:
            text.encode()
        except UnicodeEncodeError:
            raise self.wrong(f"{key}: expected text that has a UTF-8 form, got half of a surrogate pair") from None
        return text

    def _method(self, request: dict[str, Any]) -> str:
        method = self._text(request, "method")
        if not _METHOD.fullmatch(method):
            raise self.wrong(f"method: expected the name of a method, got {_shown(method)}")
        return method

    def _status(self, status: Any) -> int:
        if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
            raise self.wrong(f"status: expected a number from 100 to 599, got {_shown(status)}")
        return status

    def _pairs(self, said: dict[str, Any]) -> Headers:
        given = said.get("headers", [])
        if not isinstance(given, list):
            raise self.wrong(f"headers: expected a list of [name, value], got {_shown(given)}")
        for pair in given:
            if not (isinstance(pair, list) and len(pair) == 2 and all(isinstance(part, str) for part in pair)):
                raise self.wrong(f"headers: expected [name, value], got {_shown(pair)}")
        return tuple((self._sendable(name, "headers"), self._sendable(value, "headers")) for name, value in given)

    def _named(self, said: dict[str, Any]) -> Headers:
        given = said.get("headers", [])
        if not isinstance(given, list):
            raise self.wrong(f"headers: expected a list of objects with name and value, got {_shown(given)}")
        for each in given:
            if not (
                isinstance(each, dict) and isinstance(each.get("name"), str) and isinstance(each.get("value"), str)
            ):
                raise self.wrong(f"headers: expected an object with name and value, got {_shown(each)}")
        return tuple(
            (self._sendable(each["name"], "headers"), self._sendable(each["value"], "headers")) for each in given
        )

    def _body(self, said: dict[str, Any]) -> bytes | None:
        return self._bytes(said.get("body"), said.get("encoding"), "body")

    def _content(self, said: dict[str, Any], key: str) -> bytes | None:
        content = said.get(key)
        if content is None:
            return b"" if key == "postData" else None
        if not isinstance(content, dict):
            raise self.wrong(f"{key}: expected an object, got {_shown(content)}")
        return self._bytes(content.get("text"), content.get("encoding"), f"{key}.text")

    def _bytes(self, text: Any, encoding: Any, key: str) -> bytes | None:
        if text is None:
            return None
        if not isinstance(text, str):
            raise self.wrong(f"{key}: expected text or null, got {_shown(text)}")
        if encoding not in (None, "", "base64"):
            raise self.wrong(f"{key}: expected the encoding base64 or none, got {_shown(encoding)}")
        if encoding != "base64":
            return text.encode("utf-8", "surrogatepass")
        try:
            return base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            raise self.wrong(f"{key}: expected base64") from None

    def _time(self, said: dict[str, Any], key: str) -> int:
        text = said.get(key)
        try:
            return milliseconds(datetime.fromisoformat(text) + timedelta(0))  # type: ignore[arg-type]
        except (TypeError, ValueError, OverflowError, MisuseError):
            raise self.wrong(
                f"{key}: expected a time with its zone, like 2026-01-01T00:00:00Z, got {_shown(text)}"
            ) from None


def _shown(value: object) -> str:
    # No text of the file: it may be a credential in the wrong place.
    kinds = {str: "text", dict: "an object", list: "a list", bool: "true or false", type(None): "nothing"}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "a number"
    return kinds.get(type(value), "something else")
