"""What a question is, and what answers have in common."""

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
    """Whether an answer is that to the revocation of a token which does not exist."""
    return reply.status == 404 or is_null(reply)
