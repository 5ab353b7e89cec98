"""Profiles: one choice per assumption.

`Profile` is what the code implements: its fields are the ids of the assumptions, their types the choices. Questions,
defaults, evidence and the patches of the contract are in `openapi/jwt.yaml`; `contract` refuses a file that does not
name the same ids and choices.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, get_args

from ..errors import ProfileError, nearest


class WholeNumbers(NamedTuple):
    """Beside its named choices, an assumption takes any whole number from `least` to `most`."""

    least: int
    most: int

    def __str__(self) -> str:
        return f"any whole number from {self.least} to {self.most}"

    def holds(self, choice: str) -> bool:
        """Whether the text is one of them, written as JSON writes it."""
        return bool(_WHOLE.fullmatch(choice)) and self.least <= int(choice) <= self.most


_WHOLE = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)


class Profile(NamedTuple):
    """One choice per assumption; every combination is valid."""

    page_base: Literal["0", "1"]
    page_size: Annotated[Literal["40", "10"] | str, WholeNumbers(1, 1000)]
    list_envelope: Literal["jwts", "jwtHistories", "bare"]
    sort_parameter: Literal["sortField", "sort"]
    tie_order: Literal["id", "natural"]
    invalid_query: Literal["reject", "ignore", "fail", "coerce"]
    revoked_listed: Literal["yes", "no"]
    revoke_answer: Literal["record", "success", "counts"]
    revoke_unknown: Literal["404", "null", "phantom"]
    revoke_again: Literal["same", "touched", "unknown"]
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


def _choices() -> tuple[dict[str, tuple[str, ...]], dict[str, WholeNumbers]]:
    named: dict[str, tuple[str, ...]] = {}
    numbers: dict[str, WholeNumbers] = {}
    for field, choices in Profile.__annotations__.items():
        id = field.replace("_", "-")
        kinds = get_args(choices)
        if isinstance(kinds[-1], WholeNumbers):
            numbers[id] = kinds[-1]
            kinds = get_args(get_args(kinds[0])[0])
        named[id] = kinds
    return named, numbers


CHOICES: Mapping[str, tuple[str, ...]]
"""The choices that the code implements, by the id of their assumption; those that have a name."""
NUMBERS: Mapping[str, WholeNumbers]
"""The assumptions whose choice may be any whole number of a range."""
CHOICES, NUMBERS = _choices()


def is_choice(id: str, choice: object) -> bool:
    """Whether an assumption has this choice.

    >>> is_choice("page-size", "7"), is_choice("page-size", "0")
    (True, False)
    """
    return isinstance(choice, str) and (choice in CHOICES[id] or (id in NUMBERS and NUMBERS[id].holds(choice)))


def described(id: str) -> tuple[str, ...]:
    """The choices of an assumption, as messages list them.

    >>> described("page-size")
    ('40', '10', 'any whole number from 1 to 1000')
    """
    return (*CHOICES[id], str(NUMBERS[id])) if id in NUMBERS else CHOICES[id]


def check(choices: Mapping[Any, Any], *, source: str) -> dict[str, str]:
    """The same choices, known to be valid; `source` names in errors where they come from.

    Raises ProfileError for an id or a choice that does not exist; the message lists the valid ones.

    >>> check({"page-base": "1"}, source="profile")
    {'page-base': '1'}
    """
    for id, choice in choices.items():
        if id not in CHOICES:
            raise ProfileError(f"{source}: there is no assumption {id!r}{nearest(str(id), CHOICES)}")
        if not is_choice(id, choice):
            # Of two numbers neither is meant by the other.
            hint = f"; Valid: {', '.join(described(id))}" if id in NUMBERS else nearest(str(choice), CHOICES[id])
            if is_choice(id, written := _as_written(choice)):
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
_SHIPPED = Path(__file__).parents[1] / "profiles"

SHIPPED = ("documented", "siblings")
"""The profiles that come with the package, by name: what is documented, with the defaults for all else; and what the
authors of the API would most probably have written, going by the routes beside it."""


class ProfileFile(NamedTuple):
    """What a profile file says: the choices it makes, and why (`evidence`, by assumption)."""

    choices: Mapping[str, str]
    evidence: Mapping[str, str]


def read_profile(profile: str | Path) -> ProfileFile:
    """Read a profile: one that is SHIPPED, by its name, or a file.

    The file is YAML with `profile:` (id to choice) and, optionally, `evidence:` (id to text). Text that names a shipped
    profile is never a file; a Path always is, and so is `./siblings`. What nobody found out may stand in it and means
    the default: `unknown`, or null for the assumptions that have a choice of that name. Raises ProfileError, naming the
    file, the line and the key.

    >>> read_profile("siblings").choices["sort-parameter"]
    'sort'
    """
    from .. import yamlfile

    path = _SHIPPED / f"{profile}.yaml" if is_shipped(profile) else Path(profile)
    try:
        file = yamlfile.load(path, ProfileError)
    except ProfileError as problem:
        raise ProfileError(f"{problem}{_perhaps_meant(profile)}") from problem
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


def choices_and_evidence(
    profile: Mapping[str, str] | str | Path | None,
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """The choices of any value that a fake takes as its profile, with the evidence of a file."""
    if profile is None:
        return {}, {}
    if isinstance(profile, Mapping):
        return check(profile, source="profile"), {}
    file = read_profile(profile)
    return file.choices, file.evidence


def is_shipped(profile: object) -> bool:
    """Whether this is the name of a profile that comes with the package."""
    return isinstance(profile, str) and profile in SHIPPED


def _perhaps_meant(profile: str | Path) -> str:
    """What to write instead of a name that is no file's: nothing where it looks like one."""
    if meant := choices_meant(str(profile)):
        options = " ".join(f"--assume {id}={choice}" for id, choice in meant.items())
        written = f"profile={meant}, or on the command line {options}"
        return f"; a choice that is in no file is written {written}{to_choose(meant)}"
    return nearest_shipped(profile)


def choices_meant(text: str) -> dict[str, str]:
    """The choices that a text was meant as, however they are written; `CHOICE` where it names an assumption alone.

    >>> choices_meant("page-size:10, page_base"), choices_meant("pages.yaml")
    ({'page-size': '10', 'page-base': 'CHOICE'}, {})
    """
    meant = {}
    for part in re.split("[,;\n]", re.sub("[{}'\"]", "", text)):
        id, _, choice = re.sub("[:=]", " ", part).strip().partition(" ")
        meant[id.replace("_", "-").lower()] = choice.strip() or "CHOICE"
    return meant if meant.keys() <= CHOICES.keys() else {}


def to_choose(meant: Mapping[str, str]) -> str:
    """The valid choices, for an assumption that is only named."""
    listed = "; ".join(f"{id}: {', '.join(described(id))}" for id, choice in meant.items() if choice == "CHOICE")
    return f", with one of its choices: {listed}" if listed else ""


def nearest_shipped(profile: str | Path) -> str:
    """A hint that lists the shipped profiles, for a word that is none and no name of a file either."""
    is_word = isinstance(profile, str) and profile.replace("-", "").isalpha()
    return f"; of the profiles that have a name{nearest(str(profile), SHIPPED)}" if is_word else ""


def _is_not_found_out(id: object, choice: object) -> bool:
    # Null is accepted nowhere else: `revoke-unknown: null` is the choice 'null' without its quotes.
    return id in CHOICES and choice == (None if "unknown" in CHOICES[str(id)] else "unknown")
