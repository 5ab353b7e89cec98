"""Which choice did a server make for each assumption? As far as its recorded traffic alone decides that.

An exchange decides between two choices if it is right under one of them alone. A choice is learnt only if every other
one explains less; what the traffic says in two ways is told, and learnt in neither.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ... import contract as contracts
from ...contract.profile import CHOICES, NUMBERS, is_choice
from ..learnt import Learnt
from .exchange import Exchange, Unusable
from .following import follow
from .judge import Judge
from .known import Knowledge
from .outcome import Replay
from .reading import exchanges
from .replaying import Progress, judged, silent, surveyed
from .shown import answer_of, request_of
from .survey import is_of_the_api, records_in

_MOST_PASSES = 5
_EVERY = 500
_OF_LISTS = (
    "page-base",
    "page-size",
    "list-envelope",
    "sort-parameter",
    "tie-order",
    "invalid-query",
    "revoked-listed",
)
_OF_REVOCATIONS = ("revoke-answer", "revoke-unknown", "revoke-again", "revoke-foreign", "malformed-id")


def learn_from(file: Path, *, others: bool = False, progress: Progress = silent) -> Learnt:
    """The choices that a recording decides, each with an exchange that shows it. Raises Unusable as `replay` does."""
    known = surveyed(file, others=others, progress=progress)
    choices = {**contracts.load().choices, **_at_first_sight(file, known)}
    for _ in range(_MOST_PASSES):
        weighed = _Weighing(choices, surveyed(file, others=others, progress=progress))
        weighed.pass_over(file, progress)
        better = weighed.better()
        if not better:
            break
        choices |= better
    if not weighed.replayed:
        raise weighed.empty(file)
    return weighed.learnt(str(file))


def _at_first_sight(file: Path, known: Knowledge) -> dict[str, str]:
    """What the first list that can be read says of itself: a pass begins nearer to the truth with it."""
    for exchange in exchanges(file):
        if not is_of_the_api(exchange, known.base_path) or exchange.status != 200 or exchange.method != "GET":
            continue
        body = exchange.json
        if isinstance(body, list):
            return {"list-envelope": "bare"}
        if isinstance(body, dict):
            keys = [key for key in CHOICES["list-envelope"] if isinstance(body.get(key), list)]
            sizes = [str(value) for key, value in body.items() if type(value) is int and key != "count"]
            found = {"list-envelope": keys[0]} if keys else {}
            return found | ({"page-size": sizes[0]} if sizes and is_choice("page-size", sizes[0]) else {})
    return {}


class _Decided(NamedTuple):
    """How often an exchange was right under one choice alone, and the first one."""

    number: int
    first: str


class _Weighing:
    """One pass over a recording: every exchange is judged under the choices, and under each other choice alone."""

    def __init__(self, choices: Mapping[str, str], known: Knowledge) -> None:
        self._choices = dict(choices)
        self._known = known
        self._judge = Judge(self._choices, known)
        self._others: dict[tuple[tuple[str, str], ...], Judge] = {}
        self._for: dict[tuple[str, str], _Decided] = {}
        """Right as chosen and wrong under the other choice."""
        self._against: dict[tuple[str, str], _Decided] = {}
        """Wrong as chosen and right under the other choice."""
        self._size_seen = 0
        self.replayed = 0
        self._unexplained = 0

    def pass_over(self, file: Path, progress: Progress) -> None:
        """Judge every exchange."""
        for number, exchange in enumerate(exchanges(file), 1):
            if number % _EVERY == 0:
                progress(number, "learning")
            if not is_of_the_api(exchange, self._known.base_path) or exchange.status == 304:
                continue
            judgement = judged(self._judge, exchange)
            if judgement is None:
                continue
            self.replayed += 1
            operation = judgement.operation.id if judgement.operation else ""
            for id, choice in self._asked(exchange, operation, is_right=judgement.is_right):
                said = self._other((id, choice)).judge(exchange)
                if said.is_right is not judgement.is_right and (said.is_right or self._decides(exchange, id, choice)):
                    self._note(self._for if judgement.is_right else self._against, (id, choice), exchange)
                    if said.is_right:
                        judgement = said
            self._unexplained += not judgement.is_right
            follow(self._known, exchange, judgement)

    def _asked(self, exchange: Exchange, operation: str, *, is_right: bool) -> Iterator[tuple[str, str]]:
        """The other choices that this exchange may decide about: those that are decided already only if it differs."""
        relevant = {"listTokens": _OF_LISTS, "signIn": ()}.get(operation, _OF_REVOCATIONS if operation else ())
        for id in (*relevant, "revocation-enforced", "server-quirks"):
            for choice in self._alternatives(id, exchange):
                if not is_right or (id, choice) not in self._for:
                    yield id, choice

    def _decides(self, exchange: Exchange, id: str, choice: str) -> bool:
        """Whether no further choice that is still open makes up for this one."""
        return not any(
            self._other((id, choice), (also, other)).judge(exchange).is_right
            for also in CHOICES
            for other in CHOICES[also]
            if also != id and other != self._choices[also] and (also, other) not in self._for
        )

    def _alternatives(self, id: str, exchange: Exchange) -> list[str]:
        found = [choice for choice in CHOICES[id] if choice != self._choices[id]]
        if id in NUMBERS:
            # One more than chosen stands for all that are larger; smaller ones never hold a full page.
            more = [int(self._choices[id]) + 1, len(records_in(exchange.json))]
            found += [str(size) for size in more if is_choice(id, str(size)) and str(size) != self._choices[id]]
        return list(dict.fromkeys(found))

    def _other(self, *others: tuple[str, str]) -> Judge:
        if others not in self._others:
            self._others[others] = Judge({**self._choices, **dict(others)}, self._known)
        return self._others[others]

    @staticmethod
    def _note(where: dict[tuple[str, str], _Decided], key: tuple[str, str], exchange: Exchange) -> None:
        evidence = f"exchange {exchange.number} ({exchange.where}): {request_of(exchange)} -> {answer_of(exchange)}"
        number, first = where.get(key, (0, evidence))
        where[key] = _Decided(number + 1, first)

    def better(self) -> dict[str, str]:
        """The choices that explain more than those made, the one that explains most of each assumption."""
        found: dict[str, tuple[int, str]] = {}
        for (id, choice), (number, _) in self._against.items():
            worse = self._for.get((id, choice))
            if number > (worse.number if worse else 0) and number > found.get(id, (0, ""))[0]:
                found[id] = number, choice
        return {id: choice for id, (_, choice) in found.items()}

    def learnt(self, file: str) -> Learnt:
        """What the pass decided."""
        choices: dict[str, str | None] = {}
        evidence: dict[str, str] = {}
        for id in CHOICES:
            choices[id], evidence[id] = self._answer(id)
        return Learnt(file, choices, evidence)

    def _answer(self, id: str) -> tuple[str | None, str]:
        against = {choice: said for (each, choice), said in self._against.items() if each == id}
        decided = {choice: said for (each, choice), said in self._for.items() if each == id}
        if against:
            choice, said = max(against.items(), key=lambda item: item[1].number)
            contradicted = decided.get(choice)
            if contradicted is None:
                return None, f"not told by this file: only {choice} explains {said.first}, and little else"
            return None, (
                f"the traffic contradicts itself: only {self._choices[id]} explains {contradicted.first}; "
                f"only {choice} explains {said.first}"
            )
        needed = [choice for choice in CHOICES[id] if choice != self._choices[id]]
        if id in NUMBERS:
            needed.append(str(int(self._choices[id]) + 1))
        open_ = [choice for choice in needed if choice not in decided and is_choice(id, choice)]
        if open_:
            between = ", ".join([self._choices[id], *open_])
            return None, f"not told by this file: no exchange decides between {between}"
        return self._choices[id], decided[needed[0]].first

    def empty(self, file: Path) -> Unusable:
        """The error for a file without an exchange that can be compared."""
        return Replay(str(file), self._choices, False).empty()
