"""The same question has the same answer every time, and reading changes nothing."""

from ..examination import Examination
from ..judging import expect
from ..paths import HISTORY, id_path, jti_path
from ..reply import Reply
from .enforcement import check_gate
from .rule import LISTING, REVOKING, UNAUTHORIZED, Brake, Family, assumption

family = Family()
rule = family.rule

TIMES = 20


def _check_steady(replies: list[Reply], expected: int) -> None:
    for reply in replies:
        expect(reply.status == expected, f"status {expected} all {len(replies)} times", reply)


@rule("steady-list", "The same listing is the same every time.", *LISTING, brake=Brake.NONE, level="assumed")
def steady_list(exam: Examination) -> None:
    for query in ("", exam.query(sort="id_user", direction=1)):
        expected = exam.page(query).records
        for _ in range(TIMES):
            page = exam.page(query)
            expect(page.records == expected, "the same list every time", page.reply)


@rule("steady-refusal", "The same refusal is the same every time.", *UNAUTHORIZED, brake=Brake.NONE)
def steady_refusal(exam: Examination) -> None:
    _check_steady([exam.ask("GET", HISTORY) for _ in range(TIMES)], 401)
    _check_steady([exam.ask("DELETE", jti_path(exam.tokens.nobodys_jti())) for _ in range(TIMES)], 401)
    _check_steady([exam.ask("DELETE", id_path(exam.tokens.nobodys_id())) for _ in range(TIMES)], 401)


@rule(
    "steady-revocation",
    "Each revocation of what does not exist is answered alike.",
    *assumption("revoke-unknown"),
    brake=Brake.UNWATCHED,
    revokes=True,
)
def steady_revocation(exam: Examination) -> None:
    for _ in range(TIMES):
        exam.expect_unknown(exam.revoke_jti(exam.tokens.nobodys_jti()))
        exam.expect_unknown(exam.revoke_id(exam.tokens.nobodys_id()))


@rule(
    "reading-changes-nothing",
    "Listing changes nothing, however and however often it is asked.",
    *LISTING,
    brake=Brake.UNWATCHED,
    level="assumed",
)
def reading_changes_nothing(exam: Examination) -> None:
    before = exam.records()
    for query in ("", exam.query(sort="updatedAt", direction=1), exam.query(page=exam.contract.first_page + 1)):
        exam.listed(query)
        exam.ask("HEAD", f"{HISTORY}?{query}" if query else HISTORY, exam.first.authorization)
    reply = exam.listed()
    expect(exam.records() == before, "the list as it was", reply, "another list after reading only")


RULES = family.rules

_last = Family()


@_last.rule(
    "nothing-else-changed",
    "At the end the lists are as they were at the beginning, but for what was revoked on purpose.",
    *REVOKING,
    brake=Brake.UNWATCHED,
    level="assumed",
    looks_back=True,
)
def nothing_else_changed(exam: Examination) -> None:
    for person in exam.persons:
        changed = [change.before["_id"] for change in exam.changes.of(person)]
        reply = exam.listed(person=person)
        got = f"{len(changed)} changed or gone: {', '.join(changed[:3])}"
        expect(not changed, "every token that was not given up as it was at first", reply, got)


@_last.rule(
    "revokes-itself-at-last",
    "The token that calls can revoke itself, and is then treated as the profile says.",
    *assumption("revocation-enforced"),
    brake=Brake.UNWATCHED,
    revokes=True,
    last=True,
)
def revokes_itself_at_last(exam: Examination) -> None:
    token = exam.tokens.give_up_in_use()
    exam.expect_revoked(exam.revoke_jti(token.jti, token.authorization), token.record)
    check_gate(exam, token.authorization)


LAST = _last.rules
