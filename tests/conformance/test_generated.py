"""What is generated, and what Hypothesis is spared."""

import codecs
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import configuration
from hypothesis.internal.charmap import intervals_from_codec

from tiledesk_fake.conformance import generated


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home of Hypothesis, as each run has a new one."""
    before = getattr(configuration, "__hypothesis_home_directory", None)
    configuration.set_hypothesis_home_dir(tmp_path)
    yield tmp_path
    configuration.set_hypothesis_home_dir(before)


def test_the_characters_of_encodings_are_the_right_ones() -> None:
    def encodes(character: str, codec: str) -> bool:
        try:
            return codecs.encode(character, codec).decode(codec) == character
        except UnicodeEncodeError:
            return False

    for codec, intervals in generated.CHARACTERS.items():
        borders = {point + step for interval in intervals for point in interval for step in (-1, 0, 1)}
        for point in borders & set(range(0x110000)):
            assert encodes(chr(point), codec) == any(low <= point <= high for low, high in intervals)


def test_hypothesis_reads_them_where_they_are_written(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generated, "CHARACTERS", {"ascii": [[1, 2]]})

    generated.write_characters(home)

    assert [list(interval) for interval in intervals_from_codec.__wrapped__("ascii")[0].intervals] == [[1, 2]]
