"""The choices of a profile as an answer reads them: each choice that is read is recorded as touched."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from .profile import Profile


class Choices:
    """The choices that decide one answer.

    Read a choice as an attribute, by its name in Profile, only where it decides: reading adds its id to `touched`. An
    assumption that is not in `touched` made no difference to the answer, its journal entry, or the state.

    >>> choices = Choices(Profile("0", "40", *[""] * 12))
    >>> choices.page_base, choices.touched
    ('0', {'page-base'})
    """

    page_base: str
    page_size: str
    list_envelope: str
    sort_parameter: str
    tie_order: str
    invalid_query: str
    revoked_listed: str
    revoke_answer: str
    revoke_unknown: str
    revoke_again: str
    revoke_foreign: str
    malformed_id: str
    revocation_enforced: str
    server_quirks: str

    __slots__ = ("_profile", "touched")

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self.touched: set[str] = set()

    def note(self, ids: Iterable[str]) -> None:
        """Record assumptions that decided by a part of the contract that differs from choice to choice."""
        self.touched.update(ids)


def _noted(field: str) -> property:
    id = field.replace("_", "-")

    def read(choices: Choices) -> str:
        choices.touched.add(id)
        choice: str = getattr(choices._profile, field)
        return choice

    return property(read)


for _field in Profile._fields:
    setattr(Choices, _field, _noted(_field))


class NotedReads(Mapping[str, str]):
    """A profile for the owner of the fake: reading a choice records its id."""

    def __init__(self, choices: Mapping[str, str], note: Callable[[str], object]) -> None:
        self._choices = choices
        self._note = note

    def __getitem__(self, id: str) -> str:
        choice = self._choices[id]
        self._note(id)
        return choice

    def __iter__(self) -> Iterator[str]:
        return iter(self._choices)

    def __len__(self) -> int:
        return len(self._choices)

    def __repr__(self) -> str:
        return repr(dict(self._choices))


def unnoted(profile: Mapping[str, str]) -> Mapping[str, str]:
    """The same profile for an observer: reading records nothing."""
    return profile._choices if isinstance(profile, NotedReads) else profile
