"""The outcome of a replay: differences, and what the recording does not tell."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...contract.places import Place
from ..outcome import options
from .exchange import Unusable

MOST_KEPT = 1_000
"""The number of differences that are kept; the others are counted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One exchange that a fake would have answered otherwise. Nothing in it is secret."""

    number: int
    where: str
    request: str
    problem: str
    got: str
    expected: str
    place: Place
    explained_by: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        lines = [
            f"exchange {self.number} ({self.where}): {self.request}",
            f"  differs   {self.problem}",
            f"  got       {self.got}",
            f"  the fake  {self.expected}",
            f"  contract  {self.place}",
        ]
        if self.explained_by:
            lines.append(f"  instead   the answer is right under {options(self.explained_by)}")
        return "\n".join(lines)


@dataclass(slots=True)
class Replay:
    """The outcome of replaying one recording. Nothing in it is secret.

    `replayed` is the number of exchanges that were compared, `passed_over` of those that the contracts do not speak of,
    `unanswered` of those without an answer, or whose request is not whole. `untold` counts what the file leaves open.
    """

    file: str
    profile: Mapping[str, str]
    others: bool
    replayed: int = 0
    passed_over: int = 0
    unanswered: int = 0
    differing: int = 0
    differences: list[Difference] = field(default_factory=list)
    untold: Counter[str] = field(default_factory=Counter)
    never_shown: int = 0
    nothing_presented: bool = False

    def add(self, difference: Difference) -> None:
        """Count a difference, and keep it if there are not too many."""
        self.differing += 1
        if len(self.differences) < MOST_KEPT:
            self.differences.append(difference)

    @property
    def differs(self) -> bool:
        """Whether anything differs."""
        return self.differing > 0

    @property
    def explained_by(self) -> dict[str, str]:
        """The choices that explain differences."""
        return {id: choice for each in self.differences for id, choice in each.explained_by.items()}

    @property
    def not_told(self) -> list[str]:
        """What the recording cannot decide, one sentence each."""
        said = [f"{sentence}: {count} exchanges" for sentence, count in sorted(self.untold.items())]
        if self.nothing_presented:
            said.insert(0, "who calls: no exchange has credentials, which browsers leave out")
        if self.never_shown:
            said.append(f"what {self.never_shown} tokens are that lists count and never show")
        if self.unanswered:
            said.append(f"what {self.unanswered} requests mean that have no answer, or of which the body is missing")
        if self.passed_over:
            said.append(f"what is right for {self.passed_over} exchanges that the contract does not speak of")
        return said

    @property
    def verdict(self) -> str:
        """The outcome in one sentence."""
        if not self.differs:
            return f"{self.file}: the fake answers all {self.replayed} exchanges alike"
        return f"{self.file}: the fake answers {self.differing} of {self.replayed} exchanges otherwise"

    def empty(self) -> Unusable:
        """The error for a file without an exchange that can be compared."""
        return Unusable(
            f"{self.file}: expected exchanges with /jwt/history or /auth/signin and their answers; none of the "
            f"{self.passed_over + self.unanswered} in the file is one"
        )
