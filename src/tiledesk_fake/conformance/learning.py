"""Which choice does a server make for each assumption? Answered by asking it."""

from collections.abc import Mapping

from ..contract.profile import CHOICES
from .examination import Examination
from .learnt import Learnt
from .outcome import Broken, CannotCheck, Forbidden, LeftOut
from .progress import Progress, silent
from .questions import QUESTIONS, Question, Unclear
from .reply import Reply
from .target import Target


def learn(target: Target, *, progress: Progress = silent) -> Learnt:
    """Which choice the target makes for each assumption, as far as asking can tell.

    Without leave to revoke, what only a revocation shows stays unknown. Raises CannotCheck if the server cannot be
    reached, refuses the credentials, or is gone before the end; the message then names what was revoked.
    """
    exam = Examination(target)
    try:
        return _learn(exam, progress)
    finally:
        exam.close()


def _learn(exam: Examination, progress: Progress) -> Learnt:
    learnt = answers(exam, QUESTIONS, progress)
    # A server that revokes what nobody asked for is asked for no further revocation.
    exam.tokens.tidy(revoke=not any("unasked" in record for record in exam.changes.revoked))
    return Learnt(
        exam.redact(exam.client.url),
        {id: learnt[id][0] for id in CHOICES},
        {id: learnt[id][1] for id in CHOICES},
        exam.changes.revoked,
        exam.tokens.left_behind,
    )


def answers(
    exam: Examination, questions: Mapping[str, Question], progress: Progress = silent
) -> dict[str, tuple[str | None, str]]:
    """For each assumption the choice, None where it is unknown, and the evidence or the reason.

    The examination judges by what is known so far, and by defaults otherwise. Raises CannotCheck if the server is gone.
    """
    found: dict[str, tuple[str | None, str]] = {}
    known = len(exam.unanswered)
    for done, (id, question) in enumerate(questions.items()):
        progress(done, len(questions), id)
        exam.judge_by({each: choice for each, (choice, _) in found.items() if choice is not None})
        found[id] = _answer(exam, question)
        if len(exam.unanswered) > known:
            _need_a_server(exam, since=exam.unanswered[known])
            known = len(exam.unanswered)
    progress(len(questions), len(questions), "done")
    return found


def _answer(exam: Examination, question: Question) -> tuple[str | None, str]:
    """The choice, or None, and the evidence or the reason."""
    try:
        choice, reply = question(exam)
    except (LeftOut, Unclear, Forbidden) as reason:
        return None, exam.redact(f"not found out: {reason}")
    except Broken as broken:
        return None, exam.redact(f"not found out: expected {broken.expected}, got {broken.got}")
    return choice, exam.evidence(reply)


def _need_a_server(exam: Examination, *, since: Reply) -> None:
    """Raise CannotCheck if no more is answered: the rest of the questions would find out nothing."""
    if exam.is_reachable():
        return
    gone = f"{exam.client.url} no longer answers: {since.failure}, since {since.method} {since.target}"
    revoked = [f"{record['_id']} (jti {record['jti']})" for record in exam.changes.revoked]
    named = f"; as far as can be told, it has revoked {', '.join(revoked)}" if revoked else "; nothing was revoked"
    raise CannotCheck(f"{exam.redact(gone)}{named}")
