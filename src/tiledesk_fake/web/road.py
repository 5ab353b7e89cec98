"""The road of a request, from its target to its answer, on one screen.

OPTIONS -> path -> body -> gate -> operation -> parameters -> what the operation does
"""

import json
from dataclasses import dataclass, replace

from ..contract import Answer
from ..refusals import MalformedBody, Quirk, Refusal, ServerFails, TooLarge
from ..state import State
from . import wire
from .operations import OPERATIONS
from .params import Parameters, parse_query
from .problems import answer_to
from .routes import Routes

BODY_LIMIT = 512_000
"""The bytes that the real server takes as a body (observed)."""

_FROM_ANYWHERE = ("Access-Control-Allow-Origin", "*")


@dataclass(frozen=True, slots=True)
class Request:
    """What the road reads of a request; `target` is raw, as the client sent it."""

    method: str
    target: str
    authorization: str | None = None
    content_type: str = ""
    body: bytes = b""
    requested_headers: str | None = None


class Road:
    """Answers requests to one fake's state, as its contract says."""

    def __init__(self, state: State, base_path: str) -> None:
        wire.check(state.contract)
        self._state = state
        self._routes = Routes(state.contract, base_path)
        self._parameters = Parameters(state.contract)

    def answer(self, request: Request) -> Answer:
        """The answer to a request.

        Raises NoAnswer where the profile keeps the real server's silence.
        """
        try:
            if request.body:
                _check_body(request)
            if request.method == "OPTIONS":
                answer = _preflight(request)
            else:
                answer = self._serve(request)
        except _BeforeCors as early:
            # The real server reads the body before it comes to its CORS headers (observed).
            return answer_to(early.refusal, self._state.contract)
        except Refusal as refusal:
            answer = answer_to(refusal, self._state.contract)
        return replace(answer, headers=(*answer.headers, _FROM_ANYWHERE))

    def _serve(self, request: Request) -> Answer:
        path, query_string = self._routes.split(request.target)
        place = self._routes.find(request.method, path)
        query = parse_query(query_string)
        state = self._state
        # One lock around the whole decision: nobody is let in by one state and served from another.
        with state.lock:
            if place.gated:
                caller = state.gate.caller(request.authorization, query.get("secret_token", ()))
            operation, path_values = place.operation()
            values = self._parameters.read(operation, path_values, query)
            return OPERATIONS[operation.id](state, caller, values)


class _BeforeCors(Exception):
    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal


def _check_body(request: Request) -> None:
    """No operation has a body, but the real server parses any that is JSON before all else (observed)."""
    if len(request.body) > BODY_LIMIT:
        raise _BeforeCors(TooLarge(BODY_LIMIT))
    if request.content_type.partition(";")[0].strip().lower() != "application/json":
        return
    try:
        strict = isinstance(json.loads(request.body, parse_constant=_no_constant), dict | list)
    except (ValueError, RecursionError):
        strict = False
    if not strict:
        raise _BeforeCors(Quirk(real=ServerFails(), calm=MalformedBody()))


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _preflight(request: Request) -> Answer:
    """The answer to OPTIONS, whatever the path and without credentials (observed)."""
    headers = [
        ("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE"),
        ("Vary", "Access-Control-Request-Headers"),
    ]
    if request.requested_headers:
        headers.append(("Access-Control-Allow-Headers", request.requested_headers))
    headers.append(("Content-Length", "0"))
    return Answer(204, tuple(headers), b"")
