"""The edges of the interface: invalid values, HEAD, slashes, methods and paths that nothing has. Mostly reads."""

from ...contract import coercion
from ...contract.parameters import parse_query
from ..examination import Examination
from ..judging import expect
from ..outcome import NotApplicable
from ..paths import HISTORY
from ..reply import Reply
from .rule import Brake, Family, assumption

family = Family()
rule = family.rule

INVALID = assumption("invalid-query")


def _check_invalid(exam: Examination, query: str) -> None:
    """Break the rule unless a query with one invalid value is answered as the profile says."""
    reply = exam.listed(query)
    match exam.profile.invalid_query:
        case "reject":
            expect(reply.status == 400, f"400 for {query}", reply)
            exam.expect_json(reply, "InvalidQuery", 400, rule="refusal-form")
        case "fail":
            _expect_failure(exam, reply, query)
        case "coerce":
            _check_coerced(exam, reply, query)
        case _:
            expect(reply.status == 200, f"200 for {query}, as if the value were absent", reply)
            expect(exam.as_page(reply).ids == exam.page().ids, f"the default list for {query}", reply)


def _check_coerced(exam: Examination, reply: Reply, query: str) -> None:
    """Break the rule unless a query is answered with the list that JavaScript takes it to ask for."""
    listing = next(operation for operation in exam.contract.operations if operation.id == "listTokens")
    try:
        meant = coercion.read(listing, parse_query(query))
    except coercion.BadDirection:
        _expect_failure(exam, reply, query)
        return
    expect(reply.status == 200, f"200 for {query}, which is a list somehow", reply)
    # Any unknown field is the order of issue.
    order = exam.query(sort=meant.field or "unknown", direction=meant.direction or None)
    pages = exam.pages(order)
    exam.needs_whole(pages)
    ids = [id for page in pages for id in page.ids]
    skipped = meant.skipped(exam.contract.page_size)
    asked = f"the list with {order} from record {skipped} on for {query}"
    expect(exam.as_page(reply).ids == ids[skipped : skipped + exam.contract.page_size], asked, reply)


def _expect_failure(exam: Examination, reply: Reply, query: str) -> None:
    expect(reply.status == 500, f"500 for {query}", reply)
    exam.expect_json(reply, "ServerError", 500, rule="refusal-form")


def _check_values(exam: Examination, role: str, values: tuple[str, ...]) -> None:
    for value in values:
        _check_invalid(exam, f"{exam.names[role]}={value}")


@rule("invalid-page", "A page that is no number, or before the first, is invalid.", *INVALID, brake=Brake.NONE)
def invalid_page(exam: Examination) -> None:
    before = str(exam.contract.first_page - 1)
    _check_values(exam, "page", ("abc", before, "1.5", "2147483648", "99999999999999999999", "null", "NaN"))


@rule("invalid-digits", "A number is ASCII digits and nothing else.", *INVALID, brake=Brake.NONE)
def invalid_digits(exam: Examination) -> None:
    # A full-width and an Arabic digit; an underscore, signs, blanks, hex and an exponent as some languages take them.
    odd = ("%EF%BC%91", "%D9%A1", "1_0", "%2B1", "+1", "1%20", "0x1", "1e0", "1.0", "%00")
    _check_values(exam, "page", odd)
    _check_values(exam, "direction", ("%EF%BC%91", "%2B1", "1.0", "01"))


@rule("invalid-direction", "A direction is 1 or -1.", *INVALID, brake=Brake.NONE)
def invalid_direction(exam: Examination) -> None:
    _check_values(exam, "direction", ("0", "2", "7", "-2", "asc", "DESC", "true"))


@rule("invalid-sort-field", "A sort field is a field of the record.", *INVALID, brake=Brake.NONE)
def invalid_sort_field(exam: Examination) -> None:
    _check_values(exam, "sortField", ("nothing", "createdat", "createdAt,jti", "-createdAt", "$where", "__proto__"))


@rule("empty-parameter", "A parameter without a value is invalid.", *INVALID, brake=Brake.NONE)
def empty_parameter(exam: Examination) -> None:
    for role in ("page", "direction", "sortField"):
        _check_values(exam, role, ("",))


@rule("repeated-parameter", "A parameter that is given twice is invalid.", *INVALID, brake=Brake.NONE)
def repeated_parameter(exam: Examination) -> None:
    for role, value in (("page", str(exam.contract.first_page)), ("direction", "-1"), ("sortField", "createdAt")):
        name = exam.names[role]
        _check_invalid(exam, f"{name}={value}&{name}={value}")


@rule(
    "head",
    "HEAD answers as GET, without a body.",
    "paths",
    "/jwt/history",
    "get",
    "description",
    brake=Brake.NONE,
    level="assumed",
)
def head(exam: Examination) -> None:
    got = exam.listed()
    asked = exam.ask("HEAD", HISTORY, exam.first.authorization)
    expect(asked.status == got.status, f"status {got.status}, as for GET", asked)
    expect(asked.media_type == got.media_type, f"the media type {got.media_type}, as for GET", asked)
    refused = exam.ask("HEAD", HISTORY)
    expect(refused.status == 401, "401 for HEAD without credentials", refused)


@rule(
    "trailing-slash",
    "A slash at the end of the path makes no difference.",
    "paths",
    "/jwt/history",
    brake=Brake.NONE,
    level="observed",
)
def trailing_slash(exam: Examination) -> None:
    _check_same_list(exam, f"{HISTORY}/")


@rule("path-case", "The path is the same in any case.", "paths", "/jwt/history", brake=Brake.NONE, level="observed")
def path_case(exam: Examination) -> None:
    _check_same_list(exam, "/JWT/History")


def _check_same_list(exam: Examination, path: str) -> None:
    plain, reply = exam.page(), exam.listed(path=path)
    expect(reply.status == 200, f"200 for {path}", reply)
    expect(exam.as_page(reply).ids == plain.ids, f"the same list at {path}", reply)


QUIRKS = assumption("server-quirks")


def _check_fallen_through(exam: Examination, reply: Reply, calm: int, *, rule: str | None = None) -> None:
    """Break the rule unless a request without an operation is answered as the profile says."""
    if exam.profile.server_quirks == "observed":
        expect(reply.status == 400, "400, as if the path began with a project", reply, rule=rule)
        expect(b"Invalid project id" in reply.body, "the words Invalid project id", reply, rule=rule)
        return
    expect(reply.status == calm, f"{calm}", reply, rule=rule)
    if calm == 405:
        expect(bool(reply.values("Allow")), "405 with an Allow header", reply, rule=rule)


@rule("unknown-path", "Below the history, a path that nothing has is not found.", *QUIRKS, brake=Brake.NONE)
def unknown_path(exam: Examination) -> None:
    for path in (f"{HISTORY}/a/b/c", f"{HISTORY}/a/b"):
        _check_fallen_through(exam, exam.listed(path=path), 404)


@rule(
    "wrong-method-on-a-token",
    "There is no GET for a single token: the method is refused, and Allow names another.",
    *QUIRKS,
    brake=Brake.NONE,
)
def wrong_method_on_a_token(exam: Examination) -> None:
    key = exam.tokens.nobodys_jti()
    for path in (f"{HISTORY}/{key}", f"{HISTORY}/id/{exam.tokens.nobodys_id()}"):
        reply = exam.listed(path=path)
        _check_fallen_through(exam, reply, 405)
        allowed = [word.strip() for value in reply.values("Allow") for word in value.split(",")]
        right = exam.profile.server_quirks == "observed" or ("DELETE" in allowed and "GET" not in allowed)
        expect(right, "an Allow header with DELETE and without GET", reply, f"Allow: {', '.join(allowed)}")


@rule(
    "wrong-method", "A method that the contract does not have is refused.", *QUIRKS, brake=Brake.UNWATCHED, revokes=True
)
def wrong_method(exam: Examination) -> None:
    key = exam.tokens.nobodys_jti()
    before = exam.records()
    for method, path in (
        ("POST", HISTORY),
        ("PUT", HISTORY),
        ("PATCH", HISTORY),
        ("DELETE", HISTORY),
        ("PUT", f"{HISTORY}/{key}"),
        ("POST", f"{HISTORY}/{key}"),
        ("PATCH", f"{HISTORY}/id/{exam.tokens.nobodys_id()}"),
    ):
        reply = exam.ask(method, path, exam.first.authorization)
        _check_fallen_through(exam, reply, 405)
    expect(exam.records() == before, "the list as it was", reply, "another list after the refused methods")


@rule("malformed-escape", "A percent-escape that is none makes the path invalid.", *QUIRKS, brake=Brake.NONE)
def malformed_escape(exam: Examination) -> None:
    calm = exam.profile.server_quirks == "calm"
    for escape in ("%zz", "%E9", "%"):
        reply = exam.listed(path=f"{HISTORY}/{escape}")
        expect(reply.status == (400 if calm else 500), "400" if calm else "500", reply)


@rule(
    "refusal-form",
    "A refusal has the declared form: JSON with success false and a message.",
    "components",
    "schemas",
    "Refusal",
    brake=Brake.NONE,
)
def refusal_form(exam: Examination) -> None:
    if exam.profile.invalid_query != "reject":
        raise NotApplicable("under this profile no reading is refused with a message")
    reply = exam.listed(f"{exam.names['page']}=abc")
    exam.expect_json(reply, "InvalidQuery", 400)


RULES = family.rules
