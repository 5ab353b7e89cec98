"""Profiles: one choice per assumption.

`Profile` is what the code implements: its fields are the ids of the assumptions, their types the choices. Questions,
defaults, evidence and the patches of the contract are in `openapi/jwt.yaml`; `contract` refuses a file that does not
name the same ids and choices.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from ..errors import ProfileError, nearest


class Profile(NamedTuple):
    """One choice per assumption; every combination is valid."""

    page_base: Literal["0", "1"]
    page_size: Literal["40", "10"]
    list_envelope: Literal["jwts", "jwtHistories", "bare"]
    sort_parameter: Literal["sortField", "sort"]
    invalid_query: Literal["reject", "ignore", "fail"]
    revoked_listed: Literal["yes", "no"]
    revoke_answer: Literal["record", "success", "counts"]
    revoke_unknown: Literal["404", "null"]
    revoke_again: Literal["same", "unknown"]
    revoke_foreign: Literal["unknown", "allowed"]
    malformed_id: Literal["unknown", "fail"]
    revocation_enforced: Literal["yes", "no"]
    server_quirks: Literal["calm", "observed"]

    @classmethod
    def of(cls, choices: Mapping[str, str]) -> "Profile":
        """The profile that makes these choices, one for each assumption."""
        return cls(**{_field(id): choice for id, choice in choices.items()})  # type: ignore[arg-type]


def _field(id: str) -> str:
    return id.replace("-", "_")


def _choices() -> dict[str, tuple[str, ...]]:
    return {name.replace("_", "-"): get_args(choices) for name, choices in Profile.__annotations__.items()}


CHOICES: Mapping[str, tuple[str, ...]] = _choices()
"""The choices that the code implements, by the id of their assumption."""


def check(choices: Mapping[Any, Any], *, source: str) -> dict[str, str]:
    """The same choices, known to be valid; `source` names in errors where they come from.

    Raises ProfileError for an id or a choice that does not exist; the message lists the valid ones.

    >>> check({"page-base": "1"}, source="profile")
    {'page-base': '1'}
    """
    for id, choice in choices.items():
        if id not in CHOICES:
            raise ProfileError(f"{source}: there is no assumption {id!r}{nearest(str(id), CHOICES)}")
        if not isinstance(choice, str) or choice not in CHOICES[id]:
            hint = nearest(str(choice), CHOICES[id])
            if (written := _as_written(choice)) in CHOICES[id]:
                hint = f"; it must be text, so put it in quotes: '{written}'"
            raise ProfileError(f"{source}: {id} has no choice {choice!r}{hint}")
    return dict(choices)


def _as_written(value: object) -> str:
    # YAML 1.1 turns some bare words into other values: `no` arrives as False.
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "null" if value is None else str(value)


def parse_assumptions(assumptions: Iterable[str], *, source: str) -> dict[str, str]:
    """The choices written as `ID=CHOICE`, the last of each id counting.

    >>> parse_assumptions(["page-base=1"], source="--assume")
    {'page-base': '1'}
    """
    choices = {}
    for assumption in assumptions:
        id, equals, choice = assumption.partition("=")
        if not equals:
            whole = " or ".join(f"{assumption}={each}" for each in CHOICES.get(assumption, ()))
            hint = f"; write {whole}" if whole else nearest(assumption, CHOICES)
            raise ProfileError(f"{source}: expected ID=CHOICE, got {assumption!r}{hint}")
        choices[id.strip()] = choice.strip()
    return check(choices, source=source)


_PARTS = ("profile", "evidence")


class ProfileFile(NamedTuple):
    """What a profile file says: the choices it makes, and why (`evidence`, by assumption)."""

    choices: Mapping[str, str]
    evidence: Mapping[str, str]


def read_profile(path: str | Path) -> ProfileFile:
    """Read a profile file: YAML with `profile:` (id to choice) and, optionally, `evidence:` (id to text).

    What nobody found out may stand in it and means the default: `unknown`, or null for the assumptions that have a
    choice of that name. Raises ProfileError, naming the file, the line and the key.
    """
    from .. import yamlfile

    try:
        file = yamlfile.load(Path(path), ProfileError)
    except ProfileError as problem:
        id, equals, choice = str(path).partition("=")
        if not equals or id not in CHOICES:
            raise
        written = f"profile={{{id!r}: {choice!r}}}, or on the command line --assume {path}"
        raise ProfileError(f"{problem}; a choice that is in no file is written {written}") from problem
    content = file.content
    if not isinstance(content, dict) or "profile" not in content:
        raise ProfileError(
            f"{path}: expected a mapping with the key 'profile', from the id of an assumption to a choice"
        )
    for key in content:
        if key not in _PARTS:
            raise ProfileError(f"{file.place(key)}: unknown key {key!r}{nearest(str(key), _PARTS)}")
    parts = {}
    for key in _PARTS:
        part = content.get(key)
        parts[key] = {} if part is None else part
        if not isinstance(parts[key], dict):
            raise ProfileError(f"{file.place(key)}: {key}: expected a mapping by the id of an assumption, got {part!r}")
    for id, text in parts["evidence"].items():
        wrong = None
        if id not in CHOICES:
            wrong = f"there is no assumption {id!r}{nearest(str(id), CHOICES)}"
        elif not isinstance(text, str):
            wrong = f"{id}: expected text, got {text!r}"
        if wrong:
            raise ProfileError(f"{file.place('evidence', id)}: evidence: {wrong}")
    made = {id: choice for id, choice in parts["profile"].items() if not _is_not_found_out(id, choice)}
    for id, choice in made.items():
        try:
            check({id: choice}, source="profile")
        except ProfileError as problem:
            raise ProfileError(f"{file.place('profile', id)}: {problem}") from None
    return ProfileFile(made, parts["evidence"])


def _is_not_found_out(id: object, choice: object) -> bool:
    # Null is accepted nowhere else: `revoke-unknown: null` is the choice 'null' without its quotes.
    return id in CHOICES and choice == (None if "unknown" in CHOICES[str(id)] else "unknown")
