"""Keys that name no token of the user: revoking by one revokes nothing.

These rules are asked before those that revoke: where tokens are few, the one that they are tried on is revoked then.
"""

from collections.abc import Callable
from urllib.parse import quote

from ..examination import Examination
from ..judging import expect
from ..outcome import LeftOut
from ..paths import HISTORY, utf8
from ..reply import Reply
from ..tokens import Sacrifice
from .rule import REVOKING, REVOKING_BY_ID, Brake, Family, assumption

family = Family()
rule = family.rule


@rule(
    "id-is-no-jti",
    "The id of a token is not its jti: revoking by jti does not find it.",
    *REVOKING,
    brake=Brake.UNWATCHED,
    level="assumed",
    revokes=True,
)
def id_is_no_jti(exam: Examination) -> None:
    _check_spared(exam, lambda token: exam.revoke_jti(token.id))


@rule(
    "jti-is-no-id",
    "The jti of a token is not its id: revoking by id does not find it.",
    *REVOKING_BY_ID,
    brake=Brake.UNWATCHED,
    level="assumed",
    revokes=True,
)
def jti_is_no_id(exam: Examination) -> None:
    token = exam.tokens.spare()
    reply = exam.revoke_id(token.jti)
    if exam.profile.malformed_id == "fail" and not _is_hex_id(token.jti):
        expect(reply.status == 500, "500, because a jti is no id", reply)
    else:
        exam.expect_unknown(reply)
    _expect_untouched(exam, token, reply)


@rule("jti-case-counts", "The case of a jti counts.", *REVOKING, brake=Brake.UNWATCHED, level="assumed", revokes=True)
def jti_case(exam: Examination) -> None:
    token = exam.tokens.spare()
    others = {token.jti.upper(), token.jti.lower(), token.jti.swapcase()} - {token.jti}
    if not others:
        raise LeftOut("the jti of the token has no letters")
    others -= {record["jti"] for record in exam.records()}
    if not others:
        raise LeftOut("in another case, the jti of the token is that of another one")
    for jti in sorted(others):
        _check_spared(exam, lambda _, jti=jti: exam.revoke_jti(jti))  # type: ignore[misc]


@rule(
    "jti-counts-whole",
    "Only the whole jti is the jti: no part of it, and nothing more.",
    *REVOKING,
    brake=Brake.UNWATCHED,
    level="assumed",
    revokes=True,
)
def jti_whole(exam: Examination) -> None:
    token = exam.tokens.spare()
    parts = (
        token.jti[:-1],
        token.jti[1:],
        token.jti[: len(token.jti) // 2],
        f"{token.jti}0",
        f" {token.jti}",
        f"{token.jti} ",
    )
    # Where jtis are counted, one more digit makes that of another token.
    for jti in (each for each in parts if each.strip() and not exam.guard.has_seen(each)):
        _check_spared(exam, lambda _, jti=jti: exam.revoke_jti(jti))  # type: ignore[misc]


@rule(
    "encoded-slash",
    "%2F stays inside a jti: it never leads to another operation.",
    *REVOKING,
    brake=Brake.UNWATCHED,
    level="assumed",
    revokes=True,
)
def encoded_slash(exam: Examination) -> None:
    def paths(token: Sacrifice) -> tuple[str, ...]:
        return (
            f"{HISTORY}/id%2F{token.id}",
            f"{HISTORY}/id%2f{token.id}",
            f"{HISTORY}/x%2F{quote(utf8(token.jti), safe='')}",
        )

    for index in range(3):
        _check_spared(
            exam,
            lambda token, index=index: exam.ask("DELETE", paths(token)[index], exam.first.authorization),  # type: ignore[misc]
        )


@rule(
    "unknown-jti",
    "Revoking a jti that no token has answers as the profile says, and changes nothing.",
    *assumption("revoke-unknown"),
    brake=Brake.UNWATCHED,
    revokes=True,
)
def unknown_jti(exam: Examination) -> None:
    _check_unknown(exam, lambda: exam.revoke_jti(exam.tokens.nobodys_jti()))


@rule(
    "unknown-id",
    "Revoking an id that no record has answers as the profile says, and changes nothing.",
    *assumption("revoke-unknown"),
    brake=Brake.UNWATCHED,
    revokes=True,
)
def unknown_id(exam: Examination) -> None:
    _check_unknown(exam, lambda: exam.revoke_id(exam.tokens.nobodys_id()))


@rule(
    "odd-jti",
    "A jti of any characters is a jti, and no token has these.",
    *assumption("revoke-unknown"),
    brake=Brake.UNWATCHED,
    revokes=True,
)
def odd_jti(exam: Examination) -> None:
    for jti in ("a/b", "ä ö", "%", "a+b", "$ne", "__proto__", "..", "\x00", "null", "\U0001f511"):
        if exam.guard.has_seen(jti) or exam.guard.has_seen(jti.rpartition("/")[2]):
            continue
        _check_unknown(exam, lambda jti=jti: exam.revoke_jti(jti))  # type: ignore[misc]


@rule(
    "reserved-jti",
    "Without a segment after it, id is a jti like any other.",
    *REVOKING_BY_ID,
    brake=Brake.UNWATCHED,
    level="assumed",
    revokes=True,
)
def reserved_jti(exam: Examination) -> None:
    if any(record["jti"] == "id" for record in exam.records()):
        raise LeftOut("the user has a token with the jti id")
    for path in (f"{HISTORY}/id", f"{HISTORY}/id/"):
        _check_unknown(exam, lambda path=path: exam.ask("DELETE", path, exam.first.authorization))  # type: ignore[misc]


@rule(
    "malformed-id",
    "Revoking an id that is not 24 hex digits answers as the profile says.",
    *assumption("malformed-id"),
    brake=Brake.UNWATCHED,
    revokes=True,
)
def malformed_id(exam: Examination) -> None:
    for person in exam.persons:
        # Where ids have another form, the list breaks a rule of its own, before one of these ids hits somebody's token.
        exam.records(person=person)
    id = exam.tokens.nobodys_id()
    for malformed in ("not-an-id", id[:-1], f"{id}0", f"g{id[1:]}", "1", id.replace(id[0], "é", 1)):
        exam.guard.nobodys(malformed)
        reply = exam.revoke_id(malformed)
        if exam.profile.malformed_id == "fail":
            expect(reply.status == 500, "500, because the id is malformed", reply)
            exam.expect_json(reply, "ServerError", 500, rule="refusal-form")
        else:
            exam.expect_unknown(reply)


def _check_unknown(exam: Examination, revoke: Callable[[], Reply]) -> None:
    before = exam.records()
    reply = revoke()
    exam.expect_unknown(reply)
    if exam.profile.revoke_unknown == "phantom" and exam.profile.revoke_answer == "record":
        expect("id_user" not in reply.json, "a record that is nobody's", reply)
    expect(exam.records() == before, "the list as it was", reply, "another list afterwards")


def _check_spared(exam: Examination, revoke: Callable[[Sacrifice], Reply]) -> None:
    token = exam.tokens.spare()
    reply = revoke(token)
    exam.expect_unknown(reply)
    _expect_untouched(exam, token, reply)


def _expect_untouched(exam: Examination, token: Sacrifice, reply: Reply) -> None:
    expect(exam.tokens.is_untouched(token), "the token as it was", reply, f"the record {exam.tokens.record(token)}")


def _is_hex_id(text: str) -> bool:
    return len(text) == 24 and all(character in "0123456789abcdefABCDEF" for character in text)


RULES = family.rules
