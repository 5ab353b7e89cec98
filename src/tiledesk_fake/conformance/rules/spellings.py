"""The spellings of a path that revoke the same token, and tokens that are revoked one after the other."""

from ..examination import Examination
from ..judging import expect
from ..paths import HISTORY, id_path, jti_path, utf8
from ..tokens import Sacrifice
from .rule import REVOKING, REVOKING_BY_ID, Brake, Family

family = Family()
rule = family.rule


@rule(
    "encoded-jti",
    "A jti is the same however much of it is percent-encoded.",
    *REVOKING,
    brake=Brake.UNWATCHED,
    level="assumed",
    revokes=True,
)
def encoded_jti(exam: Examination) -> None:
    token = exam.tokens.give_up()
    encoded = "".join(f"%{byte:02X}" for byte in utf8(token.jti))
    _check_revoked(exam, token, f"{HISTORY}/{encoded}")


@rule(
    "id-in-any-case",
    "The hex digits of an id count in either case.",
    *REVOKING_BY_ID,
    brake=Brake.UNWATCHED,
    level="observed",
    revokes=True,
)
def id_any_case(exam: Examination) -> None:
    token = exam.tokens.give_up()
    _check_revoked(exam, token, id_path(token.id.upper()))


@rule(
    "revokes-with-trailing-slash",
    "A slash at the end of the path makes no difference to a revocation.",
    *REVOKING,
    brake=Brake.UNWATCHED,
    level="observed",
    revokes=True,
)
def trailing_slash(exam: Examination) -> None:
    token = exam.tokens.give_up()
    _check_revoked(exam, token, f"{jti_path(token.jti)}/")


@rule(
    "revokes-in-path-of-any-case",
    "The case of the path makes no difference to a revocation.",
    *REVOKING_BY_ID,
    brake=Brake.UNWATCHED,
    level="observed",
    revokes=True,
)
def path_case(exam: Examination) -> None:
    token = exam.tokens.give_up()
    _check_revoked(exam, token, f"/JWT/History/ID/{token.id}")


@rule(
    "order-of-revocations",
    "Revocations do not depend on each other: the last one is as good as the first.",
    *REVOKING,
    brake=Brake.UNWATCHED,
    level="assumed",
    revokes=True,
)
def order_of_revocations(exam: Examination) -> None:
    for token in reversed(exam.tokens.give_up_several(2)):
        _check_revoked(exam, token, jti_path(token.jti))


def _check_revoked(exam: Examination, token: Sacrifice, path: str) -> None:
    reply = exam.ask("DELETE", path, exam.first.authorization)
    exam.expect_revoked(reply, token.record)
    expect(exam.tokens.is_revoked(token), "the token revoked", reply, f"the record {exam.tokens.record(token)}")


RULES = family.rules
