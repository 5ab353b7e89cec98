"""How credentials are to be sent, and what is wrong with those that come otherwise."""

import base64
from collections.abc import Iterator, Sequence
from functools import lru_cache

from ..contract.parameters import Query
from ..core.redaction import JWT, SCHEME_WORDS, redacted
from ..gate.jwt import SHAPE
from .breach import Breach

_PASSWORD = "password"  # noqa: S105 - a name
_SECRETS = {"secret_token", "token", "access_token", "jwt", "auth", "authorization", "apikey", "api_key", _PASSWORD}
_EXPECTED_AUTHORIZATION = "Authorization: JWT <token>, or Authorization: Basic <base64 of e-mail:password>"


def breaches_in_query(query: Query) -> Iterator[Breach]:
    """The credentials that are in a query."""
    for name, values in query.items():
        if name.lower() == _PASSWORD:
            yield Breach(
                "auth-in-query",
                f"Take {name!r} out of the query; a sign-in has it in its body. What is in a URL ends up in logs.",
                "a password in the body of a sign-in, or in Authorization: Basic <base64 of e-mail:password>",
                f"the query parameter {name}=<redacted>",
                ("components", "securitySchemes", "basicAuth"),
            )
        elif is_credential(name, values):
            yield Breach(
                "auth-in-query",
                f"Take {redacted(name)!r} out of the query and send the token in the Authorization header; "
                "what is in a URL ends up in logs.",
                _EXPECTED_AUTHORIZATION,
                f"the query parameter {redacted(name)}=<redacted>",
                ("components", "securitySchemes", "jwtAuth"),
            )


def is_credential(name: str, values: Sequence[str]) -> bool:
    """Whether a parameter has a name or a value that credentials have."""
    return name.lower() in _SECRETS or any(JWT.search(text) for text in (name, *values))


# A client sends the same header over and over, and to judge a known one saves 3 µs of a list. Longer ones are judged
# anew each time, so that 64 are 128 KB at most.
_LONGEST_REMEMBERED = 2_048


def breach_of_authorization(header: str) -> Breach | None:
    """The breach in the form of an `Authorization` header; None if there is none."""
    return (_judged_once if len(header) <= _LONGEST_REMEMBERED else _judged)(header)


def _judged(header: str) -> Breach | None:
    words = header.strip(" \t").split(" ")
    scheme = words[0]
    keys = ("components", "securitySchemes", "basicAuth" if scheme.lower().startswith("basic") else "jwtAuth")

    def malformed(message: str) -> Breach:
        return Breach("auth-malformed", message, _EXPECTED_AUTHORIZATION, shown_authorization(header), keys)

    if len(words) == 1:
        if scheme.lower() in ("jwt", "basic"):
            return malformed(f"Put the credentials after {scheme!r}; there are none.")
        return malformed("Put the scheme word JWT, or Basic, and one space before the credentials.")
    if scheme.lower() not in ("jwt", "basic"):
        return Breach(
            "auth-scheme",
            "Use the scheme word JWT before a token; the real server refuses every other word, Bearer included.",
            _EXPECTED_AUTHORIZATION,
            shown_authorization(header),
            keys,
        )
    if words[1].lower() == "jwt":
        return malformed("Do not add 'JWT ' once more: the token that a sign-in answers starts with it already.")
    if len(words) > 2 or not words[1]:
        return malformed("Put exactly one space after the scheme word, and nothing after the credentials.")
    if scheme.lower() == "jwt":
        if not SHAPE.fullmatch(words[1]):
            return malformed("Send a JWT: three parts with dots between; a variable may be empty or null, or quoted.")
        return None
    try:
        readable = ":" in base64.b64decode(words[1], validate=True).decode()
    except ValueError:
        readable = False
    return None if readable else malformed("Send Basic credentials as the base64 of UTF-8 text, e-mail:password.")


_judged_once = lru_cache(maxsize=64)(_judged)


def shown_authorization(header: str) -> str:
    """The header without its credentials."""
    words = header.strip(" \t").split(" ")
    if len(words) == 1 and words[0].lower() not in SCHEME_WORDS:
        return f"Authorization: <redacted>, one word of {len(words[0])} characters"
    shown = [word if word.lower() in SCHEME_WORDS else "<redacted>" if word else "" for word in words[:4]]
    return f"Authorization: {' '.join(shown)}{' …' if len(words) > 4 else ''}"
