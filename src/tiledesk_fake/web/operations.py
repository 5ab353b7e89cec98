"""The operations of the contract, for a caller that the gate has accepted and parameters that are read."""

from collections.abc import Callable, Mapping
from typing import Any

from ..core.history import Record
from ..gate.gate import Caller
from ..refusals import CannotDelete, UnknownToken
from ..state import State
from . import reasons, wire
from .answer import Answer, json_answer


def list_tokens(state: State, caller: Caller, values: Mapping[str, Any]) -> Answer:
    """One page of the caller's history (documented; order, paging and body are assumed)."""
    field = None if values["sortField"] is None else wire.FIELDS[values["sortField"]]
    page = state.list_as(caller, field, descending=values["direction"] < 0, page=values["page"])
    return _ok(wire.listing(page, state.contract, state.choices), reasons.of_page(state, caller, page))


def revoke_token_by_jti(state: State, caller: Caller, values: Mapping[str, Any]) -> Answer:
    """Revoke the token with exactly this jti (documented; effect and body are assumed)."""
    return _revoked(state, caller, "jti", values["jti"], state.revoke_jti_as)


def revoke_token_by_id(state: State, caller: Caller, values: Mapping[str, Any]) -> Answer:
    """Revoke the token whose record has this id (documented; effect and body are assumed)."""
    return _revoked(state, caller, "id", values["id"], state.revoke_id_as)


def _revoked(
    state: State, caller: Caller, key: reasons.Key, text: str, revoke: Callable[[Caller, str], Record]
) -> Answer:
    try:
        record = revoke(caller, text)
    except (UnknownToken, CannotDelete) as refused:
        refused.reason = reasons.of_unknown(state, caller, key, text)
        raise
    return _ok(
        wire.revocation(record, state.contract, state.choices), reasons.OF_PHANTOM if record.is_phantom else None
    )


def sign_in(state: State, caller: Caller, values: Mapping[str, Any]) -> Answer:
    """Issue a token to the user who has just signed in (observed)."""
    assert caller.user is not None
    record = state.issue(
        caller.user,
        jti=None,
        id=None,
        created_ms=state.clock.now_ms(),
        expires_ms=None,
        revoked=False,
        claims={},
    )
    return _ok(wire.signed_in(caller.user, state.jwt(record)))


def _ok(body: bytes, reason: str | None = None) -> Answer:
    return json_answer(200, body, reason=reason)


OPERATIONS: Mapping[str, Callable[[State, Caller, Mapping[str, Any]], Answer]] = {
    "listTokens": list_tokens,
    "revokeTokenByJti": revoke_token_by_jti,
    "revokeTokenById": revoke_token_by_id,
    "signIn": sign_in,
}
"""The code of each operation, by its operationId."""
