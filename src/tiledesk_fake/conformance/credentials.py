"""Credentials as they were given, and how they are kept out of everything that is shown."""

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol
from urllib.parse import quote, quote_plus

from ..core.redaction import printable
from .outcome import CannotCheck


class Credential(Protocol):
    """A means of authentication."""

    @property
    def authorization(self) -> str:
        """The value of the `Authorization` header."""

    @property
    def option(self) -> str:
        """The option of the command line that gives such a credential."""


@dataclass(frozen=True, slots=True)
class Basic:
    """An e-mail address and a password."""

    email: str
    password: str = field(repr=False)
    option: str = "--basic"

    @classmethod
    def parse(cls, text: str) -> "Basic":
        """The credentials in `address:password`. Raises CannotCheck for any other text."""
        email, colon, password = text.partition(":")
        if not (email and colon and password):
            raise CannotCheck("--basic: expected ADDRESS:PASSWORD")
        if not _is_unicode(text):
            raise CannotCheck("--basic: expected ADDRESS:PASSWORD in UTF-8, got bytes that are none")
        return cls(email, password)

    @property
    def authorization(self) -> str:
        """The value of the `Authorization` header."""
        return basic_authorization(self.email, self.password)

    def is_meant_by(self, encoded: str) -> bool:
        """Whether a gate could read these credentials from base64 text (observed: case and colons are forgiving)."""
        try:
            text = base64.b64decode(encoded + "===").decode("utf-8", "replace")
        except ValueError:
            return True
        email, _, password = text.partition(":")
        return email.lower() == self.email.lower() and password.split(":")[0] == self.password.split(":")[0]


@dataclass(frozen=True, slots=True)
class Jwt:
    """A signed token, without a scheme word."""

    token: str = field(repr=False)
    option: str = "--jwt"

    @classmethod
    def parse(cls, text: str) -> "Jwt":
        """The token in a text, with or without the scheme word that a sign-in answers.

        Raises CannotCheck for any other text; the message shows none of it.
        """
        words = text.split()
        if len(words) == 2 and words[0].lower() == "jwt":
            del words[0]
        if not words:
            raise _malformed("nothing")
        if len(words) > 1:
            raise _malformed("several words; only JWT may precede the token")
        parts = words[0].split(".")
        if len(parts) != 3:
            raise _malformed(f"{len(parts)} part{'s' * (len(parts) > 1)}")
        for name, part in zip(("first", "second", "third"), parts, strict=True):
            if not part:
                raise _malformed(f"an empty {name} part")
            if not _BASE64URL.fullmatch(part):
                raise _malformed(f"a {name} part with other signs than letters, digits, - and _")
        for name, part in zip(("first", "second"), parts[:2], strict=True):
            if _object(part) is None:
                raise _malformed(f"a {name} part that is no JSON object")
        return cls(words[0])

    @property
    def authorization(self) -> str:
        """The value of the `Authorization` header."""
        return f"JWT {self.token}"

    @property
    def claims(self) -> dict[str, Any]:
        """The claims, unverified; empty if they cannot be read."""
        return decoded(self.token.split(".")[1])

    @property
    def jti(self) -> str | None:
        """The claim `jti`; None if there is none or it is no text."""
        jti = self.claims.get("jti")
        return jti if isinstance(jti, str) else None

    @property
    def expires_at_s(self) -> float | None:
        """The claim `exp`, in seconds since 1970; None if there is none or it is no number."""
        exp = self.claims.get("exp")
        if isinstance(exp, bool) or not isinstance(exp, int | float) or not abs(exp) < _ENDLESS:
            return None
        return float(exp)


def basic_authorization(userid: str, password: str) -> str:
    """The value of an `Authorization` header with Basic credentials."""
    return "Basic " + base64.b64encode(f"{userid}:{password}".encode()).decode()


def decoded(part: str) -> dict[str, Any]:
    """The JSON object in a part of a token; empty if there is none."""
    return _object(part) or {}


def _object(part: str) -> dict[str, Any] | None:
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def encoded(value: Any) -> str:
    """A JSON value as a part of a token."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Half a surrogate pair may stand in JSON, and is then no UTF-8.
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).rstrip(b"=").decode()


def _is_unicode(text: str) -> bool:
    # Bytes of another encoding arrive from a command line as halves of surrogate pairs.
    return not any("\ud800" <= each <= "\udfff" for each in text)


def _malformed(got: str) -> CannotCheck:
    return CannotCheck(f"--jwt: expected a token of three parts, with dots between them; got {got}")


_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")
_ENDLESS = 1e15
"""In seconds; later moments are meant by nobody, and floats are exact until here."""
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){0,2}")
_BASIC = re.compile(r"((?:\b|[A-Za-z])basic\s+)[A-Za-z0-9+/_-]{4,}=*", re.IGNORECASE)


class Redaction:
    """Replaces secrets in what is shown, the given ones by the name of a shell variable: `$JWT1`, `$BASIC2`.

    `users` are the credentials of each user; the second token of a user is `$JWT1_2`. Each secret is known in the forms
    in which a server may echo it: as it is, escaped as in JSON, in a URL or in HTML.
    """

    def __init__(self, users: Iterable[Sequence[Credential]] = ()) -> None:
        self._names: dict[str, str] = {}
        self._begins: set[str] = set()
        self.know(users)

    def know(self, users: Iterable[Sequence[Credential]], expired: Sequence[Jwt] = ()) -> None:
        """From now on, call the secrets of these users by these names; those of expired tokens are `$EXPIRED1`, …"""
        for number, credentials in enumerate(users, 1):
            basics = dict.fromkeys(each for each in credentials if isinstance(each, Basic))
            for basic, ordinal in zip(basics, _ordinals(), strict=False):
                self._add_basic(basic, f"{number}{ordinal}")
            jwts = dict.fromkeys(each.token for each in credentials if isinstance(each, Jwt))
            for token, ordinal in zip(jwts, _ordinals(), strict=False):
                self.add(token, f"$JWT{number}{ordinal}")
        for number, jwt in enumerate(expired, 1):
            self.add(jwt.token, f"$EXPIRED{number}")

    def _add_basic(self, basic: Basic, number: str) -> None:
        sent = basic.authorization.partition(" ")[2]
        for form in (sent, sent.rstrip("="), base64.urlsafe_b64encode(base64.b64decode(sent)).decode().rstrip("=")):
            self.add(form, f"$BASIC{number}")
        # The rules make wrong passwords of the right one: in another case, one character longer, cut at a colon.
        address = f"{basic.email}:".encode()
        if len(address) > _SHORTEST_SECRET:
            # The characters of base64 that depend on the address and its colon alone.
            self._begins.add(base64.b64encode(address).decode()[: len(address) * 4 // 3])
        for password in (basic.password, basic.password.swapcase(), basic.password.split(":")[0]):
            if len(password) >= _SHORTEST_SECRET:
                self.add(password, f"$PASSWORD{number}")

    def add(self, secret: str, name: str) -> None:
        """From now on, show `name` for `secret`."""
        self._names.update(dict.fromkeys(_echoes(secret), name))

    def hide(self, text: str) -> str:
        """The text without secrets. Hide them before you cut a text: half of a secret is no longer recognised."""
        for secret in sorted(self._names, key=len, reverse=True):
            text = text.replace(secret, self._names[secret])
        for begin in self._begins:
            text = re.sub(rf"{re.escape(begin)}[A-Za-z0-9+/_-]*=*", "<credentials>", text)
        text = _TOKEN.sub("<token>", text)
        return _BASIC.sub(r"\1<credentials>", text)

    def __call__(self, text: str) -> str:
        """The text without secrets, printable and on one line: a server's words could move a terminal's cursor."""
        return printable(self.hide(text))


def _ordinals() -> Iterator[str]:
    """The endings that number a user's credentials: none for the first, then _2, _3, …"""
    yield ""
    yield from (f"_{number}" for number in count(2))


def _echoes(secret: str) -> Iterator[str]:
    """The forms in which a server may repeat a secret."""
    bytes_ = secret.encode("utf-8", "surrogatepass")
    yield secret
    # The client reads a status line and headers as Latin-1.
    yield bytes_.decode("latin-1")
    for ascii in (True, False):
        within = json.dumps(secret, ensure_ascii=ascii)[1:-1]
        yield from (within, within.replace("/", "\\/"), _U_ESCAPE.sub(lambda each: each[0].upper(), within))
    for quoted in (quote(bytes_, safe=""), quote(bytes_), quote_plus(bytes_)):
        yield from (quoted, _PERCENT.sub(lambda each: each[0].lower(), quoted))
    yield from (html.escape(secret), html.escape(secret, quote=False), html.escape(secret).replace("&#x27;", "&#39;"))


_U_ESCAPE = re.compile(r"(?<=\\u)[0-9a-f]{4}")
_PERCENT = re.compile(r"%[0-9A-F]{2}")
# A password like `1` is in every answer by chance; replacing it would make nonsense of them.
_SHORTEST_SECRET = 5
