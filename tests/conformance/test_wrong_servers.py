"""Every wrong server is caught, by a rule that was made for its defect."""

import pytest

from tests.conformance.world import world
from tests.conformance.wrong_servers import WRONG, Wrong
from tiledesk_fake.conformance import RULES, Place, check
from tiledesk_fake.conformance.rules import BY_ID
from tiledesk_fake.contract.places import place

pytestmark = pytest.mark.slow

LIST = ("paths", "/jwt/history", "get")

# Asked from their first rule to their last, these take a second each; the others are asked what they break only.
WHOLE = ("the page is ignored", "an id reaches everybodys tokens")


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_wrong_server_is_caught(wrong: Wrong) -> None:
    """By one of the rules that the catalogue names."""
    made = world(wrong.twist, profile=dict(wrong.profile))
    rules = [BY_ID[rule] for rule in wrong.rules if not wrong.generated or BY_ID[rule].looks_back]
    with made.served(examples=1) if wrong.generated else made.here() as server:
        report = check(server, rules=rules, generated=wrong.generated)

    assert report.broken_rules & set(wrong.rules)


@pytest.mark.parametrize("name", WHOLE)
def test_a_wrong_server_is_caught_in_a_whole_run(name: str) -> None:
    wrong = next(each for each in WRONG if each.name == name)
    with world(wrong.twist).here() as server:
        report = check(server, generated=False)

    assert report.broken_rules & set(wrong.rules)


def test_the_catalogue_has_fifty_different_defects_and_more() -> None:
    assert len({wrong.name for wrong in WRONG}) == len(WRONG) >= 50
    assert len({wrong.twist for wrong in WRONG}) == len(WRONG)


def test_the_catalogue_leaves_few_rules_without_a_server_that_breaks_them() -> None:
    """A rule that no server breaks might as well not be asked; these show only what others show too."""
    shown_by_others = {
        "list-answers",
        "order-reversed",
        "order-of-all",
        "revokes-with-trailing-slash",
        "revokes-in-path-of-any-case",
        "order-of-revocations",
        "revocation-counts",
        "refuses-unknown-user",
        "unauthorized-body",
        "first-page",
        "steady-list",
        "concurrent-listing",
        "concurrent-users",
        "concurrent-revocations-of-one",
        "revokes-itself",
        "revokes-itself-at-last",
    }

    unbroken = {rule.id for rule in RULES} - {rule for wrong in WRONG for rule in wrong.rules}

    assert unbroken <= shown_by_others


@pytest.mark.parametrize(
    ("name", "rule", "where"),
    [
        ("perPage is text", "generated-response-schema-conformance", ("components", "responses", "TokenList")),
        ("past the end is not found", "generated-status-code-conformance", (*LIST, "responses")),
        ("a page that is no number fails", "generated-not-a-server-error", (*LIST, "responses")),
    ],
)
def test_generated_requests_catch_what_one_answer_shows(name: str, rule: str, where: tuple[str, ...]) -> None:
    """And say where the contract says otherwise: an operation is documented, its answers are assumed."""
    wrong = next(each for each in WRONG if each.name == name)
    with world(wrong.twist).served(examples=5) as server:
        report = check(server, rules=())

    found = {finding.rule: finding for finding in report.findings}
    assert found[rule].place == Place(place(where).line, "assumed")
    assert all("JWT ey" not in str(finding) for finding in report.findings)
