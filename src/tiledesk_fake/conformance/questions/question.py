"""The type of a question, and the common part of its answers."""

from collections.abc import Callable
from typing import Any

from ..examination import Examination
from ..reply import Reply

Answer = tuple[str, Reply]
"""A choice, and the reply that shows it."""

Question = Callable[[Examination], Answer]


class Unclear(Exception):
    """A question has no answer; the text is the reason."""


def body_of(reply: Reply) -> Any:
    """The JSON in a successful answer; None where there is none."""
    try:
        return reply.json if reply.status == 200 else None
    except ValueError:
        return None


def is_null(reply: Reply) -> bool:
    """Whether a revocation succeeded with `null` for a token."""
    return reply.status == 200 and reply.body.strip() == b"null"


def is_unknown(reply: Reply) -> bool:
    """Whether an answer is that to the revocation of a token which does not exist: no, nothing, or a phantom."""
    return reply.status == 404 or is_null(reply) or is_phantom(reply)


def is_phantom(reply: Reply) -> bool:
    """Whether an answer is the record of a revocation, and of no token."""
    body = body_of(reply)
    return isinstance(body, dict) and "_id" in body and body.get("revoked") is True and "id_user" not in body


def is_success(reply: Reply) -> bool:
    """Whether an answer tells that something was revoked, and not what."""
    body = body_of(reply)
    return isinstance(body, dict) and (body.get("success") is True or (body.get("n"), body.get("ok")) == (1, 1))
