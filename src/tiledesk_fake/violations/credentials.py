"""Checks the body of a sign-in; never shows its text, which may be a password."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..contract import Operation
from ..core.redaction import redacted
from ..core.request import Request
from .breach import Breach

_FIELDS = ("email", "password")
_EXPECTED = "a body with email and password, in JSON or as a form"


def breaches_in_credentials(request: Request, body: Any, operation: Operation) -> Iterator[Breach]:
    """The mistakes in the body of a sign-in; `body` is what it says, None where it cannot be read.

    An address or a password that is refused is none of them: people mistype, and a client may let the server judge.
    """
    keys = ("paths", operation.path, operation.method.lower())
    if not isinstance(body, Mapping) or not body:
        declared = redacted(request.content_type) or "no declared type"
        got = f"{len(request.body)} bytes of {declared}" if request.body else "no body"
        message = "Send email and password as one JSON object, or as a form, and declare its Content-Type."
        yield Breach("unexpected-body", message, _EXPECTED, got, keys)
        return
    for field in _FIELDS:
        if not isinstance(body.get(field), str):
            kind = f"{field} is no text" if field in body else f"no {field}"
            yield Breach("invalid-parameter", f"Send {field!r} as text in the body.", _EXPECTED, kind, keys)
