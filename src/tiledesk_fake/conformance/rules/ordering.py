"""The order of a list. Only reads."""

from itertools import pairwise
from typing import Any

from ..examination import Examination
from ..judging import Record, expect
from ..outcome import Broken
from ..reply import Reply
from .rule import LISTING, Brake, Family, assumption

family = Family()
rule = family.rule


def _value(record: Record, field: str) -> Any:
    # A missing value sorts before all others; text sorts by its code points, as in a database without a collation.
    value = record.get(field)
    return (value is not None, value if value is not None else 0)


def _names(records: list[Record], field: str) -> str:
    return ", ".join(f"{record.get(field)} ({record['_id'][-6:]})" for record in records)


def _check_sorted(exam: Examination, field: str, direction: int) -> None:
    pages = exam.pages(exam.query(sort=field, direction=direction))
    records = [record for page in pages for record in page.records]
    natural = _natural(exam) if exam.profile.tie_order == "natural" else None
    for page in pages:
        for before, after in pairwise(page.records):
            _check_pair(field, direction, natural, before, after, reply=page.reply)
    for before, after in pairwise(records):
        _check_pair(field, direction, natural, before, after, reply=pages[-1].reply)


def _natural(exam: Examination) -> dict[str, int]:
    """The place of each record in the order of issue: that of a list in which all tie."""
    ids = (record["_id"] for record in exam.records(exam.query(sort="id_user", direction=1)))
    return {id: place for place, id in enumerate(ids)}


def _check_pair(field: str, direction: int, natural: dict[str, int] | None, *pair: Record, reply: Reply) -> None:
    before, after = pair
    way = "ascending" if direction == 1 else "descending"
    tied = before.get(field) == after.get(field)
    try:
        if not tied:
            expected, right = f"{field} {way}", (_value(before, field) < _value(after, field)) == (direction == 1)
        elif natural is None:
            expected, right = f"{field} {way}, ties by _id alike", (before["_id"] < after["_id"]) == (direction == 1)
        else:
            expected = f"{field} {way}, ties as by id_user"
            right = natural.get(before["_id"], -1) < natural.get(after["_id"], len(natural))
    except TypeError:
        raise Broken(f"values of one type in {field}", _names([before, after], field), reply) from None
    expect(right, expected, reply, _names([before, after], field), rule="order-of-ties" if tied else None)


def _two(exam: Examination) -> None:
    exam.tokens.need(2, found=len(exam.page().records))


@rule(
    "order-ascending",
    "With direction 1 the list ascends, whatever field it is sorted by.",
    "components",
    "parameters",
    "direction",
    brake=Brake.NONE,
)
def order_ascending(exam: Examination) -> None:
    _two(exam)
    for field in exam.sort_fields:
        _check_sorted(exam, field, 1)


@rule(
    "order-descending",
    "With direction -1 the list descends, whatever field it is sorted by.",
    "components",
    "parameters",
    "direction",
    brake=Brake.NONE,
)
def order_descending(exam: Examination) -> None:
    _two(exam)
    for field in exam.sort_fields:
        _check_sorted(exam, field, -1)


@rule(
    "order-of-ties",
    "Records that tie are ordered as the profile says: by _id in the same direction, or in one order always.",
    *assumption("tie-order"),
    brake=Brake.NONE,
)
def order_of_ties(exam: Examination) -> None:
    _two(exam)
    # All records of a user tie in these.
    for field in ("id_user", "__v"):
        for direction in (1, -1):
            _check_sorted(exam, field, direction)


@rule(
    "order-reversed",
    "Ascending is descending reversed, but for what ties in one order always.",
    *LISTING,
    brake=Brake.NONE,
    level="assumed",
)
def order_reversed(exam: Examination) -> None:
    exam.needs_whole(exam.pages())
    for field in exam.sort_fields:
        # With ties in one order always, only what they tie in is reversed.
        shown = "_id" if exam.profile.tie_order == "id" else field
        up = [record.get(shown) for record in exam.records(exam.query(sort=field, direction=1))]
        down = [record.get(shown) for record in exam.records(exam.query(sort=field, direction=-1))]
        reply = exam.listed(exam.query(sort=field, direction=1))
        expect(
            up == down[::-1],
            f"by {field}, ascending to be descending reversed",
            reply,
            f"{up[:3]}… and {down[::-1][:3]}…",
        )


@rule("order-of-all", "Every order lists the same records.", *LISTING, brake=Brake.NONE, level="assumed")
def order_of_all(exam: Examination) -> None:
    pages = exam.pages()
    exam.needs_whole(pages)
    expected = {id for page in pages for id in page.ids}
    for field in exam.sort_fields:
        for direction in (1, -1):
            found = exam.pages(exam.query(sort=field, direction=direction))
            got = {id for page in found for id in page.ids}
            words = f"{len(got)} records, {len(expected - got)} missing, {len(got - expected)} foreign"
            expect(got == expected, f"the {len(expected)} records of the default order", found[0].reply, words)


@rule(
    "order-default-direction",
    "Without a direction the list descends.",
    "components",
    "schemas",
    "SortDirection",
    brake=Brake.NONE,
)
def order_default_direction(exam: Examination) -> None:
    _two(exam)
    for field in ("createdAt", "_id"):
        plain = exam.page(exam.query(sort=field))
        descending = exam.page(exam.query(sort=field, direction=-1))
        expect(plain.ids == descending.ids, f"by {field}, the order of direction=-1", plain.reply)


@rule(
    "order-default-field",
    "Without a sort field the list is sorted by createdAt.",
    "components",
    "schemas",
    "SortField",
    brake=Brake.NONE,
)
def order_default_field(exam: Examination) -> None:
    _two(exam)
    for direction in (1, -1):
        plain = exam.page(exam.query(direction=direction))
        sorted_ = exam.page(exam.query(sort="createdAt", direction=direction))
        expect(plain.ids == sorted_.ids, "the order by createdAt", plain.reply)


@rule(
    "other-parameters-ignored",
    "A query parameter that the contract does not name is ignored.",
    *assumption("sort-parameter"),
    brake=Brake.NONE,
)
def other_parameters_ignored(exam: Examination) -> None:
    plain = exam.page(exam.query(direction=1))
    other = "sort" if exam.names["sortField"] == "sortField" else "sortField"
    for query in (*(f"{other}={field}" for field in ("jti", "updatedAt", "nothing")), "limit=1", "skip=1", "Page=7"):
        page = exam.as_page(exam.listed(exam.query(direction=1, more=query)))
        expect(page.ids == plain.ids, f"the same list with {query}", page.reply)


RULES = family.rules
