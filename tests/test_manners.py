"""What no correct client sends: which rule it breaks, where that is written, what was got, and what to do."""

import re
import shlex
from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.wsgi import call
from tiledesk_fake import TiledeskFake
from tiledesk_fake.contract import FILE
from tiledesk_fake.gate.jwt import sign
from tiledesk_fake.violations.violation import CLIENT_RULES, Violation

CONTRACT = FILE.read_text().splitlines()
HISTORY = "/v3/jwt/history"
JSON = ("Content-Type", "application/json")
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c2VyIn0.c2lnbmF0dXJl"
GOOD = f"JWT {TOKEN}"


class Sent(NamedTuple):
    """A request that no correct client sends."""

    method: str = "GET"
    target: str = HISTORY
    authorization: str | None = GOOD
    body: bytes = b""


class Breach(NamedTuple):
    """What is said of it; `line` is the text of the line in the contract."""

    rule: str
    line: str
    expected: str
    got: str
    message: str
    curl: str


ANY_AUTHORIZATION = "Authorization: JWT <token>, or Authorization: Basic <base64 of e-mail:password>"
ANY_PATH = "GET /v3/jwt/history, DELETE /v3/jwt/history/{jti}, DELETE /v3/jwt/history/id/{id}"
ENCODE = (
    " A jti or id with a slash or other special character must be percent-encoded, all of it: "
    "in Python urllib.parse.quote(jti, safe='')."
)
NO_BODY = "Send no body; with most clients that means to leave out json=, data= or content=."
BODILESS = "no body: no operation of this API reads one"
WHOLE_TOKEN = "Send a JWT: three parts with dots between; a variable may be empty or null, or quoted."
ONE_SPACE = "Put exactly one space after the scheme word, and nothing after the credentials."
PUT_SCHEME = "Put the scheme word JWT, or Basic, and one space before the credentials."
BASE64 = "Send Basic credentials as the base64 of UTF-8 text, e-mail:password."


def curl(target: str = HISTORY, *options: str, shown: str | None = "Authorization: JWT <redacted>") -> str:
    header = [] if shown is None else ["-H", shown]
    before, after = options[:2], options[2:]
    return shlex.join(["curl", *before, *header, *after, f"http://127.0.0.1{target}"])


def of_scheme(got: str) -> Breach:
    message = "Use the scheme word JWT before a token; the real server refuses every other word, Bearer included."
    return Breach("auth-scheme", "jwtAuth:", ANY_AUTHORIZATION, got, message, curl(shown=got))


def of_form(got: str, message: str, line: str = "jwtAuth:") -> Breach:
    return Breach("auth-malformed", line, ANY_AUTHORIZATION, got, message, curl(shown=got.partition(",")[0]))


def in_query(name: str, query: str) -> Breach:
    message = (
        f"Take {name!r} out of the query and send the token in the Authorization header; "
        "what is in a URL ends up in logs."
    )
    got = f"the query parameter {name}=<redacted>"
    return Breach("auth-in-query", "jwtAuth:", ANY_AUTHORIZATION, got, message, curl(f"{HISTORY}?{query}", shown=None))


def unknown_parameter(name: str, hint: str, known: str, line: str, command: str) -> Breach:
    message = f"Correct or leave out {name!r}; the real server ignores what it does not know{hint}"
    return Breach(
        "unknown-parameter", line, f"only query parameters of {known}", f"the parameter {name!r}", message, command
    )


def of_value(parameter: str, query: str, expected: str, problem: str) -> Breach:
    message = f"Send a value that {parameter!r} can have, or leave the parameter out."
    got = f"{parameter}: {problem}"
    return Breach("invalid-parameter", f"{parameter}:", expected, got, message, curl(f"{HISTORY}?{query}"))


def unknown_path(got: str, hint: str, command: str) -> Breach:
    return Breach("unknown-path", "paths:", ANY_PATH, got, f"Call one of the paths of the contract.{hint}", command)


def unknown_method(got: str, allowed: str, line: str, command: str, hint: str = "") -> Breach:
    message = f"Use {allowed} here; the real server has no {got.partition(' ')[0]} at this path.{hint}"
    return Breach("unknown-method", line, f"{allowed} at this path", got, message, command)


def with_body(line: str, size: int) -> Breach:
    options = ("-H", "Content-Type: application/json", "--data", f"<{size} bytes>")
    command = curl(f"{HISTORY}/phone", "-X", "DELETE", *options)
    return Breach("unexpected-body", line, BODILESS, f"{size} bytes of application/json", NO_BODY, command)


AUTHORIZATIONS = {
    f"Bearer {TOKEN}": of_scheme("Authorization: Bearer <redacted>"),
    f"Token {TOKEN}": of_scheme("Authorization: Token <redacted>"),
    f"{TOKEN[:8]} {TOKEN}": of_scheme("Authorization: <redacted> <redacted>"),
    f"JWT: {TOKEN}": of_scheme("Authorization: JWT: <redacted>"),
    f"JWT JWT {TOKEN}": of_form(
        "Authorization: JWT JWT <redacted>",
        "Do not add 'JWT ' once more: the token that a sign-in answers starts with it already.",
    ),
    TOKEN: of_form(f"Authorization: <redacted>, one word of {len(TOKEN)} characters", PUT_SCHEME),
    "": of_form("Authorization: <redacted>, one word of 0 characters", PUT_SCHEME),
    "JWT": of_form("Authorization: JWT", "Put the credentials after 'JWT'; there are none."),
    "Basic": of_form("Authorization: Basic", "Put the credentials after 'Basic'; there are none.", "basicAuth:"),
    "JWT null": of_form("Authorization: JWT <redacted>", WHOLE_TOKEN),
    "JWT undefined": of_form("Authorization: JWT <redacted>", WHOLE_TOKEN),
    f'JWT "{TOKEN}"': of_form("Authorization: JWT <redacted>", WHOLE_TOKEN),
    f"JWT  {TOKEN}": of_form("Authorization: JWT  <redacted>", ONE_SPACE),
    f"JWT {TOKEN} phone": of_form("Authorization: JWT <redacted> <redacted>", ONE_SPACE),
    "Basic ada@example.com:secret": of_form("Authorization: Basic <redacted>", BASE64, "basicAuth:"),
    f"Basic {b64encode(b'ada@example.com').decode()}": of_form("Authorization: Basic <redacted>", BASE64, "basicAuth:"),
    # As requests does with auth=("ada@example.com", "gehüpft").
    f"Basic {b64encode('ada@example.com:gehüpft'.encode('latin-1')).decode()}": of_form(
        "Authorization: Basic <redacted>", BASE64, "basicAuth:"
    ),
}

OF_LIST = "listTokens: sortField, direction, page"
VALID = "Valid: sortField, direction, page"
OTHERS = {
    Sent(target=f"{HISTORY}?secret_token={TOKEN}", authorization=None): in_query(
        "secret_token", "secret_token=<redacted>"
    ),
    Sent(target=f"{HISTORY}?secret_token=", authorization=None): in_query("secret_token", "secret_token=<redacted>"),
    Sent(target=f"{HISTORY}?t={TOKEN}", authorization=None): in_query("t", "t=<redacted>"),
    Sent(target=f"{HISTORY}?t=1&t={TOKEN}", authorization=None): in_query("t", "t=1&t=<redacted>"),
    Sent(target=f"{HISTORY}?{TOKEN}", authorization=None): in_query("<redacted>", "<redacted>"),
    Sent(target=f"{HISTORY}?sortfield=jti"): unknown_parameter(
        "sortfield", f"; did you mean 'sortField'? {VALID}", OF_LIST, "get:", curl(f"{HISTORY}?sortfield=jti")
    ),
    Sent(target=f"{HISTORY}?limit=5"): unknown_parameter(
        "limit", f"; {VALID}", OF_LIST, "get:", curl(f"{HISTORY}?limit=5")
    ),
    Sent("DELETE", f"{HISTORY}/phone?force=true"): unknown_parameter(
        "force",
        "; it has none in the query",
        "revokeTokenByJti: none",
        "delete:",
        curl(f"{HISTORY}/phone?force=true", "-X", "DELETE"),
    ),
    Sent(target=f"{HISTORY}?page=0&page=1"): Breach(
        "repeated-parameter",
        "page:",
        "one value of 'page'",
        "2 values",
        "Send 'page' once; the real server makes a list of several and then fails or ignores them.",
        curl(f"{HISTORY}?page=0&page=1"),
    ),
    Sent(target="/v3/jwt/histroy"): unknown_path(
        "GET /v3/jwt/histroy", " The nearest is GET /v3/jwt/history.", curl("/v3/jwt/histroy")
    ),
    Sent(target="/jwt/history"): unknown_path(
        "GET /jwt/history", " The nearest is GET /v3/jwt/history.", curl("/jwt/history")
    ),
    Sent(target="/v3/v3/jwt/history"): unknown_path(
        "GET /v3/v3/jwt/history", " The nearest is GET /v3/jwt/history.", curl("/v3/v3/jwt/history")
    ),
    Sent("DELETE", f"{HISTORY}/my/phone"): unknown_path(
        f"DELETE {HISTORY}/my/phone",
        f" The nearest is DELETE /v3/jwt/history/id/{{id}}.{ENCODE}",
        curl(f"{HISTORY}/my/phone", "-X", "DELETE"),
    ),
    Sent("DELETE", f"{HISTORY}/100%"): unknown_path(
        f"DELETE {HISTORY}/100%",
        f" The nearest is DELETE /v3/jwt/history/{{jti}}.{ENCODE}",
        curl(f"{HISTORY}/100%", "-X", "DELETE"),
    ),
    Sent("PUT", "/"): unknown_path("PUT /", "", curl("/", "-X", "PUT")),
    Sent("POST"): unknown_method(f"POST {HISTORY}", "GET", "/jwt/history:", curl(HISTORY, "-X", "POST")),
    Sent("POST", f"{HISTORY}/phone"): unknown_method(
        f"POST {HISTORY}/phone", "DELETE", "/jwt/history/{jti}:", curl(f"{HISTORY}/phone", "-X", "POST")
    ),
    Sent("GET", f"{HISTORY}/id/1"): unknown_method(
        f"GET {HISTORY}/id/1", "DELETE", "/jwt/history/id/{id}:", curl(f"{HISTORY}/id/1")
    ),
    Sent("DELETE", f"{HISTORY}/"): unknown_method(
        f"DELETE {HISTORY}/",
        "GET",
        "/jwt/history:",
        curl(f"{HISTORY}/", "-X", "DELETE"),
        " If a jti or id was to follow the last slash, it is empty.",
    ),
    Sent("DELETE", f"{HISTORY}/phone", GOOD, b"{}"): with_body("delete:", 2),
    # The real server refuses this one before it looks at the path.
    Sent("DELETE", f"{HISTORY}/phone", GOOD, b"null"): with_body("/jwt/history/{jti}:", 4),
}

PAGES = "integer, minimum 0, maximum 2147483647"
FIELDS = "createdAt, updatedAt, expiresAt, jti, _id, id_user, revoked, __v"
VALUES = {
    ("page", "abc"): (PAGES, "the value is not of type \"integer\"; got 'abc'"),
    ("page", "1.0"): (PAGES, "the value is not of type \"integer\"; got '1.0'"),
    ("page", "-1"): (PAGES, "the value is less than the minimum of 0; got '-1'"),
    ("page", ""): (PAGES, "expected a value, got an empty one"),
    ("direction", "desc"): ("integer, one of -1, 1", "the value is not one of -1, 1; got 'desc'"),
    ("direction", "0"): ("integer, one of -1, 1", "the value is not one of -1, 1; got '0'"),
    ("sortField", "created_at"): (
        f"string, one of {FIELDS}",
        f"the value is not one of {FIELDS} (did you mean createdAt?); got 'created_at'",
    ),
}

MISTAKES = {
    **{Sent(authorization=header): breach for header, breach in AUTHORIZATIONS.items()},
    **OTHERS,
    **{
        Sent(target=f"{HISTORY}?{name}={value}"): of_value(name, f"{name}={value}", expected, problem)
        for (name, value), (expected, problem) in VALUES.items()
    },
}


def named(case: Sent | Breach) -> str:
    if isinstance(case, Breach):
        return case.rule
    shown = (case.authorization or "nothing").replace(TOKEN, "…")
    return f"{case.method} {case.target.replace(TOKEN, '…')} {shown} {case.body.decode()}".strip()


def violations(sent: Sent, profile: Mapping[str, str] | None = None) -> list[Violation]:
    fake = TiledeskFake(profile=profile)
    headers = [] if sent.authorization is None else [("Authorization", sent.authorization)]
    call(fake.wsgi_app, sent.method, sent.target, [*headers, JSON] if sent.body else headers, sent.body)
    return fake.journal.violations


def line_of(violation: Violation) -> str:
    place = re.fullmatch(r"openapi/jwt\.yaml:(\d+)", violation.where)
    assert place
    return CONTRACT[int(place[1]) - 1].strip()


@pytest.mark.parametrize(("sent", "told"), MISTAKES.items(), ids=named)
def test_a_mistake_is_named_with_what_to_do(sent: Sent, told: Breach) -> None:
    (violation,) = violations(sent)

    found = Breach(
        violation.rule,
        line_of(violation),
        violation.expected,
        violation.got,
        violation.message,
        violation.curl,
    )
    assert found == told


def test_every_rule_has_a_mistake() -> None:
    assert {breach.rule for breach in MISTAKES.values()} == set(CLIENT_RULES)


def test_all_mistakes_of_a_request_are_named() -> None:
    found = violations(Sent("DELETE", f"{HISTORY}/phone?token={TOKEN}&force=true", f"Bearer {TOKEN}", b"{}"))

    assert [violation.rule for violation in found] == [
        "auth-scheme",
        "unknown-parameter",
        "auth-in-query",
        "unexpected-body",
    ]


def test_a_content_type_tells_no_secret() -> None:
    fake = TiledeskFake()
    call(fake.wsgi_app, "DELETE", f"{HISTORY}/phone", [("Content-Type", f"text/plain; token={TOKEN}")], b"body")

    (violation,) = fake.journal.violations
    assert violation.got == "4 bytes of text/plain; token=<redacted>"
    assert TOKEN not in violation.curl


def test_a_body_does_not_hide_a_wrong_path_or_method() -> None:
    on_path = violations(Sent("DELETE", "/v3/jwt/histroy", GOOD, b"null"))
    on_method = violations(Sent("POST", HISTORY, GOOD, b"{}"))

    assert [violation.rule for violation in on_path] == ["unknown-path", "unexpected-body"]
    assert [violation.rule for violation in on_method] == ["unknown-method", "unexpected-body"]


def test_one_request_cannot_fill_the_memory_with_violations() -> None:
    query = "&".join(f"p{number}" for number in range(2_000))

    found = violations(Sent(target=f"{HISTORY}?{query}"))

    assert len(found) == 20
    assert len({id(violation.curl) for violation in found}) == 1


def test_the_rules_follow_the_profile() -> None:
    (first_page,) = violations(Sent(target=f"{HISTORY}?page=0"), {"page-base": "1"})
    (renamed,) = violations(Sent(target=f"{HISTORY}?sortField=jti"), {"sort-parameter": "sort"})

    assert first_page.expected == "integer, minimum 1, maximum 2147483647"
    assert renamed.rule == "unknown-parameter"
    assert renamed.expected == "only query parameters of listTokens: sort, direction, page"
    assert violations(Sent(target=f"{HISTORY}?sort=jti&page=1"), {"sort-parameter": "sort", "page-base": "1"}) == []


@pytest.mark.parametrize("choice", ["reject", "ignore", "fail"])
def test_an_invalid_value_is_a_violation_whatever_the_answer(choice: str) -> None:
    (violation,) = violations(Sent(target=f"{HISTORY}?page=abc"), {"invalid-query": choice})

    assert violation.rule == "invalid-parameter"


CORRECT = [
    Sent(),
    Sent(authorization=None),
    Sent(target="/v3/JWT/history/"),
    Sent(target=f"{HISTORY}?page=2147483647&direction=1&sortField=__v"),
    Sent("HEAD"),
    Sent("OPTIONS"),
    Sent("OPTIONS", "/nowhere?token=abc", "Bearer abc"),
    Sent("DELETE", f"{HISTORY}/phone"),
    Sent("DELETE", f"{HISTORY}/id"),
    Sent("DELETE", f"{HISTORY}/a%2Fb"),
    Sent("DELETE", f"{HISTORY}/id/not-an-id"),
    Sent(authorization=f"jwt {TOKEN}"),
    Sent(authorization=f"BASIC {b64encode(b'ada@example.com:').decode()}"),
]


@pytest.mark.parametrize("sent", CORRECT, ids=named)
def test_a_correct_request_breaks_no_rule(sent: Sent) -> None:
    assert violations(sent) == []


def test_a_token_that_is_refused_breaks_no_rule() -> None:
    fake = TiledeskFake(secret="s3cr3t")
    ada = fake.add_user(email="ada@example.com", password="secret")
    gone = fake.add_user(email="gone@example.com", password="secret", active=False)
    bad = {
        "revoked": fake.issue_token(ada, revoked=True).authorization,
        "expired": fake.issue_token(ada, expires_in=timedelta(hours=-1)).authorization,
        "of an inactive user": fake.issue_token(gone).authorization,
        "of nobody": f"JWT {sign({'_id': '5e0000000000000000000001'}, b's3cr3t')}",
        "forged": f"JWT {sign({'_id': ada.id}, b'guessed')}",
        "unsigned": f"JWT {sign({'_id': ada.id}, b'').rpartition('.')[0]}.",
        "wrong password": f"Basic {b64encode(b'ada@example.com:wrong').decode()}",
        "unknown user": f"Basic {b64encode(b'bob@example.com:secret').decode()}",
    }

    statuses = {
        what: call(fake.wsgi_app, "GET", HISTORY, [("Authorization", header)]).status for what, header in bad.items()
    }

    assert statuses == dict.fromkeys(bad, 401)
    assert fake.journal.violations == []


SEGMENTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)


@given(SEGMENTS)
@settings(deadline=None)
def test_any_jti_is_fine_once_it_is_encoded(jti: str) -> None:
    fake = TiledeskFake()
    ada = fake.add_user(email="ada@example.com", password="secret")
    fake.issue_token(ada, jti=jti)

    reply = call(fake.wsgi_app, "DELETE", f"{HISTORY}/{quote(jti, safe='')}", [("Authorization", ada.authorization)])

    assert reply.status == 200
    assert fake.journal.violations == []


@given(SEGMENTS, SEGMENTS)
@settings(deadline=None)
def test_any_basic_credentials_are_fine_in_utf_8(email: str, password: str) -> None:
    credentials = b64encode(f"{email}:{password}".encode()).decode()

    assert violations(Sent(authorization=f"Basic {credentials}")) == []


# What a header can carry, and what a request line can.
HEADERS = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40)
WORDS = st.sampled_from(["JWT", "Basic", "Bearer", "null", TOKEN, "", "a:b", "YTpi"])
QUERIES = st.lists(
    st.tuples(st.sampled_from(["page", "direction", "sortField", "Page", "token", "p%61ge", "a[]"]), HEADERS),
    max_size=4,
)
PATHS = st.sampled_from([HISTORY, f"{HISTORY}/", f"{HISTORY}/x", f"{HISTORY}/id/x", "/v3", "", "*", "/%ff", "/%2"])


@given(
    st.sampled_from(["GET", "HEAD", "POST", "DELETE", "PATCH"]),
    PATHS | HEADERS.map(quote),
    QUERIES,
    st.none() | HEADERS | st.lists(WORDS, max_size=4).map(" ".join),
    st.binary(max_size=5) | st.sampled_from([b"{}", b"null", b"{"]),
)
@settings(deadline=None)
def test_any_request_is_judged_by_the_rules_and_tells_no_secret(
    method: str, path: str, query: list[tuple[str, str]], authorization: str | None, body: bytes
) -> None:
    fake = TiledeskFake()
    target = path + "?" * bool(query) + "&".join(f"{name}={quote(value)}" for name, value in query)
    headers = [] if authorization is None else [("Authorization", authorization)]

    reply = call(fake.wsgi_app, method, target, [*headers, JSON], body)

    assert b"Internal error" not in reply.body
    (exchange,) = fake.journal.exchanges
    for violation in exchange.violations:
        assert violation.rule in CLIENT_RULES
        assert line_of(violation)
    # The short words are no secrets, and may be anywhere in a target.
    secrets = [TOKEN] + [word for word in (authorization or "").split(" ") if len(word) > 9 and word not in target]
    assert not [secret for secret in secrets if secret in repr(exchange) + str(exchange)]
