"""What each operation of the contract does once the gate has let a caller in and the parameters are read."""

from collections.abc import Callable, Mapping
from typing import Any

from ..core.history import Record
from ..core.ids import parse_hex_id
from ..gate.gate import Caller
from ..refusals import CannotDelete, UnknownToken
from ..state import State
from . import reasons, wire
from .answer import Answer, json_answer


def list_tokens(state: State, caller: Caller, values: Mapping[str, Any]) -> Answer:
    """One page of the caller's history (documented; order, paging and body are assumed)."""
    contract = state.contract
    page = state.history.page(
        caller.user_id,
        wire.FIELDS[values["sortField"]],
        descending=values["direction"] < 0,
        start=(values["page"] - contract.first_page) * contract.page_size,
        size=contract.page_size,
        without_revoked=contract.profile.revoked_listed == "no",
    )
    return _ok(wire.listing(page, contract), reasons.of_page(state, caller, page))


def revoke_token_by_jti(state: State, caller: Caller, values: Mapping[str, Any]) -> Answer:
    """Revoke the token with exactly this jti (documented; effect and body are assumed)."""
    jti = values["jti"]
    return _revoke(state, caller, state.history.by_jti(jti), "jti", jti)


def revoke_token_by_id(state: State, caller: Caller, values: Mapping[str, Any]) -> Answer:
    """Revoke the token whose record has this id (documented; effect and body are assumed)."""
    text = values["id"]
    id = parse_hex_id(text)
    if id is None and state.contract.profile.malformed_id == "fail":
        raise CannotDelete(reasons.of_unknown(state, caller, "id", text))
    return _revoke(state, caller, None if id is None else state.history.by_id(id), "id", text)


def _revoke(state: State, caller: Caller, record: Record | None, key: reasons.Key, text: str) -> Answer:
    try:
        return _ok(wire.revocation(state.revoke_as(caller, record), state.contract))
    except UnknownToken as unknown:
        unknown.reason = reasons.of_unknown(state, caller, key, text)
        raise


def _ok(body: bytes, reason: str | None = None) -> Answer:
    return json_answer(200, body, reason=reason)


OPERATIONS: Mapping[str, Callable[[State, Caller, Mapping[str, Any]], Answer]] = {
    "listTokens": list_tokens,
    "revokeTokenByJti": revoke_token_by_jti,
    "revokeTokenById": revoke_token_by_id,
}
"""The code of each operation, by its operationId."""
