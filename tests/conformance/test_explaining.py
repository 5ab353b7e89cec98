"""Where the server is right under another profile, a finding says under which, and how to go on."""

import json
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest

from tests.conformance.command import run
from tests.conformance.world import NO_ANSWER, Answer, Ask, Request, World, world
from tests.conformance.wrong_servers import WRONG, Wrong
from tiledesk_fake import TiledeskFake
from tiledesk_fake.conformance import check
from tiledesk_fake.conformance.rules import BY_ID
from tiledesk_fake.contract.profile import CHOICES

pytestmark = pytest.mark.slow


ASKED_ONCE = {("revoke-unknown", "phantom"): {"reserved-jti", "encoded-slash"}}
"""What these rules ask for leaves a record, which the guard protects from then on; they cannot be asked again."""

OTHERS = [(id, choice) for id, choices in CHOICES.items() for choice in choices[1:]]


@pytest.mark.parametrize(("id", "choice"), OTHERS, ids=lambda value: value)
def test_every_finding_that_another_choice_explains_names_it(id: str, choice: str) -> None:
    served = world(profile={id: choice})
    with served.here(profile={}) as server:
        report = check(server, generated=False)

    explained = {finding.rule: finding.explained_by for finding in report.findings}
    assert explained
    for rule in ASKED_ONCE.get((id, choice), ()):
        assert explained.pop(rule) == {}
    assert explained == {rule: {id: choice} for rule in explained}
    assert report.hint.endswith(f"check again with --assume {id}={choice}")


@pytest.mark.parametrize("number", range(6))
def test_with_the_options_that_are_given_the_check_goes_on_until_nothing_is_found(number: int) -> None:
    random = Random(number)
    made = {id: random.choice(choices) for id, choices in CHOICES.items()}
    judged_by: dict[str, str] = {}
    for _ in range(4):
        with world(profile=made).here(profile=judged_by) as server:
            report = check(server, generated=False)
        if not report.findings:
            break
        assert report.explained_by, report.text()
        judged_by |= report.explained_by

    assert not report.findings, report.text()
    assert {id: choice for id, choice in judged_by.items() if made[id] != choice} == {}


def test_a_server_that_counts_pages_from_one_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "report"
    with TiledeskFake(profile={"page-base": "1"}) as fake:
        fake.issue_token(fake.add_user(email="ada@example.com", password="secret"))
        for suffix in (".json", ".xml", ".html"):
            done = run(
                *("check", fake.url, "--basic", "ada@example.com:secret", "--examples", "1"),
                *("--report", str(file.with_suffix(suffix))),
            )
        again = run(
            *("check", fake.url, "--basic", "ada@example.com:secret", "--examples", "1", "--assume", "page-base=1"),
        )

    assert "  instead   the server keeps the rule under --assume page-base=1" in done.stdout
    assert "rules were left out because others are broken: check again with --assume page-base=1" in done.stdout
    written = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
    assert written["explained_by"] == {"page-base": "1"}
    assert next(each for each in written["findings"] if each["rule"] == "list-answers")["explained_by"] == {
        "page-base": "1"
    }
    assert "--assume page-base=1" in file.with_suffix(".html").read_text(encoding="utf-8")
    failures = ElementTree.parse(file.with_suffix(".xml")).iter("failure")
    assert any("--assume page-base=1" in (failure.text or "") for failure in failures)
    assert again.returncode == 0, again.stdout


def test_choices_that_explain_a_finding_together_are_given_together() -> None:
    served = world(profile={"list-envelope": "bare", "page-base": "1"})
    with served.here(profile={}) as server:
        report = check(server, rules=[BY_ID["list-form"]], generated=False)

    (finding,) = report.findings
    assert finding.explained_by == {"list-envelope": "bare", "page-base": "1"}


def test_without_leave_explaining_changes_nothing_on_the_server() -> None:
    served = world(profile={"page-base": "1", "server-quirks": "observed"})
    before = [(token.id, token.revoked) for token in served.fake.history(served.ada)]
    with served.here(profile={}, may_revoke=False) as server:
        report = check(server, generated=False)

    assert report.explained_by == {"page-base": "1", "server-quirks": "observed"}
    assert [(token.id, token.revoked) for token in served.fake.history(served.ada)] == before


def test_where_a_revocation_takes_other_tokens_explaining_revokes_nothing() -> None:
    def greedy(world: World, request: Request, ask: Ask) -> Answer:
        given = ask(request)
        if request.revokes and given.status == 200:
            world.memory["revocations"] = world.memory.get("revocations", 0) + 1
            world.fake.revoke(next(token for token in world.fake.history(world.bob) if not token.revoked))
        return given

    served = world(greedy, profile={"revoke-again": "unknown"})
    with served.here(profile={}) as server:
        report = check(server, rules=[BY_ID["revokes-again"], BY_ID["own-revocation-stays-own"]], generated=False)

    assert report.broken_rules == {"revokes-again", "own-revocation-stays-own"}
    assert served.memory["revocations"] == 2


@pytest.mark.parametrize("id", ["page-base", "list-envelope"])
def test_a_sign_in_whose_token_was_listed_under_another_profile_leaves_nothing_alive(id: str) -> None:
    served = world(profile={id: CHOICES[id][1]})
    before = {token.id for token in served.fake.history(served.ada) if not token.revoked}
    with served.here(profile={}, basic=["ada@example.com:Secret"], jwt=[]) as server:
        report = check(server, generated=False)

    assert {token.id for token in served.fake.history(served.ada) if not token.revoked} == before
    assert not report.left_behind


DESCRIBED = {
    "a revoked token leaves the list",
    "revoking again is not found",
    "perPage is 50",
    "ties are always ascending",
    "what ties is reversed with the direction",
    "what is unknown is refused",
    "a second revocation touches nothing",
    "the unknown fails",
    "a revoked token is let in",
    "a revoked token is refused though it should not",
}
"""What these wrong servers do is another choice, or a part of one."""


@pytest.mark.parametrize("wrong", [each for each in WRONG if not each.generated], ids=str)
def test_no_other_choice_excuses_a_wrong_server_unless_it_describes_it(wrong: Wrong) -> None:
    with world(wrong.twist, profile=dict(wrong.profile)).here() as server:
        report = check(server, rules=[BY_ID[rule] for rule in wrong.rules], generated=False)

    assert bool(report.explained_by) == (wrong.name in DESCRIBED)


def test_a_server_that_is_gone_while_findings_are_explained_has_them_all_the_same() -> None:
    def dying(world: World, request: Request, ask: Ask) -> Answer:
        if "page=abc" in request.target and "sorted" in world.memory:
            world.memory["gone"] = True
        if "gone" in world.memory:
            return NO_ANSWER
        if "sort" in request.target:
            world.memory["sorted"] = True
        return ask(request)

    with world(dying, profile={"page-base": "1", "sort-parameter": "sort"}).here(profile={}) as server:
        report = check(server, rules=[BY_ID["order-ascending"], BY_ID["list-form"]], generated=False)

    assert report.findings
    assert not report.explained_by
