"""Scenario files: users and their tokens, in YAML.

users:
  - email: ada@example.com
    password: secret
    tokens:
      - {jti: phone, createdAt: 2026-01-01T10:00:00Z}
      - {}
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from . import yamlfile
from .errors import MisuseError, ScenarioError, nearest


@dataclass(frozen=True, slots=True)
class ScenarioToken:
    """A token to issue; what is None is left to the fake. `key` is where the scenario says so."""

    key: str
    jti: str | None
    id: str | None
    created_at: datetime | None
    expires_at: datetime | None
    revoked: bool


@dataclass(frozen=True, slots=True)
class ScenarioUser:
    """A user to add, with the tokens to issue. `key` is where the scenario says so."""

    key: str
    email: str
    password: str | None = field(repr=False)
    id: str | None
    active: bool
    tokens: tuple[ScenarioToken, ...]


class _At(MisuseError):
    def __init__(self, key: str, problem: MisuseError) -> None:
        super().__init__(f"{key}: {problem}")


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a scenario asks for; `source` names it in errors."""

    source: str
    users: tuple[ScenarioUser, ...]

    @contextmanager
    def at(self, key: str) -> Iterator[None]:
        """Add the key to any MisuseError that is raised inside."""
        try:
            yield
        except MisuseError as problem:
            raise _At(key, problem) from problem

    def error(self, problem: MisuseError) -> ScenarioError:
        """The problem as an error of this scenario."""
        return ScenarioError(f"{self.source}: {problem}")


def read_scenario(path: str | Path) -> Scenario:
    """Read a scenario file. Raises ScenarioError, naming the file and the line or key."""
    path = Path(path)
    return _scenario(yamlfile.read(path, ScenarioError), str(path))


def parse_scenario(scenario: Mapping[str, Any]) -> Scenario:
    """Read a scenario from a mapping of the same form. Raises ScenarioError, naming the key."""
    return _scenario(scenario, "scenario")


def _scenario(content: Any, source: str) -> Scenario:
    try:
        top = _mapping(content, "the scenario", ("users",))
        users = _list(top.get("users"), "users")
        return Scenario(source, tuple(_user(user, f"users[{position}]") for position, user in enumerate(users)))
    except MisuseError as problem:
        raise ScenarioError(f"{source}: {problem}") from problem


def _user(content: Any, key: str) -> ScenarioUser:
    user = _mapping(content, key, ("email", "password", "_id", "active", "tokens"))
    if user.get("email") is None:
        raise MisuseError(f"{key}.email: expected an e-mail address, it is missing")
    tokens = _list(user.get("tokens"), f"{key}.tokens")
    return ScenarioUser(
        key,
        _text(user["email"], f"{key}.email") or "",
        _password(user.get("password"), f"{key}.password"),
        _text(user.get("_id"), f"{key}._id"),
        _flag(user.get("active", True), f"{key}.active"),
        tuple(_token(token, f"{key}.tokens[{position}]") for position, token in enumerate(tokens)),
    )


def _token(content: Any, key: str) -> ScenarioToken:
    token = _mapping({} if content is None else content, key, ("jti", "_id", "createdAt", "expiresAt", "revoked"))
    return ScenarioToken(
        key,
        _text(token.get("jti"), f"{key}.jti"),
        _text(token.get("_id"), f"{key}._id"),
        _time(token.get("createdAt"), f"{key}.createdAt"),
        _time(token.get("expiresAt"), f"{key}.expiresAt"),
        _flag(token.get("revoked", False), f"{key}.revoked"),
    )


def _mapping(value: Any, key: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise MisuseError(f"{key}: expected a mapping with the keys {', '.join(known)}, got {_shown(value)}")
    for name in value:
        if name not in known:
            raise MisuseError(f"{key}: unknown key {name!r}{nearest(str(name), known)}")
    return value


def _list(value: Any, key: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise MisuseError(f"{key}: expected a list, got {_shown(value)}")
    return list(value)


def _text(value: Any, key: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise MisuseError(f"{key}: expected text, got {_shown(value)}; put it in quotes")


def _password(value: Any, key: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    # Never shown, although it is none yet: without quotes a password may be a number or a date to YAML.
    raise MisuseError(f"{key}: expected text, got a {type(value).__name__}; put it in quotes")


def _flag(value: Any, key: str) -> bool:
    if isinstance(value, bool):
        return value
    raise MisuseError(f"{key}: expected true or false, got {_shown(value)}")


def _time(value: Any, key: str) -> datetime | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise MisuseError(f"{key}: expected a time like 2026-01-01T10:00:00Z, got {_shown(value)}") from None
    if value is None or (isinstance(value, datetime) and value.tzinfo is not None):
        return value
    raise MisuseError(f"{key}: expected a time with its zone, like 2026-01-01T10:00:00Z, got {_shown(value)}")


def _shown(value: Any) -> str:
    # What is long is not shown: it may be a token in the wrong place.
    if isinstance(value, str | int | float | datetime) and len(str(value)) <= 40:
        return f"{value!s} ({type(value).__name__})"
    return f"a {type(value).__name__}"
