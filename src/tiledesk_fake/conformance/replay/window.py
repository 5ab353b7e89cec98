"""A page of a list as a window on tokens of which not all are known: what cannot be so?

Right is a page that is in order, misses no known token between its first and its last, has no more known tokens before
and after it than there is room for, and is as long as the number of tokens says.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from ...contract import Contract
from ...core.clock import LATEST_MS
from ...core.ids import hex_id
from ...web.wire import FIELDS
from ..forms import problem_under
from .exchange import Exchange
from .known import SLACK_MS, Knowledge, Known, Shown, Tokens, shown, value_of

_MOVED_BY_REVOCATION = ("updated_at", "revoked")
_UNIQUE = ("id", "jti")

Place = tuple[Any, int]
"""The value that a list is sorted by, and the id."""


class Page(NamedTuple):
    """The records of a recorded page, and `told`, the number of all tokens, where the answer says that."""

    records: list[Shown]
    told: int | None


class Unreadable(Exception):
    """The body is no page; the text says why."""


def page_of(body: Any, contract: Contract, form: Any) -> Page:
    """The page in the body of a list that is judged by this form. Raises Unreadable."""
    if wrong := problem_under(body, form):
        raise Unreadable(wrong)
    key = contract.profile.list_envelope
    records = body if key == "bare" else body[key]
    read = [shown(record) for record in records]
    for record in read:
        if record is None or not 0 <= record.created_ms <= LATEST_MS:
            raise Unreadable("a record has a time that is none")
    return Page([record for record in read if record], None if key == "bare" else body["count"])


class Window:
    """Judges one page of one user, under one profile."""

    def __init__(
        self, known: Knowledge, contract: Contract, exchange: Exchange, values: Mapping[str, Any], owner: str | None
    ) -> None:
        self._known = known
        self._contract = contract
        self._profile = contract.profile
        self._exchange = exchange
        self._owner = owner
        field = values["sortField"]
        self._field = None if field is None else FIELDS[field]
        self._descending = values["direction"] < 0
        self._start = int((values["page"] - contract.first_page) * contract.page_size)
        self._natural = self._field is None or (self._profile.tie_order == "natural" and self._field not in _UNIQUE)

    def wrong(self, page: Page) -> str:
        """The contradiction in a page; empty if there is none."""
        return (
            next(filter(None, map(self._wrong_record, page.records)), "")
            or self._wrong_order(page.records)
            or self._wrong_length(page)
            or self._wrong_place(page)
        )

    def tied(self, page: Page) -> list[tuple[int, int]]:
        """The ids of neighbours that tie, where the order in which they are shown is that of issue."""
        if not self._natural:
            return []
        pairs = pairwise(page.records)
        return [(one.id, other.id) for one, other in pairs if self._value(one) == self._value(other)]

    def _wrong_record(self, record: Shown) -> str:
        name = hex_id(record.id)
        if self._owner is not None and record.owner != self._owner:
            return f"{name}: expected tokens of the caller alone, got one of another user"
        if record.updated_ms < record.created_ms and record.created_ms <= self._exchange.at_ms + SLACK_MS:
            return f"{name}: expected it to be changed after it was created, got it before"
        if record.revoked and self._profile.revoked_listed == "no":
            return f"{name}: expected no revoked token in a list"
        known = self._known.by_id.get(record.id)
        if known is None or (known.first_number == self._exchange.number and known.first == record):
            return ""
        return self._wrong_change(name, known, record)

    def _wrong_change(self, name: str, known: Known, record: Shown) -> str:
        if known.first.fixed != record.fixed:
            return f"{name}: expected revoked and updatedAt to change alone, got other changes"
        touched = self._profile.revoke_again == "touched"
        revoked, updated_ms = known.state(self._exchange.at_ms, touched=touched, others=self._known.others)
        if revoked is True and not record.revoked:
            return f"{name}: expected it to be revoked, since it was before"
        if revoked is False and record.revoked:
            return f"{name}: expected it not to be revoked, since nobody revoked it"
        if revoked is record.revoked and updated_ms is not None and record.updated_ms != updated_ms:
            return f"{name}: expected the same updatedAt as before, since nobody changed it"
        if revoked and known.about_ms and not self._known.others:
            first_ms, last_ms = known.about_ms
            if not first_ms <= record.updated_ms <= last_ms:
                return f"{name}: expected updatedAt to be when it was revoked"
        return ""

    def _wrong_order(self, records: Sequence[Shown]) -> str:
        if len({record.id for record in records}) < len(records):
            return "expected each token once, got one twice"
        for one, other in pairwise(records):
            values = self._value(one), self._value(other)
            if values[0] == values[1]:
                if self._natural and (other.id, one.id) in self._known.before:
                    return f"{hex_id(other.id)}: expected it before {hex_id(one.id)}, as in another list"
                if self._natural:
                    continue
                values = one.id, other.id
            if (values[0] > values[1]) is not self._descending:
                by = self._field
                return f"expected the order by {by}, got {hex_id(one.id)} before {hex_id(other.id)}"
        return ""

    def _wrong_length(self, page: Page) -> str:
        size, got = self._contract.page_size, len(page.records)
        if page.told is None:
            return f"expected at most {size} records, got {got}" if got > size else ""
        expected = min(size, max(0, page.told - self._start))
        if got != expected:
            return f"expected {expected} records on this page, since there are {page.told} tokens; got {got}"
        before = self._known.counted.get(self._owner or "")
        if self._owner and before is not None and page.told < before and self._profile.revoked_listed == "yes":
            return f"expected at least {before} tokens, as there were before; got {page.told}"
        return ""

    def _wrong_place(self, page: Page) -> str:
        """Whether the tokens that are surely there have room before, on and after the page."""
        tokens = self._known.by_owner.get(self._owner or "") or Tokens()
        tokens.come(self._exchange.at_ms)
        if self._field in _MOVED_BY_REVOCATION or self._profile.revoked_listed == "no":
            there, order, is_whole = self._listed_now(tokens)
        else:
            there, order, is_whole = tokens.there.keys(), tokens.order(self._field or "id"), True
        on_page = sum(record.id in there for record in page.records)
        total = len(there) + len(page.records) - on_page
        if page.told is not None and page.told < total:
            return f"expected at least {total} tokens, since so many are known; got {page.told}"
        is_last = page.told is None and len(page.records) < self._contract.page_size
        if not page.records:
            if is_last and len(there) > self._start:
                return f"expected records on this page, since {len(there)} tokens are known; got none"
            return ""
        if self._field is None:
            return ""
        return self._wrong_room(page, order, total=total, is_last=is_last, is_whole=is_whole)

    def _wrong_room(self, page: Page, order: list[Place], *, total: int, is_last: bool, is_whole: bool) -> str:
        ends = [page.records[0], page.records[-1]]
        lowest, highest = ends[::-1] if self._descending else ends
        low, high = self._value(lowest), self._value(highest)
        if self._natural:
            # Among those that tie with the first or the last, nobody knows.
            begin, end = bisect_left(order, (low,)), bisect_right(order, (high, math.inf))
            inner = order[bisect_right(order, (low, math.inf)) : bisect_left(order, (high,))]
        else:
            begin, end = bisect_left(order, (low, lowest.id)), bisect_right(order, (high, highest.id))
            inner = order[begin:end]
        on_page = {record.id for record in page.records}
        for _, id in inner:
            if id not in on_page:
                return f"{hex_id(id)}: expected it on this page, since it lies between its first and last"
        before, after = (len(order) - end, begin) if self._descending else (begin, len(order) - end)
        if before > self._start:
            return f"expected {self._start} tokens before this page, got {before} that are known and belong there"
        if is_last and after:
            return f"expected {after} more tokens, which are known and belong here"
        if page.told is None:
            return ""
        if after > page.told - self._start - len(page.records):
            return f"expected fewer tokens after this page, got {after} that are known and belong there"
        unseen = page.told - total
        if self._start - before > unseen and is_whole and not self._natural:
            return f"expected {self._start} tokens before this page, got {before} and {unseen} that were never shown"
        return ""

    def _listed_now(self, tokens: Tokens) -> tuple[Collection[int], list[Place], bool]:
        """The tokens that are surely listed, in order as far as their values are known."""
        at_ms, others = self._exchange.at_ms, self._known.others
        touched = self._profile.revoke_again == "touched"
        there: dict[int, None] = {}
        order: list[Place] = []
        for id, each in tokens.there.items():
            revoked, updated_ms = each.state(at_ms, touched=touched, others=others)
            if self._profile.revoked_listed == "no" and revoked is not False:
                continue
            there[id] = None
            if self._field not in _MOVED_BY_REVOCATION:
                order.append((value_of(each.first, self._field or "id"), id))
            elif revoked is not None and (updated_ms is not None or self._field == "revoked"):
                now = each.first._replace(revoked=revoked, updated_ms=updated_ms or 0)
                order.append((value_of(now, self._field), id))
        order.sort()
        return there.keys(), order, len(order) == len(there)

    def _value(self, record: Shown) -> Any:
        return 0 if self._field is None else value_of(record, self._field)
