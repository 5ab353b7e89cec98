"""Scenarios: users and their tokens, in YAML or as a mapping; read here, and written from what a fake holds.

frozenAt: 2026-01-01T12:00:00Z
users:
  - email: ada@example.com
    password: secret
    tokens:
      - {jti: phone, createdAt: 2026-01-01T10:00:00Z}
      - {}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .core import history
from .core import users as people
from .core.clock import iso, milliseconds, moment
from .core.history import Record
from .core.ids import given_id, hex_id
from .core.users import User
from .errors import MisuseError, ScenarioError, nearest
from .state import State

_MOST_CLAIMED = 50_000

if TYPE_CHECKING:
    from .yamlfile import Loaded

Keys = tuple[str | int, ...]
"""A place in a scenario: keys of mappings and positions in lists."""


@dataclass(frozen=True, slots=True)
class ScenarioToken:
    """A token to issue; what is None is left to the fake. `keys` is where the scenario says so."""

    keys: Keys
    jti: str | None
    id: str | None
    created_at: datetime | None
    expires_at: datetime | None
    revoked: bool
    revoked_at: datetime | None
    claims: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScenarioUser:
    """A user to add, with the tokens to issue. `keys` is where the scenario says so."""

    keys: Keys
    email: str
    password: str | None = field(repr=False)
    id: str | None
    active: bool
    firstname: str
    lastname: str
    emailverified: bool
    tokens: tuple[ScenarioToken, ...]


class _At(MisuseError):
    """A problem at a place; the line that is told may be that of a key further down."""

    def __init__(self, keys: Keys, problem: object, *, below: Keys = ()) -> None:
        super().__init__(f"{_spelled(keys)}: {problem}")
        self.line_of = (*keys, *below)


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a scenario asks for, and the file that says so, if it is one."""

    file: Loaded | None
    users: tuple[ScenarioUser, ...]
    frozen_at: datetime | None

    @contextmanager
    def at(self, keys: Keys) -> Iterator[None]:
        """Add the place to any MisuseError that is raised inside."""
        try:
            yield
        except MisuseError as problem:
            raise _At(keys, problem) from problem

    def add_to(self, state: State) -> None:
        """Add the users, and their tokens. Raises ScenarioError, and then nothing is added."""
        with state.lock:
            before = state.snapshot()
            try:
                self._add_to(state)
            except MisuseError as problem:
                state.undo(before)
                raise _error(self.file, problem) from problem

    def _add_to(self, state: State) -> None:
        if self.frozen_at is not None:
            with self.at(("frozenAt",)):
                state.clock.freeze(self.frozen_at)
        for planned in self.users:
            with self.at(planned.keys):
                named = {name: getattr(planned, name) for name in ("firstname", "lastname", "emailverified")}
                user = state.add_user(planned.email, planned.password, given_id(planned.id), planned.active, **named)
            for token in planned.tokens:
                with self.at(token.keys):
                    _issue(token, user, state)


def _issue(token: ScenarioToken, user: User, state: State) -> None:
    record = state.issue(
        user,
        jti=token.jti,
        id=given_id(token.id),
        created_ms=state.clock.now_ms() if token.created_at is None else milliseconds(token.created_at),
        expires_ms=None if token.expires_at is None else milliseconds(token.expires_at),
        revoked=token.revoked and token.revoked_at is None,
        claims=token.claims,
    )
    if token.revoked_at is not None:
        state.revoke_at(record.jti, milliseconds(token.revoked_at))


def read_scenario(path: str | Path) -> Scenario:
    """Read a scenario file. Raises ScenarioError, naming the file, the line and the key."""
    if isinstance(path, str) and "\n" in path:
        raise ScenarioError("expected the path of a file, got text of several lines; give what it says as a mapping")
    # A scenario that is a mapping needs no reader of YAML, which takes 8 ms to import.
    from . import yamlfile

    file = yamlfile.load(Path(path), ScenarioError)
    return _scenario(file.content, file)


def parse_scenario(scenario: Mapping[str, Any]) -> Scenario:
    """Read a scenario from a mapping of the same form. Raises ScenarioError, naming the key."""
    return _scenario(scenario, None)


def _scenario(content: Any, file: Loaded | None) -> Scenario:
    try:
        top = _mapping(content, (), ("users", "frozenAt"))
        users = _list(top.get("users"), ("users",))
        _check_size(users)
        read = tuple(_user(user, ("users", position)) for position, user in enumerate(users))
        return Scenario(file, read, _time(top.get("frozenAt"), ("frozenAt",)))
    except MisuseError as problem:
        raise _error(file, problem) from problem


def _error(file: Loaded | None, problem: MisuseError) -> ScenarioError:
    line_of = problem.line_of if isinstance(problem, _At) else ()
    return ScenarioError(f"{file.place(*line_of) if file else 'scenario'}: {problem}")


def _spelled(keys: Keys) -> str:
    if not keys:
        return "the scenario"
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys).removeprefix(".")


def _check_size(users: list[Any]) -> None:
    """Refuse what no fake can hold before anything is made of it: with aliases, a small file says a lot."""
    listed = (user.get("tokens") for user in users if isinstance(user, Mapping))
    tokens = sum(len(each) for each in listed if isinstance(each, list | tuple))
    for key, number, most in (("users", len(users), people.MOST_USERS), ("tokens", tokens, history.MOST_TOKENS)):
        if number > most:
            raise _At(("users",), f"expected at most {most:,} {key} in all, got {number:,}")


def _user(content: Any, keys: Keys) -> ScenarioUser:
    known = ("email", "password", "_id", "active", "firstname", "lastname", "emailverified", "tokens")
    user = _mapping(content, keys, known)
    if user.get("email") is None:
        raise _At((*keys, "email"), "expected an e-mail address, it is missing")
    tokens = _list(user.get("tokens"), (*keys, "tokens"))
    return ScenarioUser(
        keys,
        _text(user["email"], (*keys, "email")) or "",
        _password(user.get("password"), (*keys, "password")),
        _text(user.get("_id"), (*keys, "_id")),
        _flag(user.get("active", True), (*keys, "active")),
        _text(user.get("firstname", "Test"), (*keys, "firstname")) or "",
        _text(user.get("lastname", "User"), (*keys, "lastname")) or "",
        _flag(user.get("emailverified", True), (*keys, "emailverified")),
        tuple(_token(token, (*keys, "tokens", position)) for position, token in enumerate(tokens)),
    )


def _token(content: Any, keys: Keys) -> ScenarioToken:
    known = ("jti", "_id", "createdAt", "expiresAt", "revoked", "revokedAt", "claims")
    token = _mapping({} if content is None else content, keys, known)
    revoked_at = _time(token.get("revokedAt"), (*keys, "revokedAt"))
    if revoked_at is not None and token.get("revoked") is False:
        raise _At((*keys, "revoked"), "expected true, or to be left out, since revokedAt says when")
    return ScenarioToken(
        keys,
        _text(token.get("jti"), (*keys, "jti")),
        _text(token.get("_id"), (*keys, "_id")),
        _time(token.get("createdAt"), (*keys, "createdAt")),
        _time(token.get("expiresAt"), (*keys, "expiresAt")),
        _flag(token.get("revoked", False), (*keys, "revoked")),
        revoked_at,
        _claims(token.get("claims"), (*keys, "claims")),
    )


def _claims(value: Any, keys: Keys) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _At(keys, f"expected a mapping from names to values, got {_shown(value)}")
    # With aliases, a small file says a lot, and to sign it would be to write it all.
    left, values = _MOST_CLAIMED, [value]
    while values:
        left -= 1
        if left < 0:
            raise _At(keys, f"expected at most {_MOST_CLAIMED:,} values in all")
        inside = values.pop()
        values += inside.values() if isinstance(inside, Mapping) else inside if isinstance(inside, list) else ()
    return value


def _mapping(value: Any, keys: Keys, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _At(keys, f"expected a mapping with the keys {', '.join(known)}, got {_shown(value)}")
    for name in value:
        if name not in known:
            raise _At(keys, f"unknown key {name!r}{nearest(str(name), known)}", below=(name,))
    return value


def _list(value: Any, keys: Keys) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise _At(keys, f"expected a list, got {_shown(value)}")
    return list(value)


def _text(value: Any, keys: Keys) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise _At(keys, f"expected text, got {_shown(value)}; put it in quotes")


def _password(value: Any, keys: Keys) -> str | None:
    if value is None or isinstance(value, str):
        return value
    # Never shown, although it is none yet: without quotes a password may be a number or a date to YAML.
    raise _At(keys, f"expected text, got a {type(value).__name__}; put it in quotes")


def _flag(value: Any, keys: Keys) -> bool:
    if isinstance(value, bool):
        return value
    raise _At(keys, f"expected true or false, got {_shown(value)}")


def _time(value: Any, keys: Keys) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise _At(keys, f"expected a time like 2026-01-01T10:00:00Z, got {_shown(value)}") from None
    if value is None or (isinstance(value, datetime) and value.tzinfo is not None):
        return value
    raise _At(keys, f"expected a time with its zone, like 2026-01-01T10:00:00Z, got {_shown(value)}")


def _shown(value: Any) -> str:
    # What is long is not shown: it may be a token in the wrong place.
    if isinstance(value, str | int | float | datetime) and len(str(value)) <= 40:
        return f"{value!s} ({type(value).__name__})"
    return "null" if value is None else f"a {type(value).__name__}"


def scenario_of(state: State) -> dict[str, Any]:
    """The scenario that makes another fake hold the same users and tokens; a phantom, which has no user, is in none."""
    with state.lock:
        tokens: dict[str, list[dict[str, Any]]] = {user.id: [] for user in state.users}
        for record in state.history:
            if not record.is_phantom:
                tokens[record.user_id].append(_written(record, state))
        frozen = {"frozenAt": iso(state.clock.now())} if state.clock.frozen else {}
        return {
            **frozen,
            "users": [
                {
                    "email": user.email,
                    **({} if user.password is None else {"password": user.password}),
                    "_id": user.id,
                    "active": user.active,
                    "firstname": user.firstname,
                    "lastname": user.lastname,
                    "emailverified": user.emailverified,
                    "tokens": tokens[user.id],
                }
                for user in state.users
            ],
        }


def _written(record: Record, state: State) -> dict[str, Any]:
    claims = state.claims_of(record)
    times = {"createdAt": record.created_ms, "expiresAt": record.expires_ms, "revokedAt": record.revoked_ms}
    return {
        "jti": record.jti,
        "_id": hex_id(record.id),
        **{name: iso(moment(ms)) for name, ms in times.items() if ms is not None},
        **({"claims": claims} if claims else {}),
    }
