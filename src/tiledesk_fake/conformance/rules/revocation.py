"""What a revocation does, and what it must not do. Revokes tokens that were given up."""

from ..examination import Examination
from ..judging import Record, expect
from ..outcome import NotApplicable
from ..reply import Reply
from ..stories import KEYS, Story
from .rule import REVOKING, Brake, Family, assumption

family = Family()
rule = family.rule


@rule(
    "revokes-by-jti",
    "A token is revoked by its jti.",
    "paths",
    "/jwt/history/{jti}",
    "delete",
    brake=Brake.UNWATCHED,
    revokes=True,
)
def revokes_by_jti(exam: Examination) -> None:
    story = exam.stories.by("jti")
    exam.expect_revoked(story.revoked, story.token.record)


@rule(
    "revokes-by-id",
    "A token is revoked by its id.",
    "paths",
    "/jwt/history/id/{id}",
    "delete",
    brake=Brake.UNWATCHED,
    revokes=True,
)
def revokes_by_id(exam: Examination) -> None:
    story = exam.stories.by("id")
    exam.expect_revoked(story.revoked, story.token.record)


@rule(
    "revocation-form",
    "The answer to a revocation has the declared form.",
    *assumption("revoke-answer"),
    brake=Brake.UNWATCHED,
    revokes=True,
)
def revocation_form(exam: Examination) -> None:
    for by in KEYS:
        exam.expect_json(exam.stories.by(by).revoked, "RevokedByJti", 200)


@rule(
    "revocation-answers-the-record",
    "The answer is the record as it is after the revocation.",
    *assumption("revoke-answer"),
    brake=Brake.UNWATCHED,
    revokes=True,
)
def answers_the_record(exam: Examination) -> None:
    if exam.profile.revoke_answer != "record":
        raise NotApplicable("under this profile the answer is not the record")
    for by in KEYS:
        story = exam.stories.by(by)
        answered = exam.told(_success(exam, story))
        expect(answered["revoked"] is True, f"the record {story.token.id}, revoked", story.revoked)
        listed = story.own(story.after)
        if listed is not None:
            expect(answered == listed, "the record as the list shows it afterwards", story.revoked)


@rule(
    "revocation-is-listed",
    "The list shows a revocation at once.",
    *assumption("revoked-listed"),
    brake=Brake.UNWATCHED,
    revokes=True,
)
def revocation_is_listed(exam: Examination) -> None:
    for by in KEYS:
        story = exam.stories.by(by)
        record = story.own(story.after)
        if exam.profile.revoked_listed == "no":
            expect(record is None, "the token gone from the list", story.revoked, f"the record {record}")
        else:
            expect(record is not None, "the token still in the list", story.revoked, "a list without it")
            expect(
                record is not None and record["revoked"] is True, "revoked true in the list", story.revoked, f"{record}"
            )


@rule(
    "revocation-counts",
    "A revocation changes the count as the profile says.",
    *assumption("revoked-listed"),
    brake=Brake.UNWATCHED,
    revokes=True,
)
def revocation_counts(exam: Examination) -> None:
    token = exam.tokens.give_up()
    before = exam.page().count
    if before is None:
        raise NotApplicable("under this profile the list tells no count")
    reply = exam.revoke_id(token.id)
    after = exam.page().count
    expected = before - (exam.profile.revoked_listed == "no")
    expect(after == expected, f"count {expected}", reply, f"count {after}, {before} before")


@rule(
    "revokes-only-that",
    "A revocation changes no other token.",
    *REVOKING,
    brake=Brake.ALL,
    level="assumed",
    revokes=True,
)
def revokes_only_that(exam: Examination) -> None:
    for by in KEYS:
        story = exam.stories.by(by)
        others = story.others(story.before)
        changed = [record for record in others if record not in story.after]
        added = [record for record in story.others(story.after) if record not in others]
        got = f"{len(changed)} other tokens changed or gone, {len(added)} new"
        expect(not changed and not added, "every other token as it was", story.revoked, got)


@rule(
    "revokes-only-two-fields",
    "A revocation changes revoked and updatedAt, nothing else.",
    *REVOKING,
    brake=Brake.UNWATCHED,
    level="assumed",
    revokes=True,
)
def only_two_fields(exam: Examination) -> None:
    for by in KEYS:
        story = exam.stories.by(by)
        record = story.own(story.after) or _answered(exam, story)
        if record is None:
            raise NotApplicable("under this profile a revoked token cannot be seen")
        before = story.token.record
        changed = {name for name in {*before, *record} if before.get(name) != record.get(name)}
        got = ", ".join(sorted(changed - {"revoked", "updatedAt"}))
        expect(changed <= {"revoked", "updatedAt"}, "revoked and updatedAt to change", story.revoked, f"also {got}")


@rule(
    "revocation-moves-updated-at",
    "A revocation moves updatedAt forward.",
    *REVOKING,
    brake=Brake.UNWATCHED,
    level="assumed",
    revokes=True,
)
def moves_updated_at(exam: Examination) -> None:
    for by in KEYS:
        story = exam.stories.by(by)
        record = story.own(story.after) or _answered(exam, story)
        if record is None:
            raise NotApplicable("under this profile a revoked token cannot be seen")
        before = story.token.record["updatedAt"]
        if record["updatedAt"] == before and _stands_still(exam):
            raise NotApplicable("the clock of the server stands still")
        expect(
            record["updatedAt"] > before, f"updatedAt after {before}", story.revoked, f"updatedAt {record['updatedAt']}"
        )


def _stands_still(exam: Examination) -> bool:
    """Whether sign-ins of different moments, with requests between them, have made tokens of the same moment."""
    tokens = [exam.stories.by(by).token for by in KEYS]
    created = {token.record["createdAt"] for token in tokens}
    return len(created) == 1 and all(token.jwt is not None for token in tokens)


def _answered(exam: Examination, story: Story) -> Record | None:
    return exam.told(_success(exam, story)) if exam.profile.revoke_answer == "record" else None


def _success(exam: Examination, story: Story) -> Reply:
    """The answer to the first revocation of a story, which must be a success."""
    exam.expect_revoked(story.revoked, story.token.record)
    return story.revoked


RULES = family.rules
