"""The journal and the verdict in the control API."""

from collections.abc import Callable

from ..core.journal import Exchange
from ..core.redaction import redacted
from ..errors import nearest
from ..violations.verdict import RULES, UNSPENT_FAULT, failure, internal_error
from . import shapes
from .call import DONE, Call, Later, Reply
from .problems import Problem
from .reading import number, text_of, whole_number
from .waiting import Wait

MOST_WAIT_S = 9
MOST_TIMES = 1_000


def read_journal(call: Call) -> Reply | Later:
    """The exchanges that match, now or once there are enough of them."""
    journal, query = call.world.fake.journal, call.query
    matches = _filter(call)
    wait_s = number(query, "wait_s", MOST_WAIT_S)
    times = whole_number(query, "times", 1, MOST_TIMES) or 1

    def reply() -> Reply:
        found = [shapes.exchange(*each) for each in journal.numbered if matches(*each)]
        told = {"total": journal.total, "dropped": journal.dropped, "touched": sorted(journal.touched)}
        return Reply(200, {"exchanges": found, **told})

    if not wait_s:
        return reply()
    return Later(Wait(journal, matches, times), wait_s, reply)


def _filter(call: Call) -> Callable[[int, Exchange], bool]:
    query, known = call.query, call.world.fake.journal.operations
    operation, user, jti = (text_of(query, name) for name in ("operation", "user", "jti"))
    status, after = whole_number(query, "status", 100, 599), whole_number(query, "after", 0, 10**15 - 1) or 0
    if operation is not None and operation not in known:
        raise Problem("misuse", f"there is no operation {operation!r}{nearest(operation, known)}", valid=known)

    def matches(number: int, exchange: Exchange) -> bool:
        return (
            number > after
            and (operation is None or exchange.operation == operation)
            and (status is None or exchange.status == status)
            and (user is None or (exchange.user is not None and user in (exchange.user.id, exchange.user.email)))
            and (jti is None or _has_jti(exchange, jti))
        )

    return matches


def _has_jti(exchange: Exchange, jti: str) -> bool:
    # Two that look alike once they are redacted are still told apart.
    return exchange.path_params.get("jti") == redacted(jti) and exchange.hashes.get("jti") in (None, hash(jti))


def clear_journal(call: Call) -> Reply:
    """The exchanges go."""
    call.world.fake.journal.clear()
    return DONE


def forget_touched(call: Call) -> Reply:
    """Clear the assumptions that have decided so far."""
    call.world.fake.journal.forget_touched()
    return DONE


def read_verdict(call: Call) -> Reply:
    """The verdict: what clients did wrong, and which faults no call met."""
    allowed = call.query["allow"].split(",") if call.query.get("allow") else []
    for rule in allowed:
        if rule not in RULES:
            raise Problem("misuse", f"allow: there is no rule {rule!r}{nearest(rule, RULES)}", valid=RULES)
    fake = call.world.fake
    violations = [each for each in fake.journal.untaken_violations if each.rule not in allowed]
    unspent = [] if UNSPENT_FAULT in allowed else fake.faults.unspent
    text = "ok"
    if bugs := fake.journal.untaken_bugs:
        text = internal_error(bugs)
    elif violations or unspent:
        text = failure(violations, unspent, planner="the test", allowing="@pytest.mark.tiledesk(allow=[{}])")
    return Reply(
        200,
        {
            "ok": text == "ok",
            "violations": [shapes.violation(each) for each in violations],
            "unspent_faults": unspent,
            "text": text,
        },
    )
