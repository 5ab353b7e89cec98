"""The road of a request, from its target to its answer, on one screen.

journal( body -> OPTIONS -> path -> fault -> gate or sign-in -> operation -> parameters -> what the operation does )
"""

import re
from functools import lru_cache

from ..contract import Contract
from ..contract.choices import Choices
from ..contract.parameters import Parameters, parse_query
from ..core.redaction import redacted
from ..core.request import Request
from ..errors import NoAnswer
from ..log import log_bug
from ..refusals import Dropped, Refusal
from ..serving.delivery import ANSWERED, Delivery, Drop
from ..state import State
from ..violations.judge import Heard, Judge
from . import signin, wire
from .answer import Answer
from .body import BeforeCors, read_body
from .operations import OPERATIONS
from .problems import NEVER_SENT, answer_to, faulty_answer, settled
from .reasons import of_nowhere
from .routes import Match, Routes

_LINE_BREAK = re.compile(r"[\r\n]")
_FROM_ANYWHERE = ("Access-Control-Allow-Origin", "*")


class Road:
    """Answers requests to one fake's state, as its contract says, and notes them in its journal."""

    def __init__(self, state: State, base_path: str) -> None:
        self.base_path = base_path
        self._state = state
        self._read_signposts()

    def turn(self, contract: Contract) -> None:
        """Answer as this contract says from now on; each request is decided by one contract."""
        with self._state.lock:
            self._state.turn(contract)
            self._read_signposts()

    def _read_signposts(self) -> None:
        self._routes, self._parameters, self._judge = _signposts(self._state.contract, self.base_path)

    def answer(self, request: Request, delivery: Delivery | None = None) -> Answer | None:
        """The answer to a request, or None where `delivery` says that it never gets one.

        Raises NoAnswer where there should be none and there is no delivery to say so.
        """
        heard = self.hear()
        wish = delivery or Delivery()
        try:
            answer = self.reply(request, heard, wish)
        except Exception:
            self.note(request, heard, NEVER_SENT.status, wish)
            raise
        self.note(request, heard, answer.status if answer else None, wish)
        if delivery is None:
            self.carry_out(wish)
        return answer

    def hear(self) -> Heard:
        """The record of a request that has just come."""
        return Heard(self._state.clock.now_ms(), Choices(self._state.contract.profile))

    def note(self, request: Request, heard: Heard, status: int | None, wish: Delivery) -> None:
        """Put a request with its answer into the journal; what the fake fails on is there too."""
        try:
            exchange = self._judge.exchange(request, heard, status)
        except Exception as bug:
            # Its answer is decided, and maybe on its way.
            log_bug("a request could not be judged; this is a bug in tiledesk-fake")
            self._note_bug(bug, heard)
            exchange = self._judge.failed_exchange(request, heard, status)
        self._state.journal.add(exchange, cut=wish.drop not in (None, "after-answer"))

    def _note_bug(self, bug: Exception, heard: Heard) -> None:
        heard.reason = redacted(f"internal error of tiledesk-fake: {type(bug).__name__}: {bug}")
        self._state.journal.note_bug(bug)

    def carry_out(self, wish: Delivery) -> None:
        """Do what a server would do with an answer, where there is none and no lock is held any more."""
        if wish.delay_s:
            self._state.clock.sleep(wish.delay_s)
        # Without a connection there is none to close after an answer.
        if wish.drop not in (None, "after-answer"):
            raise _no_answer(wish.drop)

    def operations_at(self, path: str) -> list[str]:
        """The ids of the operations that a path has, by whatever method."""
        try:
            below, _ = self._routes.split(path)
        except Refusal:
            return []
        return [operation.id for operation, _ in self._routes.find("", below).operations.values()]

    def locate(self, request: Request, heard: Heard) -> Match | Refusal:
        """Match the target of a request, and note in `heard` what it says; a refusal if there is no match."""
        try:
            heard.path, query_string = self._routes.split(request.below_mount)
        except Refusal as nowhere:
            return nowhere
        heard.query = parse_query(query_string)
        match = self._routes.find(request.method, heard.path)
        heard.operation, heard.path_params = match.meant
        if heard.operation is None:
            heard.allowed = match.allowed
        return match

    def reply(
        self, request: Request, heard: Heard, wish: Delivery, match: Match | Refusal | None = None
    ) -> Answer | None:
        """The answer to a request; `match` is that of its target, if it is known already.

        None, and `wish` says why, where no answer arrives.
        """
        try:
            heard.body = read_body(request)
            answer = _preflight(request) if request.method == "OPTIONS" else self._serve(request, heard, wish, match)
        except BeforeCors as early:
            heard.reason = early.refusal.reason
            return answer_to(settled(early.refusal, heard.choices), self._state.contract, heard.choices)
        except Refusal as refusal:
            return self._refuse(refusal, heard, wish)
        except Exception as bug:
            self._note_bug(bug, heard)
            raise
        return _for_everybody(answer)

    def meet_fault(self, heard: Heard, wish: Delivery) -> Answer | None:
        """The answer of a planned fault in the place of an operation; None without a fault, or if `wish` says it
        all.
        """
        try:
            with self._state.lock:
                answer = self._misbehave(heard, wish)
        except Refusal as refusal:
            return self._refuse(refusal, heard, wish)
        return answer and _for_everybody(answer)

    def _refuse(self, refused: Refusal, heard: Heard, wish: Delivery) -> Answer | None:
        heard.reason = refused.reason
        refusal = settled(refused, heard.choices)
        if isinstance(refusal, Dropped):
            wish.drop = refusal.drop
            return None
        return _for_everybody(answer_to(refusal, self._state.contract, heard.choices))

    def _serve(self, request: Request, heard: Heard, wish: Delivery, located: Match | Refusal | None) -> Answer:
        state = self._state
        # One lock around the whole decision: nobody is let in by one state and served from another.
        with state.lock:
            # Of the moment: whoever turns the profile meanwhile waits.
            state.choices = heard.choices = Choices(state.contract.profile)
            match = self.locate(request, heard) if located is None else located
            if isinstance(match, Refusal):
                raise match
            if answer := self._misbehave(heard, wish):
                return answer
            if match.gated:
                caller = state.gate.caller(request.authorization, heard.query.get("secret_token", ()))
                heard.user = caller.user
            try:
                operation, path_params = match.operation()
            except Refusal as nowhere:
                nowhere.reason = of_nowhere(state, match.method, match.path)
                raise
            if not match.gated:
                caller = signin.caller(state.users, request, heard.body)
                heard.user = caller.user
            values = self._parameters.read(operation, path_params, heard.query, heard.choices)
            answer = OPERATIONS[operation.id](state, caller, values)
            heard.reason = answer.reason
            return answer

    def _misbehave(self, heard: Heard, wish: Delivery) -> Answer | None:
        """Do what a planned fault asks for: answer in the operation's place, drop the answer, or None for neither."""
        operation = heard.operation
        if operation is None or heard.met_faults:
            return None
        heard.met_faults = True
        spent = self._state.faults.spend(operation.id, heard.values())
        if spent is None:
            return None
        fault = spent.fault
        heard.fault = str(fault)
        if fault.delay_s:
            clock = self._state.clock
            if clock.frozen:
                clock.advance(seconds=fault.delay_s)
            else:
                wish.delay_s = fault.delay_s
        if fault.drop in ANSWERED:
            wish.drop = fault.drop
        elif fault.drop is not None:
            raise Dropped(fault.drop)
        answered = fault.status is not None
        return faulty_answer(spent, operation, self._state.contract, heard.choices) if answered else None


# All that follows from the contract; most fakes have the same one.
@lru_cache(maxsize=32)
def _signposts(contract: Contract, base_path: str) -> tuple[Routes, Parameters, Judge]:
    wire.check(contract)
    parameters = Parameters(contract)
    return Routes(contract, base_path), parameters, Judge(contract, parameters, base_path)


def _for_everybody(answer: Answer) -> Answer:
    return Answer(answer.status, (*answer.headers, _FROM_ANYWHERE), answer.body)


def _no_answer(drop: Drop) -> NoAnswer:
    return NoAnswer(
        f"this request gets no answer ({drop}), and through wsgi_app there is no connection to do that to; "
        "listen with start(), or answer instead: the profile {'server-quirks': 'calm'}, or a fault with a status"
    )


def _preflight(request: Request) -> Answer:
    """The answer to OPTIONS, whatever the path and without credentials (observed)."""
    headers = [
        ("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE"),
        ("Vary", "Access-Control-Request-Headers"),
        ("Content-Length", "0"),
    ]
    wanted = request.requested_headers
    # There are servers that hand on a header over several lines as it came.
    if wanted and not _LINE_BREAK.search(wanted):
        headers.append(("Access-Control-Allow-Headers", wanted))
    return Answer(204, tuple(headers), b"")
