"""Requests at the same time lose nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier

from ..examination import Examination
from ..judging import expect
from ..outcome import LeftOut
from ..reply import Reply
from .rule import LISTING, REVOKING, Brake, Family

family = Family()
rule = family.rule

AT_ONCE = 6


def _at_once(calls: list[Callable[[], Reply]]) -> list[Reply]:
    """The answers to requests that start together."""
    together = Barrier(len(calls))

    def run(call: Callable[[], Reply]) -> Reply:
        together.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result() for future in [pool.submit(run, call) for call in calls]]


@rule(
    "concurrent-listing",
    "Lists that are asked for at the same time are the same.",
    *LISTING,
    brake=Brake.NONE,
    level="assumed",
)
def concurrent_listing(exam: Examination) -> None:
    expected = exam.page()
    for _ in range(3):
        for reply in _at_once([exam.listed] * AT_ONCE):
            expect(exam.as_page(reply).records == expected.records, "the same list", reply)


@rule(
    "concurrent-revocations",
    "Of tokens that are revoked at the same time, every one is revoked.",
    *REVOKING,
    brake=Brake.UNWATCHED,
    level="assumed",
    revokes=True,
)
def concurrent_revocations(exam: Examination) -> None:
    tokens = exam.tokens.give_up_several(AT_ONCE)

    def revoke(index: int) -> Callable[[], Reply]:
        token = tokens[index]
        return lambda: exam.revoke_jti(token.jti) if index % 2 else exam.revoke_id(token.id)

    answers = _at_once([*(revoke(index) for index in range(AT_ONCE)), exam.listed, exam.listed])
    for token, reply in zip(tokens, answers[:AT_ONCE], strict=True):
        exam.expect_revoked(reply, token.record)
    for reply in answers[AT_ONCE:]:
        exam.as_page(reply)
    lost = [token.id for token in tokens if not exam.tokens.is_revoked(token)]
    expect(not lost, "every token revoked", answers[0], f"{len(lost)} of {AT_ONCE} not revoked")


@rule(
    "concurrent-revocations-of-one",
    "A token that is revoked several times at once is revoked once.",
    "x-assumptions",
    "revoke-again",
    brake=Brake.UNWATCHED,
    revokes=True,
)
def concurrent_revocations_of_one(exam: Examination) -> None:
    token = exam.tokens.give_up()
    answers = _at_once([lambda: exam.revoke_jti(token.jti)] * AT_ONCE)
    expect(exam.tokens.is_revoked(token), "the token revoked", answers[0], "a token that is not")
    profile = exam.profile
    if profile.revoke_again != "unknown":
        for reply in answers:
            exam.expect_revoked(reply, token.record)
            if profile.revoke_again == "same":
                expect(exam.told(reply) == exam.told(answers[0]), "the same answer to all", reply)
        return
    if profile.revoke_unknown == "phantom" and profile.revoke_answer != "record":
        raise LeftOut("under this profile an answer does not tell whether a token was found")
    told = sum(reply.status == 200 and not _is_of_nothing(reply) for reply in answers)
    expect(told == 1, "one answer to say that the token is revoked", answers[0], f"{told} answers")


def _is_of_nothing(reply: Reply) -> bool:
    """Whether a successful revocation says that it found nothing, or made a record that is nobody's."""
    body = reply.json
    return body is None or ("_id" in body and "id_user" not in body)


@rule(
    "concurrent-users",
    "What users do at the same time does not mix.",
    "components",
    "schemas",
    "TokenRecord",
    brake=Brake.NONE,
    users=2,
)
def concurrent_users(exam: Examination) -> None:
    expected = [exam.page(person=person).ids for person in exam.persons[:2]]
    if not any(expected):
        raise LeftOut("neither user has a token")
    for _ in range(3):
        answers = _at_once([partial(exam.listed, person=exam.persons[index % 2]) for index in range(AT_ONCE)])
        for index, reply in enumerate(answers):
            expect(exam.as_page(reply).ids == expected[index % 2], "the user's own list", reply)


RULES = family.rules
