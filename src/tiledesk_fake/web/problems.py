"""Which answer each refusal becomes: the only place that pairs refusals with statuses.

What an operation may answer is in the contract; the table below has what no operation declares.
"""

from collections.abc import Callable
from html import escape
from typing import Any
from urllib.parse import quote

from ..contract import JSON, Answer, Contract
from ..errors import NoAnswer
from ..refusals import (
    BadRequest,
    CannotDelete,
    FallsThrough,
    InvalidParameter,
    MalformedBody,
    MalformedPath,
    NoSuchPage,
    NotTwoWords,
    Quirk,
    Refusal,
    ServerFails,
    ServerSilent,
    TooLarge,
    Unauthorized,
    UnknownPath,
    UnknownToken,
    WrongMethod,
)
from . import wire

_DECLARED: dict[type[Refusal], str] = {
    Unauthorized: "Unauthorized",
    BadRequest: "BadRequest",
    NotTwoWords: "NotTwoWords",
    UnknownToken: "UnknownToken",
}


def _json(status: int, body: bytes, *headers: tuple[str, str]) -> Answer:
    return Answer(status, (*headers, ("Content-Type", JSON)), body)


def _not_found_page(refusal: NoSuchPage) -> Answer:
    resource = quote(refusal.path.encode("latin-1"), safe="/%:@!$&'()*+,;=~-._[]")
    message = escape(f"Cannot {refusal.method} {resource}")
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
    InvalidParameter: lambda refusal: _json(400, wire.refusal(f"{refusal.name}: {refusal.reason}")),
    CannotDelete: lambda _: _json(500, wire.refusal("Error deleting object.")),
    UnknownPath: lambda _: _json(404, wire.refusal("Not found.")),
    WrongMethod: lambda refusal: _json(
        405,
        wire.refusal(f"Method not allowed; this path has {', '.join(refusal.allowed)}."),
        ("Allow", ", ".join(refusal.allowed)),
    ),
    MalformedPath: lambda _: _json(400, wire.refusal("The path has a malformed percent-escape.")),
    MalformedBody: lambda _: _json(400, wire.refusal("The body is not JSON.")),
    TooLarge: lambda refusal: _json(413, wire.too_large(refusal.limit)),
    ServerFails: lambda _: _json(500, wire.failure()),
    FallsThrough: lambda refusal: _json(400, wire.fall_through(refusal.project)),
    NoSuchPage: _not_found_page,
}


def answer_to(refusal: Refusal, contract: Contract) -> Answer:
    """The answer that a refusal becomes under the contract's profile.

    Raises NoAnswer where the profile says that the real server's silence is kept.
    """
    if isinstance(refusal, Quirk):
        refusal = refusal.real if contract.profile.server_quirks == "observed" else refusal.calm
    if isinstance(refusal, ServerSilent):
        raise NoAnswer(
            "the real server does not answer this request, and holds the connection until the client gives up; "
            "through wsgi_app there is no connection to hold. The profile {'server-quirks': 'calm'} answers instead"
        )
    if isinstance(refusal, UnknownToken) and contract.profile.revoke_unknown == "null":
        return _json(200, wire.NOTHING)
    if (name := _DECLARED.get(type(refusal))) is not None:
        return contract.answers[name]
    return _OTHERS[type(refusal)](refusal)
