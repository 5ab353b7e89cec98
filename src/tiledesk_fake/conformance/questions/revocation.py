"""What revocations show of a server's choices. Revokes tokens that were given up."""

from typing import Any

from ..examination import Examination
from ..outcome import LeftOut
from ..paths import HISTORY, id_path, jti_path
from ..reply import Reply
from ..tokens import Sacrifice
from .question import Answer, Unclear, body_of, is_null, is_phantom, is_success, is_unknown


def revoke_unknown(exam: Examination) -> Answer:
    """How the revocation of a token that does not exist is answered."""
    exam.tokens.need_leave()
    reply = exam.revoke_jti(exam.tokens.nobodys_jti())
    if reply.status == 404:
        return "404", reply
    if is_null(reply):
        return "null", reply
    if is_phantom(reply) or is_success(reply):
        return "phantom", reply
    raise Unclear(f"no choice answers like this: {exam.evidence(reply)}")


def malformed_id(exam: Examination) -> Answer:
    """How the revocation of a malformed id is answered."""
    exam.tokens.need_leave()
    reply = exam.ask("DELETE", id_path(exam.guard.nobodys("not-an-id")), exam.first.authorization)
    if reply.status == 500:
        return "fail", reply
    if is_unknown(reply) or is_success(reply):
        return "unknown", reply
    raise Unclear(f"no choice answers like this: {exam.evidence(reply)}")


def revoke_answer(exam: Examination) -> Answer:
    """What a revocation answers."""
    story = exam.stories.by("jti")
    reply = story.revoked
    body = body_of(reply)
    if isinstance(body, dict):
        if body.get("_id") == story.token.id:
            return "record", reply
        if {"n", "ok", "deletedCount"} <= body.keys():
            return "counts", reply
        if body.get("success") is True:
            return "success", reply
    raise Unclear(f"no choice answers like this: {exam.evidence(reply)}")


def revoked_listed(exam: Examination) -> Answer:
    """Whether the list shows revoked tokens."""
    for page in exam.pages():
        if any(record["revoked"] for record in page.records):
            return "yes", page.reply
    story = exam.stories.by("jti")
    listed = any(record["_id"] == story.token.id for record in story.after)
    if listed:
        raise Unclear(f"the token that was revoked is listed as not revoked: {exam.evidence(exam.listed())}")
    return "no", exam.listed()


def revoke_again(exam: Examination) -> Answer:
    """How a second revocation is answered."""
    story = exam.stories.by("jti")
    reply = story.again
    if is_unknown(reply):
        return "unknown", reply
    bodies = [body_of(each) for each in (story.revoked, reply)]
    if None not in bodies:
        first, again = exam.told(story.revoked), exam.told(reply)
        listed, listed_again = (story.own(records) for records in (story.after, story.after_again))
        if _untouched(again) == _untouched(first):
            # Where neither the answer nor the list shows the record, no client can tell one choice from the others.
            return "same" if (again, listed_again) == (first, listed) else "touched", reply
    raise Unclear(f"neither the same answer nor that of an unknown token: {exam.evidence(reply)}")


def _untouched(body: Any) -> Any:
    return {name: value for name, value in body.items() if name != "updatedAt"} if isinstance(body, dict) else body


def revoke_foreign(exam: Examination) -> Answer:
    """Whether another user's token can be revoked."""
    exam.tokens.need_leave()
    if exam.second is None:
        raise Unclear("a second user is needed; give --basic or --jwt of another one")
    token = exam.tokens.spare()
    reply = exam.revoke_jti(token.jti, exam.second.authorization)
    if not exam.tokens.is_untouched(token):
        return "allowed", reply
    if is_unknown(reply) or is_success(reply):
        return "unknown", reply
    raise Unclear(f"the token is as it was, but no choice answers like this: {exam.evidence(reply)}")


def revocation_enforced(exam: Examination) -> Answer:
    """Whether the gate refuses a revoked token."""
    marked = {record["jti"] for record in exam.records() if record["revoked"]}
    for jwt in exam.first.jwts:
        if jwt.jti in marked:
            reply = exam.ask("GET", HISTORY, jwt.authorization)
            return _let_in(exam, reply), reply
    token = _known_by_its_jwt(exam)
    call = token.authorization
    revoked = exam.ask("DELETE", jti_path(token.jti), call)
    if revoked.status != 200:
        raise Unclear(f"the token could not be revoked: {exam.evidence(revoked)}")
    reply = exam.ask("GET", HISTORY, call)
    return _let_in(exam, reply), reply


def _let_in(exam: Examination, reply: Reply) -> str:
    if reply.status not in (200, 401):
        raise Unclear(f"neither let in nor refused: {exam.evidence(reply)}")
    return "no" if reply.status == 200 else "yes"


def _known_by_its_jwt(exam: Examination) -> Sacrifice:
    """A token to revoke whose JWT is known; the one in use if there is no other."""
    try:
        return exam.tokens.give_up(with_jwt=True)
    except LeftOut:
        exam.tokens.need_leave()
        return exam.tokens.give_up_in_use()
