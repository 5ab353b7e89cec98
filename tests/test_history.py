"""The order of a history, its pages, and revocation in it."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiledesk_fake import AlreadyExists
from tiledesk_fake.core.history import SORT_FIELDS, History, Page, Record, Ties

ADA, BOB = "5e000000000000000000000a", "5e000000000000000000000b"

FIELDS = st.sampled_from(SORT_FIELDS)
# Few different times, so that ties are common.
FEW_MS = st.integers(0, 3)


@st.composite
def records_of_one_user(draw: st.DrawFn) -> list[Record]:
    ids = draw(st.lists(st.integers(0, 99), unique=True, max_size=12))
    return [
        Record(draw(FEW_MS), id, f"jti-{(id * 37) % 101}", ADA, draw(st.none() | FEW_MS), draw(st.none() | FEW_MS))
        for id in ids
    ]


def everything(history: History, field: str, *, descending: bool, without_revoked: bool = False) -> list[Record]:
    return history.page(ADA, field, descending=descending, start=0, size=1000, without_revoked=without_revoked).records


# What each field orders by, said once more: a missing expiry comes before every expiry.
VALUES: dict[str, Callable[[Record], Any]] = {
    "created_at": lambda record: record.created_ms,
    "updated_at": lambda record: record.created_ms if record.revoked_ms is None else record.revoked_ms,
    "expires_at": lambda record: -1 if record.expires_ms is None else record.expires_ms,
    "jti": lambda record: record.jti,
    "id": lambda record: record.id,
    "user_id": lambda record: 0,
    "revoked": lambda record: record.revoked_ms is not None,
    "version": lambda record: 0,
}


def test_every_sort_field_has_its_values_here() -> None:
    assert set(SORT_FIELDS) == set(VALUES)


@given(records_of_one_user(), FIELDS)
@settings(deadline=None, max_examples=60)
def test_records_are_in_order_and_ties_in_the_order_of_their_ids(records: list[Record], field: str) -> None:
    expected = sorted(records, key=lambda record: (VALUES[field](record), record.id))

    assert everything(History(records), field, descending=False) == expected


@given(records_of_one_user(), FIELDS)
@settings(deadline=None, max_examples=60)
def test_descending_is_ascending_reversed(records: list[Record], field: str) -> None:
    history = History(records)

    assert everything(history, field, descending=True) == everything(history, field, descending=False)[::-1]


@given(records_of_one_user(), FIELDS, st.booleans(), st.booleans(), st.integers(0, 12))
@settings(deadline=None, max_examples=100)
def test_with_natural_ties_what_ties_stays_as_it_was_added_whatever_the_direction(
    records: list[Record], field: str, descending: bool, without_revoked: bool, added_later: int
) -> None:
    at_first = records[: len(records) - added_later] if added_later else records
    history = History(at_first, ties="natural")
    everything(history, field, descending=descending, without_revoked=without_revoked)
    for record in records[len(at_first) :]:
        history.add(record)
    # Python's sort is stable, reversed too.
    expected = sorted(records, key=VALUES[field], reverse=descending)
    if without_revoked:
        expected = [record for record in expected if not record.revoked]

    found = everything(history, field, descending=descending, without_revoked=without_revoked)

    assert found == expected
    assert history.of(ADA) == History(records).of(ADA)


@given(records_of_one_user(), st.sampled_from(["id", "natural"]), st.booleans())
@settings(deadline=None, max_examples=60)
def test_without_a_field_records_are_in_the_order_they_were_added(
    records: list[Record], ties: Ties, descending: bool
) -> None:
    history = History(records, ties)
    for record in records[::2]:
        history.revoke(record, 9)

    found = history.page(ADA, None, descending=descending, start=0, size=99).records

    assert [record.id for record in found] == [record.id for record in records]


@given(records_of_one_user(), FIELDS, st.booleans())
@settings(deadline=None, max_examples=60)
def test_a_record_that_is_revoked_again_moves_in_every_order_that_is_kept(
    records: list[Record], field: str, descending: bool
) -> None:
    history = History(records, "natural")
    everything(history, field, descending=descending)
    changed = [history.revoke(record, 7 + record.id, again=True) for record in records]

    assert all(record.revoked and record.updated_ms >= 7 for record in changed)
    assert everything(history, field, descending=descending) == sorted(changed, key=VALUES[field], reverse=descending)


def test_a_phantom_is_in_no_list_and_is_found_by_its_keys() -> None:
    phantom = Record(1, 1, "lost", "", revoked_ms=1)
    keyless = Record(1, 2, "", "", revoked_ms=1)
    history = History([phantom, keyless])

    assert (history.by_jti("lost"), history.by_id(2), history.by_jti("")) == (phantom, keyless, None)
    assert history.is_revoked("lost")
    assert len(history) == 2
    assert history.of("") == history.page("", "jti", descending=False, start=0, size=9).records == []
    assert history.revoke(phantom, 5, again=True).updated_ms == 5
    assert history.by_jti("lost") == phantom._replace(revoked_ms=5)


@given(records_of_one_user(), FIELDS, st.booleans(), st.integers(1, 5))
@settings(deadline=None, max_examples=60)
def test_pages_partition_the_list(records: list[Record], field: str, descending: bool, size: int) -> None:
    history = History(records)
    expected = everything(history, field, descending=descending)

    pages = [
        history.page(ADA, field, descending=descending, start=start, size=size)
        for start in range(0, len(records) + 1, size)
    ]

    assert [record for page in pages for record in page.records] == expected
    assert {page.total for page in pages} == {len(records)}


@given(records_of_one_user(), FIELDS, st.booleans(), st.integers(0, 10**18))
@settings(deadline=None, max_examples=60)
def test_a_page_past_the_end_is_empty_and_tells_the_count(
    records: list[Record], field: str, descending: bool, beyond: int
) -> None:
    start = len(records) + beyond

    assert History(records).page(ADA, field, descending=descending, start=start, size=40) == Page(len(records), [])


def test_a_token_that_never_expires_comes_before_every_one_that_does() -> None:
    never, first = Record(5, 9, "never", ADA), Record(1, 1, "first", ADA, expires_ms=0)

    assert everything(History([first, never]), "expires_at", descending=False) == [never, first]


def test_the_newest_come_first_of_all_that_a_user_has() -> None:
    old, new, newer = Record(1, 3, "a", ADA), Record(2, 1, "b", ADA, revoked_ms=9), Record(2, 2, "c", ADA)

    assert History([old, new, newer]).of(ADA) == [newer, new, old]


@given(records_of_one_user(), FIELDS, st.booleans())
@settings(deadline=None, max_examples=60)
def test_without_revoked_the_others_keep_their_order(records: list[Record], field: str, descending: bool) -> None:
    history = History(records)
    expected = [record for record in everything(history, field, descending=descending) if not record.revoked]

    assert everything(history, field, descending=descending, without_revoked=True) == expected


@given(records_of_one_user(), st.sets(FIELDS), st.data())
@settings(deadline=None, max_examples=60)
def test_an_order_that_was_asked_for_before_is_right_after_changes(
    records: list[Record], asked: set[str], data: st.DataObject
) -> None:
    """Orders are built once and then kept up to date: as if each had been built from the end result."""
    some = data.draw(st.integers(0, len(records)))
    history = History(records[:some])
    for field in asked:
        for without_revoked in (False, True):
            history.page(ADA, field, descending=False, start=0, size=1, without_revoked=without_revoked)

    for record in records[some:]:
        history.add(record)
    for record in records:
        if data.draw(st.booleans()):
            history.revoke(record, at_ms=data.draw(FEW_MS))

    rebuilt = History(history)
    for field in SORT_FIELDS:
        for without_revoked in (False, True):
            expected = everything(rebuilt, field, descending=True, without_revoked=without_revoked)
            assert everything(history, field, descending=True, without_revoked=without_revoked) == expected


def test_revoking_marks_the_record_and_moves_its_update() -> None:
    record = Record(1, 1, "a", ADA, expires_ms=7)
    history = History([record])

    revoked = history.revoke(record, at_ms=5)

    assert revoked == record._replace(revoked_ms=5)
    assert revoked.revoked
    assert revoked.updated_ms == 5
    assert history.by_jti("a") == history.by_id(1) == revoked
    assert history.of(ADA) == [revoked]


def test_revoking_again_changes_nothing() -> None:
    history = History([Record(1, 1, "a", ADA)])
    revoked = history.revoke(Record(1, 1, "a", ADA), at_ms=5)

    assert history.revoke(revoked, at_ms=9) == revoked
    assert history.of(ADA) == [revoked]


def test_revoking_leaves_all_other_records_alone() -> None:
    one, other, foreign = Record(1, 1, "a", ADA), Record(1, 2, "b", ADA), Record(1, 3, "c", BOB)
    history = History([one, other, foreign])

    history.revoke(one, at_ms=5)

    assert history.by_id(2) == other
    assert history.by_id(3) == foreign
    assert history.of(BOB) == [foreign]


def test_a_record_was_updated_when_it_was_created_until_it_is_revoked() -> None:
    assert Record(3, 1, "a", ADA).updated_ms == 3
    assert Record(3, 1, "a", ADA, revoked_ms=0).updated_ms == 0


def test_users_have_histories_of_their_own() -> None:
    mine, yours = Record(1, 1, "a", ADA), Record(1, 2, "b", BOB)
    history = History([mine, yours])

    assert history.of(ADA) == [mine]
    assert history.page(BOB, "jti", descending=True, start=0, size=40) == Page(1, [yours])


def test_nobody_knows_of_a_user_without_records() -> None:
    history = History()

    assert history.of(ADA) == []
    assert history.page(ADA, "jti", descending=True, start=0, size=40) == Page(0, [])


def test_a_jti_is_found_by_exactly_its_text() -> None:
    record = Record(1, 1, "a b", ADA)
    history = History([record])

    assert history.by_jti("a b") == record
    assert [history.by_jti(jti) for jti in ("A b", "a", "a b ", "", "a%20b")] == [None] * 5


def test_only_a_revoked_jti_is_revoked() -> None:
    history = History([Record(1, 1, "a", ADA), Record(1, 2, "b", ADA, revoked_ms=1)])

    assert [history.is_revoked(jti) for jti in ("a", "b", "c")] == [False, True, False]


@pytest.mark.parametrize("user_id", [ADA, BOB])
def test_a_jti_and_an_id_can_be_taken_once_by_whichever_user(user_id: str) -> None:
    history = History([Record(1, 1, "a", ADA)])

    with pytest.raises(AlreadyExists, match="jti 'a' already"):
        history.add(Record(1, 2, "a", user_id))
    with pytest.raises(AlreadyExists, match="id 000000000000000000000001 already"):
        history.add(Record(1, 1, "b", user_id))
    assert len(history) == 1
    assert history.of(BOB) == []


def test_a_history_iterates_over_all_records_in_the_order_they_were_added() -> None:
    records = [Record(9, 5, "a", ADA), Record(1, 3, "b", BOB), Record(5, 4, "c", ADA)]
    history = History(records)
    history.revoke(records[0], at_ms=9)

    assert [record.jti for record in history] == ["a", "b", "c"]
    assert repr(history) == "<History of 3 tokens of 2 users>"
