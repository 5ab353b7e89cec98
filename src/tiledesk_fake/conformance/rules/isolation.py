"""Two users: neither sees nor touches the other's tokens."""

from ..examination import Examination
from ..judging import expect
from ..outcome import LeftOut, NotApplicable
from .rule import REVOKING, Brake, Family, assumption

family = Family()
rule = family.rule


def _second_authorization(exam: Examination) -> str:
    assert exam.second is not None
    return exam.second.authorization


@rule(
    "lists-are-apart",
    "No token is in the lists of two users.",
    "components",
    "schemas",
    "TokenRecord",
    brake=Brake.UNWATCHED,
    users=2,
)
def lists_are_apart(exam: Examination) -> None:
    pages = exam.pages(person=exam.second)
    others = {record["_id"] for record in exam.records()}
    mine = {id for page in pages for id in page.ids}
    if not mine and not others:
        raise LeftOut("neither user has a token")
    shared = mine & others
    expect(not shared, "lists without a token in common", pages[0].reply, f"{len(shared)} tokens in both lists")


@rule(
    "counts-are-apart",
    "The count of one user's list does not move with the other's.",
    "components",
    "schemas",
    "Count",
    brake=Brake.NONE,
    users=2,
)
def counts_are_apart(exam: Examination) -> None:
    if exam.profile.list_envelope == "bare":
        raise NotApplicable("under this profile the list tells no count")
    for person in exam.persons[:2]:
        pages = exam.pages(person=person)
        found = sum(len(page.records) for page in pages)
        if pages[-1].records and found < (pages[0].count or 0) and len(pages[-1].records) == exam.contract.page_size:
            continue
        expect(pages[0].count == found, f"count {found}, the user's own tokens", pages[0].reply)


@rule(
    "foreign-revocation-by-jti",
    "Revoking somebody else's token by jti does what the profile says, and no more.",
    *assumption("revoke-foreign"),
    brake=Brake.UNWATCHED,
    revokes=True,
    users=2,
)
def foreign_by_jti(exam: Examination) -> None:
    _check_foreign(exam, "jti")


@rule(
    "foreign-revocation-by-id",
    "Revoking somebody else's token by id does what the profile says, and no more.",
    *assumption("revoke-foreign"),
    brake=Brake.UNWATCHED,
    revokes=True,
    users=2,
)
def foreign_by_id(exam: Examination) -> None:
    _check_foreign(exam, "id")


def _check_foreign(exam: Examination, by: str) -> None:
    token = exam.tokens.spare()
    call = _second_authorization(exam)
    theirs = exam.records(person=exam.second)
    reply = exam.revoke_jti(token.jti, call) if by == "jti" else exam.revoke_id(token.id, call)
    if exam.profile.revoke_foreign == "allowed":
        exam.expect_revoked(reply, token.record)
        expect(exam.tokens.is_revoked(token), "the token revoked", reply, "a token that is not")
    else:
        exam.expect_unknown(reply)
        expect(exam.tokens.is_untouched(token), "the token as it was", reply, "a token that was changed")
    same = exam.records(person=exam.second) == theirs
    expect(same, "the caller's own list as it was", reply, "another list")


@rule(
    "own-revocation-stays-own",
    "A user's revocation changes nothing in another user's list.",
    *REVOKING,
    brake=Brake.ALL,
    level="assumed",
    revokes=True,
    users=2,
)
def own_stays_own(exam: Examination) -> None:
    before = exam.records(person=exam.second)
    token = exam.tokens.give_up()
    reply = exam.revoke_jti(token.jti)
    exam.expect_revoked(reply, token.record)
    same = exam.records(person=exam.second) == before
    expect(same, "the other user's list as it was", reply, "another list")


RULES = family.rules
