"""Servers that break the contract, each in one way, and the rule that must notice."""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from tests.conformance.world import HISTORY, NO_ANSWER, SECRET, Answer, Ask, Request, Twist, World, answer
from tiledesk_fake.conformance.credentials import decoded


@dataclass(frozen=True)
class Wrong:
    """A wrong server: what it does, and the rules of which one at least must be broken."""

    name: str
    rules: tuple[str, ...]
    twist: Twist
    profile: tuple[tuple[str, str], ...] = ()
    generated: bool = False
    """Whether the defect shows to generated requests only."""

    def __str__(self) -> str:
        return self.name


WRONG: list[Wrong] = []


def wrong(*rules: str, generated: bool = False, **profile: str) -> Callable[[Twist], Twist]:
    """Add a twist to the catalogue, named by its function."""

    def add(twist: Twist) -> Twist:
        choices = tuple((id.replace("_", "-"), choice) for id, choice in profile.items())
        name = twist.__name__.replace("_", " ")
        WRONG.append(Wrong(name, rules, twist, choices, generated))
        return twist

    return add


def listing(**changes: Callable[..., Any]) -> Twist:
    """A server that lists by itself, with some of its steps changed.

    - `order(records, field, descending)`: the sorted records
    - `cut(records, page)`: the records of a page, counted from 0
    - `count(records, page)`, `per_page()`: what the envelope says
    """

    def order(records: list[Any], field: str, descending: bool) -> list[Any]:
        return sorted(records, key=lambda each: (field in each, each.get(field, 0), each["_id"]), reverse=descending)

    def cut(records: list[Any], page: int) -> list[Any]:
        return records[page * 40 : (page + 1) * 40]

    steps: dict[str, Callable[..., Any]] = {
        "order": order,
        "cut": cut,
        "count": lambda records, page: len(records),
        "per_page": lambda: 40,
    }
    steps |= changes

    def twist(world: World, request: Request, ask: Ask) -> Answer:
        right = ask(request)
        if not request.lists or right.status != 200:
            return right
        query = request.query
        records = world.all(request, ask)
        assert records is not None
        field = query.get("sortField", "createdAt")
        ordered = steps["order"](records, field, query.get("direction", "-1") == "-1")
        page = steps["cut"](ordered, int(query.get("page", "0")))
        said = {"perPage": steps["per_page"](), "count": steps["count"](records, page), "jwts": page}
        return right.saying(said)

    return twist


def _by(records: list[Any], field: str, descending: bool, key: Callable[[Any], Any]) -> list[Any]:
    return sorted(records, key=lambda each: (key(each.get(field)), each["_id"]), reverse=descending)


def records_changed(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Twist:
    """A server that shows every record in the list changed."""

    def twist(world: World, request: Request, ask: Ask) -> Answer:
        right = ask(request)
        if not request.lists or right.status != 200:
            return right
        body = right.json
        return right.saying(body | {"jwts": [change(record) for record in body["jwts"]]})

    return twist


def named(name: str, twist: Twist, *rules: str, **profile: str) -> None:
    """Add a twist that was made, under a name of its own."""
    twist.__name__ = name
    wrong(*rules, generated=False, **profile)(twist)


# Pages.

named("the first page is page one", listing(cut=lambda rows, page: rows[max(0, page - 1) * 40 :][:40]), "second-page")
named("pages overlap by a record", listing(cut=lambda rows, page: rows[page * 39 :][:40]), "pages-partition")
named("the page is ignored", listing(cut=lambda rows, page: rows[:40]), "second-page", "pages-partition")
named("pages wrap around", listing(cut=lambda rows, page: rows[page % 2 * 40 :][:40]), "page-past-end")
named("pages hold 39 of 40", listing(cut=lambda rows, page: rows[page * 39 :][:39]), "page-size")
named(
    "the last record of a full page takes the place of the one before",
    listing(
        cut=lambda rows, page: (
            [*rows[:38], rows[39], rows[39]] if page == 0 and len(rows) >= 40 else rows[page * 40 :][:40]
        )
    ),
    "list-form",
    "pages-partition",
)
named("a page skips a record", listing(cut=lambda rows, page: rows[page * 41 :][:40]), "count-agrees", "order-reversed")
named("perPage is 50", listing(per_page=lambda: 50), "list-form")
named("perPage is text", listing(per_page=lambda: "40"), "list-form")
named("the count is that of the page", listing(count=lambda rows, page: len(page)), "count-agrees")
named(
    "the count leaves revoked tokens out",
    listing(count=lambda rows, page: sum(not each["revoked"] for each in rows)),
    "count-agrees",
)
named("the count is one too high", listing(count=lambda rows, page: len(rows) + 1), "count-agrees")
named("an empty page is null", listing(cut=lambda rows, page: rows[page * 40 :][:40] or None), "list-form")


@wrong("page-past-end", "list-answers")
def past_the_end_is_not_found(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    if request.lists and right.status == 200 and not right.json["jwts"]:
        return answer(404, {"success": False, "msg": "No such page."})
    return right


@wrong("counts-are-apart", "count-agrees")
def the_count_is_over_all_users(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    if request.lists and right.status == 200:
        everybodys = len(world.fake.history(world.ada)) + len(world.fake.history(world.bob))
        return right.saying(right.json | {"count": everybodys})
    return right


# Order.

named(
    "the direction is ignored",
    listing(
        order=lambda rows, field, descending: sorted(
            rows, key=lambda each: (field in each, each.get(field, 0), each["_id"]), reverse=True
        )
    ),
    "order-ascending",
)
named(
    "the direction is inverted",
    listing(
        order=lambda rows, field, descending: sorted(
            rows, key=lambda each: (field in each, each.get(field, 0), each["_id"]), reverse=not descending
        )
    ),
    "order-ascending",
    "order-descending",
)
named(
    "the sort field is ignored",
    listing(
        order=lambda rows, field, descending: sorted(
            rows, key=lambda each: (each["createdAt"], each["_id"]), reverse=descending
        )
    ),
    "order-ascending",
)
named(
    "a missing value sorts last",
    listing(
        order=lambda rows, field, descending: _by(rows, field, descending, lambda value: (value is None, value or ""))
    ),
    "order-ascending",
)
named(
    "text is sorted without its case",
    listing(
        order=lambda rows, field, descending: _by(
            rows, field, descending, lambda value: (value is not None, str(value).lower())
        )
    ),
    "order-ascending",
)
named(
    "ties are always ascending",
    listing(
        order=lambda rows, field, descending: sorted(
            sorted(rows, key=lambda each: str(each["_id"])),
            key=lambda each: (field in each, each.get(field, 0)),
            reverse=descending,
        )
    ),
    "order-of-ties",
)
named(
    "each page is sorted by itself",
    listing(
        order=lambda rows, field, descending: [
            each
            for start in (0, 40)
            for each in sorted(
                rows[start:][:40], key=lambda each: (field in each, each.get(field, 0), each["_id"]), reverse=descending
            )
        ]
    ),
    "order-ascending",
)


@wrong("order-of-ties", "steady-list")
def ties_are_in_another_order_each_time(world: World, request: Request, ask: Ask) -> Answer:
    world.memory["turn"] = turn = world.memory.get("turn", 0) + 1

    def order(records: list[Any], field: str, descending: bool) -> list[Any]:
        def key(each: Any) -> tuple[Any, ...]:
            return field in each, each.get(field, 0), hashlib.md5(f"{turn}{each['_id']}".encode()).hexdigest()

        return sorted(records, key=key, reverse=descending)

    return listing(order=order)(world, request, ask)


@wrong("order-default-direction")
def ascending_by_default(world: World, request: Request, ask: Ask) -> Answer:
    if request.lists and "direction" not in request.query:
        return ask(request.asking(direction="1"))
    return ask(request)


@wrong("order-default-field")
def sorted_by_jti_by_default(world: World, request: Request, ask: Ask) -> Answer:
    if request.lists and "sortField" not in request.query:
        return ask(request.asking(sortField="jti"))
    return ask(request)


@wrong("other-parameters-ignored")
def a_limit_is_honoured(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    if request.lists and right.status == 200 and "limit" in request.query:
        return right.saying(right.json | {"jwts": right.json["jwts"][: int(request.query["limit"])]})
    return right


@wrong("other-parameters-ignored")
def another_parameter_sorts_as_well(world: World, request: Request, ask: Ask) -> Answer:
    if request.lists and "sort" in request.query:
        return ask(request.asking(sortField=request.query["sort"], sort=None))
    return ask(request)


# Records.

named(
    "a field is missing",
    records_changed(lambda record: {k: v for k, v in record.items() if k != "updatedAt"}),
    "list-form",
)
named("a time is a number", records_changed(lambda record: record | {"createdAt": 1767225600000}), "list-form")
named(
    "a time has no milliseconds",
    records_changed(lambda record: record | {"createdAt": re.sub(r"\.\d+Z", "Z", record["createdAt"])}),
    "list-form",
)
named(
    "a time is not in UTC",
    records_changed(lambda record: record | {"updatedAt": record["updatedAt"].replace("Z", "+01:00")}),
    "list-form",
)
named(
    "a day is the 30th of February",
    records_changed(lambda record: record | {"createdAt": "2025-02-30T00:00:00.000Z"}),
    "timestamps",
    "list-form",
)
named(
    "a record is changed before it is created",
    records_changed(lambda record: record | {"updatedAt": "2019-01-01T00:00:00.000Z"}),
    "timestamps",
)
named("revoked is text", records_changed(lambda record: record | {"revoked": str(record["revoked"])}), "list-form")
named(
    "an id is no ObjectId", records_changed(lambda record: record | {"_id": record["_id"].upper() + "!"}), "list-form"
)
named("the version is text", records_changed(lambda record: record | {"__v": "0"}), "list-form")


@wrong("own-records", "lists-are-apart")
def everybody_sees_all_tokens(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    if not request.lists or right.status != 200:
        return right
    other = world.bob if right.json["jwts"] and right.json["jwts"][0]["id_user"] == world.ada.id else world.ada
    password = {"bob": "hunter2", "ada": "Secret"}[other.email[:3]]
    credentials = base64.b64encode(f"{other.email}:{password}".encode()).decode()
    theirs = ask(replace(request, authorization=f"Basic {credentials}")).json["jwts"]
    return right.saying(right.json | {"jwts": [*right.json["jwts"], *theirs][:40]})


@wrong("same-list-for-all-credentials")
def a_jwt_sees_only_its_own_record(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    if request.lists and right.status == 200 and (request.authorization or "").startswith("JWT"):
        return right.saying(right.json | {"count": 1, "jwts": right.json["jwts"][:1]})
    return right


@wrong("list-form")
def the_list_is_sent_as_html(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return right.with_header("Content-Type", "text/html") if request.lists and right.status == 200 else right


@wrong("list-form")
def the_array_has_another_key(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return Answer(right.status, right.headers, right.body.replace(b'"jwts"', b'"tokens"')) if request.lists else right


# Edges.


@wrong("invalid-page")
def a_page_that_is_no_number_fails(world: World, request: Request, ask: Ask) -> Answer:
    if request.lists and request.authorization and not re.fullmatch("-?[0-9]+", request.query.get("page", "0")):
        return answer(500, {"err": "error"})
    return ask(request)


@wrong("invalid-page")
def a_negative_page_is_the_first(world: World, request: Request, ask: Ask) -> Answer:
    return ask(request.asking(page=None)) if request.query.get("page", "").startswith("-") else ask(request)


@wrong("invalid-direction")
def any_direction_will_do(world: World, request: Request, ask: Ask) -> Answer:
    known = request.query.get("direction") in (None, "1", "-1", "")
    return ask(request) if known else ask(request.asking(direction="-1"))


@wrong("invalid-sort-field")
def any_sort_field_will_do(world: World, request: Request, ask: Ask) -> Answer:
    known = ("createdAt", "updatedAt", "expiresAt", "jti", "_id", "id_user", "revoked", "__v", "", None)
    return ask(request) if request.query.get("sortField") in known else ask(request.asking(sortField="_id"))


@wrong("invalid-digits")
def a_number_is_whatever_python_takes(world: World, request: Request, ask: Ask) -> Answer:
    page = request.query.get("page")
    try:
        number = None if page is None else int(page)
    except ValueError:
        return ask(request)
    return (
        ask(request)
        if number is None or "_" not in str(page) + "_" * (str(number) != page)
        else ask(request.asking(page=number))
    )


@wrong("repeated-parameter")
def of_repeated_parameters_the_first_counts(world: World, request: Request, ask: Ask) -> Answer:
    path, _, query = request.target.partition("?")
    first: dict[str, str] = {}
    for part in query.split("&"):
        first.setdefault(part.partition("=")[0], part)
    return ask(replace(request, target=f"{path}?{'&'.join(first.values())}" if query else path))


@wrong("empty-parameter")
def an_empty_parameter_is_none(world: World, request: Request, ask: Ask) -> Answer:
    if request.lists and "" in request.query.values():
        return ask(request.asking(**{name: value or None for name, value in request.query.items()}))
    return ask(request)


@wrong("refusal-form", "invalid-page")
def a_refusal_is_plain_text(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    if request.lists and right.status == 400 and right.body.startswith(b"{"):
        return Answer(400, (("Content-Type", "text/plain"),), b"Bad Request")
    return right


@wrong("head")
def head_fails(world: World, request: Request, ask: Ask) -> Answer:
    return answer(500, {"err": "error"}) if request.method == "HEAD" else ask(request)


@wrong("head")
def head_is_not_allowed(world: World, request: Request, ask: Ask) -> Answer:
    return answer(405, {}).with_header("Allow", "GET") if request.method == "HEAD" else ask(request)


@wrong("trailing-slash")
def a_slash_at_the_end_redirects(world: World, request: Request, ask: Ask) -> Answer:
    if request.path.endswith("/"):
        return Answer(308, (("Location", request.path.rstrip("/")),), b"")
    return ask(request)


@wrong("revokes-with-trailing-slash")
def a_slash_at_the_end_belongs_to_the_key(world: World, request: Request, ask: Ask) -> Answer:
    return (
        ask(replace(request, target=f"{request.path[:-1]}%2F"))
        if request.revokes and request.path.endswith("/")
        else ask(request)
    )


@wrong("path-case")
def the_case_of_the_path_counts(world: World, request: Request, ask: Ask) -> Answer:
    return (
        ask(request) if request.path.startswith((HISTORY, "/v3/auth")) else answer(404, {"success": False, "msg": "x"})
    )


@wrong("wrong-method-on-a-token")
def a_refused_method_names_no_other(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return right.with_header("Allow", None) if right.status == 405 else right


@wrong("wrong-method-on-a-token")
def there_is_a_get_for_a_token(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return answer(200, {"jti": request.key}) if request.method == "GET" and right.status == 405 else right


@wrong("wrong-method")
def put_is_taken_for_a_revocation(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return answer(200, {"success": True}) if request.method == "PUT" and right.status == 405 else right


@wrong("unknown-path")
def every_path_is_the_list(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return ask(replace(request, target=HISTORY)) if request.method == "GET" and right.status == 404 else right


@wrong("malformed-escape")
def a_malformed_escape_fails(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    malformed = re.search("%(?![0-9A-Fa-f]{2})|%E9", request.path)
    return answer(500, {"err": "error"}) if malformed else right


# The gate.


def _resigned(token: str, payload: dict[str, Any] | None = None) -> str:
    """The token as the right server takes it, whatever it was signed with; without its expiry."""
    claims = payload if payload is not None else decoded(token.split(".")[1])
    claims.pop("exp", None)
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "HS256", "typ": "JWT"}, claims)
    )
    digest = hmac.digest(SECRET.encode(), f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def lenient(accepts: Callable[[dict[str, Any], dict[str, Any], str, World], bool]) -> Twist:
    """A server that lets more tokens in; `accepts` is told header, claims, signature and the world."""

    def twist(world: World, request: Request, ask: Ask) -> Answer:
        words = (request.authorization or "").split(" ")
        if len(words) == 2 and words[0].lower() == "jwt" and words[1].count(".") == 2:
            head, body, signature = words[1].split(".")
            if accepts(decoded(head), decoded(body), signature, world):
                return ask(replace(request, authorization=f"JWT {_resigned(words[1])}"))
        return ask(request)

    return twist


def _expired(claims: dict[str, Any]) -> bool:
    return bool(claims.get("exp", 2e9) < 1.7e9)


def _ours(claims: dict[str, Any], world: World) -> bool:
    return claims.get("_id") in (world.ada.id, world.bob.id) and claims.get("iat", 0) > 1


named("an expired token is let in", lenient(lambda head, claims, signature, world: _expired(claims)), "refuses-expired")
named(
    "no signature is checked",
    lenient(
        lambda head, claims, signature, world: bool(signature) and head.get("alg") == "HS256" and not _expired(claims)
    ),
    "refuses-bad-signature",
    "refuses-changed-payload",
)
named(
    "only the beginning of a signature is checked",
    lenient(lambda head, claims, signature, world: len(signature) == 39 and not _expired(claims)),
    "refuses-bad-signature",
)
named(
    "alg none is let in",
    lenient(lambda head, claims, signature, world: head.get("alg") == "none" and not signature),
    "refuses-alg-none",
)
named(
    "alg nOnE is let in", lenient(lambda head, claims, signature, world: head.get("alg") == "nOnE"), "refuses-alg-none"
)
named(
    "a stripped signature is let in",
    lenient(
        lambda head, claims, signature, world: not signature and head.get("alg") == "HS256" and not _expired(claims)
    ),
    "refuses-stripped-signature",
)
named(
    "another algorithm is let in",
    lenient(lambda head, claims, signature, world: head.get("alg") == "RS256"),
    "refuses-other-algorithms",
)


@wrong("refuses-guessed-secret")
def an_empty_secret_will_do(world: World, request: Request, ask: Ask) -> Answer:
    words = (request.authorization or "").split(" ")
    if len(words) == 2 and words[1].count(".") == 2:
        signed, _, signature = words[1].rpartition(".")
        empty = base64.urlsafe_b64encode(hmac.digest(b"", signed.encode(), "sha256")).rstrip(b"=").decode()
        if signature == empty:
            return ask(replace(request, authorization=f"JWT {_resigned(words[1])}"))
    return ask(request)


@wrong("refuses-bearer")
def bearer_is_let_in(world: World, request: Request, ask: Ask) -> Answer:
    return ask(replace(request, authorization=re.sub("^Bearer ", "JWT ", request.authorization or "") or None))


@wrong("refuses-doubled-scheme")
def a_doubled_scheme_is_let_in(world: World, request: Request, ask: Ask) -> Answer:
    return ask(replace(request, authorization=re.sub("^JWT JWT ", "JWT ", request.authorization or "") or None))


@wrong("refuses-wrong-password")
def no_password_is_checked(world: World, request: Request, ask: Ask) -> Answer:
    text = (request.authorization or "").removeprefix("Basic ")
    try:
        email = base64.b64decode(text, validate=True).decode().partition(":")[0]
    except ValueError:
        return ask(request)
    if email.lower() in world.fake.users:
        known = f"{email}:{world.fake.users[email.lower()].password}"
        return ask(replace(request, authorization="Basic " + base64.b64encode(known.encode()).decode()))
    return ask(request)


@wrong("refuses-wrong-password")
def the_case_of_a_password_does_not_count(world: World, request: Request, ask: Ask) -> Answer:
    swapped = base64.b64encode(b"ada@example.com:sECRET").decode()
    right = base64.b64encode(b"ada@example.com:Secret").decode()
    return ask(replace(request, authorization=(request.authorization or "").replace(swapped, right) or None))


@wrong("accepts-address-in-any-case")
def the_case_of_an_address_counts(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    text = (request.authorization or "").partition(" ")[2]
    try:
        capitals = base64.b64decode(text).startswith(b"ADA")
    except ValueError:
        capitals = False
    return ask(replace(request, authorization=None)) if capitals else right


@wrong("accepts-scheme-in-any-case")
def the_case_of_the_scheme_counts(world: World, request: Request, ask: Ask) -> Answer:
    known = (request.authorization or "").startswith(("JWT", "Basic"))
    return ask(request if known else replace(request, authorization=None))


@wrong("accepts-password-before-colon")
def a_password_has_colons(world: World, request: Request, ask: Ask) -> Answer:
    text = (request.authorization or "").removeprefix("Basic ")
    try:
        colons = base64.b64decode(text + "===").count(b":") > 1
    except ValueError:
        colons = False
    return ask(replace(request, authorization=None)) if colons else ask(request)


@wrong("no-credentials")
def revoking_takes_no_credentials(world: World, request: Request, ask: Ask) -> Answer:
    if request.method == "DELETE" and not request.authorization:
        return ask(replace(request, authorization=f"JWT {world.jwt}"))
    return ask(request)


@wrong("no-credentials")
def the_refused_are_forbidden(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return answer(403, {"success": False, "msg": "Unauthorized."}) if right.status == 401 else right


@wrong("unauthorized-content-type")
def the_refused_get_json(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return right.with_header("Content-Type", "application/json") if right.status == 401 else right


@wrong("unauthorized-body")
def the_refused_get_another_body(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return replace(right, body=b"Unauthorized!") if right.status == 401 else right


@wrong("unauthorized-challenge")
def the_refused_get_no_challenge(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return right.with_header("WWW-Authenticate", None) if right.status == 401 else right


@wrong("unauthorized-challenge")
def the_refused_get_a_second_challenge(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return replace(right, headers=(*right.headers, ("WWW-Authenticate", "JWT"))) if right.status == 401 else right


@wrong("gate-before-parameters")
def the_query_is_judged_before_the_gate(world: World, request: Request, ask: Ask) -> Answer:
    judged = ask(replace(request, authorization=f"JWT {world.jwt}")) if request.lists else ask(request)
    return judged if judged.status == 400 and b"success" in judged.body else ask(request)


@wrong("gate-before-paths")
def the_method_is_judged_before_the_gate(world: World, request: Request, ask: Ask) -> Answer:
    if request.method in ("PUT", "POST") and request.path.startswith(HISTORY):
        return answer(405, {"success": False, "msg": "x"}).with_header("Allow", "GET")
    return ask(request)


@wrong("one-word")
def one_word_is_unauthorized(world: World, request: Request, ask: Ask) -> Answer:
    return ask(replace(request, authorization=None)) if " " not in (request.authorization or " ") else ask(request)


@wrong("unreadable-basic")
def unreadable_credentials_are_unauthorized(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    unreadable = right.status == 400 and right.body == b"Bad Request" and " " in (request.authorization or "")
    return ask(replace(request, authorization=None)) if unreadable else right


@wrong("three-words")
def a_third_word_is_ignored(world: World, request: Request, ask: Ask) -> Answer:
    words = (request.authorization or "").split(" ")
    return ask(replace(request, authorization=" ".join(words[:2]) or None))


@wrong("two-spaces")
def spaces_are_collapsed(world: World, request: Request, ask: Ask) -> Answer:
    return ask(replace(request, authorization=re.sub("^JWT +", "JWT ", request.authorization or "") or None))


@wrong("refused-changes-nothing")
def a_refused_revocation_is_done_all_the_same(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    if request.revokes and right.status == 401:
        ask(replace(request, authorization=f"JWT {world.jwt}"))
    return right


# Revocations.


def _found(world: World, request: Request) -> Any:
    """The token that a revocation is about, whoever's it is."""
    tokens = [*world.fake.history(world.ada), *world.fake.history(world.bob)]
    key = unquote(request.key)
    return next((each for each in tokens if key in (each.jti, each.id)), None) if request.revokes else None


@wrong("revocation-is-listed", "revokes-only-that")
def a_revocation_does_nothing(world: World, request: Request, ask: Ask) -> Answer:
    token = _found(world, request)
    if token is None or ask(replace(request, method="GET", target=HISTORY)).status != 200:
        return ask(request)
    record = next(each for each in world.all(request, ask) or () if each["_id"] == token.id)
    return answer(200, record | {"revoked": True, "updatedAt": "2030-01-01T00:00:00.000Z"})


named(
    "a revoked token is listed as good",
    records_changed(lambda record: record | {"revoked": False}),
    "revocation-is-listed",
)


@wrong("revocation-is-listed")
def a_revoked_token_leaves_the_list(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    if request.lists and right.status == 200:
        kept = [each for each in right.json["jwts"] if not each["revoked"]]
        return right.saying(right.json | {"jwts": kept})
    return right


@wrong("revocation-is-listed", "concurrent-revocations")
def the_list_is_remembered_for_two_requests(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    if not request.lists or right.status != 200:
        return right
    key = f"{request.authorization} {request.target}"
    remembered: tuple[Answer, int] = world.memory.get(key, (right, 0))
    kept, uses = remembered
    world.memory[key] = (right, 0) if uses >= 2 else (kept, uses + 1)
    return kept


@wrong("revokes-again")
def revoking_again_is_not_found(world: World, request: Request, ask: Ask) -> Answer:
    token = _found(world, request)
    was_revoked = token is not None and token.revoked
    right = ask(request)
    return answer(404, {"success": False, "msg": "x"}) if was_revoked and right.status == 200 else right


@wrong("revokes-again-by-the-other-key")
def revoking_again_by_id_is_not_found(world: World, request: Request, ask: Ask) -> Answer:
    token = _found(world, request)
    was_revoked = token is not None and token.revoked
    right = ask(request)
    return answer(404, {"success": False, "msg": "x"}) if was_revoked and request.by_id else right


@wrong("revoking-again-changes-nothing", "revokes-again")
def revoking_again_takes_it_back(world: World, request: Request, ask: Ask) -> Answer:
    token = _found(world, request)
    back: set[str] = world.memory.setdefault("back", set())
    if token is not None and token.revoked:
        back ^= {token.id}
    right = ask(request)
    if request.lists and right.status == 200:
        shown = [each | {"revoked": each["revoked"] and each["_id"] not in back} for each in right.json["jwts"]]
        return right.saying(right.json | {"jwts": shown})
    return right


@wrong("revoking-again-changes-nothing", "revokes-again")
def revoking_again_moves_the_time(world: World, request: Request, ask: Ask) -> Answer:
    token = _found(world, request)
    moved: set[str] = world.memory.setdefault("moved", set())
    if token is not None and token.revoked:
        moved.add(token.id)
    right = ask(request)
    if request.lists and right.status == 200:
        later = {"updatedAt": "2031-01-01T00:00:00.000Z"}
        shown = [each | (later if each["_id"] in moved else {}) for each in right.json["jwts"]]
        return right.saying(right.json | {"jwts": shown})
    return right


@wrong("lists-are-apart")
def every_good_password_is_adas(world: World, request: Request, ask: Ask) -> Answer:
    given = ask(request)
    is_basic = (request.authorization or "").startswith("Basic ")
    return ask(replace(request, authorization=f"JWT {world.jwt}")) if is_basic and given.status != 401 else given


@wrong("refuses-wrong-secret-token")
def any_token_in_the_query_lets_in(world: World, request: Request, ask: Ask) -> Answer:
    return ask(replace(request, authorization=f"JWT {world.jwt}") if "secret_token" in request.query else request)


@wrong("foreign-revocation-by-id")
def an_id_reaches_everybodys_tokens(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    token = _found(world, request)
    if right.status == 404 and token is not None and request.by_id:
        world.fake.revoke(token)
    return right


@wrong("foreign-revocation-by-jti")
def a_jti_reaches_everybodys_tokens(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    token = _found(world, request)
    if right.status == 404 and token is not None and not request.by_id:
        world.fake.revoke(token)
        return answer(200, {"success": True})
    return right


@wrong("foreign-revocation-by-jti")
def the_key_of_somebody_else_is_forbidden(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    if right.status == 404 and _found(world, request) is not None:
        return answer(403, {"success": False, "msg": "Not yours."})
    return right


@wrong("own-revocation-stays-own", "nothing-else-changed")
def everybodys_newest_token_goes_too(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    if request.revokes and right.status == 200:
        for token in world.fake.history(world.bob):
            if not token.revoked:
                world.fake.revoke(token)
                break
    return right


@wrong("revokes-only-that", "nothing-else-changed")
def all_tokens_are_revoked(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    if request.revokes and right.status == 200:
        for token in world.fake.history(world.ada):
            world.fake.revoke(token)
    return right


@wrong("revokes-only-that", "nothing-else-changed")
def the_next_token_is_revoked_too(world: World, request: Request, ask: Ask) -> Answer:
    found = _found(world, request)
    right = ask(request)
    if found is not None and right.status == 200:
        tokens = world.fake.history(world.ada)
        after = tokens[tokens.index(found) + 1 :]
        for token in [each for each in after if not each.revoked and each.jti not in (world.jwt, "")][:1]:
            world.fake.revoke(token)
    return right


@wrong("nothing-else-changed", generated=True)
def a_generated_revocation_takes_another_token_too(world: World, request: Request, ask: Ask) -> Answer:
    given = ask(request)
    if request.generated and request.revokes and given.status in (200, 404):
        others = [token for token in world.fake.history(world.ada) if not token.revoked and token.jwt != world.jwt]
        for token in others[-1:]:
            world.fake.revoke(token)
    return given


@wrong("revocation-moves-updated-at")
def a_revocation_leaves_the_time(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    if request.lists and right.status == 200:
        return right.saying(
            right.json | {"jwts": [each | {"updatedAt": each["createdAt"]} for each in right.json["jwts"]]}
        )
    return right


@wrong("revokes-only-two-fields")
def a_revocation_makes_it_created_anew(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    if request.lists and right.status == 200:
        return right.saying(
            right.json | {"jwts": [each | {"createdAt": each["updatedAt"]} for each in right.json["jwts"]]}
        )
    return right


@wrong("revokes-only-two-fields")
def a_revocation_counts_the_version(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    if request.lists and right.status == 200:
        return right.saying(
            right.json | {"jwts": [each | {"__v": int(each["revoked"])} for each in right.json["jwts"]]}
        )
    return right


@wrong("revocation-form", "revocation-answers-the-record")
def a_revocation_answers_what_was_before(world: World, request: Request, ask: Ask) -> Answer:
    token = _found(world, request)
    was_revoked = token is not None and token.revoked
    right = ask(request)
    if token is not None and right.status == 200 and not was_revoked:
        return right.saying(right.json | {"revoked": False})
    return right


@wrong("revocation-answers-the-record")
def a_revocation_answers_another_record(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return right.saying(right.json | {"_id": "0" * 24}) if request.revokes and right.status == 200 else right


@wrong("revocation-form")
def a_revocation_answers_nothing(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return right.saying({}) if request.revokes and right.status == 200 else right


@wrong("revokes-by-jti", "revocation-form")
def a_revocation_answers_204(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return Answer(204, (), b"") if request.revokes and right.status == 200 else right


@wrong("unknown-jti")
def the_unknown_is_a_success_that_failed(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return answer(200, {"success": False, "msg": "x"}) if request.revokes and right.status == 404 else right


@wrong("unknown-id")
def the_unknown_is_a_record(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    if request.by_id and right.status == 404:
        return answer(200, ask(Request("GET", HISTORY, f"JWT {world.jwt}")).json["jwts"][0] | {"revoked": True})
    return right


@wrong("unknown-id", "malformed-id")
def the_unknown_fails(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return answer(500, {"err": "error"}) if request.by_id and right.status == 404 else right


@wrong("refusal-form", "unknown-jti")
def the_unknown_is_plain_text(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return (
        Answer(404, (("Content-Type", "text/plain"),), b"Not found")
        if request.revokes and right.status == 404
        else right
    )


@wrong("malformed-id")
def a_malformed_id_is_a_bad_request(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    malformed = request.by_id and not re.fullmatch("[0-9a-fA-F]{24}", request.key)
    return answer(400, {"success": False, "msg": "x"}) if malformed and right.status == 404 else right


@wrong("reserved-jti")
def id_alone_is_not_allowed(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    alone = request.method == "DELETE" and request.path.rstrip("/") == f"{HISTORY}/id" and right.status == 404
    return answer(405, {"success": False, "msg": "x"}).with_header("Allow", "GET") if alone else right


@wrong("jti-case-counts")
def the_case_of_a_jti_does_not_count(world: World, request: Request, ask: Ask) -> Answer:
    if request.revokes and not request.by_id:
        key = unquote(request.key).lower()
        for token in world.fake.history(world.ada):
            if token.jti.lower() == key:
                return ask(request.about(token.jti))
    return ask(request)


@wrong("jti-counts-whole")
def the_beginning_of_a_jti_will_do(world: World, request: Request, ask: Ask) -> Answer:
    if request.revokes and not request.by_id and len(request.key) > 3:
        for token in world.fake.history(world.ada):
            if token.jti.startswith(unquote(request.key)):
                return ask(request.about(token.jti))
    return ask(request)


@wrong("jti-counts-whole")
def blanks_around_a_jti_are_cut(world: World, request: Request, ask: Ask) -> Answer:
    return ask(request.about(request.key.replace("%20", ""))) if request.revokes and not request.by_id else ask(request)


@wrong("id-is-no-jti", "jti-is-no-id")
def both_keys_are_one(world: World, request: Request, ask: Ask) -> Answer:
    token = _found(world, request)
    return ask(replace(request, target=f"{HISTORY}/{token.jti}")) if token is not None else ask(request)


@wrong("revokes-by-id", "jti-is-no-id")
def an_id_is_looked_up_as_a_jti(world: World, request: Request, ask: Ask) -> Answer:
    return ask(replace(request, target=f"{HISTORY}/{request.key}")) if request.by_id else ask(request)


@wrong("id-in-any-case")
def the_case_of_an_id_counts(world: World, request: Request, ask: Ask) -> Answer:
    capitals = request.by_id and request.key != request.key.lower()
    return ask(request.about("0" * 24)) if capitals else ask(request)


@wrong("encoded-slash")
def an_encoded_slash_is_a_slash(world: World, request: Request, ask: Ask) -> Answer:
    return ask(replace(request, target=re.sub("%2f", "/", request.target, flags=re.IGNORECASE)))


@wrong("encoded-jti")
def a_jti_is_not_decoded(world: World, request: Request, ask: Ask) -> Answer:
    encoded = request.revokes and not request.by_id and request.key.startswith("%")
    return ask(request.about(request.key.replace("%", "%25"))) if encoded else ask(request)


@wrong("odd-jti")
def an_odd_jti_fails(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return answer(500, {"err": "error"}) if right.status == 404 and "%24" in request.key else right


@wrong("revoked-at-the-gate", "revokes-itself")
def a_revoked_token_is_let_in(world: World, request: Request, ask: Ask) -> Answer:
    words = (request.authorization or "").split(" ")
    if (
        len(words) == 2
        and words[0] == "JWT"
        and words[1].count(".") == 2
        and words[1] == _resigned_if_genuine(words[1])
    ):
        claims = decoded(words[1].split(".")[1])
        if claims.get("jti") in {token.jti for token in world.fake.history(world.ada) if token.revoked}:
            return ask(replace(request, authorization=f"JWT {world.jwt}"))
    return ask(request)


def _resigned_if_genuine(token: str) -> str:
    head, body, _ = token.split(".")
    digest = hmac.digest(SECRET.encode(), f"{head}.{body}".encode(), "sha256")
    return f"{head}.{body}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


@wrong("revoked-at-the-gate", "revokes-itself", revocation_enforced="no")
def a_revoked_token_is_refused_though_it_should_not(world: World, request: Request, ask: Ask) -> Answer:
    words = (request.authorization or "").split(" ")
    if len(words) == 2 and words[1].count(".") == 2:
        jti = decoded(words[1].split(".")[1]).get("jti")
        if jti in {token.jti for token in world.fake.history(world.ada) if token.revoked}:
            return ask(replace(request, authorization=None))
    return ask(request)


@wrong("others-keep-working")
def a_revocation_signs_the_user_out_everywhere(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    if request.revokes and right.status == 200:
        world.memory["out"] = True
    if world.memory.get("out") and request.authorization == f"JWT {world.jwt}":
        return ask(replace(request, authorization=None))
    return right


@wrong("concurrent-revocations")
def of_revocations_in_a_row_the_second_is_lost(world: World, request: Request, ask: Ask) -> Answer:
    previous, world.memory["previous"] = world.memory.get("previous"), request.method
    token = _found(world, request)
    if token is not None and previous == "DELETE" and not token.revoked:
        record = next((each for each in world.all(request, ask) or () if each["_id"] == token.id), None)
        if record is not None:
            return answer(200, record | {"revoked": True})
    return ask(request)


# Of the likeliest real server.


named("what ties is reversed with the direction", listing(), "order-of-ties", tie_order="natural")


@wrong("invalid-direction", invalid_query="coerce")
def a_bad_direction_is_taken_for_none(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    return ask(request.asking(direction=None)) if request.lists and right.status == 500 else right


@wrong("invalid-page", invalid_query="coerce")
def a_page_that_is_no_number_is_refused(world: World, request: Request, ask: Ask) -> Answer:
    return answer(400, {"success": False, "msg": "page"}) if request.query.get("page") == "abc" else ask(request)


@wrong("invalid-page", invalid_query="coerce")
def a_fraction_of_a_page_is_rounded_down(world: World, request: Request, ask: Ask) -> Answer:
    page = request.query.get("page", "")
    return ask(request.asking(page=page.partition(".")[0])) if "." in page else ask(request)


@wrong("invalid-sort-field", invalid_query="coerce")
def an_unknown_sort_field_is_taken_for_the_default(world: World, request: Request, ask: Ask) -> Answer:
    field = request.query.get("sortField", "")
    return ask(request.asking(sortField=None)) if field.startswith("created") else ask(request)


@wrong("unknown-jti", "unknown-id", revoke_unknown="phantom")
def a_phantom_belongs_to_whoever_made_it(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    is_made = request.revokes and right.status == 200 and "id_user" not in right.json
    return right.saying(right.json | {"id_user": world.ada.id}) if is_made else right


@wrong("unknown-id", revoke_unknown="phantom")
def a_phantom_has_another_id_than_was_asked_for(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    is_made = request.by_id and right.status == 200 and "id_user" not in right.json
    return right.saying(right.json | {"_id": "f" * 24}) if is_made else right


@wrong("unknown-jti", revoke_unknown="phantom")
def what_is_unknown_is_refused(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    is_made = request.revokes and right.status == 200 and "id_user" not in right.json
    return answer(404, {"success": False, "msg": "Object not found."}) if is_made else right


@wrong("revoking-again-changes-nothing", "revokes-again", revoke_again="touched")
def a_second_revocation_touches_nothing(world: World, request: Request, ask: Ask) -> Answer:
    if not request.revokes:
        return ask(request)
    if request.key not in world.memory:
        world.memory[request.key] = ask(request)
    first: Answer = world.memory[request.key]
    return first


# What goes wrong now and then.


def _every(world: World, number: int, what: str) -> bool:
    world.memory[what] = world.memory.get(what, 0) + 1
    return bool(world.memory[what] % number == 0)


@wrong("list-answers")
def every_fifteenth_list_fails(world: World, request: Request, ask: Ask) -> Answer:
    return answer(500, {"err": "error"}) if request.lists and _every(world, 15, "lists") else ask(request)


@wrong("steady-revocation")
def every_tenth_unknown_token_fails(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    failing = right.status == 404 and request.revokes and _every(world, 10, "unknown")
    return answer(500, {"err": "error"}) if failing else right


@wrong("steady-refusal")
def every_tenth_caller_without_credentials_is_let_in(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    let_in = right.status == 401 and request.lists and _every(world, 10, "refused")
    return ask(replace(request, authorization=f"JWT {world.jwt}")) if let_in else right


@wrong("reading-changes-nothing", "steady-list", "nothing-else-changed")
def reading_drops_a_record(world: World, request: Request, ask: Ask) -> Answer:
    right = ask(request)
    if not request.lists or right.status != 200 or request.method == "HEAD":
        return right
    world.memory["read"] = read = world.memory.get("read", 0) + 1
    return right.saying(right.json | {"jwts": right.json["jwts"][read // 4 :]})


@wrong("answers")
def every_fifth_list_is_cut_off(world: World, request: Request, ask: Ask) -> Answer:
    return NO_ANSWER if request.lists and _every(world, 5, "lists") else ask(request)


@wrong("answers", generated=True)
def every_twentieth_generated_request_is_cut_off(world: World, request: Request, ask: Ask) -> Answer:
    return NO_ANSWER if request.generated and _every(world, 20, "generated") else ask(request)


@wrong("answers", generated=True)
def a_generated_request_with_a_body_is_cut_off(world: World, request: Request, ask: Ask) -> Answer:
    return NO_ANSWER if request.generated and request.method == "PATCH" else ask(request)
