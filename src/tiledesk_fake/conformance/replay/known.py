"""What a recording has told of users and tokens; it follows the traffic, never what a fake would have done."""

import math
from bisect import insort
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from ...core.clock import milliseconds
from ...core.history import Record
from ...core.ids import OBJECT_ID
from ...core.users import User
from ...errors import MisuseError
from ...web.wire import FIELDS
from .presented import Presented, Token

SLACK_MS = 1_500
"""Clocks may differ by this much."""

_NAMES = {ours: theirs for theirs, ours in FIELDS.items()}
NOBODY = "-"
"""The id of a user who is nobody known."""
_AN_ID = "5e0000000000000000000001"


class Shown(NamedTuple):
    """A record as an answer shows it; `version` is whatever stands there."""

    id: int
    jti: str
    owner: str
    revoked: bool
    created_ms: int
    updated_ms: int
    expires_ms: int | None
    version: Any

    @property
    def fixed(self) -> tuple[Any, ...]:
        """All that a revocation leaves as it is."""
        return self.id, self.jti, self.owner, self.created_ms, self.expires_ms, self.version


def shown(record: Any) -> Shown | None:
    """A record in an answer, None if it is none. One of nobody has no owner, and perhaps no jti."""
    if not isinstance(record, dict):
        return None
    try:
        return _shown(tuple(map(record.get, _IN_ORDER)))
    except TypeError:
        # A list or an object in the place of a text.
        return None


_IN_ORDER = tuple(
    _NAMES[name] for name in ("id", "jti", "user_id", "revoked", "created_at", "updated_at", "expires_at", "version")
)


# Lists show the same records over and over.
@lru_cache(maxsize=65_536, typed=True)
def _shown(values: tuple[Any, ...]) -> Shown | None:
    id, jti, owner, revoked, created, updated, expires, version = values
    created_ms, updated_ms = time_of(created), time_of(updated)
    if not isinstance(id, str) or not OBJECT_ID.fullmatch(id) or not isinstance(revoked, bool):
        return None
    if created_ms is None or updated_ms is None:
        return None
    return Shown(
        int(id, 16),
        jti if isinstance(jti, str) else "",
        owner if isinstance(owner, str) else "",
        revoked,
        created_ms,
        updated_ms,
        time_of(expires),
        version,
    )


def time_of(text: Any) -> int | None:
    """The milliseconds since 1970 of a time in an answer; None for what is no time."""
    try:
        return milliseconds(datetime.fromisoformat(text))
    except (TypeError, ValueError, OverflowError, MisuseError):
        return None


@dataclass(slots=True)
class Known:
    """A token of which the recording shows the record.

    `revoked` is None where that is not known now; `updated_ms` is None where it is not known to the millisecond, and
    then `about_ms` when it was, with how far that may be wrong. `seen` is whether it was shown until now.
    """

    first: Shown
    first_number: int
    revoked: bool | None = None
    updated_ms: int | None = None
    about_ms: tuple[int, int] | None = None
    seen: bool = False
    seen_at_ms: int = 0

    def state(self, at_ms: int, *, touched: bool, others: bool) -> tuple[bool | None, int | None]:
        """Whether the token is revoked now, and since when: None for what is not known."""
        if self.seen or self.revoked is not None:
            if others and (touched or self.revoked is not True):
                return self.revoked or None, None
            return self.revoked, self.updated_ms
        first = self.first
        if not first.revoked:
            return (None, None) if others else (False, first.updated_ms)
        if at_ms > first.updated_ms + SLACK_MS:
            return True, first.updated_ms
        if at_ms < first.updated_ms - SLACK_MS and not touched:
            return False, None
        return None, None

    def exists(self, at_ms: int) -> bool:
        """Whether it surely is there now."""
        return self.seen or self.first.created_ms < at_ms - SLACK_MS

    def record(self, revoked_ms: int | None) -> Record:
        """The record as a fake holds it."""
        first = self.first
        return Record(first.created_ms, first.id, first.jti, first.owner, first.expires_ms, revoked_ms)


class Tokens:
    """The tokens of one user that the recording shows, those that surely are there in the orders that never change."""

    def __init__(self) -> None:
        self._coming: list[Known] = []
        self.there: dict[int, Known] = {}
        self._orders: dict[str, list[tuple[Any, int]]] = {}

    def __len__(self) -> int:
        return len(self._coming) + len(self.there)

    def add(self, known: Known) -> None:
        """Add one that may not be there yet."""
        self._coming.append(known)

    def come(self, at_ms: int) -> None:
        """Let those be there that surely are by now."""
        if self._coming:
            come = [each for each in self._coming if each.exists(at_ms)]
            self._coming = [each for each in self._coming if not each.exists(at_ms)]
            for each in come:
                self.there[each.first.id] = each
                for field_name, order in self._orders.items():
                    insort(order, (value_of(each.first, field_name), each.first.id))

    def order(self, field_name: str) -> list[tuple[Any, int]]:
        """The values of a field that never changes, each with its id, ascending."""
        if field_name not in self._orders:
            pairs = ((value_of(each.first, field_name), each.first.id) for each in self.there.values())
            self._orders[field_name] = sorted(pairs)
        return self._orders[field_name]


def value_of(record: Shown, field_name: str) -> Any:
    """What a list that is sorted by a field orders a record by."""
    match field_name:
        case "created_at":
            return record.created_ms
        case "updated_at":
            return record.updated_ms
        case "expires_at":
            return -math.inf if record.expires_ms is None else record.expires_ms
        case "jti":
            return record.jti
        case "id":
            return record.id
        case "revoked":
            return int(record.revoked)
    return 0


@dataclass(slots=True)
class Knowledge:
    """All that a recording has told.

    What `survey` finds is of the whole file, the rest of what came before the exchange at hand. `others` is whether
    somebody may revoke tokens of whom the file does not tell.
    """

    others: bool = False
    base_path: str = ""
    has_credentials: bool = False
    has_signatures: bool = False
    let_in: set[str] = field(default_factory=set)
    signature_of: dict[str, str] = field(default_factory=dict)
    signed_by: dict[str, str] = field(default_factory=dict)
    guessed: bytes | bool | None = False
    password_of: dict[str, str] = field(default_factory=dict)
    id_of: dict[str, str] = field(default_factory=dict)
    """The id of the user, by the address, the number or the whole header."""
    address_of: dict[str, str] = field(default_factory=dict)
    """The address that a user signs in by, or calls with, by the id."""
    by_id: dict[int, Known] = field(default_factory=dict)
    by_jti: dict[str, Known] = field(default_factory=dict)
    by_owner: dict[str, "Tokens"] = field(default_factory=dict)
    revoked_jti: dict[str, bool | None] = field(default_factory=dict)
    """Whether a jti that no answer shows is revoked."""
    counted: dict[str, int] = field(default_factory=dict)
    """The number of tokens that a list told last, by user."""
    before: set[tuple[int, int]] = field(default_factory=set)
    """Pairs of records that tie, in the order in which they were shown."""

    def meet(self, record: Shown, number: int) -> Known:
        """The token of a record, which is a new one unless it was met before."""
        known = self.by_id.get(record.id)
        if known is None:
            known = self.by_id[record.id] = Known(record, number)
            if record.jti:
                self.by_jti.setdefault(record.jti, known)
            if record.owner:
                self.by_owner.setdefault(record.owner, Tokens()).add(known)
        return known

    def is_forged(self, token: Token) -> bool:
        """Whether a token cannot be genuine, going by what else was let in."""
        if not token.algorithm:
            return True
        if not token.signature:
            return self.has_signatures
        if self.signature_of.get(token.signed, token.signature) != token.signature:
            return True
        if not token.has_real_signature:
            return False
        if self.signed_by.get(token.signature, token.signed) != token.signed:
            return True
        guess = token.guessed_secret()
        return guess is not None and self.guessed is not False and guess != self.guessed

    def user_id(self, given: Presented) -> str | None:
        """The id of whoever presents these credentials; None where nothing tells it."""
        if given.token is not None and not given.basic and given.number is None:
            id = given.token.claims.get("_id")
            return id if isinstance(id, str) else None
        return self.id_of.get(self.name(given))

    def link(self, given: Presented, id: str) -> None:
        """Note that the owner of these credentials has this id, unless another address has it."""
        if given.basic and self.address_of.setdefault(id, given.basic[0]) != given.basic[0]:
            id = NOBODY
        self.id_of.setdefault(self.name(given), id)

    @staticmethod
    def name(given: Presented) -> str:
        """The key that distinguishes users, if no token names them."""
        return given.basic[0] if given.basic else given.number or given.header or ""


def user(id: str | None, email: str = "", password: str | None = None) -> User:
    """A user for a fake; with an id of no meaning where none is known."""
    known = id.lower() if id and OBJECT_ID.fullmatch(id) else _AN_ID
    return User(known, email or f"{known}@replay.invalid", password)
