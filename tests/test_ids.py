"""Identifiers come from one seedable source, and rise."""

from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiledesk_fake.core.ids import Ids, hex_id, new_secret, parse_hex_id

SEEDS = st.integers(0, 2**64)


@given(SEEDS)
@settings(deadline=None, max_examples=60)
def test_a_seed_makes_the_same_ids_and_jtis(seed: int) -> None:
    one, other = Ids(seed), Ids(seed)

    expected = [(one.object_id(), one.jti()) for _ in range(5)]

    assert [(other.object_id(), other.jti()) for _ in range(5)] == expected


def test_two_seeds_make_different_ids_and_jtis() -> None:
    one, other = Ids(1), Ids(2)

    assert one.object_id() != other.object_id()
    assert one.jti() != other.jti()


def test_without_a_seed_no_two_generators_agree() -> None:
    assert len({Ids().object_id() for _ in range(50)}) == 50
    assert len({Ids().jti() for _ in range(50)}) == 50


@given(SEEDS, st.integers(0, 9))
@settings(deadline=None, max_examples=60)
def test_restarting_begins_again_from_the_seed(seed: int, used: int) -> None:
    ids = Ids(seed)
    expected = [ids.object_id(), ids.object_id()]
    first_jti = ids.jti()
    for _ in range(used):
        ids.object_id()

    ids.restart()

    assert [ids.object_id(), ids.object_id()] == expected
    assert ids.jti() == first_jti


def test_restarting_without_a_seed_makes_new_ids() -> None:
    ids = Ids()
    first, jti = ids.object_id(), ids.jti()

    ids.restart()

    assert ids.object_id() != first
    assert ids.jti() != jti


@given(st.none() | SEEDS, st.integers(0, 9))
@settings(deadline=None, max_examples=60)
def test_resuming_goes_back_to_where_the_state_was_taken(seed: int | None, used: int) -> None:
    ids = Ids(seed)
    ids.jti()
    state = ids.state()
    expected = [(ids.object_id(), ids.jti()) for _ in range(3)]
    for _ in range(used):
        ids.jti()

    ids.resume_from(state)

    assert [(ids.object_id(), ids.jti()) for _ in range(3)] == expected


@given(st.none() | SEEDS)
@settings(deadline=None, max_examples=60)
def test_ids_rise(seed: int | None) -> None:
    ids = Ids(seed)

    made = [ids.object_id() for _ in range(20)]

    assert made == sorted(set(made))


@given(st.none() | SEEDS)
@settings(deadline=None, max_examples=60)
def test_an_id_has_24_hex_digits_whatever_the_seed(seed: int | None) -> None:
    id = Ids(seed).object_id()

    assert len(f"{id:x}") == 24


def test_millions_of_ids_stay_within_24_hex_digits() -> None:
    ids = Ids()
    seed, drawn, _ = ids.state()

    ids.resume_from((seed, drawn, (0x6 << 92) | ((1 << 92) - 1)))

    assert hex_id(ids.object_id()) == "7" + "0" * 23


@given(st.none() | SEEDS)
@settings(deadline=None, max_examples=60)
def test_a_jti_is_a_version_4_uuid(seed: int | None) -> None:
    jti = Ids(seed).jti()

    assert UUID(jti).version == 4
    assert str(UUID(jti)) == jti


def test_a_secret_is_32_new_bytes_in_hex() -> None:
    assert len(bytes.fromhex(new_secret())) == 32
    assert new_secret() != new_secret()


@given(st.integers(0, 2**96 - 1))
@settings(deadline=None, max_examples=60)
def test_an_id_is_read_as_it_was_written_in_either_case(id: int) -> None:
    written = hex_id(id)

    assert parse_hex_id(written) == id
    assert parse_hex_id(written.upper()) == id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "6" * 23,
        "6" * 25,
        "6" * 23 + "g",
        " " + "6" * 23,
        "6" * 24 + "\n",
        "0x" + "6" * 22,
        "6" * 11 + "_" + "6" * 12,
        "+" + "6" * 23,
        "\u0661" * 24,
    ],
)
def test_what_is_not_24_hex_digits_is_no_id(text: str) -> None:
    assert parse_hex_id(text) is None
