"""Which answer each refusal becomes: the only place that pairs refusals with statuses.

What an operation may answer is in the contract; the table below has what no operation declares.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from ..contract import Contract, Operation
from ..contract.choices import Choices
from ..core.faults import Spent
from ..core.redaction import redacted
from ..log import log_bug
from ..refusals import (
    BadRequest,
    CannotDelete,
    Dropped,
    FallsThrough,
    Greets,
    InvalidFields,
    InvalidParameter,
    MalformedBody,
    MalformedPath,
    NoSuchPage,
    NotTwoWords,
    Quirk,
    Refusal,
    ServerFails,
    ServerSilent,
    SignInRefused,
    TooLarge,
    Unauthorized,
    UnknownPath,
    UnknownToken,
    WrongMethod,
)
from . import wire
from .answer import JSON, Answer, declared_answer, json_answer
from .body import BODY_LIMIT

_DECLARED: dict[type[Refusal], str] = {
    Unauthorized: "Unauthorized",
    BadRequest: "BadRequest",
    NotTwoWords: "NotTwoWords",
    UnknownToken: "UnknownToken",
}


_GREETING = b"Hello from Tiledesk server. It's UP. See the documentation here http://developer.tiledesk.com"
# As Express escapes them; Python's html.escape writes an apostrophe otherwise.
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


def _not_found_page(refusal: NoSuchPage) -> Answer:
    resource = quote(redacted(refusal.path).encode("latin-1"), safe="/%:@!$&'()*+,;=~-._[]")
    message = f"Cannot {refusal.method} {resource}".translate(_ESCAPES)
    body = (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>Error</title>\n</head>\n'
        f"<body>\n<pre>{message}</pre>\n</body>\n</html>\n"
    )
    headers = (
        ("Content-Security-Policy", "default-src 'none'"),
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Type", "text/html; charset=utf-8"),
    )
    return Answer(404, headers, body.encode())


_OTHERS: dict[type[Refusal], Callable[[Any], Answer]] = {
    InvalidParameter: lambda refusal: json_answer(400, wire.refusal(f"{refusal.name}: {refusal.problem}")),
    InvalidFields: lambda refusal: json_answer(422, wire.invalid_fields(refusal.fields)),
    CannotDelete: lambda _: json_answer(500, wire.refusal("Error deleting object.")),
    UnknownPath: lambda _: json_answer(404, wire.refusal("Not found.")),
    WrongMethod: lambda refusal: json_answer(
        405,
        wire.refusal(f"Method not allowed; this path has {', '.join(refusal.allowed)}."),
        ("Allow", ", ".join(refusal.allowed)),
    ),
    MalformedPath: lambda _: json_answer(400, wire.refusal("The path has a malformed percent-escape.")),
    MalformedBody: lambda refusal: json_answer(400, wire.refusal(f"The body is not {refusal.kind}.")),
    TooLarge: lambda refusal: json_answer(413, wire.too_large(refusal.limit)),
    ServerFails: lambda _: json_answer(500, wire.failure()),
    # The real server says again what it was sent, also a token that was pasted into the path.
    FallsThrough: lambda refusal: json_answer(400, wire.fall_through(redacted(refusal.project))),
    NoSuchPage: _not_found_page,
    Greets: lambda _: Answer(200, (("Content-Type", "text/html; charset=utf-8"),), _GREETING),
}

BELOW_THE_APP: Mapping[int, tuple[str, bytes]] = {
    413: (JSON, wire.too_large(BODY_LIMIT)),
    500: (JSON, wire.refusal("Internal error in tiledesk-fake; this is a bug.")),
}
"""What a server has to say, by status, where it answers by itself: the content type and the body."""


NEVER_SENT = Answer(500, (), b"")
"""What stands where an answer is to be made, and the delivery says that nothing of it arrives."""


def internal_error() -> Answer:
    """The answer if the fake itself fails; the exception that is being handled goes to the log."""
    log_bug("a request could not be answered; this is a bug in tiledesk-fake")
    return json_answer(500, wire.refusal("Internal error of tiledesk-fake."))


def settled(refusal: Refusal, choices: Choices) -> Refusal:
    """The refusal that the profile chooses where the real server has a quirk, else the same."""
    if isinstance(refusal, Quirk):
        refusal = refusal.real if choices.server_quirks == "observed" else refusal.calm
    return Dropped("silence") if isinstance(refusal, ServerSilent) else refusal


def answer_to(refusal: Refusal, contract: Contract, choices: Choices) -> Answer:
    """The answer that a settled refusal becomes under the profile."""
    if isinstance(refusal, UnknownToken) and choices.revoke_unknown == "null":
        return json_answer(200, wire.NOTHING)
    if (name := _DECLARED.get(type(refusal))) is not None:
        return declared_answer(contract.responses[name])
    if isinstance(refusal, SignInRefused):
        return declared_answer(contract.sign_in.refusals[refusal.example])
    return _OTHERS[type(refusal)](refusal)


def faulty_answer(spent: Spent, operation: Operation, contract: Contract, choices: Choices) -> Answer:
    """The answer of a planned fault that has a status; without a planned body in the real server's shape."""
    answer = _without_planned_headers(spent, operation, contract, choices)
    planned = spent.fault.headers
    if not planned:
        return answer
    replaced = {name.lower() for name, _ in planned}
    kept = [(name, value) for name, value in answer.headers if name.lower() not in replaced]
    return answer._replace(headers=(*kept, *planned))


def _without_planned_headers(spent: Spent, operation: Operation, contract: Contract, choices: Choices) -> Answer:
    fault = spent.fault
    status = fault.status or 500
    retry = () if spent.retry_after_s is None else (("Retry-After", str(spent.retry_after_s)),)
    if fault.body is not None:
        kind = JSON if fault.is_json or _is_json(fault.body) else "text/plain; charset=utf-8"
        return Answer(status, (*retry, ("Content-Type", kind)), fault.body)
    if status in (204, 304):
        return Answer(status, retry, b"")
    if status == 404 and operation.gated:
        # The one response that is declared under some choices and not under others.
        choices.note(("revoke-unknown",))
    responses = contract.responses_of(operation)
    declared = next((response for response in responses if response.status == status), None)
    if declared:
        answer = declared_answer(declared)
        return Answer(status, (*retry, *answer.headers), answer.body)
    body = wire.failure() if status >= 500 else wire.refusal(f"{_phrase(status)}.")
    return json_answer(status, body, *retry)


def _is_json(body: bytes) -> bool:
    return body[:1] in (b"{", b"[")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Error {status}"
