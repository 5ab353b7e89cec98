"""Requests at the same time lose nothing."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

from ..client import Exchange
from ..examination import Examination, expect
from ..outcome import LeftOut
from .rule import LISTING, REVOKING, Family

family = Family()
rule = family.rule

AT_ONCE = 6


def _at_once(calls: list[Callable[[], Exchange]]) -> list[Exchange]:
    """The answers to requests that start together."""
    together = Barrier(len(calls))

    def run(call: Callable[[], Exchange]) -> Exchange:
        together.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


@rule("concurrent-listing", "Lists that are asked for at the same time are the same.", *LISTING, level="assumed")
def concurrent_listing(exam: Examination) -> None:
    expected = exam.page()
    for _ in range(3):
        for exchange in _at_once([exam.listed] * AT_ONCE):
            expect(exam.as_page(exchange).records == expected.records, "the same list", exchange)


@rule(
    "concurrent-revocations",
    "Of tokens that are revoked at the same time, every one is revoked.",
    *REVOKING,
    level="assumed",
    revokes=True,
)
def concurrent_revocations(exam: Examination) -> None:
    tokens = exam.sacrifices(AT_ONCE)

    def revoke(index: int) -> Callable[[], Exchange]:
        token = tokens[index]
        return lambda: exam.revoke_jti(token.jti) if index % 2 else exam.revoke_id(token.id)

    answers = _at_once([*(revoke(index) for index in range(AT_ONCE)), exam.listed, exam.listed])
    for token, exchange in zip(tokens, answers[:AT_ONCE], strict=True):
        exam.expect_revoked(exchange, token.record)
    for exchange in answers[AT_ONCE:]:
        exam.as_page(exchange)
    lost = [token.id for token in tokens if not exam.is_revoked(token)]
    expect(not lost, "every token revoked", answers[0], f"{len(lost)} of {AT_ONCE} not revoked")


@rule(
    "concurrent-revocations-of-one",
    "A token that is revoked several times at once is revoked once.",
    "x-assumptions",
    "revoke-again",
    revokes=True,
)
def concurrent_revocations_of_one(exam: Examination) -> None:
    token = exam.sacrifice()
    answers = _at_once([lambda: exam.revoke_jti(token.jti)] * AT_ONCE)
    expect(exam.is_revoked(token), "the token revoked", answers[0], "a token that is not")
    if exam.profile.revoke_again == "same":
        for exchange in answers:
            exam.expect_revoked(exchange, token.record)
            expect(exchange.json == answers[0].json, "the same answer to all", exchange)
        return
    missing = b"null" if exam.profile.revoke_unknown == "null" else None
    told = Counter(answer.status == 200 and answer.body.strip() != missing for answer in answers)
    expect(told[True] == 1, "one answer to say that the token is revoked", answers[0], f"{told[True]} answers")


@rule(
    "concurrent-users", "What users do at the same time does not mix.", "components", "schemas", "TokenRecord", users=2
)
def concurrent_users(exam: Examination) -> None:
    expected = [exam.page(person=person).ids for person in exam.persons[:2]]
    if not any(expected):
        raise LeftOut("neither user has a token")
    for _ in range(3):
        answers = _at_once([partial(exam.listed, person=exam.persons[index % 2]) for index in range(AT_ONCE)])
        for index, exchange in enumerate(answers):
            expect(exam.as_page(exchange).ids == expected[index % 2], "the user's own list", exchange)


RULES = family.rules
