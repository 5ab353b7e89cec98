"""A gate that checks passwords slowly, as bcrypt does, is asked for few of them."""

from collections import Counter
from datetime import timedelta

import pytest

from tests.conformance.world import Answer, Ask, Request, World, world
from tiledesk_fake.conformance import Examination, Report, check, learn

SLOW_S = 0.2
"""What checking a password costs a real server."""

MOST_S = 60
"""What a check may cost for that."""

ADA = ["ada@example.com:Secret"]
NEEDS = ("a second user is needed", "no token was given that has expired")
"""The reasons for which a rule may be left out where a password of one user is all that was given."""


def counting(world: World, request: Request, ask: Ask) -> Answer:
    """A server that counts the passwords which it has to check."""
    if (request.authorization or "").lower().startswith("basic"):
        world.memory.setdefault("checked", Counter())["basic"] += 1
    if request.method == "POST" and request.path.endswith("/auth/signin"):
        world.memory.setdefault("checked", Counter())["sign-in"] += 1
    return ask(request)


def cost_s(served: World) -> float:
    return float(served.memory["checked"].total() * SLOW_S)


def unnecessary(report: Report) -> dict[str, str]:
    """The rules that were left out for no good reason."""
    return {each.rule: each.reason for each in report.left_out if not each.reason.startswith(NEEDS)}


@pytest.mark.slow
@pytest.mark.parametrize("empty", [False, True], ids=["with tokens", "without a token"])
def test_a_check_with_a_password_alone_is_cheap_and_complete_where_there_is_a_sign_in(empty: bool) -> None:
    served = world(counting, empty=empty)
    with served.served(basic=ADA, jwt=[]) as server:
        report = check(server)

    assert not report.findings, report.text()
    assert unnecessary(report) == {}
    assert not report.left_behind
    assert cost_s(served) < MOST_S


def test_a_check_with_a_token_beside_the_password_uses_the_password_for_what_is_about_it() -> None:
    served = world(counting, signs_in=False)
    with served.here(basic=ADA) as server:
        report = check(server, generated=False)

    assert not report.findings, report.text()
    assert set(unnecessary(report)) == {"revoked-at-the-gate", "revokes-itself"}
    assert served.memory["checked"]["basic"] < 50


def test_learning_with_a_password_alone_is_cheap() -> None:
    served = world(counting)
    with served.here(basic=ADA, jwt=[]) as server:
        learnt = learn(server)

    assert learnt.unknown == ["revoke-foreign"]
    assert served.memory["checked"].total() < 20


def test_without_leave_nobody_is_signed_in() -> None:
    served = world(counting)
    with served.here(basic=ADA, jwt=[], may_revoke=False) as server:
        check(server, generated=False)

    assert served.memory["checked"]["sign-in"] == 0


def test_the_tokens_that_fill_a_page_are_revoked_at_the_end_and_named() -> None:
    served = world(counting, empty=True)
    with served.here(basic=ADA, jwt=[]) as server:
        report = check(server, generated=False)

    tokens = served.fake.history(served.ada)
    assert len(tokens) > 40
    assert all(token.revoked for token in tokens)
    assert {each["_id"] for each in report.revoked} == {token.id for token in tokens}


def test_where_the_token_that_calls_is_revoked_unasked_the_password_goes_on() -> None:
    """Else every list would be refused, and nobody would see what happened."""

    def greedy(world: World, request: Request, ask: Ask) -> Answer:
        given = ask(request)
        if request.revokes and given.status == 200:
            world.fake.revoke(next(token for token in world.fake.history(world.ada) if token.jwt == world.jwt))
        return given

    served = world(greedy, signs_in=False)
    with served.here(basic=ADA) as server:
        report = check(server, generated=False)

    assert "revokes-only-that" in report.broken_rules
    assert "list-answers" not in report.broken_rules
    (unasked,) = (each for each in report.revoked if "unasked" in each)
    assert unasked["_id"] == next(token.id for token in served.fake.history(served.ada) if token.jwt == served.jwt)


def test_a_token_that_is_refused_although_it_is_good_is_a_finding() -> None:
    def moody(world: World, request: Request, ask: Ask) -> Answer:
        asked = world.memory["asked"] = world.memory.get("asked", 0) + 1
        tokens = (request.authorization or "").startswith("JWT")
        return Answer(401, (), b"Unauthorized") if tokens and asked % 7 == 0 else ask(request)

    with world(moody).here(basic=ADA) as server:
        report = check(server, generated=False)

    assert "list-answers" in report.broken_rules


def test_an_interrupted_check_names_the_tokens_that_it_did_not_get_to_revoke() -> None:
    def interrupting(world: World, request: Request, ask: Ask) -> Answer:
        if "sortField" in request.target:
            raise KeyboardInterrupt
        return ask(request)

    served = world(interrupting, empty=True)
    with served.here(basic=ADA, jwt=[]) as server, pytest.raises(KeyboardInterrupt) as interrupted:
        check(server, generated=False)

    alive = {token.id for token in served.fake.history(served.ada) if not token.revoked}
    left_behind = getattr(interrupted.value, "left_behind")  # noqa: B009 - it is set on whatever comes by
    assert alive
    assert all(any(id in each for each in left_behind) for id in alive)


def test_a_token_that_is_about_to_expire_does_not_call() -> None:
    served = world(signs_in=False)
    soon = served.fake.issue_token(served.ada, expires_in=timedelta(seconds=30)).jwt
    with served.here(basic=ADA, jwt=[soon]) as server:
        first = Examination(server).first

    assert first.authorization.startswith("Basic ")
    assert first.caller is None
