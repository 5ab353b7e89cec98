"""The history: the records of all tokens, each in its user's order.

Knows no HTTP, no JWT and no name that goes over the wire. Not safe for threads by itself; its fake's one lock is held
around every call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from sortedcontainers import SortedList

from ..errors import AlreadyExists, MisuseError
from .ids import hex_id


class Record(NamedTuple):
    """One token in a history; times are milliseconds since 1970. A changed record is a new one.

    Creation and id come first, so that records compare in the default order without a key: a million keys would cost
    as much memory as the records.
    """

    created_ms: int
    id: int
    jti: str
    user_id: str
    expires_ms: int | None = None
    revoked_ms: int | None = None

    @property
    def revoked(self) -> bool:
        """Whether the token is revoked."""
        return self.revoked_ms is not None

    @property
    def updated_ms(self) -> int:
        """When the record changed last: when it was revoked, or else created."""
        return self.created_ms if self.revoked_ms is None else self.revoked_ms


class Page(NamedTuple):
    """One page: the number of records over all pages, and the records on this one."""

    total: int
    records: list[Record]


# What each sort field orders by; the id breaks ties. All of one user's records share user_id and version.
_KEYS: dict[str, Callable[[Record], object] | None] = {
    "created_at": None,
    "updated_at": lambda record: (record.updated_ms, record.id),
    "expires_at": lambda record: (record.expires_ms is not None, record.expires_ms or 0, record.id),
    "jti": lambda record: (record.jti, record.id),
    "id": lambda record: record.id,
    "user_id": lambda record: record.id,
    "revoked": lambda record: (record.revoked, record.id),
    "version": lambda record: record.id,
}

SORT_FIELDS = tuple(_KEYS)
"""The fields that a history can be sorted by. A field that a record lacks sorts before every value."""

_DEFAULT = ("created_at", False)

# Of one fake, about a gigabyte; a loop that never ends should end before the memory does.
MOST_TOKENS = 2_000_000


class History:
    """The records of one fake, by jti, by id, and by user in any order.

    An order is built when it is first asked for and kept from then on, so that a page costs the same however long the
    history is.
    """

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self._by_jti: dict[str, Record] = {}
        self._by_id: dict[int, Record] = {}
        # By user, then by sort field and whether revoked records are left out.
        self._orders: dict[str, dict[tuple[str, bool], SortedList[Record]]] = {}
        for record in records:
            self.add(record)

    def add(self, record: Record) -> None:
        """Add a record; raises AlreadyExists if its jti or id is taken, by whichever user.

        Raises MisuseError past MOST_TOKENS.
        """
        if record.jti in self._by_jti:
            raise AlreadyExists(f"there is a token with the jti {record.jti!r} already")
        if record.id in self._by_id:
            raise AlreadyExists(f"there is a token with the id {hex_id(record.id)} already")
        if len(self._by_id) >= MOST_TOKENS:
            raise MisuseError(f"expected at most {MOST_TOKENS:,} tokens in one fake; reset() it, or make another")
        self._by_jti[record.jti] = self._by_id[record.id] = record
        orders = self._orders.get(record.user_id)
        if orders is None:
            orders = self._orders[record.user_id] = {_DEFAULT: SortedList()}
        for (_, without_revoked), order in orders.items():
            if not (without_revoked and record.revoked):
                order.add(record)

    def by_jti(self, jti: str) -> Record | None:
        """The record with exactly this jti, None if there is none."""
        return self._by_jti.get(jti)

    def by_id(self, id: int) -> Record | None:
        """The record with this id, None if there is none."""
        return self._by_id.get(id)

    def is_revoked(self, jti: str) -> bool:
        """Whether a token with this jti is in a history and revoked."""
        record = self._by_jti.get(jti)
        return record is not None and record.revoked

    def of(self, user_id: str) -> list[Record]:
        """All records of a user, the newest first."""
        return list(reversed(self._order(user_id, _DEFAULT)))

    def page(
        self, user_id: str, field: str, *, descending: bool, start: int, size: int, without_revoked: bool = False
    ) -> Page:
        """`size` records of a user from position `start`, ordered by `field`, ties by id in the same direction."""
        order = self._order(user_id, (field, without_revoked))
        return Page(len(order), _slice(order, start, size, descending=descending))

    def revoke(self, record: Record, at_ms: int) -> Record:
        """The record, revoked at this time; one that is revoked already stays as it is."""
        if record.revoked:
            return record
        revoked = Record(*record[:-1], at_ms)
        self._by_jti[record.jti] = self._by_id[record.id] = revoked
        for (_, without_revoked), order in self._orders[record.user_id].items():
            order.remove(record)
            if not without_revoked:
                order.add(revoked)
        return revoked

    def _order(self, user_id: str, kind: tuple[str, bool]) -> SortedList[Record]:
        orders = self._orders.get(user_id)
        if orders is None:
            return SortedList()
        if kind not in orders:
            field, without_revoked = kind
            records = (record for record in orders[_DEFAULT] if not (without_revoked and record.revoked))
            orders[kind] = SortedList(records, key=_KEYS[field])
        return orders[kind]

    def __iter__(self) -> Iterator[Record]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __repr__(self) -> str:
        return f"<History of {len(self)} tokens of {len(self._orders)} users>"


def _slice(order: SortedList[Record], start: int, size: int, *, descending: bool) -> list[Record]:
    count = len(order)
    if start >= count:
        return []
    if descending:
        records: list[Record] = order[max(0, count - start - size) : count - start]
        return records[::-1]
    page: list[Record] = order[start : start + size]
    return page
