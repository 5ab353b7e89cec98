"""The answer of the road: status, headers and body."""

import json
from typing import Any, NamedTuple

from ..contract import Response

JSON = "application/json; charset=utf-8"

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Answer(NamedTuple):
    """A whole HTTP answer: status, headers in order, body; and `reason`, why it is this one, for the journal alone."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    reason: str | None = None


def json_answer(status: int, body: bytes, *headers: tuple[str, str], reason: str | None = None) -> Answer:
    """An answer whose body is JSON already."""
    return Answer(status, (*headers, ("Content-Type", JSON)), body, reason)


def declared_answer(response: Response) -> Answer:
    """The answer that the contract has whole."""
    if response.is_json:
        return json_answer(response.status, compact_json(response.content), *response.headers)
    return Answer(response.status, response.headers, response.content.encode())


def compact_json(value: Any) -> bytes:
    """The value as JSON.stringify writes it: no spaces, text as UTF-8."""
    return _ENCODER.encode(value).encode()
