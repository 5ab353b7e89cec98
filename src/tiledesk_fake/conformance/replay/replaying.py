"""Replaying a recording: every exchange is judged, and what differs is explained by other choices where it can be."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any

from ... import contract as contracts
from ...contract.places import Place
from ...contract.profile import CHOICES, NUMBERS, is_choice
from .exchange import Exchange
from .following import follow
from .judge import Judge, Judgement
from .known import Knowledge
from .outcome import Difference, Replay
from .presented import presented
from .reading import exchanges
from .shown import answer_of, hidden, request_of, what_a_fake_says
from .survey import is_of_the_api, records_in, survey

Progress = Callable[[int, str], None]
"""Called with the number of exchanges that are done, and with what is being done."""

MOST_EXPLAINED = 20
"""The number of similar differences that are tried under other choices; the rest share the result."""
_MOST_PAIRED = 3
_EVERY = 500


def silent(done: int, doing: str) -> None:
    """Tell nobody."""


def replay(
    file: Path, choices: Mapping[str, str] | None = None, *, others: bool = False, progress: Progress = silent
) -> Replay:
    """What a fake under these choices would have answered otherwise than the recording.

    `others` is whether somebody may revoke tokens of whom the file does not tell. Raises Unusable for a file that
    cannot be read, and where it has no exchange with the API.
    """
    made = dict(contracts.load(choices).choices)
    known = surveyed(file, others=others, progress=progress)
    judge = Judge(made, known)
    found = Replay(str(file), made, others)
    explaining = _Explaining(made, known)
    for number, exchange in enumerate(exchanges(file), 1):
        if number % _EVERY == 0:
            progress(number, "replaying")
        if not is_of_the_api(exchange, known.base_path) or exchange.status == 304:
            found.passed_over += 1
            continue
        judgement = judged(judge, exchange)
        if judgement is None:
            found.unanswered += 1
            continue
        found.replayed += 1
        if not judgement.is_right:
            choices, explained = explaining.explanation(exchange, judgement)
            found.add(_difference(judge, exchange, judgement, choices))
            judgement = explained or judgement
        follow(known, exchange, judgement)
        _count_untold(found.untold, known, exchange, judgement)
    found.never_shown = _never_shown(known)
    found.nothing_presented = not known.has_credentials
    if not found.replayed:
        raise found.empty()
    return found


def surveyed(file: Path, *, others: bool, progress: Progress) -> Knowledge:
    """What the first reading of a file tells."""

    def counted() -> Iterator[Exchange]:
        for number, exchange in enumerate(exchanges(file), 1):
            if number % _EVERY == 0:
                progress(number, "reading")
            yield exchange

    return survey(counted(), contracts.load().base_path, others=others)


def judged(judge: Judge, exchange: Exchange) -> Judgement | None:
    """What is to be said of an exchange; None where the file has no answer, and that may be the client's doing."""
    if exchange.status is None and exchange.aborted:
        return None
    judgement = judge.judge(exchange)
    if judgement.operation is not None and judgement.operation.id == "signIn" and _has_no_sign_in(exchange):
        return None
    return judgement


def _has_no_sign_in(exchange: Exchange) -> bool:
    # Or the body that was sent is not in the file.
    return (
        exchange.status in (404, 405)
        or (exchange.status == 400 and b'"error"' in (exchange.answer or b""))
        or (exchange.body is None)
    )


def _difference(judge: Judge, exchange: Exchange, judgement: Judgement, choices: Mapping[str, str]) -> Difference:
    return Difference(
        exchange.number,
        exchange.where,
        request_of(exchange),
        hidden(judgement.problem),
        answer_of(exchange),
        what_a_fake_says(judgement.answer),
        _place(judge, judgement, exchange),
        choices,
    )


def _place(judge: Judge, judgement: Judgement, exchange: Exchange) -> Place:
    contract, operation = judge.asked.contract, judgement.operation
    if operation is None:
        return contract.place(("x-assumptions", "server-quirks"))
    status = str(judgement.answer.status) if judgement.answer else "500"
    keys: tuple[str, ...] = ("paths", operation.path, operation.method.lower(), "responses")
    if not operation.gated:
        return contract.place((*keys, status))
    declared = contract.document["paths"][operation.path][operation.method.lower()]["responses"]
    name = str(declared.get(status, {}).get("$ref", "")).rpartition("/")[2]
    return contract.place(("components", "responses", name) if name else keys)


class _Explaining:
    """Looks for other choices under which an exchange is right: at that exchange alone, as the state was before it."""

    def __init__(self, choices: Mapping[str, str], known: Knowledge) -> None:
        self._choices = choices
        self._known = known
        self._judges: dict[tuple[tuple[str, str], ...], Judge] = {}
        self._asked: Counter[tuple[Any, ...]] = Counter()
        self._last: dict[tuple[Any, ...], dict[str, str]] = {}

    def explanation(self, exchange: Exchange, judgement: Judgement) -> tuple[dict[str, str], Judgement | None]:
        """The choices, one or two, that explain a difference, with what is said under them; none if none do."""
        operation = judgement.operation.id if judgement.operation else ""
        kind = (operation, exchange.status, judgement.answer.status if judgement.answer else None)
        self._asked[kind] += 1
        tried = [self._last[kind]] if kind in self._last else []
        if self._asked[kind] <= MOST_EXPLAINED:
            singles = [{id: choice} for id, choice in others(self._choices, exchange)]
            tried += singles
            if self._asked[kind] <= _MOST_PAIRED:
                both = ({**one, **other} for one, other in combinations(singles, 2) if one.keys() != other.keys())
                tried += both
        for choices in tried:
            said = self._judge(choices).judge(exchange)
            if said.is_right:
                self._last[kind] = choices
                return choices, said
        return {}, None

    def _judge(self, choices: Mapping[str, str]) -> Judge:
        key = tuple(sorted(choices.items()))
        if key not in self._judges:
            self._judges[key] = Judge({**self._choices, **choices}, self._known)
        return self._judges[key]


def others(choices: Mapping[str, str], exchange: Exchange) -> list[tuple[str, str]]:
    """Every other choice of every assumption, with the sizes of a page that the exchange suggests."""
    found = [(id, choice) for id, named in CHOICES.items() for choice in named if choice != choices[id]]
    body = exchange.json
    told = [value for value in body.values() if type(value) is int] if isinstance(body, dict) else []
    for size in [*told, len(records_in(body))]:
        for id in NUMBERS:
            if is_choice(id, str(size)) and str(size) not in (*CHOICES[id], choices[id]):
                found.append((id, str(size)))
    return list(dict.fromkeys(found))


def _count_untold(untold: Counter[str], known: Knowledge, exchange: Exchange, judgement: Judgement) -> None:
    """Count what this exchange leaves open."""
    given = presented(exchange)
    if judgement.operation is not None and judgement.operation.gated:
        if given.key not in known.let_in and not given.is_nothing:
            untold["whether the credentials are good that no exchange let in"] += 1
        elif exchange.answer is None and exchange.method != "HEAD":
            untold["what the body was, which is not in the file"] += 1
        elif exchange.method == "DELETE" and any(
            each.about and each.about.known is None and each.about.record for each in judgement.found
        ):
            untold["whose the tokens are that were revoked and are in no list"] += 1


def _never_shown(known: Knowledge) -> int:
    return sum(max(0, count - len(known.by_owner.get(owner, ()))) for owner, count in known.counted.items())
