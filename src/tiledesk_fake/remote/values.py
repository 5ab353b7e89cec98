"""Values read from the JSON of the control API: users, records, exchanges and violations."""

from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from ..core.clock import milliseconds
from ..core.history import Record
from ..core.journal import Exchange
from ..core.users import User
from ..violations.violation import Violation


def user(of: Mapping[str, Any], password: str | None) -> User:
    """A user; the password is told by nothing but the value of `Authorization`, where there is one."""
    if of["authorization"]:
        password = b64decode(of["authorization"].partition(" ")[2]).decode().partition(":")[2]
    return User(of["_id"], of["email"], password, of["active"], of["firstname"], of["lastname"])


def record(of: Mapping[str, Any]) -> Record:
    """The record of a token."""
    return Record(
        at_ms(of["createdAt"]),
        int(of["_id"], 16),
        of["jti"],
        of["id_user"],
        None if of["expiresAt"] is None else at_ms(of["expiresAt"]),
        at_ms(of["updatedAt"]) if of["revoked"] else None,
    )


def exchange(of: Mapping[str, Any], users: Mapping[str, User]) -> Exchange:
    """An exchange; `users` are those of now, by id. One that is no more has but an id and an address."""
    caller = of["user"]
    if caller:
        known = users.get(caller["_id"])
        caller = known if known and known.email == caller["email"] else User(caller["_id"], caller["email"], None)
    return Exchange(
        at_ms=at_ms(of["at"]),
        operation=of["operation"],
        method=of["method"],
        target=of["target"],
        path_params=of["path_params"],
        query=of["query"],
        user=caller,
        status=of["status"],
        fault=of["fault"],
        violations=tuple(map(violation, of["violations"])),
        reason=of["reason"],
        headers=MappingProxyType(of["headers"]),
        touched=frozenset(of["touched"]),
    )


def violation(of: Mapping[str, Any]) -> Violation:
    """A violation."""
    return Violation(**{name: of[name] for name in Violation._fields})


def at_ms(text: str) -> int:
    """The milliseconds from 1970 to a time in ISO 8601."""
    return milliseconds(datetime.fromisoformat(text))
