"""What a request of a recording presents as credentials, as far as the file still has them."""

import hmac
import re
from base64 import urlsafe_b64encode
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote

from ...gate.gate import lenient_base64
from ...gate.jwt import ALGORITHMS
from ..credentials import decoded
from .exchange import Exchange

SECRET = "what this replay signs tokens with"  # noqa: S105 - it opens nothing but the replay's own fake

_TOKEN = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)", re.ASCII)
_NUMBERED = re.compile(r"\S*basic\S* [#<]?([0-9]{1,9})>?", re.IGNORECASE)
_REMOVED = re.compile(r"redacted|removed|hidden|filtered|\*{3}|^\W*$|xxxx|…", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,9}")
_GUESSED = (b"", b"secret", b"null", b"undefined")


class Token(NamedTuple):
    """A JWT as it was recorded; its signature may be a number, or absent."""

    head: str
    payload: str
    signature: str

    @property
    def text(self) -> str:
        """The whole token."""
        return f"{self.head}.{self.payload}.{self.signature}"

    @property
    def signed(self) -> str:
        """The part of the token that is signed."""
        return f"{self.head}.{self.payload}"

    @property
    def claims(self) -> dict[str, Any]:
        """The claims of the token; empty if they cannot be read."""
        return _decoded(self.payload)

    @property
    def algorithm(self) -> str:
        """The algorithm that it says of itself; empty if it is none that the gate accepts."""
        named = decoded(self.head).get("alg")
        return named if isinstance(named, str) and named in ALGORITHMS else ""

    @property
    def has_real_signature(self) -> bool:
        """Whether the file has the signature itself."""
        return bool(self.signature) and not _NUMBER.fullmatch(self.signature)

    def guessed_secret(self) -> bytes | None:
        """The secret that anybody could guess and that it is signed with; None if there is none."""
        if not (self.has_real_signature and self.algorithm):
            return None
        return next((each for each in _GUESSED if self._signature(each) == self.signature), None)

    def signed_anew(self) -> str:
        """The same token with the signature that the replay's own fake takes for genuine."""
        return f"{self.signed}.{self._signature(SECRET.encode())}"

    def _signature(self, secret: bytes) -> str:
        digest = hmac.digest(secret, self.signed.encode(), ALGORITHMS[self.algorithm or "HS256"])
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


_decoded = lru_cache(maxsize=4_096)(decoded)


class Presented(NamedTuple):
    """The credentials of one request.

    `header` is the `Authorization` header, None without one. `token` is the JWT that counts, `basic` address and
    password. `number` is what stands for Basic credentials that the recording left out. `is_removed` is whether
    something stood there that cannot be read any more.
    """

    header: str | None
    token: Token | None = None
    basic: tuple[str, str] | None = None
    number: str | None = None
    is_removed: bool = False

    @property
    def key(self) -> str:
        """The key that distinguishes these credentials from others."""
        return f"{self.header}\n{self.token.text if self.token else ''}"

    @property
    def is_nothing(self) -> bool:
        """Whether there are none at all."""
        return not self.header and self.token is None


def presented(exchange: Exchange) -> Presented:
    """The credentials of a request."""
    in_query = "secret_token" in exchange.target
    return _presented(exchange.header("Authorization"), exchange.target if in_query else "")


# Clients send the same ones over and over.
@lru_cache(maxsize=4_096)
def _presented(header: str | None, target: str) -> Presented:
    header = None if header is None else header.strip(" \t")
    words = (header or "").split()
    in_header = _TOKEN.fullmatch(words[-1]) if len(words) > 1 else None
    of_query = _query_token(target)
    if len(words) > 1 and words[0].lower() == "jwt":
        # Whatever it is, it counts before the query.
        in_second = _TOKEN.fullmatch(words[1])
        return Presented(header, _token(in_second or in_header), is_removed=_is_removed(words[1]))
    if header and _NUMBERED.fullmatch(header) and of_query is not None:
        # Which of the two counts depends on a password that is not there.
        return Presented(header, is_removed=True)
    if header and _NUMBERED.fullmatch(header):
        return Presented(header, of_query, number=header.split()[-1].strip("#<>"))
    basic = _basic(header or "")
    if basic is None and header and len(words) > 1 and "basic" in words[0].lower() and _is_removed(words[1]):
        return Presented(header, of_query, is_removed=True)
    if header and len(words) == 1 and _is_removed(header):
        return Presented(header, of_query, is_removed=True)
    return Presented(header, of_query or _token(in_header), basic)


def _basic(header: str) -> tuple[str, str] | None:
    words = header.split(" ")
    if len(words) < 2 or "basic" not in words[0].lower():
        return None
    email, colon, rest = lenient_base64(words[1]).partition(":")
    password = rest.split(":")[0]
    return (email.lower(), password) if colon and email and password else None


def _query_token(target: str) -> Token | None:
    query = target.partition("?")[2].partition("#")[0]
    if "secret_token" not in query:
        return None
    values = [value for name, value in parse_qsl(query, keep_blank_values=True) if name == "secret_token"]
    return _token(_TOKEN.fullmatch(values[0])) if len(values) == 1 else None


def _token(match: re.Match[str] | None) -> Token | None:
    return Token(*match.groups()) if match else None


def _is_removed(text: str) -> bool:
    return bool(_REMOVED.search(text)) and _TOKEN.fullmatch(text) is None


def with_token(text: str, token: Token) -> str:
    """The text with the token signed anew wherever it stands."""
    # Once only: with a number for a signature, the token may be the beginning of the one that takes its place.
    written = token.text if token.text in text else quote(token.text, safe="")
    return text.replace(written, token.signed_anew())
