"""Which choice does a server make for each assumption? Answered by asking it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..contract.profile import CHOICES, Profile
from .client import Exchange
from .examination import Examination, Sacrifice, id_path, jti_path
from .guard import HISTORY
from .outcome import Broken, CannotCheck, Forbidden, LeftOut
from .runner import Progress, _silent
from .target import Target


@dataclass(slots=True)
class Learnt:
    """What was learnt of a server: a choice, or None, with the evidence or the reason, for every assumption.

    `revoked` are the tokens that were revoked for it, `left_behind` says which tokens of sign-ins may be alive.
    """

    url: str
    choices: dict[str, str | None] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)
    revoked: list[dict[str, str]] = field(default_factory=list)
    left_behind: list[str] = field(default_factory=list)

    @property
    def unknown(self) -> list[str]:
        """The assumptions that could not be answered."""
        return [id for id, choice in self.choices.items() if choice is None]

    @property
    def known(self) -> dict[str, str]:
        """The choices that were learnt."""
        return {id: choice for id, choice in self.choices.items() if choice is not None}

    def as_profile(self) -> dict[str, Any]:
        """The content of a profile file.

        What was not found out is `unknown`; where that is the name of a choice it is null instead, so that nobody takes
        it for the choice. Both mean the default.
        """
        return {
            "profile": {
                id: choice if choice is not None else None if "unknown" in CHOICES[id] else "unknown"
                for id, choice in self.choices.items()
            },
            "evidence": dict(self.evidence),
        }

    def yaml(self) -> str:
        """The profile file as text; it begins with what a reader must know of it."""
        import yaml  # noqa: PLC0415

        known = len(self.choices) - len(self.unknown)
        said = [f"Learnt from {self.url}: {known} of {len(self.choices)} assumptions, with the evidence."]
        if self.unknown:
            said.append(
                "Where it says unknown or null it was not found out: the default counts, and evidence says why."
            )
            named = ", ".join(id for id in self.choices if "unknown" in CHOICES[id])
            said.append(f"But in {named}, unknown is a choice that was learnt; not found out is null there.")
        written = yaml.safe_dump(self.as_profile(), sort_keys=False, allow_unicode=True, width=120)
        return "".join(f"# {line}\n" for line in said) + str(written)


def learn(target: Target, *, progress: Progress = _silent) -> Learnt:
    """Which choice the target makes for each assumption, as far as asking can tell.

    Without leave to revoke, what only a revocation shows stays unknown. Raises CannotCheck if the server cannot be
    reached, refuses the credentials, or is gone before the end; the message then names what was revoked.
    """
    examination = Examination(target)
    try:
        return _Pupil(examination, progress).learn()
    finally:
        examination.close()


class _Unclear(Exception):
    """A question without an answer, and why."""


Answer = tuple[str, Exchange]


class _Pupil:
    """Asks one question after the other; what is known already says how the next one is put."""

    def __init__(self, exam: Examination, progress: Progress) -> None:
        self._exam = exam
        self._progress = progress
        self._learnt = Learnt(exam.redact(exam.client.url))

    def learn(self) -> Learnt:
        questions: dict[str, Callable[[], Answer]] = {
            "list-envelope": self._list_envelope,
            "page-size": self._page_size,
            "invalid-query": self._invalid_query,
            "page-base": self._page_base,
            "sort-parameter": self._sort_parameter,
            "server-quirks": self._server_quirks,
            "revoke-unknown": self._revoke_unknown,
            "malformed-id": self._malformed_id,
            "revoke-answer": self._revoke_answer,
            "revoked-listed": self._revoked_listed,
            "revoke-again": self._revoke_again,
            "revoke-foreign": self._revoke_foreign,
            # Last, because it may use up the token that calls.
            "revocation-enforced": self._revocation_enforced,
        }
        choices: dict[str, str | None] = {}
        known = 0
        for done, (id, question) in enumerate(questions.items()):
            self._progress(done, len(questions), id)
            choices[id] = self._ask(id, question)
            if len(self._exam.unanswered) > known:
                self._needs_a_server(self._exam.unanswered[known])
                known = len(self._exam.unanswered)
            self._exam.judge_by({each: choice for each, choice in choices.items() if choice is not None})
        self._progress(len(questions), len(questions), "done")
        self._learnt.choices = {id: choices[id] for id in CHOICES}
        self._learnt.evidence = {id: self._learnt.evidence[id] for id in CHOICES}
        # A server that revokes what nobody asked for is asked for no further revocation.
        self._exam.tidy(revoke=not any("unasked" in record for record in self._exam.revoked))
        self._learnt.revoked = self._exam.revoked
        self._learnt.left_behind = self._exam.left_behind
        return self._learnt

    def _needs_a_server(self, since: Exchange) -> None:
        """Raise CannotCheck if no more is answered: what the rest of the questions would find out is nothing."""
        if self._exam.is_reachable():
            return
        gone = f"{self._learnt.url} no longer answers: {since.failure}, since {since.method} {since.target}"
        revoked = [f"{record['_id']} (jti {record['jti']})" for record in self._exam.revoked]
        named = f"; as far as can be told, it has revoked {', '.join(revoked)}" if revoked else "; nothing was revoked"
        raise CannotCheck(f"{self._exam.redact(gone)}{named}")

    def _ask(self, id: str, question: Callable[[], Answer]) -> str | None:
        try:
            choice, exchange = question()
        except (LeftOut, _Unclear, Forbidden) as reason:
            self._learnt.evidence[id] = f"not found out: {self._exam.redact(str(reason))}"
            return None
        except Broken as broken:
            self._learnt.evidence[id] = self._exam.redact(
                f"not found out: expected {broken.expected}, got {broken.got}"
            )
            return None
        self._learnt.evidence[id] = self._exam.evidence(exchange)
        return choice

    @property
    def _profile(self) -> Profile:
        return self._exam.profile

    # The list.

    def _list_envelope(self) -> Answer:
        exchange = self._exam.listed()
        body = _body(exchange)
        if isinstance(body, list):
            return "bare", exchange
        keys = [key for key in ("jwts", "jwtHistories") if isinstance(body, dict) and isinstance(body.get(key), list)]
        if len(keys) != 1:
            raise _Unclear(f"the list is in no known envelope: {self._exam.evidence(exchange)}")
        return keys[0], exchange

    def _invalid_query(self) -> Answer:
        exam = self._exam
        default = exam.page().ids
        answers: dict[str, Exchange] = {}
        for query in ("page=abc", "direction=7"):
            exchange = exam.listed(query)
            if exchange.status == 200 and exam.as_page(exchange).ids != default:
                raise _Unclear(f"another list than the default one: {exam.evidence(exchange)}")
            answers.setdefault({400: "reject", 200: "ignore", 500: "fail"}.get(exchange.status or 0, ""), exchange)
        if len(answers) != 1 or "" in answers:
            shown = "; ".join(exam.evidence(exchange) for exchange in answers.values())
            raise _Unclear(f"invalid values are not answered alike, or as no choice says: {shown}")
        return next(iter(answers.items()))

    def _page_base(self) -> Answer:
        exam = self._exam
        default = exam.page()
        zero, one = exam.listed("page=0"), exam.listed("page=1")
        if zero.status != 200:
            exam.as_page(one)
            return "1", zero
        if exam.as_page(zero).ids != default.ids:
            raise _Unclear(f"page 0 is neither refused nor the first page: {exam.evidence(zero)}")
        if self._profile.invalid_query != "ignore" and "invalid-query" in exam.learnt:
            # Were 1 the first page, 0 would be invalid, and refused like other invalid values.
            return "0", zero
        if exam.as_page(one).ids != default.ids:
            return "0", one
        if not default.records:
            raise _Unclear("the user has no tokens, so that page 0 and page 1 look alike")
        return "1", one

    def _page_size(self) -> Answer:
        exam = self._exam
        page = exam.listed()
        body = _body(page)
        if isinstance(body, dict):
            told = str(body.get("perPage"))
            if told not in CHOICES["page-size"]:
                raise _Unclear(f"a page of {told} is no choice: {exam.evidence(page)}")
            return told, page
        length = len(body) if isinstance(body, list) else 0
        if length > 10:
            return "40", page
        if length == 10:
            first = exam.as_page(page).ids
            # Wherever pages start, one of these is the second or third.
            for number in (1, 2):
                following = exam.page(f"page={number}")
                if following.records and following.ids != first:
                    return "10", following.exchange
        raise _Unclear(f"the list tells no page size, and the user's {length} tokens fill no page but the first")

    def _sort_parameter(self) -> Answer:
        exam = self._exam
        names = CHOICES["sort-parameter"]
        if "invalid-query" in exam.learnt and self._profile.invalid_query != "ignore":
            asked = {name: exam.listed(f"{name}=nothing") for name in names}
            read = {name: exchange for name, exchange in asked.items() if exchange.status != 200}
        else:
            plain = exam.page("direction=1").ids
            read = {}
            for name in names:
                for field in exam.sort_fields:
                    page = exam.page(f"direction=1&{name}={field}")
                    if page.ids != plain:
                        read.setdefault(name, page.exchange)
            if not read:
                raise _Unclear(f"neither parameter moves the user's {len(plain)} tokens, whatever field they name")
        if len(read) != 1:
            raise _Unclear(f"{'both' if read else 'neither'} of {' and '.join(names)} made a difference")
        return next(iter(read.items()))

    def _server_quirks(self) -> Answer:
        exam = self._exam
        for path, calm in ((f"{HISTORY}/a/b/c", 404), (f"{HISTORY}/{exam.nobodys_jti()}", 405)):
            exchange = exam.listed(path=path)
            found = "calm" if exchange.status == calm else "observed" if b"Invalid project id" in exchange.body else ""
            if not found:
                raise _Unclear(f"neither choice answers like this: {exam.evidence(exchange)}")
            if calm == 404:
                first = found
        if found != first:
            raise _Unclear("an unknown path is answered by one choice, a wrong method by the other")
        return found, exchange

    # Revocations.

    def _revoke_unknown(self) -> Answer:
        exam = self._exam
        exam.needs_revocation()
        exchange = exam.revoke_jti(exam.nobodys_jti())
        if exchange.status == 404:
            return "404", exchange
        if _is_null(exchange):
            return "null", exchange
        raise _Unclear(f"no choice answers like this: {exam.evidence(exchange)}")

    def _malformed_id(self) -> Answer:
        exam = self._exam
        exam.needs_revocation()
        exchange = exam.ask("DELETE", id_path(exam.guard.nobodys("not-an-id")), exam.first.authorization)
        if exchange.status == 500:
            return "fail", exchange
        if self._is_unknown(exchange):
            return "unknown", exchange
        raise _Unclear(f"no choice answers like this: {exam.evidence(exchange)}")

    def _revoke_answer(self) -> Answer:
        story = self._exam.story("jti")
        exchange = story.revoked
        assert exchange is not None
        body = _body(exchange)
        if isinstance(body, dict):
            if body.get("_id") == story.token.id:
                return "record", exchange
            if {"n", "ok", "deletedCount"} <= body.keys():
                return "counts", exchange
            if body.get("success") is True:
                return "success", exchange
        raise _Unclear(f"no choice answers like this: {self._exam.evidence(exchange)}")

    def _revoked_listed(self) -> Answer:
        exam = self._exam
        for page in exam.pages():
            if any(record["revoked"] for record in page.records):
                return "yes", page.exchange
        story = exam.story("jti")
        listed = any(record["_id"] == story.token.id for record in story.after)
        if listed:
            raise _Unclear(f"the token that was revoked is listed as not revoked: {exam.evidence(exam.listed())}")
        return "no", exam.listed()

    def _revoke_again(self) -> Answer:
        story = self._exam.story("jti")
        exchange = story.again
        assert exchange is not None
        assert story.revoked is not None
        if self._is_unknown(exchange):
            return "unknown", exchange
        if exchange.status == 200 and exchange.body == story.revoked.body:
            return "same", exchange
        raise _Unclear(f"neither the same answer nor that of an unknown token: {self._exam.evidence(exchange)}")

    def _revoke_foreign(self) -> Answer:
        exam = self._exam
        exam.needs_revocation()
        if exam.second is None:
            raise _Unclear("a second user is needed; give --basic or --jwt of another one")
        token = exam.spare()
        exchange = exam.revoke_jti(token.jti, exam.second.authorization)
        if not exam.is_untouched(token):
            return "allowed", exchange
        if self._is_unknown(exchange):
            return "unknown", exchange
        raise _Unclear(f"the token is as it was, but no choice answers like this: {exam.evidence(exchange)}")

    def _revocation_enforced(self) -> Answer:
        exam = self._exam
        marked = {record["jti"] for record in exam.records() if record["revoked"]}
        for jwt in exam.first.jwts:
            if jwt.jti in marked:
                exchange = exam.ask("GET", HISTORY, jwt.authorization)
                return self._let_in(exchange), exchange
        token = _known_by_its_jwt(exam)
        call = f"JWT {token.jwt}"
        revoked = exam.ask("DELETE", jti_path(token.jti), call)
        if revoked.status != 200:
            raise _Unclear(f"the token could not be revoked: {exam.evidence(revoked)}")
        exchange = exam.ask("GET", HISTORY, call)
        return self._let_in(exchange), exchange

    def _let_in(self, exchange: Exchange) -> str:
        if exchange.status not in (200, 401):
            raise _Unclear(f"neither let in nor refused: {self._exam.evidence(exchange)}")
        return "no" if exchange.status == 200 else "yes"

    def _is_unknown(self, exchange: Exchange) -> bool:
        """Whether an answer is that to the revocation of a token which does not exist."""
        return exchange.status == 404 or _is_null(exchange)


def _known_by_its_jwt(exam: Examination) -> Sacrifice:
    """A token to revoke whose JWT is known; the one in use if there is no other."""
    try:
        return exam.sacrifice(with_jwt=True)
    except LeftOut:
        exam.needs_revocation()
        return exam.give_up_in_use()[1]


def _body(exchange: Exchange) -> Any:
    """The JSON in a successful answer; None where there is none."""
    try:
        return exchange.json if exchange.status == 200 else None
    except ValueError:
        return None


def _is_null(exchange: Exchange) -> bool:
    return exchange.status == 200 and exchange.body.strip() == b"null"
