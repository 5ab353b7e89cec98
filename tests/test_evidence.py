"""What is marked observed was recorded, and what was not recorded says that it is assumed."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.evidence import CASES, FILE, answers, figure, observed, shows

WRITTEN: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
OBSERVED = observed("jwt") | observed("auth")


def test_every_statement_that_is_marked_observed_names_exchanges_and_no_other_does() -> None:
    assert WRITTEN["statements"].keys() == OBSERVED.keys()
    assert all(WRITTEN["statements"].values())


@pytest.mark.parametrize("keys", OBSERVED)
def test_the_exchanges_that_a_statement_names_are_recorded_and_show_it(keys: str) -> None:
    for name in WRITTEN["statements"][keys]:
        assert name in CASES
        assert shows(CASES[name], keys, OBSERVED[keys]), f"{name} does not show {keys}"


def test_an_exchange_that_shows_something_else_would_be_noticed() -> None:
    keys = "jwt.yaml#/components/responses/Unauthorized"

    assert not shows(CASES["gate: qtoken-only"], keys, OBSERVED[keys])
    sign_in = "auth.yaml#/components/schemas/SignIn"
    assert not shows(CASES["signin: signin wrong password"], sign_in, OBSERVED[sign_in])


def test_every_operation_answer_and_kind_of_credentials_says_recorded_or_assumed() -> None:
    assert WRITTEN["answers"] == answers()


def test_the_page_says_how_much_was_recorded() -> None:
    page = (Path(__file__).parents[1] / "docs" / "drift.md").read_text(encoding="utf-8")

    assert f"**{figure()}**" in page
