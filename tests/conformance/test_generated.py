"""What is generated, and what Hypothesis is spared."""

import codecs
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import configuration
from hypothesis.internal.charmap import intervals_from_codec

from tests.conformance.world import Answer, Ask, Request, World, world
from tiledesk_fake import contract
from tiledesk_fake.conformance import RULES, Place, check, generated, home
from tiledesk_fake.contract.places import place

LIST = ("paths", "/jwt/history", "get")


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
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

    for codec, intervals in home.CHARACTERS.items():
        borders = {point + step for interval in intervals for point in interval for step in (-1, 0, 1)}
        for point in borders & set(range(0x110000)):
            assert encodes(chr(point), codec) == any(low <= point <= high for low, high in intervals)


@pytest.mark.parametrize(
    ("check", "label", "status", "where", "level"),
    [
        ("negative_data_rejection", "GET /jwt/history", 200, ("x-assumptions", "invalid-query"), "assumed"),
        ("negative_data_rejection", "DELETE /jwt/history/id/{id}", 200, ("x-assumptions", "malformed-id"), "assumed"),
        ("unsupported_method", "GET /jwt/history", 404, ("x-assumptions", "server-quirks"), "assumed"),
        (
            "response_headers_conformance",
            "GET /jwt/history",
            401,
            ("components", "responses", "Unauthorized"),
            "observed",
        ),
        ("response_schema_conformance", "GET /jwt/history", 500, (*LIST, "responses"), "assumed"),
        ("status_code_conformance", "GET /jwt/history", 302, (*LIST, "responses"), "assumed"),
        ("not_a_server_error", "Stateful tests", None, ("paths",), "assumed"),
    ],
)
def test_a_generated_finding_stands_where_the_contract_says_otherwise(
    check: str, label: str, status: int | None, where: tuple[str, ...], level: str
) -> None:
    found = generated._place(contract.load().document, check, label, status)

    assert found == Place(place(where).line, level)


def test_hypothesis_reads_them_where_they_are_written(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "CHARACTERS", {"ascii": [[1, 2]]})

    home.write_characters(directory)

    assert [list(interval) for interval in intervals_from_codec.__wrapped__("ascii")[0].intervals] == [[1, 2]]


@pytest.mark.parametrize("after", [1, 20, 120], ids="after {}".format)
def test_an_interrupt_while_requests_are_generated_ends_the_run_and_spares_the_token_in_use(after: int) -> None:
    """Schemathesis catches it; what comes after it would use that token up."""

    def interrupting(world: World, request: Request, ask: Ask) -> Answer:
        asked = world.memory["generated"] = world.memory.get("generated", 0) + request.generated
        if request.generated and asked == after:
            signal.raise_signal(signal.SIGINT)
        return ask(request)

    served = world(interrupting, signs_in=False)
    with served.served(basic=["ada@example.com:Secret"], examples=10) as server, pytest.raises(KeyboardInterrupt):
        check(server, rules=RULES[-1:])

    assert not next(token for token in served.fake.history(served.ada) if token.jwt == served.jwt).revoked
