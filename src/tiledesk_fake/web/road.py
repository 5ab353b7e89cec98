"""The road of a request, from its target to its answer, on one screen.

journal( body -> OPTIONS -> path -> fault -> gate -> operation -> parameters -> what the operation does )
"""

import re
from functools import lru_cache

from ..contract import Contract
from ..contract.parameters import Parameters, parse_query
from ..core.faults import Spent
from ..core.request import Request
from ..errors import NoAnswer
from ..refusals import Dropped, Refusal
from ..serving.delivery import Delivery, Drop
from ..state import State
from ..violations.judge import Heard, Manners
from . import wire
from .answer import Answer
from .body import BeforeCors, check_body
from .operations import OPERATIONS
from .problems import answer_to, faulty_answer, settled
from .routes import Routes

_LINE_BREAK = re.compile(r"[\r\n]")
_FROM_ANYWHERE = ("Access-Control-Allow-Origin", "*")


class Road:
    """Answers requests to one fake's state, as its contract says, and notes them in its journal."""

    def __init__(self, state: State, base_path: str) -> None:
        self._state = state
        self._routes, self._parameters, self._manners = _signposts(state.contract, base_path)

    def answer(self, request: Request, delivery: Delivery | None = None) -> Answer | None:
        """The answer to a request, or None where `delivery` says that it never gets one.

        Raises NoAnswer where there should be none and there is no delivery to say so.
        """
        heard = Heard(self._state.clock.now_ms())
        wish = delivery or Delivery()
        answer = None
        try:
            answer = self._answer(request, heard, wish)
        finally:
            self._state.journal.add(self._manners.exchange(request, heard, answer.status if answer else None))
        if delivery is None:
            # Nobody else carries it out; here, where no lock is held any more.
            if wish.delay_s:
                self._state.clock.sleep(wish.delay_s)
            if wish.drop is not None:
                raise _no_answer(wish.drop)
        return answer

    def _answer(self, request: Request, heard: Heard, wish: Delivery) -> Answer | None:
        contract = self._state.contract
        try:
            check_body(request)
            answer = _preflight(request) if request.method == "OPTIONS" else self._serve(request, heard, wish)
        except BeforeCors as early:
            return answer_to(settled(early.refusal, contract), contract)
        except Refusal as refused:
            refusal = settled(refused, contract)
            if isinstance(refusal, Dropped):
                wish.drop = refusal.drop
                return None
            answer = answer_to(refusal, contract)
        return Answer(answer.status, (*answer.headers, _FROM_ANYWHERE), answer.body)

    def _serve(self, request: Request, heard: Heard, wish: Delivery) -> Answer:
        heard.path, query_string = self._routes.split(request.target)
        heard.query = query = parse_query(query_string)
        place = self._routes.find(request.method, heard.path)
        heard.operation, heard.path_params = place.meant
        if heard.operation is None:
            heard.allowed = place.allowed
        state = self._state
        # One lock around the whole decision: nobody is let in by one state and served from another.
        with state.lock:
            if heard.operation and (spent := state.faults.spend(heard.operation.id, heard.values())):
                heard.fault = str(spent.fault)
                if answer := self._misbehave(spent, wish):
                    return answer
            if place.gated:
                caller = state.gate.caller(request.authorization, query.get("secret_token", ()))
                heard.user = caller.user
            operation, path_params = place.operation()
            values = self._parameters.read(operation, path_params, query)
            return OPERATIONS[operation.id](state, caller, values)

    def _misbehave(self, spent: Spent, wish: Delivery) -> Answer | None:
        """Do what a fault asks for: answer in the operation's place, drop the answer, or None for neither."""
        fault = spent.fault
        if fault.delay_s:
            clock = self._state.clock
            if clock.frozen:
                clock.advance(seconds=fault.delay_s)
            else:
                wish.delay_s = fault.delay_s
        if fault.drop == "mid-body":
            wish.drop = fault.drop
        elif fault.drop is not None:
            raise Dropped(fault.drop)
        return faulty_answer(spent, self._state.contract) if fault.status is not None else None


# All that follows from the contract; most fakes have the same one.
@lru_cache(maxsize=32)
def _signposts(contract: Contract, base_path: str) -> tuple[Routes, Parameters, Manners]:
    wire.check(contract)
    parameters = Parameters(contract)
    return Routes(contract, base_path), parameters, Manners(contract, parameters, base_path)


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
    ]
    wanted = request.requested_headers
    # There are servers that hand on a header over several lines as it came.
    if wanted and not _LINE_BREAK.search(wanted):
        headers.append(("Access-Control-Allow-Headers", wanted))
    return Answer(204, tuple(headers), b"")
