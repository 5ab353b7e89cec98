"""What each operation of the contract does once the gate has let a caller in and the parameters are read."""

from collections.abc import Callable, Mapping
from typing import Any

from ..core.ids import parse_hex_id
from ..gate.gate import Caller
from ..refusals import CannotDelete
from ..state import State
from . import wire
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
    return _ok(wire.listing(page, contract))


def revoke_token_by_jti(state: State, caller: Caller, values: Mapping[str, Any]) -> Answer:
    """Revoke the token with exactly this jti (documented; effect and body are assumed)."""
    record = state.revoke_as(caller, state.history.by_jti(values["jti"]))
    return _ok(wire.revocation(record, state.contract))


def revoke_token_by_id(state: State, caller: Caller, values: Mapping[str, Any]) -> Answer:
    """Revoke the token whose record has this id (documented; effect and body are assumed)."""
    id = parse_hex_id(values["id"])
    if id is None and state.contract.profile.malformed_id == "fail":
        raise CannotDelete
    record = state.revoke_as(caller, None if id is None else state.history.by_id(id))
    return _ok(wire.revocation(record, state.contract))


def _ok(body: bytes) -> Answer:
    return json_answer(200, body)


OPERATIONS: Mapping[str, Callable[[State, Caller, Mapping[str, Any]], Answer]] = {
    "listTokens": list_tokens,
    "revokeTokenByJti": revoke_token_by_jti,
    "revokeTokenById": revoke_token_by_id,
}
"""The code of each operation, by its operationId."""
