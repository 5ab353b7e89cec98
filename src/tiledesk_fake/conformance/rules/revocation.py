"""What a revocation does, and what it must not do. Revokes tokens that were given up."""

from collections.abc import Callable
from urllib.parse import quote

from ..client import Exchange
from ..examination import Examination, Record, Sacrifice, Story, expect, id_path, jti_path, utf8
from ..guard import HISTORY
from ..outcome import LeftOut
from .rule import REVOKING, REVOKING_BY_ID, UNAUTHORIZED, Family, assumption

family = Family()
rule = family.rule

WAYS = ("jti", "id")


def _told(story: Story) -> Exchange:
    """The answer to the first revocation of a story, whatever it is."""
    assert story.revoked is not None
    return story.revoked


def _success(exam: Examination, story: Story) -> Exchange:
    """The answer to the first revocation of a story, which must be a success."""
    exam.expect_revoked(_told(story), story.token.record)
    return _told(story)


# First what must not revoke: where tokens are few, the one that this is tried on can be revoked afterwards.


@rule(
    "id-is-no-jti",
    "The id of a token is not its jti: revoking by jti does not find it.",
    *REVOKING,
    level="assumed",
    revokes=True,
)
def id_is_no_jti(exam: Examination) -> None:
    _check_spared(exam, lambda token: exam.revoke_jti(token.id))


@rule(
    "jti-is-no-id",
    "The jti of a token is not its id: revoking by id does not find it.",
    *REVOKING_BY_ID,
    level="assumed",
    revokes=True,
)
def jti_is_no_id(exam: Examination) -> None:
    token = exam.spare()
    exchange = exam.revoke_id(token.jti)
    if exam.profile.malformed_id == "fail" and not _is_hex_id(token.jti):
        expect(exchange.status == 500, "500, because a jti is no id", exchange)
    else:
        exam.expect_unknown(exchange)
    _expect_untouched(exam, token, exchange)


@rule("jti-case-counts", "The case of a jti counts.", *REVOKING, level="assumed", revokes=True)
def jti_case(exam: Examination) -> None:
    token = exam.spare()
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
    level="assumed",
    revokes=True,
)
def jti_whole(exam: Examination) -> None:
    token = exam.spare()
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


# Then what must.


@rule("revokes-by-jti", "A token is revoked by its jti.", "paths", "/jwt/history/{jti}", "delete", revokes=True)
def revokes_by_jti(exam: Examination) -> None:
    story = exam.story("jti")
    exam.expect_revoked(_told(story), story.token.record)


@rule("revokes-by-id", "A token is revoked by its id.", "paths", "/jwt/history/id/{id}", "delete", revokes=True)
def revokes_by_id(exam: Examination) -> None:
    story = exam.story("id")
    exam.expect_revoked(_told(story), story.token.record)


@rule(
    "revocation-form", "The answer to a revocation has the declared form.", *assumption("revoke-answer"), revokes=True
)
def revocation_form(exam: Examination) -> None:
    for by in WAYS:
        exam.expect_json(_told(exam.story(by)), "RevokedByJti", 200)


@rule(
    "revocation-answers-the-record",
    "The answer is the record as it is after the revocation.",
    *assumption("revoke-answer"),
    revokes=True,
)
def answers_the_record(exam: Examination) -> None:
    if exam.profile.revoke_answer != "record":
        raise LeftOut("under this profile the answer is not the record")
    for by in WAYS:
        story = exam.story(by)
        answered = _success(exam, story).json
        expect(answered["revoked"] is True, f"the record {story.token.id}, revoked", _told(story))
        listed = _record(story.after, story.token)
        if listed is not None:
            expect(answered == listed, "the record as the list shows it afterwards", _told(story))


@rule("revocation-is-listed", "The list shows a revocation at once.", *assumption("revoked-listed"), revokes=True)
def revocation_is_listed(exam: Examination) -> None:
    for by in WAYS:
        story = exam.story(by)
        record = _record(story.after, story.token)
        if exam.profile.revoked_listed == "no":
            expect(record is None, "the token gone from the list", _told(story), f"the record {record}")
        else:
            expect(record is not None, "the token still in the list", _told(story), "a list without it")
            expect(
                record is not None and record["revoked"] is True, "revoked true in the list", _told(story), f"{record}"
            )


@rule(
    "revocation-counts",
    "A revocation changes the count as the profile says.",
    *assumption("revoked-listed"),
    revokes=True,
)
def revocation_counts(exam: Examination) -> None:
    token = exam.sacrifice()
    before = exam.page().count
    if before is None:
        raise LeftOut("under this profile the list tells no count")
    exchange = exam.revoke_id(token.id)
    after = exam.page().count
    expected = before - (exam.profile.revoked_listed == "no")
    expect(after == expected, f"count {expected}", exchange, f"count {after}, {before} before")


@rule("revokes-only-that", "A revocation changes no other token.", *REVOKING, level="assumed", revokes=True)
def revokes_only_that(exam: Examination) -> None:
    for by in WAYS:
        story = exam.story(by)
        others = _others(story.before, story.token)
        changed = [record for record in others if record not in story.after]
        added = [record for record in _others(story.after, story.token) if record not in others]
        got = f"{len(changed)} other tokens changed or gone, {len(added)} new"
        expect(not changed and not added, "every other token as it was", _told(story), got)


@rule(
    "revokes-only-two-fields",
    "A revocation changes revoked and updatedAt, nothing else.",
    *REVOKING,
    level="assumed",
    revokes=True,
)
def only_two_fields(exam: Examination) -> None:
    for by in WAYS:
        story = exam.story(by)
        record = _record(story.after, story.token) or _answered(exam, story)
        if record is None:
            raise LeftOut("under this profile a revoked token cannot be seen")
        before = story.token.record
        changed = {name for name in {*before, *record} if before.get(name) != record.get(name)}
        got = ", ".join(sorted(changed - {"revoked", "updatedAt"}))
        expect(changed <= {"revoked", "updatedAt"}, "revoked and updatedAt to change", _told(story), f"also {got}")


@rule("revocation-moves-updated-at", "A revocation moves updatedAt forward.", *REVOKING, level="assumed", revokes=True)
def moves_updated_at(exam: Examination) -> None:
    for by in WAYS:
        story = exam.story(by)
        record = _record(story.after, story.token) or _answered(exam, story)
        if record is None:
            raise LeftOut("under this profile a revoked token cannot be seen")
        before = story.token.record["updatedAt"]
        expect(
            record["updatedAt"] > before, f"updatedAt after {before}", _told(story), f"updatedAt {record['updatedAt']}"
        )


@rule(
    "revokes-again",
    "Revoking again by the same key answers as the profile says.",
    *assumption("revoke-again"),
    revokes=True,
)
def revokes_again(exam: Examination) -> None:
    for by in WAYS:
        story = exam.story(by)
        assert story.again is not None
        _check_again(exam, story, story.again)


@rule(
    "revokes-again-by-the-other-key",
    "Revoking again by the other key is revoking again.",
    *assumption("revoke-again"),
    revokes=True,
)
def revokes_again_otherwise(exam: Examination) -> None:
    for by in WAYS:
        story = exam.story(by)
        assert story.again_otherwise is not None
        _check_again(exam, story, story.again_otherwise)


@rule(
    "revoking-again-changes-nothing",
    "Revoking again changes nothing, updatedAt neither.",
    *assumption("revoke-again"),
    revokes=True,
)
def again_changes_nothing(exam: Examination) -> None:
    for by in WAYS:
        story = exam.story(by)
        for records in (story.after_again, story.at_last):
            now = _record(records, story.token)
            right = records == story.after
            expect(right, "the list as it was after the first time", story.again, f"another list; the record is {now}")


def _check_again(exam: Examination, story: Story, exchange: Exchange) -> None:
    if exam.profile.revoke_again == "unknown":
        exam.expect_unknown(exchange)
        return
    exam.expect_revoked(exchange, story.token.record)
    expect(exchange.json == _success(exam, story).json, "the same answer as the first time", exchange)


@rule(
    "unknown-jti",
    "Revoking a jti that no token has answers as the profile says, and changes nothing.",
    *assumption("revoke-unknown"),
    revokes=True,
)
def unknown_jti(exam: Examination) -> None:
    _check_unknown(exam, lambda: exam.revoke_jti(exam.nobodys_jti()))


@rule(
    "unknown-id",
    "Revoking an id that no record has answers as the profile says, and changes nothing.",
    *assumption("revoke-unknown"),
    revokes=True,
)
def unknown_id(exam: Examination) -> None:
    _check_unknown(exam, lambda: exam.revoke_id(exam.nobodys_id()))


@rule(
    "odd-jti", "A jti of any characters is a jti, and no token has these.", *assumption("revoke-unknown"), revokes=True
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
    revokes=True,
)
def malformed_id(exam: Examination) -> None:
    for person in exam.persons:
        # Where ids have another form, one of these could be somebody's; the list breaks a rule of its own then.
        exam.records(person=person)
    id = exam.nobodys_id()
    for malformed in ("not-an-id", id[:-1], f"{id}0", f"g{id[1:]}", "1", id.replace(id[0], "é", 1)):
        exam.guard.nobodys(malformed)
        exchange = exam.revoke_id(malformed)
        if exam.profile.malformed_id == "fail":
            expect(exchange.status == 500, "500, because the id is malformed", exchange)
            exam.expect_json(exchange, "ServerError", 500, rule="refusal-form")
        else:
            exam.expect_unknown(exchange)


@rule(
    "encoded-jti", "A jti is the same however much of it is percent-encoded.", *REVOKING, level="assumed", revokes=True
)
def encoded_jti(exam: Examination) -> None:
    token = exam.sacrifice()
    encoded = "".join(f"%{byte:02X}" for byte in utf8(token.jti))
    _check_revoked(exam, token, f"{HISTORY}/{encoded}")


@rule(
    "id-in-any-case", "The hex digits of an id count in either case.", *REVOKING_BY_ID, level="observed", revokes=True
)
def id_any_case(exam: Examination) -> None:
    token = exam.sacrifice()
    _check_revoked(exam, token, id_path(token.id.upper()))


@rule(
    "revokes-with-trailing-slash",
    "A slash at the end of the path makes no difference to a revocation.",
    *REVOKING,
    level="observed",
    revokes=True,
)
def trailing_slash(exam: Examination) -> None:
    token = exam.sacrifice()
    _check_revoked(exam, token, f"{jti_path(token.jti)}/")


@rule(
    "revokes-in-path-of-any-case",
    "The case of the path makes no difference to a revocation.",
    *REVOKING_BY_ID,
    level="observed",
    revokes=True,
)
def path_case(exam: Examination) -> None:
    token = exam.sacrifice()
    _check_revoked(exam, token, f"/JWT/History/ID/{token.id}")


@rule(
    "order-of-revocations",
    "Revocations do not depend on each other: the last one is as good as the first.",
    *REVOKING,
    level="assumed",
    revokes=True,
)
def order_of_revocations(exam: Examination) -> None:
    for token in reversed(exam.sacrifices(2)):
        _check_revoked(exam, token, jti_path(token.jti))


@rule(
    "revoked-at-the-gate",
    "A revoked token is let in or refused, as the profile says, and at once.",
    *assumption("revocation-enforced"),
    revokes=True,
)
def revoked_at_the_gate(exam: Examination) -> None:
    for by in WAYS:
        token = exam.sacrifice(with_jwt=True)
        call = f"JWT {token.jwt}"
        before = exam.ask("GET", HISTORY, call)
        expect(before.status == 200, "200 for a token that is not revoked", before)
        exam.expect_revoked(exam.revoke_jti(token.jti) if by == "jti" else exam.revoke_id(token.id), token.record)
        _check_gate(exam, call)


@rule(
    "revokes-itself",
    "A token can revoke itself, and that is the last thing it does.",
    *assumption("revocation-enforced"),
    revokes=True,
)
def revokes_itself(exam: Examination) -> None:
    token = exam.sacrifice(with_jwt=True)
    call = f"JWT {token.jwt}"
    exam.expect_revoked(exam.revoke_jti(token.jti, call), token.record)
    _check_gate(exam, call)


@rule(
    "others-keep-working",
    "Whoever's token is revoked, all other credentials keep working.",
    *assumption("revocation-enforced"),
    revokes=True,
)
def others_keep_working(exam: Examination) -> None:
    token = exam.sacrifice()
    exam.expect_revoked(exam.revoke_jti(token.jti), token.record)
    for credential in exam.first.credentials:
        exchange = exam.ask("GET", HISTORY, credential.authorization)
        expect(exchange.status == 200, "200 for credentials that were not revoked", exchange)


def check_gate(exam: Examination, call: str) -> None:
    """Break the rule unless the gate treats a revoked token as the profile says."""
    _check_gate(exam, call)


def _check_gate(exam: Examination, call: str) -> None:
    if exam.profile.revocation_enforced == "no":
        exchange = exam.ask("GET", HISTORY, call)
        expect(exchange.status == 200, "200, because a revoked token keeps working under this profile", exchange)
        return
    for method, path in (
        ("GET", HISTORY),
        ("DELETE", jti_path(exam.nobodys_jti())),
        ("DELETE", id_path(exam.nobodys_id())),
    ):
        exchange = exam.ask(method, path, call)
        expect(exchange.status == 401, "401, because the token is revoked", exchange)
        same = exchange.body == exam.contract.responses["Unauthorized"].content.encode()
        expect(same, "the 401 that any bad token gets", exchange)


def _check_unknown(exam: Examination, revoke: Callable[[], Exchange]) -> None:
    before = exam.records()
    exchange = revoke()
    exam.expect_unknown(exchange)
    expect(exam.records() == before, "the list as it was", exchange, "another list afterwards")


def _check_spared(exam: Examination, revoke: Callable[[Sacrifice], Exchange]) -> None:
    token = exam.spare()
    exchange = revoke(token)
    exam.expect_unknown(exchange)
    _expect_untouched(exam, token, exchange)


def _expect_untouched(exam: Examination, token: Sacrifice, exchange: Exchange) -> None:
    expect(exam.is_untouched(token), "the token as it was", exchange, f"the record {exam.record(token)}")


def _check_revoked(exam: Examination, token: Sacrifice, path: str) -> None:
    exchange = exam.ask("DELETE", path, exam.first.authorization)
    exam.expect_revoked(exchange, token.record)
    expect(exam.is_revoked(token), "the token revoked", exchange, f"the record {exam.record(token)}")


def _record(records: list[Record], token: Sacrifice) -> Record | None:
    return next((record for record in records if record["_id"] == token.id), None)


def _others(records: list[Record], token: Sacrifice) -> list[Record]:
    return [record for record in records if record["_id"] != token.id]


def _answered(exam: Examination, story: Story) -> Record | None:
    return _success(exam, story).json if exam.profile.revoke_answer == "record" else None


def _is_hex_id(text: str) -> bool:
    return len(text) == 24 and all(character in "0123456789abcdefABCDEF" for character in text)


RULES = family.rules
__all__ = ["RULES", "UNAUTHORIZED", "check_gate"]
