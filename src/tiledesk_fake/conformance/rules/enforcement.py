"""How the gate treats a revoked token, and those that were not revoked."""

from ..examination import Examination
from ..judging import expect
from ..paths import HISTORY, id_path, jti_path
from ..stories import KEYS
from .rule import Brake, Family, assumption

family = Family()
rule = family.rule


@rule(
    "revoked-at-the-gate",
    "A revoked token is let in or refused, as the profile says, and at once.",
    *assumption("revocation-enforced"),
    brake=Brake.UNWATCHED,
    revokes=True,
)
def revoked_at_the_gate(exam: Examination) -> None:
    for by in KEYS:
        token = exam.tokens.give_up(with_jwt=True)
        call = token.authorization
        before = exam.ask("GET", HISTORY, call)
        expect(before.status == 200, "200 for a token that is not revoked", before)
        exam.expect_revoked(exam.revoke_jti(token.jti) if by == "jti" else exam.revoke_id(token.id), token.record)
        check_gate(exam, call)


@rule(
    "revokes-itself",
    "A token can revoke itself, and that is the last thing it does.",
    *assumption("revocation-enforced"),
    brake=Brake.UNWATCHED,
    revokes=True,
)
def revokes_itself(exam: Examination) -> None:
    token = exam.tokens.give_up(with_jwt=True)
    call = token.authorization
    exam.expect_revoked(exam.revoke_jti(token.jti, call), token.record)
    check_gate(exam, call)


@rule(
    "others-keep-working",
    "Whoever's token is revoked, all other credentials keep working.",
    *assumption("revocation-enforced"),
    brake=Brake.UNWATCHED,
    revokes=True,
)
def others_keep_working(exam: Examination) -> None:
    token = exam.tokens.give_up()
    exam.expect_revoked(exam.revoke_jti(token.jti), token.record)
    for credential in exam.first.credentials:
        reply = exam.ask("GET", HISTORY, credential.authorization)
        expect(reply.status == 200, "200 for credentials that were not revoked", reply)


def check_gate(exam: Examination, call: str) -> None:
    """Break the rule unless the gate treats a revoked token as the profile says."""
    if exam.profile.revocation_enforced == "no":
        reply = exam.ask("GET", HISTORY, call)
        expect(reply.status == 200, "200, because a revoked token keeps working under this profile", reply)
        return
    for method, path in (
        ("GET", HISTORY),
        ("DELETE", jti_path(exam.tokens.nobodys_jti())),
        ("DELETE", id_path(exam.tokens.nobodys_id())),
    ):
        reply = exam.ask(method, path, call)
        expect(reply.status == 401, "401, because the token is revoked", reply)
        same = reply.body == exam.contract.responses["Unauthorized"].content.encode()
        expect(same, "the 401 that any bad token gets", reply)


RULES = family.rules
