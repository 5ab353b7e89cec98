"""The type of a rule, and how a family of rules is collected."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

from ...contract.places import Path, Place, place
from ..examination import Examination
from ..outcome import LeftOut

Ask = Callable[[Examination], None]


class Brake(IntEnum):
    """What may no longer be revoked on somebody's server once a rule is broken, the strictest last."""

    NONE = 0
    """Everything may: revocations hit what they name, and the list shows what they hit."""
    UNWATCHED = 1
    """What no rule watches: generated revocations, and tokens of sign-ins at the end.

    For rules whose breaking means that a revocation may hit any token, or that nobody sees which it hit.
    """
    ALL = 2
    """Nothing: a revocation takes other tokens with it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One property: the sentence that must be true, where the contract says so, and how it is asked."""

    id: str
    sentence: str
    at: Path
    level: str | None
    ask: Ask
    brake: Brake
    """What may no longer be revoked once it is broken; without a default, so that each rule decides."""
    revokes: bool = False
    """Whether asking may change something on the server."""
    users: int = 1
    """How many users it takes."""
    last: bool = False
    """Whether it uses up the token that calls, so that nothing can be asked with it afterwards."""
    looks_back: bool = False
    """Whether it judges everything before it, generated requests too."""

    @property
    def place(self) -> Place:
        """The place in the contract that says so."""
        return place(self.at, self.level)

    def check(self, examination: Examination) -> None:
        """Ask. Returns if the server is right; raises Broken, or LeftOut with the reason."""
        if self.revokes:
            examination.tokens.need_leave()
        if self.users > len(examination.persons):
            raise LeftOut("a second user is needed; give --basic or --jwt of another one")
        self.ask(examination)

    def __str__(self) -> str:
        return self.id


class Family:
    """Collects rules in the order in which they are written."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def rule(
        self,
        id: str,
        sentence: str,
        *at: str,
        brake: Brake,
        level: str | None = None,
        revokes: bool = False,
        users: int = 1,
        last: bool = False,
        looks_back: bool = False,
    ) -> Callable[[Ask], Ask]:
        """Make a function the way to ask a rule."""

        def collect(ask: Ask) -> Ask:
            self.rules.append(Rule(id, sentence, at, level, ask, brake, revokes, users, last, looks_back))
            return ask

        return collect


LISTING = ("paths", "/jwt/history", "get", "description")
REVOKING = ("paths", "/jwt/history/{jti}", "delete", "description")
REVOKING_BY_ID = ("paths", "/jwt/history/id/{id}", "delete", "description")
UNAUTHORIZED = ("components", "responses", "Unauthorized")


def assumption(id: str) -> Path:
    """The place of an assumption in the contract."""
    return ("x-assumptions", id)
