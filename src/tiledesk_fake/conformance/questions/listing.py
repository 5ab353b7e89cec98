"""What the list shows of a server's choices. Only reads."""

from ...contract.profile import CHOICES, is_choice
from ..examination import Examination
from ..paths import HISTORY
from .question import Answer, Unclear, body_of


def list_envelope(exam: Examination) -> Answer:
    """The envelope of the list."""
    reply = exam.listed()
    body = body_of(reply)
    if isinstance(body, list):
        return "bare", reply
    keys = [key for key in ("jwts", "jwtHistories") if isinstance(body, dict) and isinstance(body.get(key), list)]
    if len(keys) != 1:
        raise Unclear(f"the list is in no known envelope: {exam.evidence(reply)}")
    return keys[0], reply


def invalid_query(exam: Examination) -> Answer:
    """What a server does with invalid values."""
    default = exam.page().ids
    replies = [exam.listed(query) for query in ("page=abc", "direction=7")]
    for reply in replies:
        if reply.status == 200 and exam.as_page(reply).ids != default:
            raise Unclear(f"another list than the default one: {exam.evidence(reply)}")
    statuses = [reply.status for reply in replies]
    choices = {"reject": [400, 400], "ignore": [200, 200], "fail": [500, 500], "coerce": [200, 500]}
    for choice, expected in choices.items():
        if statuses == expected:
            return choice, replies[statuses[0] != statuses[1]]
    shown = "; ".join(exam.evidence(reply) for reply in replies)
    raise Unclear(f"invalid values are not answered alike, or as no choice says: {shown}")


def page_base(exam: Examination) -> Answer:
    """The number of the first page."""
    default = exam.page()
    zero, one = exam.listed("page=0"), exam.listed("page=1")
    if zero.status != 200:
        exam.as_page(one)
        return "1", zero
    if exam.as_page(zero).ids != default.ids:
        raise Unclear(f"page 0 is neither refused nor the first page: {exam.evidence(zero)}")
    if _refuses_what_is_invalid(exam):
        # If 1 were the first page, 0 would be invalid, and refused like other invalid values.
        return "0", zero
    if exam.as_page(one).ids != default.ids:
        return "0", one
    if not default.records:
        raise Unclear("the user has no tokens, so that page 0 and page 1 look alike")
    return "1", one


def page_size(exam: Examination) -> Answer:
    """The number of records on a page."""
    page = exam.listed()
    body = body_of(page)
    if isinstance(body, dict):
        told = str(body.get("perPage"))
        if not is_choice("page-size", told):
            raise Unclear(f"a page of {told} is no choice: {exam.evidence(page)}")
        # Not by way of the forms: they know no other page size yet.
        if len(body.get(exam.profile.list_envelope, ())) > int(told):
            raise Unclear(f"a page of {told} has more records than that: {exam.evidence(page)}")
        return told, page
    length = len(body) if isinstance(body, list) else 0
    if is_choice("page-size", str(length)):
        first = exam.as_page(page).ids
        # Wherever pages start, one of these is the second or third.
        for number in (1, 2):
            following = exam.page(f"page={number}")
            if following.records and following.ids != first:
                return str(length), following.reply
    raise Unclear(f"the list tells no page size, and the user's {length} tokens fill no page but the first")


def sort_parameter(exam: Examination) -> Answer:
    """The name of the parameter that names the sort field."""
    names = CHOICES["sort-parameter"]
    if _refuses_what_is_invalid(exam):
        asked = {name: exam.listed(f"{name}=nothing") for name in names}
        read = {name: reply for name, reply in asked.items() if reply.status != 200}
    else:
        plain = exam.page("direction=1").ids
        read = {}
        for name in names:
            for field in exam.sort_fields:
                page = exam.page(f"direction=1&{name}={field}")
                if page.ids != plain:
                    read.setdefault(name, page.reply)
        if not read:
            raise Unclear(f"neither parameter moves the user's {len(plain)} tokens, whatever field they name")
    if len(read) != 1:
        raise Unclear(f"{'both' if read else 'neither'} of {' and '.join(names)} made a difference")
    return next(iter(read.items()))


def tie_order(exam: Examination) -> Answer:
    """In which order records are that tie: all of a user's records have the same id_user."""
    ascending, descending = (exam.page(exam.query(sort="id_user", direction=direction)) for direction in (1, -1))
    if len(ascending.ids) < 2:
        raise Unclear(f"at least two tokens are needed, the user has {len(ascending.ids)}")
    if ascending.ids == descending.ids:
        return "natural", descending.reply
    if ascending.ids == sorted(ascending.ids) and descending.ids == sorted(descending.ids, reverse=True):
        return "id", descending.reply
    raise Unclear(f"what ties is ordered as no choice says: {exam.evidence(descending.reply)}")


def _refuses_what_is_invalid(exam: Examination) -> bool:
    return "invalid-query" in exam.learnt and exam.profile.invalid_query in ("reject", "fail")


def server_quirks(exam: Examination) -> Answer:
    """How an unknown path and a wrong method are answered."""
    for path, calm in ((f"{HISTORY}/a/b/c", 404), (f"{HISTORY}/{exam.tokens.nobodys_jti()}", 405)):
        reply = exam.listed(path=path)
        found = "calm" if reply.status == calm else "observed" if b"Invalid project id" in reply.body else ""
        if not found:
            raise Unclear(f"neither choice answers like this: {exam.evidence(reply)}")
        if calm == 404:
            first = found
    if found != first:
        raise Unclear("an unknown path is answered by one choice, a wrong method by the other")
    return found, reply
