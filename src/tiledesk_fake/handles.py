"""What a fake hands out to a test: its tokens and its users, and how both are found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, Protocol, Self

from .arguments import phrase
from .core.clock import moment
from .core.handing import OnlyOnce, read_only
from .core.history import Record
from .core.ids import hex_id
from .core.redaction import redacted
from .core.users import User, Users
from .errors import MisuseError, NotFound, nearest

# Comparing takes time, and in a long list nobody looks for a name.
_MOST_NAMED = 20


class Home(Protocol):
    """The state that knows a token."""

    def jwt(self, record: Record) -> str:
        """The signed token of a record."""

    def current(self, record: Record) -> Record:
        """A record as it is now."""


class Records(Iterable[Record], Protocol):
    """The records of all tokens, in the order they were issued."""

    def by_jti(self, jti: str) -> Record | None:
        """The record with this jti, None if there is none."""


class Holder(Home, Protocol):
    """The holder of a fake's users and tokens: its state, or a client of a server elsewhere."""

    @property
    def lock(self) -> AbstractContextManager[object]:
        """The lock to hold while reading more than one value."""

    @property
    def users(self) -> Users:
        """All users."""

    @property
    def history(self) -> Records:
        """All records."""


class _Elsewhere:
    """The stand-in for a state in a token that was pickled, perhaps in another process."""

    def __init__(self, jwt: str) -> None:
        self._jwt = jwt

    def jwt(self, record: Record) -> str:
        return self._jwt

    def current(self, record: Record) -> Record:
        raise MisuseError(
            f"whether the token {record.jti!r} is revoked is known to its fake alone, and this one has been pickled; "
            "ask where the fake is: fake.history(user)"
        )


@read_only(
    revoked="fake.revoke(token) revokes it, and fake.issue_token(user, revoked=True) makes one that is revoked",
    expires_at="fake.issue_token(user, expires_at=…) makes one that expires, and fake.clock.advance(…) makes it expire",
    jti="a token stays as it is; fake.issue_token(user, jti=…) makes another",
)
@dataclass(frozen=True, slots=True)
class Token:
    """A token and its record in a user's history. `revoked` and `updated_at` are looked up; all else never changes.

    A Token can be pickled, with its JWT in it; what comes of that cannot tell whether it is revoked.

    `id` and `user_id` are those of the record, 24 hex digits in lower case; `jti` that of the JWT. Times are aware
    datetimes in UTC:
    `created_at` in whole milliseconds, `expires_at` in whole seconds, or None for a token that never expires.
    """

    id: str
    jti: str
    created_at: datetime
    expires_at: datetime | None
    _record: Record = field(repr=False, compare=False)
    _state: Home = field(repr=False, compare=False)

    @property
    def user_id(self) -> str:
        """The id of the user whose token it is."""
        return self._record.user_id

    @property
    def revoked(self) -> bool:
        """Whether the token is revoked now. Raises NotFound once the fake has forgotten the token."""
        return self._state.current(self._record).revoked

    @property
    def updated_at(self) -> datetime:
        """When the record changed last, in whole milliseconds: when it was revoked, or else created."""
        return moment(self._state.current(self._record).updated_ms)

    @property
    def jwt(self) -> str:
        """The signed token, without a scheme word. Raises NotFound once the fake has forgotten the token."""
        return self._state.jwt(self._record)

    @property
    def authorization(self) -> str:
        """The value of an `Authorization` header that carries this token: `JWT eyJ…`."""
        return f"JWT {self.jwt}"

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        home = _Elsewhere(self.jwt)
        return Token, (self.id, self.jti, self.created_at, self.expires_at, self._record, home)


def token_of(record: Record, state: Home) -> Token:
    """The token that a record is about."""
    expires_at = None if record.expires_ms is None else moment(record.expires_ms)
    return Token(hex_id(record.id), record.jti, moment(record.created_ms), expires_at, record, state)


class UnknownJti(NotFound, KeyError):
    """No token has this jti. A KeyError too, because the tokens are a mapping."""

    __str__ = Exception.__str__

    def __init__(self, jti: object) -> None:
        if not isinstance(jti, str):
            super().__init__(f"expected a jti, which is text, got {phrase(type(jti))}")
            return
        # Redacted, because a whole token is easily given for its jti.
        super().__init__(f"this fake holds no token with the jti {redacted(repr(jti))}; issue_token makes tokens")


class TokensByJti(OnlyOnce, Mapping[str, Token]):
    """The tokens of a fake, by their jtis, in the order they were issued."""

    def __init__(self, state: Holder) -> None:
        self._state = state

    def __getitem__(self, jti: str) -> Token:
        if not isinstance(jti, str):
            raise UnknownJti(jti)
        with self._state.lock:
            record = self._state.history.by_jti(jti)
        if record is None or record.is_phantom:
            raise UnknownJti(jti)
        return token_of(record, self._state)

    def __iter__(self) -> Iterator[str]:
        with self._state.lock:
            return iter([record.jti for record in self._state.history if not record.is_phantom])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __repr__(self) -> str:
        return f"<{len(self)} tokens>"


class UnknownUser(NotFound, KeyError):
    """No user has this e-mail address. A KeyError too, because the users are a mapping."""

    # A KeyError would show the representation of its message.
    __str__ = Exception.__str__


class UsersByEmail(OnlyOnce, Mapping[str, User]):
    """The users of a fake, by their e-mail addresses, in the order they were added."""

    def __init__(self, state: Holder) -> None:
        self._state = state

    def __getitem__(self, email: str) -> User:
        if not isinstance(email, str):
            raise UnknownUser(f"expected an e-mail address, got {phrase(type(email))}")
        user = self._state.users.by_email(email)
        if user is None:
            named = [*islice(self, _MOST_NAMED), *(["…"] if len(self) > _MOST_NAMED else [])]
            hint = nearest(email, named) if named else "; add_user makes users"
            raise UnknownUser(redacted(f"there is no user {email!r}{hint}"))
        return user

    def __contains__(self, email: object) -> bool:
        return isinstance(email, str) and self._state.users.by_email(email) is not None

    def __iter__(self) -> Iterator[str]:
        with self._state.lock:
            return iter([user.email for user in self._state.users])

    def __len__(self) -> int:
        return len(self._state.users)

    def __repr__(self) -> str:
        return f"<users {list(self)}>"
