"""The second revocation of a token: it changes nothing, and answers as the profile says."""

from ..examination import Examination
from ..judging import expect
from ..reply import Reply
from ..stories import KEYS, Story
from .rule import Brake, Family, assumption

family = Family()
rule = family.rule


@rule(
    "revokes-again",
    "Revoking again by the same key answers as the profile says.",
    *assumption("revoke-again"),
    brake=Brake.UNWATCHED,
    revokes=True,
)
def revokes_again(exam: Examination) -> None:
    for by in KEYS:
        story = exam.stories.by(by)
        _check_again(exam, story, story.again)


@rule(
    "revokes-again-by-the-other-key",
    "Revoking again by the other key is revoking again.",
    *assumption("revoke-again"),
    brake=Brake.UNWATCHED,
    revokes=True,
)
def revokes_again_otherwise(exam: Examination) -> None:
    for by in KEYS:
        story = exam.stories.by(by)
        _check_again(exam, story, story.again_otherwise)


@rule(
    "revoking-again-changes-nothing",
    "Revoking again changes nothing, updatedAt neither.",
    *assumption("revoke-again"),
    brake=Brake.UNWATCHED,
    revokes=True,
)
def again_changes_nothing(exam: Examination) -> None:
    for by in KEYS:
        story = exam.stories.by(by)
        for records in (story.after_again, story.at_last):
            now = story.own(records)
            right = records == story.after
            expect(right, "the list as it was after the first time", story.again, f"another list; the record is {now}")


def _check_again(exam: Examination, story: Story, reply: Reply) -> None:
    if exam.profile.revoke_again == "unknown":
        exam.expect_unknown(reply)
        return
    exam.expect_revoked(story.revoked, story.token.record)
    exam.expect_revoked(reply, story.token.record)
    expect(exam.told(reply) == exam.told(story.revoked), "the same answer as the first time", reply)


RULES = family.rules
