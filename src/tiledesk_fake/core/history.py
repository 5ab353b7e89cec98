"""The history: the records of all tokens, each in its user's order.

Knows no HTTP, no JWT and no name that goes over the wire. Not safe for threads by itself; its fake's one lock is held
around every call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any, Literal, NamedTuple

from sortedcontainers import SortedList

from ..errors import AlreadyExists, MisuseError
from .ids import hex_id


class Record(NamedTuple):
    """One token in a history; times are milliseconds since 1970. A changed record is a new one.

    A phantom, which the revocation of an unknown token made, has no user, and no jti unless that was its key: both are
    empty then.

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
    def is_phantom(self) -> bool:
        """Whether it is nobody's."""
        return not self.user_id

    @property
    def updated_ms(self) -> int:
        """When the record changed last: when it was revoked, or else created."""
        return self.created_ms if self.revoked_ms is None else self.revoked_ms


class Page(NamedTuple):
    """One page: the number of records over all pages, and the records on this one, which nobody may change."""

    total: int
    records: list[Record]


Ties = Literal["id", "natural"]

# What each sort field orders by. A field that a record lacks sorts before every value; all of one user's records share
# user_id and version, and no two records share id or jti.
_VALUES: dict[str, Callable[[Record], Any]] = {
    "created_at": lambda record: record.created_ms,
    "updated_at": lambda record: record.updated_ms,
    "expires_at": lambda record: -math.inf if record.expires_ms is None else record.expires_ms,
    "jti": lambda record: record.jti,
    "id": lambda record: record.id,
    "user_id": lambda record: 0,
    "revoked": lambda record: int(record.revoked),
    "version": lambda record: 0,
}
_UNIQUE = ("id", "jti")

SORT_FIELDS = tuple(_VALUES)
"""The fields that a history can be sorted by."""


class _Order(NamedTuple):
    """An order that is kept: by a field, None for that of issue, ascending or not, with the revoked records or not."""

    field: str | None
    ties: Ties = "id"
    descending: bool = False
    without_revoked: bool = False


_DEFAULT = _Order("created_at")

# Of one fake, about a gigabyte; a loop that never ends should end before the memory does.
MOST_TOKENS = 2_000_000


class History:
    """The records of one fake, by jti, by id, and by user in any order.

    An order is built when it is first asked for and kept from then on, so that a page costs the same however long the
    history is. `ties` says in which order records are that tie in the field they are sorted by: by id in the direction
    of the list, or as they were added, whatever the direction.
    """

    def __init__(self, records: Iterable[Record] = (), ties: Ties = "id") -> None:
        self._ties = ties
        self._by_jti: dict[str, Record] = {}
        # In the order in which they were added.
        self._by_id: dict[int, Record] = {}
        # By id, the place of each record in the order of issue; None until it is asked for.
        self._places: dict[int, int] | None = None
        self._next_place = count()
        self._orders: dict[str, dict[_Order, SortedList[Record]]] = {}
        # The users who have a revoked token; nothing takes a revocation back.
        self._with_revoked: set[str] = set()
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
        if self.is_full:
            raise MisuseError(f"expected at most {MOST_TOKENS:,} tokens in one fake; reset() it, or make another")
        self._hold(record)
        if self._places is not None:
            self._places[record.id] = next(self._next_place)
        if record.is_phantom:
            return
        orders = self._orders.get(record.user_id)
        if orders is None:
            orders = self._orders[record.user_id] = {_DEFAULT: SortedList()}
        for order, records in orders.items():
            if not (order.without_revoked and record.revoked):
                records.add(record)

    def _hold(self, record: Record) -> None:
        self._by_id[record.id] = record
        if record.jti:
            self._by_jti[record.jti] = record
        if record.revoked:
            self._with_revoked.add(record.user_id)

    @property
    def is_full(self) -> bool:
        """Whether no more records can be added."""
        return len(self._by_id) >= MOST_TOKENS

    def by_jti(self, jti: str) -> Record | None:
        """The record with exactly this jti, None if there is none."""
        return self._by_jti.get(jti)

    def by_id(self, id: int) -> Record | None:
        """The record with this id, None if there is none."""
        return self._by_id.get(id)

    def has_revoked(self, user_id: str) -> bool:
        """Whether any token of a user is revoked."""
        return user_id in self._with_revoked

    def is_revoked(self, jti: str) -> bool:
        """Whether a token with this jti is in a history and revoked."""
        record = self._by_jti.get(jti)
        return record is not None and record.revoked

    def of(self, user_id: str) -> list[Record]:
        """All records of a user, the newest first."""
        return list(reversed(self._kept(user_id, _DEFAULT)))

    def page(
        self, user_id: str, field: str | None, *, descending: bool, start: int, size: int, without_revoked: bool = False
    ) -> Page:
        """`size` records of a user from position `start`, ordered by `field`; in the order of issue if it is None."""
        order, backwards = self._order(field, descending, without_revoked)
        records = self._kept(user_id, order)
        return Page(len(records), _slice(records, start, size, backwards=backwards))

    def may_tie(self, user_id: str, field: str | None) -> bool:
        """Whether the user has more than one record, and they are sorted by a field that two of them can share."""
        return field is not None and field not in _UNIQUE and len(self._kept(user_id, _DEFAULT)) > 1

    def _order(self, field: str | None, descending: bool, without_revoked: bool) -> tuple[_Order, bool]:
        """The order to keep for a list, and whether that is to be read backwards."""
        if field is None:
            return _Order(None, "natural", False, without_revoked), False
        if self._ties == "id" or field in _UNIQUE:
            return _Order(field, "id", False, without_revoked), descending
        # What ties stays in one order, so that the one direction is not the other backwards.
        return _Order(field, "natural", descending, without_revoked), False

    def revoke(self, record: Record, at_ms: int, *, again: bool = False) -> Record:
        """The record, revoked at this time; one that is revoked already stays as it is, unless `again`."""
        if record.revoked and not again:
            return record
        revoked = Record(*record[:-1], at_ms)
        self._hold(revoked)
        for order, records in self._orders[record.user_id].items() if not record.is_phantom else ():
            if not (order.without_revoked and record.revoked):
                records.remove(record)
            if not order.without_revoked:
                records.add(revoked)
        return revoked

    def remove(self, user_id: str) -> list[Record]:
        """Forget all records of a user; they come back."""
        records = self.of(user_id)
        for record in records:
            del self._by_jti[record.jti], self._by_id[record.id]
            if self._places is not None:
                del self._places[record.id]
        self._orders.pop(user_id, None)
        self._with_revoked.discard(user_id)
        return records

    def _kept(self, user_id: str, order: _Order) -> SortedList[Record]:
        orders = self._orders.get(user_id)
        if orders is None:
            return SortedList()
        if order not in orders:
            records = (record for record in orders[_DEFAULT] if not (order.without_revoked and record.revoked))
            orders[order] = SortedList(records, key=self._key(order))
        return orders[order]

    def _key(self, order: _Order) -> Callable[[Record], Any] | None:
        if order.field is None:
            place = self._place_of_each()
            return lambda record: place[record.id]
        value = _VALUES[order.field]
        if order.field in _UNIQUE:
            return value
        if order.ties == "id":
            # Records compare in the default order without a key.
            return None if order.field == _DEFAULT.field else lambda record: (value(record), record.id)
        place, sign = self._place_of_each(), -1 if order.descending else 1
        return lambda record: (sign * value(record), place[record.id])

    def _place_of_each(self) -> dict[int, int]:
        if self._places is None:
            self._places = {id: next(self._next_place) for id in self._by_id}
        return self._places

    def __iter__(self) -> Iterator[Record]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def __repr__(self) -> str:
        return f"<History of {len(self)} tokens of {len(self._orders)} users>"


def _slice(order: SortedList[Record], start: int, size: int, *, backwards: bool) -> list[Record]:
    length = len(order)
    if start >= length:
        return []
    if backwards:
        records: list[Record] = order[max(0, length - start - size) : length - start]
        return records[::-1]
    page: list[Record] = order[start : start + size]
    return page
