"""The users of the server, each with the credentials that are known to be theirs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.clock import Clock
from .address import shown
from .client import Client
from .credentials import Basic, Credential, Jwt
from .outcome import CannotCheck
from .paths import HISTORY
from .reply import Reply

_LASTING_S = 60
"""A token that expires sooner might do so between two requests that are compared."""


@dataclass(slots=True)
class Person:
    """A user of the server, with all credentials that are known to be this user's."""

    number: int
    credentials: list[Credential]
    id: str | None = None
    _retired: set[str] = field(default_factory=set, repr=False)

    @property
    def authorization(self) -> str:
        """The `Authorization` header that is used: a token's, because servers check passwords slowly on purpose.

        Where no token lasts, it is that of Basic.
        """
        return (self.caller or self.basic or self.credentials[0]).authorization

    @property
    def caller(self) -> Jwt | None:
        """The token that is used; None if there is none that lasts."""
        soon_s = Clock().now_ms() / 1000 + _LASTING_S
        lasting = (jwt for jwt in self.jwts if jwt.expires_at_s is None or jwt.expires_at_s > soon_s)
        return next((jwt for jwt in lasting if jwt.token not in self._retired), None)

    def retire(self, jwt: Jwt) -> None:
        """Use this token no more."""
        self._retired.add(jwt.token)

    def restore(self, jwt: Jwt) -> None:
        """Use this token again."""
        self._retired.discard(jwt.token)

    @property
    def basic(self) -> Basic | None:
        """The e-mail address and password, None if only tokens are known."""
        return next((each for each in self.credentials if isinstance(each, Basic)), None)

    @property
    def jwts(self) -> list[Jwt]:
        """The tokens."""
        return [each for each in self.credentials if isinstance(each, Jwt)]


class Introductions:
    """Finds out whose the credentials are, with one request for each.

    `persons` are the users in the order in which they came, `expired` the tokens that let nobody in any more. Raises
    CannotCheck where the server cannot be reached, refuses credentials or has no JWT history.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._clock = Clock()
        self.persons: list[Person] = []
        self.expired: list[Jwt] = []

    def make(self, credentials: Sequence[Credential]) -> None:
        """Sort the credentials by user."""
        for credential in credentials:
            if isinstance(credential, Jwt) and self.persons and self._is_expired(credential):
                self.expired.append(credential)
                continue
            id, email = self._identify(credential)
            same = next((person for person in self.persons if email and email in _emails(person)), None)
            same = same or next((person for person in self.persons if _has_id(person, id, credential)), None)
            if same is None:
                self.persons.append(Person(len(self.persons) + 1, [credential], id))
            else:
                same.credentials.append(credential)
                same.id = same.id or id

    def _is_expired(self, jwt: Jwt) -> bool:
        return jwt.expires_at_s is not None and jwt.expires_at_s * 1000 <= self._clock.now_ms()

    def _identify(self, credential: Credential) -> tuple[str | None, str | None]:
        """The id and e-mail address of a user, as far as they can be told."""
        reply = self._client.send("GET", HISTORY, [("Authorization", credential.authorization)])
        self._expect_history(reply, credential)
        claims = credential.claims if isinstance(credential, Jwt) else {}
        id = claims.get("_id")
        email = credential.email if isinstance(credential, Basic) else claims.get("email")
        if not isinstance(id, str):
            found = [value for value in _owners_in(reply) if isinstance(value, str)]
            id = found[0] if found else None
        return id, email.lower() if isinstance(email, str) else None

    def _expect_history(self, reply: Reply, credential: Credential) -> None:
        if reply.status is None:
            raise self._cannot(f"cannot be reached: {reply.failure}")
        if reply.status in (401, 403):
            raise self._cannot(f"refuses the credentials given with {credential.option} ({reply.status})")
        if (reply.status in (400, 404) and b"Invalid project id" in reply.body) or reply.status == 404:
            raise self._cannot(
                f"has no JWT history ({reply.summary}); give the URL that precedes {HISTORY}, with its base path"
            )
        if reply.status in (301, 302, 303, 307, 308):
            leads_to = ", ".join(shown(each, self._client.redact) for each in reply.values("Location")) or "nowhere"
            raise self._cannot(
                f"redirects ({reply.status}) to {leads_to}; "
                f"no redirect is followed: give the URL that precedes {HISTORY} there"
            )

    def _cannot(self, why: str) -> CannotCheck:
        """The error that the server cannot be examined; what it said is in it without secrets and printable."""
        return CannotCheck(self._client.redact(f"{self._client.url} {why}"))


def _emails(person: Person) -> Iterator[str]:
    for credential in person.credentials:
        if isinstance(credential, Basic):
            yield credential.email.lower()
        elif isinstance(credential, Jwt) and isinstance(email := credential.claims.get("email"), str):
            yield email.lower()


def _has_id(person: Person, id: str | None, credential: Credential) -> bool:
    """Whether credentials are this person's because of the id that their token or their list tells.

    Two addresses are two users, whatever list they are shown: that one user sees another's is a defect to be found.
    """
    return id is not None and person.id == id and not (isinstance(credential, Basic) and person.basic is not None)


def _owners_in(reply: Reply) -> Iterator[Any]:
    """The id_user of all records in an answer of any envelope."""
    try:
        body = reply.json
    except ValueError:
        return
    arrays = [body] if isinstance(body, list) else list(body.values()) if isinstance(body, dict) else []
    for array in arrays:
        for record in array if isinstance(array, list) else ():
            if isinstance(record, dict):
                yield record.get("id_user")
