"""A home for Hypothesis: a directory for one run, with the tables that it would take seconds to work out."""

import gzip
import json
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import configuration

CHARACTERS: Mapping[str, list[list[int]]] = {"utf-8": [[0, 0xD7FF], [0xE000, 0x10FFFF]], "ascii": [[0, 0x7F]]}
"""The characters that an encoding has, as intervals of code points."""


@contextmanager
def home() -> Iterator[None]:
    """Hypothesis keeps nothing of this run, and nothing of others counts in it."""
    before = getattr(configuration, "__hypothesis_home_directory", None)
    with TemporaryDirectory(prefix="tiledesk-fake-check-") as directory:
        configuration.set_hypothesis_home_dir(directory)
        try:
            write_characters(Path(directory))
            yield
        finally:
            configuration.set_hypothesis_home_dir(before)


def write_characters(home: Path) -> None:
    """Write the characters of encodings where Hypothesis looks for them.

    A version of Hypothesis that looks elsewhere works them out, as it does in every new home.
    """
    directory = home / "unicode_data" / unicodedata.unidata_version
    directory.mkdir(parents=True)
    for codec, intervals in CHARACTERS.items():
        # After the intervals, those that do not come back as they were: none.
        written = gzip.compress(json.dumps([intervals, []]).encode())
        (directory / f"codec-v2-{codec}.json.gz").write_bytes(written)
