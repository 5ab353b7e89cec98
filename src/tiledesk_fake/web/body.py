"""What the real server does with bodies, though no operation has one (observed)."""

import json

from ..core.request import Request
from ..gate.nesting import nests_too_deep
from ..refusals import MalformedBody, Quirk, Refusal, ServerFails, TooLarge

BODY_LIMIT = 512_000
"""The bytes that the real server takes as a body (observed)."""


class BeforeCors(Exception):
    """A refusal that comes before the real server's CORS headers, because it reads the body first (observed)."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


def check_body(request: Request) -> None:
    """Raise BeforeCors for a body that the real server refuses or fails on."""
    if not request.body:
        return
    if len(request.body) > BODY_LIMIT:
        raise BeforeCors(TooLarge(BODY_LIMIT))
    if request.content_type.partition(";")[0].strip().lower() != "application/json":
        return
    try:
        text = request.body.decode(json.detect_encoding(request.body), "surrogatepass")
        strict = not nests_too_deep(text) and isinstance(json.loads(text, parse_constant=_no_constant), dict | list)
    except ValueError:
        strict = False
    if not strict:
        raise BeforeCors(Quirk(real=ServerFails(), calm=MalformedBody("the body is no JSON object or array")))


def _no_constant(name: str) -> None:
    raise ValueError(name)
