"""Finds what no correct client sends, in a request as it came; never changes the answer.

Only the contract and the form of the request count. A token that is revoked, expired or unknown is no violation.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from typing import Any
from urllib.parse import unquote

from ..contract import Contract, Operation
from ..contract.choices import Choices
from ..contract.parameters import Parameters, Query
from ..core.ids import is_object_id
from ..core.journal import Exchange
from ..core.redaction import redacted, redacted_host, redacted_value
from ..core.request import Request
from ..core.users import User
from ..curl import curl
from ..errors import nearest
from ..refusals import InvalidParameter
from .authorization import breach_of_authorization, breaches_in_query, is_credential, shown_authorization
from .breach import Breach
from .credentials import breaches_in_credentials
from .violation import Violation

# More of one request say nothing new, and a client could make thousands.
_MOST_BREACHES = 20


@dataclass(slots=True)
class Heard:
    """A request and its outcome, after the road; credentials may be anywhere in it."""

    at_ms: int
    choices: Choices = field(repr=False)
    path: str | None = field(default=None, repr=False)
    allowed: tuple[str, ...] = ()
    operation: Operation | None = None
    # That of the user's own view, where one answered.
    endpoint: str | None = None
    path_params: Mapping[str, str] = field(default_factory=dict, repr=False)
    query: Query = field(default_factory=dict, repr=False)
    # What the body says, where one was read.
    body: Any = field(default=None, repr=False)
    user: User | None = None
    # Planned faults have been looked at, of which each request meets one at most.
    met_faults: bool = False
    fault: str | None = None
    # Why it was answered as it was, without credentials.
    reason: str | None = None

    def values(self) -> Mapping[str, str]:
        """The value of each parameter as it was sent, of a repeated one the first."""
        if not self.query:
            return self.path_params
        return {**{name: values[0] for name, values in self.query.items()}, **self.path_params}


class Judge:
    """Finds the violations of requests, as a contract sees them."""

    def __init__(self, contract: Contract, parameters: Parameters, base_path: str) -> None:
        self._contract = contract
        self._parameters = parameters
        self._base_path = base_path
        self._names = {name for names in contract.parameter_names.values() for name in names}
        self._with_values = [operation for operation in contract.operations if "{" in operation.path]
        self._paths = {
            operation.path: re.compile(
                re.escape(base_path) + re.sub(r"{[^}]*}", "[^/]+", operation.path) + "/?", re.IGNORECASE
            )
            for operation in contract.served
        }

    def exchange(self, request: Request, heard: Heard, status: int | None) -> Exchange:
        """The request and its answer, for the journal."""
        if heard.operation and heard.query:
            self._parameters.note_deciders(heard.operation, heard.query, heard.choices)
        violations = () if request.method == "OPTIONS" else tuple(self._violations(request, heard))
        return Exchange(
            heard.at_ms,
            heard.operation.id if heard.operation else heard.endpoint,
            request.method,
            redacted(request.target),
            {name: redacted(value) for name, value in heard.path_params.items()},
            {redacted(name): redacted_value(name, values[0]) for name, values in heard.query.items()},
            heard.user,
            status,
            heard.fault,
            violations,
            {name: hash(value) for name, value in heard.values().items() if heard.endpoint or name in self._names},
            heard.reason,
            request.headers,
            frozenset(heard.choices.touched),
            origin=request.origin,
        )

    def failed_exchange(self, request: Request, heard: Heard, status: int | None) -> Exchange:
        """The exchange of a request that could not be judged."""
        operation, target = heard.operation.id if heard.operation else heard.endpoint, redacted(request.target)
        exchange = Exchange(heard.at_ms, operation, request.method, target, {}, {}, heard.user, status, heard.fault, ())
        return exchange._replace(reason=heard.reason, headers=request.headers, touched=frozenset(heard.choices.touched))

    def _violations(self, request: Request, heard: Heard) -> Iterator[Violation]:
        line = ""
        for breach in islice(self._breaches(request, heard), _MOST_BREACHES):
            line = line or _curl(request)
            where = self._contract.place(breach.keys).line_of_file
            yield Violation(breach.rule, breach.message, breach.expected, breach.got, where, line)

    def _breaches(self, request: Request, heard: Heard) -> Iterator[Breach]:
        if request.authorization is not None and (breach := breach_of_authorization(request.authorization)):
            yield breach
        if heard.endpoint is not None:
            # The contract says nothing of other people's endpoints but who may call.
            yield from breaches_in_query(heard.query)
            return
        if heard.operation is None:
            # A body can be refused before anybody looks at the path.
            if not (request.body and heard.path is None and self._path_of(request)):
                yield self._of_target(request, heard)
        elif heard.query or heard.path_params:
            yield from self._of_parameters(heard.operation, heard)
        yield from breaches_in_query(heard.query)
        sign_in = self._contract.sign_in.operation
        if heard.operation is sign_in:
            yield from breaches_in_credentials(request, heard.body, sign_in)
        elif request.body and self._path_of(request) == sign_in.path:
            # Refused before anybody looked at the path; with another method that is the mistake.
            if request.method == sign_in.method:
                yield from breaches_in_credentials(request, None, sign_in)
        elif request.body:
            yield Breach(
                "unexpected-body",
                "Send no body; with most clients that means to leave out json=, data= or content=.",
                "no body: no operation of this API reads one",
                f"{len(request.body)} bytes of {redacted(request.content_type) or 'no declared type'}",
                self._operation_keys(heard.operation, request),
            )

    def _of_target(self, request: Request, heard: Heard) -> Breach:
        path = request.target.partition("?")[0]
        got = redacted(f"{request.method} {path}")
        if heard.allowed:
            allowed = " or ".join(heard.allowed)
            is_empty = path.endswith("/") and request.method in (operation.method for operation in self._with_values)
            hint = " If a jti or id was to follow the last slash, it is empty." if is_empty else ""
            return Breach(
                "unknown-method",
                f"Use {allowed} here; the real server has no {request.method} at this path.{hint}",
                f"{allowed} at this path",
                got,
                ("paths", self._path_of(request) or ""),
            )
        if breach := self._of_project(request, heard, got):
            return breach
        operations = self._contract.operations
        listed = [f"{operation.method} {self._base_path}{operation.path}" for operation in operations]
        of_method = [known for known in listed if known.startswith(f"{request.method} ")]
        # Comparing takes long for what is long, and nothing that long is near.
        sign_in = self._contract.sign_in.operation
        known = [*(of_method or listed), f"{sign_in.method} {self._base_path}{sign_in.path}"]
        close = get_close_matches(f"{request.method} {path[:300]}", known, n=1, cutoff=0.5)
        hint = f" The nearest is {close[0]}." if close else ""
        if any(operation.method == request.method for operation in self._with_values):
            hint += (
                " A jti or id with a slash or other special character must be percent-encoded, all of it: "
                "in Python urllib.parse.quote(jti, safe='')."
            )
        return Breach(
            "unknown-path", f"Call one of the paths of the contract.{hint}", ", ".join(listed), got, ("paths",)
        )

    def _of_project(self, request: Request, heard: Heard, got: str) -> Breach | None:
        """The breach of a path that is one of the contract's but for the id of a project, which others begin with."""
        project, _, rest = (heard.path or "")[1:].partition("/")
        named = Request(request.method, f"{self._base_path}/{rest}")
        known = self._path_of(named) if is_object_id(unquote(project)) else None
        if known is None:
            return None
        path = f"{self._base_path}{known}"
        return Breach(
            "unknown-path",
            f"Take the id of the project out of the path: this API is not below a project. Call {path}.",
            path,
            got,
            ("paths", known),
        )

    def _of_parameters(self, operation: Operation, heard: Heard) -> Iterator[Breach]:
        known = {parameter.name: parameter for parameter in operation.parameters if parameter.location == "query"}
        for name, values in heard.query.items():
            if name not in known:
                if not is_credential(name, values):
                    yield _unknown_parameter(name, operation, list(known), self._operation_keys(operation, None))
            elif len(values) > 1:
                yield Breach(
                    "repeated-parameter",
                    f"Send {name!r} once; the real server makes a list of several and then fails or ignores them.",
                    f"one value of {name!r}",
                    f"{len(values)} values",
                    ("components", "parameters", known[name].role),
                )
        for parameter in operation.parameters:
            given = (
                heard.query.get(parameter.name, ())
                if parameter.location == "query"
                else [heard.path_params[parameter.name]]
            )
            if len(given) != 1:
                continue
            try:
                self._parameters.value(parameter, given)
            except InvalidParameter as problem:
                yield Breach(
                    "invalid-parameter",
                    f"Send a value that {parameter.name!r} can have, or leave the parameter out.",
                    _described(parameter.schema),
                    redacted(f"{problem.name}: {problem.problem}"),
                    ("components", "parameters", parameter.role),
                )

    def _operation_keys(self, operation: Operation | None, request: Request | None) -> tuple[str, ...]:
        if operation:
            return "paths", operation.path, operation.method.lower()
        return "paths", (request and self._path_of(request)) or ""

    def _path_of(self, request: Request) -> str | None:
        """The path of the contract that a request names, by whatever method."""
        path = request.target.partition("?")[0]
        return next((known for known, pattern in self._paths.items() if pattern.fullmatch(path)), None)


def _unknown_parameter(name: str, operation: Operation, known: list[str], keys: tuple[str, ...]) -> Breach:
    hint = nearest(name, known) if known else "; it has none in the query"
    return Breach(
        "unknown-parameter",
        f"Correct or leave out {redacted(name)!r}; the real server ignores what it does not know{hint}",
        f"only query parameters of {operation.id}: {', '.join(known) or 'none'}",
        f"the parameter {redacted(name)!r}",
        keys,
    )


def _described(schema: Mapping[str, Any]) -> str:
    parts = [str(schema.get("type", "a value"))]
    if "enum" in schema:
        parts.append(f"one of {', '.join(map(str, schema['enum']))}")
    parts += [f"{keyword} {schema[keyword]}" for keyword in ("minimum", "maximum", "minLength") if keyword in schema]
    return ", ".join(parts)


def _curl(request: Request) -> str:
    headers = []
    if request.authorization is not None:
        headers.append(shown_authorization(request.authorization).partition(",")[0])
    if request.body:
        headers.append(f"Content-Type: {redacted(request.content_type)}")
    url = f"{request.origin or f'http://{redacted_host(request.host)}'}{redacted(request.target)}"
    return curl(request.method, url, headers, body=f"<{len(request.body)} bytes>" if request.body else "")
