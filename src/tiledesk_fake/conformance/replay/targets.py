"""What a revocation may be about: each state of the token with that key that the recording leaves open."""

from typing import NamedTuple

from ...contract import Operation
from ...core.history import Record
from ...core.ids import OBJECT_ID
from ...violations.judge import Heard
from .callers import Caller
from .exchange import Exchange
from .known import Knowledge, Known, shown

_MADE_UP_ID = 2
_NOBODYS = "5e00000000000000000000ff"


class Target(NamedTuple):
    """One token that a revocation may be about: its record, None where there is none, and what is known of it."""

    record: Record | None
    known: Known | None = None


class Key(NamedTuple):
    """The key that a revocation names."""

    by: str
    text: str

    @property
    def id(self) -> int | None:
        """The id, where it is the key and is one."""
        return int(self.text, 16) if self.by == "id" and OBJECT_ID.fullmatch(self.text) else None


def key_of(operation: Operation, heard: Heard) -> Key:
    """The key in the path of a revocation."""
    role = operation.parameters[0].role
    return Key(role, heard.path_params[operation.parameters[0].name])


def targets(known: Knowledge, exchange: Exchange, key: Key, caller: Caller, *, touched: bool) -> list[Target]:
    """Each token that it may be, the likeliest first."""
    found = known.by_jti.get(key.text) if key.by == "jti" else known.by_id.get(key.id or -1)
    if found is not None:
        options = [Target(found.record(since), found) for since in _since(found, exchange, known, touched=touched)]
        return options if found.exists(exchange.at_ms) else [*options, Target(None)]
    return [Target(None), *(Target(record) for record in _unshown(known, exchange, key, caller))]


def _since(found: Known, exchange: Exchange, known: Knowledge, *, touched: bool) -> list[int | None]:
    """When it was revoked, None for not yet."""
    revoked, updated_ms = found.state(exchange.at_ms, touched=touched, others=known.others)
    said = shown(exchange.json)
    # What the answer says of it, within what is known.
    told_ms = said.updated_ms if said is not None and said.id == found.first.id else exchange.at_ms
    told_ms = min(told_ms, exchange.at_ms + 1)
    if found.about_ms and not known.others and revoked:
        told_ms = min(max(told_ms, found.about_ms[0]), found.about_ms[1])
    since = told_ms if updated_ms is None else updated_ms
    if revoked is None:
        return [None, told_ms]
    return [since] if revoked else [None]


def _unshown(known: Knowledge, exchange: Exchange, key: Key, caller: Caller) -> list[Record]:
    """Tokens with this key that no answer shows, of the caller, of another user and of nobody."""
    if key.by == "id" and key.id is None:
        return []
    said = shown(exchange.json)
    jti = key.text if key.by == "jti" else said.jti if said else "-"
    id = key.id if key.id is not None else said.id if said else _MADE_UP_ID
    own = caller.user_id or (caller.users[0].id if caller.users else _NOBODYS)
    owners = [own, _NOBODYS if own != _NOBODYS else "-"]
    if said is not None:
        # With this very owner it is the record in the answer, or none is.
        owners = [own, said.owner] if said.owner != own else [own]
    created_ms = said.created_ms if said else 0
    updated_ms = said.updated_ms if said else 1
    expires_ms = said.expires_ms if said else None
    revoked = known.revoked_jti.get(key.text) if key.by == "jti" and not known.others else None
    since: list[int | None] = [None, updated_ms] if revoked is None else [updated_ms] if revoked else [None]
    return [
        Record(created_ms, id, jti, owner, expires_ms, each)
        for owner in dict.fromkeys(owners)
        for each in since
        # A phantom is revoked, and nothing else is nobody's.
        if owner or each is not None
    ]
