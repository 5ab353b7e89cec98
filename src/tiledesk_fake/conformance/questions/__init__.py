"""One question for each assumption, in the order in which they are asked.

The examination judges by the answers so far, so that each question is put in words that the server understands.
"""

from collections.abc import Mapping

from . import listing, revocation
from .question import Question, Unclear

QUESTIONS: Mapping[str, Question] = {
    "list-envelope": listing.list_envelope,
    "page-size": listing.page_size,
    "invalid-query": listing.invalid_query,
    "page-base": listing.page_base,
    "sort-parameter": listing.sort_parameter,
    "tie-order": listing.tie_order,
    "server-quirks": listing.server_quirks,
    "revoke-unknown": revocation.revoke_unknown,
    "malformed-id": revocation.malformed_id,
    "revoke-answer": revocation.revoke_answer,
    "revoked-listed": revocation.revoked_listed,
    "revoke-again": revocation.revoke_again,
    "revoke-foreign": revocation.revoke_foreign,
    # Last, because it may use up the token that calls.
    "revocation-enforced": revocation.revocation_enforced,
}

READING = frozenset({"list-envelope", "page-size", "invalid-query", "page-base", "sort-parameter", "server-quirks"})
"""The questions that change nothing on the server."""

__all__ = ["QUESTIONS", "READING", "Question", "Unclear"]
