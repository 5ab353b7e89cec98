"""The possible outcomes of an examination.

TiledeskFakeError
├── CannotCheck     the server could not be examined: unreachable, credentials refused, nothing to examine with, gone
└── Forbidden       the guard refuses to send a request

Broken              a rule is broken: expected, got, and the reply that shows it
LeftOut             a rule could not be asked, and why
└── NotApplicable   because the profile leaves nothing to ask
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..contract.places import Place
from ..errors import TiledeskFakeError
from .reply import Reply


class CannotCheck(TiledeskFakeError):
    """The server could not be examined; the message says why, and what to do.

    `report` is the Report of what was found until then; it names what was revoked. It is None where no examination had
    begun.
    """

    def __init__(self, message: str, report: Any = None) -> None:
        super().__init__(message)
        # Any, because the methods of Report raise this error; `report_of` has the type.
        self.report = report


class Forbidden(TiledeskFakeError):
    """The guard refuses to send a request, because it could change what is not ours to change."""


class Broken(Exception):
    """A rule is broken. `rule` is its id where that is not the rule which was being asked."""

    def __init__(self, expected: str, got: str, reply: Reply | None, rule: str | None = None) -> None:
        super().__init__(f"expected {expected}; got {got}")
        self.expected = expected
        self.got = got
        self.reply = reply
        self.rule = rule


class LeftOut(Exception):
    """A rule could not be asked; the text is the reason."""


class NotApplicable(LeftOut):
    """Under the profile there is nothing that the rule could ask."""


def options(choices: Mapping[str, str]) -> str:
    """The options of the command line that make these choices.

    >>> options({"page-base": "1", "list-envelope": "bare"})
    '--assume page-base=1 --assume list-envelope=bare'
    """
    return " ".join(f"--assume {id}={choice}" for id, choice in choices.items())


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which a server breaks the contract. Nothing in it is secret."""

    rule: str
    sentence: str
    expected: str
    got: str
    place: Place
    curl: str
    explained_by: Mapping[str, str] = field(default_factory=dict)
    """The choices under which the server would keep the rule, by assumption; empty if there are none."""

    def __str__(self) -> str:
        lines = [
            f"{self.rule}: {self.sentence}",
            f"  expected  {self.expected}",
            f"  got       {self.got}",
            f"  contract  {self.place}",
        ]
        if self.curl:
            lines.append(f"  try       {self.curl}")
        if self.explained_by:
            lines.append(f"  instead   the server keeps the rule under {options(self.explained_by)}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Omission:
    """A rule that was not asked, and why."""

    rule: str
    sentence: str
    reason: str
