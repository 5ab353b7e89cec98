"""Is a recorded answer right? It is if a fake gives it in one world that the recording allows."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from ...contract import Operation
from ...core.history import Record
from ...core.users import User
from ...web.answer import Answer
from ...web.wire import FIELDS, timestamp
from ..forms import problem_under, validator_of
from .asking import Asked, Said, World
from .callers import Caller, callers, moments
from .comparing import difference, unlike, unlike_record, unlike_sign_in
from .exchange import Exchange
from .known import Knowledge, Known, time_of, user
from .presented import Presented, presented
from .targets import Key, Target, key_of, targets
from .window import Page, Unreadable, Window, page_of

_REVOCATIONS = {"revokeTokenByJti": "RevokedByJti", "revokeTokenById": "RevokedById"}
_NAMES = {ours: theirs for theirs, ours in FIELDS.items()}
_TICK_MS = 2
_NUMBERED_PASSWORD = "<password "  # noqa: S105 - the beginning of what stands for one


class Listed(NamedTuple):
    """The page of a list, and the pairs of its records that tie, in their order."""

    page: Page
    tied: list[tuple[int, int]]


class Found(NamedTuple):
    """A world in which the recorded answer is right, and what a fake says in it."""

    caller: Caller
    about: Target | None
    said: Said
    listed: Listed | None = None


@dataclass(slots=True)
class Judgement:
    """What came of one exchange: the worlds in which it is right, or what is wrong in the likeliest one."""

    operation: Operation | None
    key: Key | None = None
    found: list[Found] = field(default_factory=list)
    problem: str = ""
    answer: Answer | None = None

    @property
    def is_right(self) -> bool:
        """Whether there is a world in which the answer is right."""
        return bool(self.found)


class Judge:
    """Judges exchanges by one profile and what is known so far, and changes neither."""

    def __init__(self, choices: Mapping[str, str], known: Knowledge) -> None:
        self.asked = Asked(choices, known.base_path)
        self._known = known
        profile = self.asked.profile
        self._forms = {name: validator_of(self.asked.contract, name) for name in ("TokenList", *_REVOCATIONS.values())}
        self._enforced = profile.revocation_enforced == "yes"
        self._touched = profile.revoke_again == "touched"

    def judge(self, exchange: Exchange) -> Judgement:
        """The judgement of an exchange."""
        meant = self.asked.meant(exchange)
        judgement = Judgement(meant.operation)
        if meant.operation is not None and meant.operation.id in _REVOCATIONS:
            judgement.key = key_of(meant.operation, meant)
        given = presented(exchange)
        if meant.operation is not None and not meant.operation.gated:
            worlds: Iterator[tuple[Caller, Target | None, World]] = self._signing_in(exchange)
        else:
            worlds = self._worlds(exchange, given, judgement.key)
        for caller, target, world in worlds:
            said = self.asked.say(exchange, world)
            wrong, listed = self._wrong(exchange, caller, target, said)
            if not wrong:
                judgement.found.append(Found(caller, target, said, listed))
            elif not judgement.problem or _is_nearer(said.answer, judgement.answer, exchange):
                judgement.problem, judgement.answer = wrong, said.answer
        return judgement

    def _worlds(
        self, exchange: Exchange, given: Presented, key: Key | None
    ) -> Iterator[tuple[Caller, Target | None, World]]:
        for caller in callers(self._known, exchange, given, enforced=self._enforced, touched=self._touched):
            about: list[Target | None] = [None]
            if key is not None:
                about = [*targets(self._known, exchange, key, caller, touched=self._touched)]
            for target in about:
                for variant in _of_unknown_user(caller, target):
                    records = _together(variant, target)
                    if records is None:
                        continue
                    for at_ms in moments(exchange, given):
                        world = World(variant.authorization, variant.target, variant.users, records, at_ms)
                        yield variant, target, world

    def _wrong(
        self, exchange: Exchange, caller: Caller, target: Target | None, said: Said
    ) -> tuple[str, Listed | None]:
        answer = said.answer
        if wrong := difference(exchange, answer):
            return wrong, None
        if answer is None or answer.status != 200 or exchange.method == "HEAD" or exchange.answer is None:
            return "", None
        operation = said.heard.operation
        if operation is None:
            return "", None
        if operation.id == "signIn":
            return unlike_sign_in(exchange, json.loads(answer.body)), None
        if operation.id == "listTokens":
            return self._wrong_list(exchange, caller, said, operation)
        return self._wrong_revocation(exchange, target, said, answer, operation), None

    def _wrong_list(
        self, exchange: Exchange, caller: Caller, said: Said, operation: Operation
    ) -> tuple[str, Listed | None]:
        contract = self.asked.contract
        try:
            page = page_of(exchange.json, contract, self._forms["TokenList"])
        except Unreadable as problem:
            return str(problem), None
        values = self.asked.parameters.read(operation, said.heard.path_params, said.heard.query, said.heard.choices)
        owner = caller.user_id or (page.records[0].owner if page.records else None)
        window = Window(self._known, contract, exchange, values, owner)
        return window.wrong(page), Listed(page, window.tied(page))

    def _wrong_revocation(
        self, exchange: Exchange, target: Target | None, said: Said, answer: Answer, operation: Operation
    ) -> str:
        expected = json.loads(answer.body)
        if self.asked.profile.revoke_answer != "record" or expected is None:
            return unlike(expected, exchange.json)
        if wrong := problem_under(exchange.json, self._forms[_REVOCATIONS[operation.id]]):
            return wrong
        if exchange.json is None:
            return "expected a record, got null"
        is_new = target is None or target.record is None or expected.get(_NAMES["created_at"]) != _created(target)
        named_id = key_of(operation, said.heard).id is not None
        wrong = unlike_record(exchange, expected, _NAMES, is_new=is_new, has_new_id=is_new and not named_id)
        known = target.known if target else None
        version = exchange.json.get(_NAMES["version"])
        if wrong or known is None:
            return wrong
        if known.first.version != version:
            return f"{_NAMES['version']}: expected it as before"
        return self._unmoved(exchange, known) if self._touched else ""

    def _unmoved(self, exchange: Exchange, known: Known) -> str:
        """Where a revocation moves the time again: whether it stayed, although time has passed."""
        name = _NAMES["updated_at"]
        stayed = known.revoked and known.updated_ms == time_of(exchange.json.get(name))
        return f"{name}: expected it to move" if stayed and exchange.at_ms > known.seen_at_ms + _TICK_MS else ""

    def _signing_in(self, exchange: Exchange) -> Iterator[tuple[Caller, Target | None, World]]:
        for each in _who_may_sign_in(self._known, exchange):
            users = () if each is None else (each,)
            caller = Caller(exchange.header("Authorization"), exchange.target, users, each.id if each else None)
            world = World(caller.authorization, caller.target, users, (), exchange.at_ms)
            yield caller, None, world
            if exchange.body and exchange.header("Content-Type") is None:
                # Not every recording has all headers.
                yield caller, None, world._replace(content_type="application/json")


def _created(target: Target) -> str | None:
    return timestamp(target.record.created_ms) if target.record else None


def _is_nearer(answer: Answer | None, than: Answer | None, exchange: Exchange) -> bool:
    """Whether an answer has the recorded status, and the other one has not."""
    statuses = [None if each is None else each.status for each in (answer, than)]
    return statuses[0] == exchange.status != statuses[1]


def _of_unknown_user(caller: Caller, target: Target | None) -> list[Caller]:
    """The caller; where nothing tells who that is, as the owner of what is revoked too."""
    if caller.user_id is not None or not caller.is_let_in or target is None or target.record is None:
        return [caller]
    owner = target.record.user_id
    if not owner or not caller.users or owner == caller.users[0].id:
        return [caller]
    one = caller.users[0]
    return [caller, caller._replace(users=(user(owner, one.email, one.password),), user_id=owner)]


def _together(caller: Caller, target: Target | None) -> tuple[Record, ...] | None:
    """The records of a world; None where the two say different things of one token."""
    records = [] if caller.record is None else [caller.record]
    record = target.record if target else None
    if record is None:
        return tuple(records)
    if caller.jti is not None and caller.jti == record.jti:
        return (record,) if caller.record is None or caller.revoked is record.revoked else None
    return (*records, record)


def credentials_in(exchange: Exchange) -> tuple[str, str] | None:
    """The address, in lower case, and the password in the body of a sign-in; None for what has not both as text."""
    body: Any
    if (exchange.header("Content-Type") or "").lower().startswith("application/x-www-form-urlencoded"):
        body = dict(parse_qsl((exchange.body or b"").decode("utf-8", "replace")))
    else:
        try:
            body = json.loads(exchange.body or b"")
        except (ValueError, RecursionError):
            return None
    if not isinstance(body, dict):
        return None
    email, password = body.get("email"), body.get("password")
    return (email.lower(), password) if isinstance(email, str) and isinstance(password, str) else None


def _who_may_sign_in(known: Knowledge, exchange: Exchange) -> list[User | None]:
    given = credentials_in(exchange)
    if given is None:
        return [None]
    email, password = given
    body = exchange.json
    user_said = body.get("user") if isinstance(body, dict) else None
    said: dict[str, Any] = user_said if isinstance(user_said, dict) else {}
    id = said.get("_id") if isinstance(said.get("_id"), str) else known.id_of.get(email)
    named = {name: said[name] for name in ("firstname", "lastname") if isinstance(said.get(name), str)} | {
        name: said[name] for name in ("emailverified",) if isinstance(said.get(name), bool)
    }
    base = user(id, email, password)
    right = User(base.id, email, password, True, **named)
    stored = known.password_of.get(email)
    if stored is not None and not password.startswith(_NUMBERED_PASSWORD):
        return [User(base.id, email, stored, True, **named)]
    return [right, None, User(base.id, email, f"not {password}"[:60]), User(base.id, email, None)]
