"""The second revocation of a token: it changes nothing but, at most, updatedAt, and answers as the profile says."""

from ..examination import Examination
from ..judging import Record, expect
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
    "Revoking again changes nothing, updatedAt neither unless the profile says so.",
    *assumption("revoke-again"),
    brake=Brake.UNWATCHED,
    revokes=True,
)
def again_changes_nothing(exam: Examination) -> None:
    for by in KEYS:
        story = exam.stories.by(by)
        earlier = story.after
        for records in (story.after_again, story.at_last):
            now = story.own(records)
            right = _same(exam, earlier, records)
            expect(right, _EXPECTED[exam.profile.revoke_again], story.again, f"another list; the record is {now}")
            earlier = records


def _check_again(exam: Examination, story: Story, reply: Reply) -> None:
    if exam.profile.revoke_again == "unknown":
        exam.expect_unknown(reply)
        return
    exam.expect_revoked(story.revoked, story.token.record)
    exam.expect_revoked(reply, story.token.record)
    first, again = exam.told(story.revoked), exam.told(reply)
    if exam.profile.revoke_again == "touched" and exam.profile.revoke_answer == "record":
        expect(first["updatedAt"] < again["updatedAt"], f"updatedAt after {first['updatedAt']}", reply)
        first, again = _untouched([first]), _untouched([again])
    expect(again == first, "the same answer as the first time", reply)


_UNCHANGED = "the list as it was after the first time"
_EXPECTED = {"same": _UNCHANGED, "unknown": _UNCHANGED, "touched": "the list as it was, but for a later updatedAt"}


def _same(exam: Examination, earlier: list[Record], now: list[Record]) -> bool:
    """Whether a list is as it was before a second revocation, which touches one record if the profile says so."""
    if exam.profile.revoke_again != "touched" or exam.profile.revoked_listed == "no":
        return now == earlier
    touched = [record for record in now if record not in earlier]
    return _untouched(now) == _untouched(earlier) and len(touched) == 1


def _untouched(records: list[Record]) -> list[Record]:
    return [{name: value for name, value in record.items() if name != "updatedAt"} for record in records]


RULES = family.rules
