"""Credentials as they were given, and how they are kept out of everything that is shown."""

import base64
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .outcome import CannotCheck


class Credential(Protocol):
    """What lets a user in."""

    @property
    def authorization(self) -> str:
        """The value of the `Authorization` header."""

    @property
    def option(self) -> str:
        """The option of the command line that gives such a credential."""


@dataclass(frozen=True, slots=True, repr=False)
class Basic:
    """An e-mail address and a password."""

    email: str
    password: str
    option: str = "--basic"

    @classmethod
    def parse(cls, text: str) -> "Basic":
        """What `address:password` says. Raises CannotCheck for anything else."""
        email, colon, password = text.partition(":")
        if not (email and colon and password):
            raise CannotCheck("--basic: expected ADDRESS:PASSWORD")
        return cls(email, password)

    @property
    def authorization(self) -> str:
        return basic_authorization(self.email, self.password)

    def is_meant_by(self, encoded: str) -> bool:
        """Whether a gate could read these credentials from base64 text (observed: case and colons are forgiving)."""
        try:
            text = base64.b64decode(encoded + "===").decode("utf-8", "replace")
        except ValueError:
            return True
        email, _, password = text.partition(":")
        return email.lower() == self.email.lower() and password.split(":")[0] == self.password.split(":")[0]

    def __repr__(self) -> str:
        return f"Basic({self.email!r}, …)"


@dataclass(frozen=True, slots=True, repr=False)
class Jwt:
    """A signed token, without a scheme word."""

    token: str
    option: str = "--jwt"

    @classmethod
    def parse(cls, text: str) -> "Jwt":
        """The token, with or without the scheme word that a sign-in answers. Raises CannotCheck for what is none."""
        words = text.split()
        token = words[-1] if words and (len(words) == 1 or words[0].lower() == "jwt") else ""
        if token.count(".") != 2:
            raise CannotCheck("--jwt: expected a token of three parts, with dots between them")
        return cls(token)

    @property
    def authorization(self) -> str:
        return f"JWT {self.token}"

    @property
    def claims(self) -> dict[str, Any]:
        """What the token says, unverified; empty if it cannot be read."""
        return decoded(self.token.split(".")[1])

    def __repr__(self) -> str:
        return "Jwt(…)"


def basic_authorization(userid: str, password: str) -> str:
    """The value of an `Authorization` header with Basic credentials."""
    return "Basic " + base64.b64encode(f"{userid}:{password}".encode()).decode()


def decoded(part: str) -> dict[str, Any]:
    """The JSON object in a part of a token; empty if there is none."""
    try:
        value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def encoded(value: Any) -> str:
    """A JSON value as a part of a token."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*){0,2}")
_BASIC = re.compile(r"((?:\b|[A-Za-z])basic\s+)[A-Za-z0-9+/_-]{4,}=*", re.IGNORECASE)


class Redaction:
    """Replaces secrets in what is shown, the given ones by the name of a shell variable: `$JWT1`, `$BASIC2`."""

    def __init__(self, users: Iterable[Sequence[Credential]] = ()) -> None:
        self._names: dict[str, str] = {}
        for number, credentials in enumerate(users, 1):
            for credential in credentials:
                if isinstance(credential, Basic):
                    self._names[credential.authorization.partition(" ")[2]] = f"$BASIC{number}"
                    if len(credential.password) >= _SHORTEST_SECRET:
                        self._names[credential.password] = f"$PASSWORD{number}"
                elif isinstance(credential, Jwt):
                    self._names[credential.token] = f"$JWT{number}"

    def add(self, secret: str, name: str) -> None:
        """From now on, show `name` for `secret`."""
        self._names[secret] = name

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        for secret in sorted(self._names, key=len, reverse=True):
            text = text.replace(secret, self._names[secret])
        text = _TOKEN.sub("<token>", text)
        return _BASIC.sub(r"\1<credentials>", text)


# A password like `1` is in every answer by chance; replacing it would make nonsense of them.
_SHORTEST_SECRET = 5
