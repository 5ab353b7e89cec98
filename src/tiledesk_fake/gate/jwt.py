"""How a JWT is written, and how it is read.

Reading does what jsonwebtoken 9.0.0 and jws, the libraries of the real gate, do (observed). No Python library can stand
in: the real gate accepts `crit`, `b64: false` and any `iat`, which PyJWT refuses, and refuses padded base64, which
PyJWT accepts. The one deliberate difference: a key that is written twice, text that has no UTF-8 form and JSON that
nests very deep are refused, where JavaScript takes the last, the broken and the deep.
"""

import base64
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from .nesting import DEEPEST, nests_too_deep

ALGORITHMS: Mapping[str, str] = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
"""The algorithms that are accepted, whatever a token says of itself, with the names of their hashes."""

SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", re.ASCII)


class NotJson(Exception):
    """A payload that is no JSON, in a token whose header says that it is a JWT."""


class Decoded(NamedTuple):
    """A token taken apart: the payload may be any JSON value, or text; the signature is judged already."""

    payload: Any
    genuine: bool


def sign(claims: Mapping[str, Any], secret: bytes) -> str:
    """The claims as a JWT signed with HS256. Raises ValueError or TypeError for what no gate could read.

    >>> sign({"sub": "user"}, b"secret").count(".")
    2
    """
    payload = _ENCODER.encode(claims)
    if nests_too_deep(payload):
        raise ValueError(f"nested deeper than {DEEPEST} levels")
    signing_input = f"{_HEADER}.{_encode(payload.encode())}"
    return f"{signing_input}.{_signature(signing_input, 'HS256', secret)}"


def decode(token: str, secret: bytes) -> Decoded | None:
    """Take a token apart; None for what is no token at all.

    Raises NotJson for a payload that is no JSON where the header's `typ` is `JWT`; the real server fails on it, even
    unsigned.
    """
    if not SHAPE.fullmatch(token):
        return None
    header_part, payload_part, signature = token.split(".")
    if not (header := _header(header_part)):
        return None
    fields = header if isinstance(header, dict) else {}
    payload: Any = _decode(payload_part).decode("utf-8", "replace")
    try:
        if fields.get("typ") == "JWT":
            payload = _parse(payload)
    except _Ambiguous:
        return None
    except ValueError:
        raise NotJson from None
    if isinstance(payload, str):
        # Text is tried again, and taken for JSON if that makes an object.
        try:
            parsed = _parse(payload)
        except _Ambiguous:
            return None
        except ValueError:
            parsed = None
        if isinstance(parsed, dict | list):
            payload = parsed
    algorithm = fields.get("alg")
    return Decoded(
        payload,
        genuine=isinstance(algorithm, str)
        and algorithm in ALGORITHMS
        and hmac.compare_digest(
            signature.encode(), _signature(f"{header_part}.{payload_part}", algorithm, secret).encode()
        ),
    )


def _header(part: str) -> Any:
    """The header of a token, which may be any JSON; None if it is not JSON."""
    try:
        return _parse(_decode(part).decode("latin-1"))
    except ValueError:
        return None


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    # A single character left over makes no byte; JavaScript drops it, Python would refuse the whole.
    whole = text[: len(text) - (len(text) % 4 == 1)]
    return base64.urlsafe_b64decode(whole + "=" * (-len(whole) % 4))


def _signature(signing_input: str, algorithm: str, secret: bytes) -> str:
    return _encode(hmac.digest(secret, signing_input.encode(), ALGORITHMS[algorithm]))


_HEADER = _encode(b'{"alg":"HS256","typ":"JWT"}')


class _Ambiguous(ValueError):
    """JSON that readers take for different things: a key twice, or half a surrogate pair."""


def _parse(text: str) -> Any:
    if nests_too_deep(text):
        raise _Ambiguous("nested too deep")
    value = _DECODER.decode(text)
    try:
        if r"\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise _Ambiguous("half a surrogate pair") from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _Ambiguous("a key is written twice")
    return made


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _number(digits: str) -> int | float:
    # Python refuses to read thousands of digits; to JavaScript 309 of them are infinity.
    return int(digits) if len(digits) < 309 else float(digits)


# Made once: json.dumps and json.loads would make them for every token.
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_number)
