"""Requests that no operation expects: odd parameters, paths, methods and bodies, through the WSGI app."""

import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests import fakes
from tests.wsgi import Reply, call
from tiledesk_fake import NoAnswer, TiledeskFake, Token, User
from tiledesk_fake.contract import load
from tiledesk_fake.core.history import History
from tiledesk_fake.core.request import Request
from tiledesk_fake.state import State
from tiledesk_fake.web.road import Road

ADA_ID = "5e000000000000000000000a"
LIST = "/v3/jwt/history"
FROM_ANYWHERE = "Access-Control-Allow-Origin"
JSON_TYPE = "application/json; charset=utf-8"


def make_fake(**choices: str) -> TiledeskFake:
    fake = TiledeskFake(profile=choices)
    ada = fake.add_user(email="ada@example.com", password="secret", id=ADA_ID)
    for jti in ("one", "two", "three"):
        fake.issue_token(ada, jti=jti)
    return fake


def ada_of(fake: TiledeskFake) -> User:
    return fake.users["ada@example.com"]


def ask(
    fake: TiledeskFake,
    target: str = LIST,
    method: str = "GET",
    *,
    auth: bool = True,
    headers: tuple[tuple[str, str], ...] = (),
    body: bytes = b"",
    raw: bool = True,
) -> Reply:
    """Ada's request, or nobody's."""
    return fakes.ask(fake, ada_of(fake) if auth else None, method, target, headers=headers, body=body, raw=raw)


@pytest.fixture(scope="module")
def calm() -> TiledeskFake:
    return make_fake()


@pytest.fixture(scope="module")
def observed() -> TiledeskFake:
    return make_fake(**{"server-quirks": "observed"})


@pytest.fixture
def fake() -> TiledeskFake:
    return make_fake()


def jtis(reply: Reply) -> list[str]:
    return [record["jti"] for record in reply.json["jwts"]]


# --- query parameters --------------------------------------------------------------------------------------------

NUMBERS_THAT_ARE_NONE = [
    "",
    " ",
    " 1",
    "1 ",
    "+1",
    "01",
    "00",
    "1.0",
    "1.5",
    "1e1",
    "1E0",
    "0x1",
    "1_0",
    "\u0661",
    "\uff11",
    "\u00b9",
    "1\u0661",
    "1\uff11",
    "abc",
    "NaN",
    "Infinity",
    "null",
    "true",
    "[1]",
    '"1"',
    "1,1",
    "--1",
    "1\n",
    "\x00",
    "%31",
]
INVALID = [
    *(("page", value) for value in NUMBERS_THAT_ARE_NONE),
    *(("page", value) for value in ("-1", "2147483648", "9" * 19, "9" * 20, "9" * 401, "-" + "9" * 401)),
    *(("direction", value) for value in NUMBERS_THAT_ARE_NONE),
    *(("direction", value) for value in ("0", "2", "-2", "-0", "asc", "desc", "9" * 401)),
    *(
        ("sortField", value)
        for value in (
            "",
            " createdAt",
            "createdat",
            "created_at",
            "-createdAt",
            "createdAt,jti",
            "id",
            "$where",
            "__proto__",
            "constructor",
            "a..b",
            "\0",
            "x" * 10_000,
        )
    ),
]


def query(name: str, value: str) -> str:
    return f"{LIST}?{name}={quote(value, safe='')}"


@pytest.mark.parametrize(("name", "value"), INVALID)
def test_an_invalid_value_is_refused_with_the_name_of_its_parameter(calm: TiledeskFake, name: str, value: str) -> None:
    reply = ask(calm, query(name, value))

    assert reply.status == 400
    assert reply.headers["Content-Type"] == JSON_TYPE
    assert list(reply.json) == ["success", "msg"]
    assert reply.json["success"] is False
    assert reply.json["msg"].startswith(f"{name}: ")


@pytest.mark.parametrize(("name", "value"), INVALID)
def test_an_invalid_value_counts_as_absent_where_it_is_ignored(name: str, value: str) -> None:
    fake = make_fake(**{"invalid-query": "ignore"})

    assert ask(fake, query(name, value)).body == ask(fake).body


@pytest.mark.parametrize(("name", "value"), INVALID[::5])
def test_an_invalid_value_makes_a_server_fail_that_does(name: str, value: str) -> None:
    reply = ask(make_fake(**{"invalid-query": "fail"}), query(name, value))

    assert reply.status == 500
    assert reply.body == b'{"err":"error"}'


@pytest.mark.parametrize("name", ["page", "direction", "sortField"])
@pytest.mark.parametrize("values", [("0", "0"), ("1", "-1"), ("", "1"), ("jti", "jti")])
def test_a_parameter_that_is_given_twice_is_refused(calm: TiledeskFake, name: str, values: tuple[str, str]) -> None:
    reply = ask(calm, f"{LIST}?{name}={values[0]}&{name}={values[1]}")

    assert reply.status == 400
    assert reply.json["msg"] == f"{name}: expected one value, got 2"


@pytest.mark.parametrize("form", ["page", "page="])
def test_a_parameter_without_a_value_is_refused(calm: TiledeskFake, form: str) -> None:
    assert ask(calm, f"{LIST}?{form}").json["msg"] == "page: expected a value, got an empty one"


def test_a_short_value_is_said_again_and_a_long_one_is_not(calm: TiledeskFake) -> None:
    assert ask(calm, f"{LIST}?page=abc").json["msg"].endswith("; got 'abc'")
    assert ask(calm, f"{LIST}?page={'x' * 41}").json["msg"].endswith("; got 41 characters")


@pytest.mark.parametrize(
    "unknown",
    [
        "x=1",
        "page[]=1",
        "page[a]=1",
        "direction[]=1",
        "Page=abc",
        "PAGE=abc",
        "sort=abc",
        "limit=1",
        "page%00=abc",
        "&&",
        "=",
        "=x",
        "%zz=%zz",
        "secret_token=x",
        "x=1&x=2",
        "page%5B%5D=1",
        ";page=abc",
    ],
)
def test_an_unknown_parameter_makes_no_difference(calm: TiledeskFake, unknown: str) -> None:
    assert ask(calm, f"{LIST}?{unknown}").body == ask(calm).body
    assert ask(calm, f"{LIST}?{unknown}&direction=1").body == ask(calm, f"{LIST}?direction=1").body


def test_a_known_parameter_means_nothing_to_another_operation(fake: TiledeskFake) -> None:
    assert ask(fake, f"{LIST}/one?page=abc&direction=7", "DELETE").status == 200


def test_a_parameter_may_be_percent_encoded(calm: TiledeskFake) -> None:
    assert jtis(ask(calm, f"{LIST}?%73ortField=%6Ati&dir%65ction=%31")) == ["one", "three", "two"]


def test_a_page_far_beyond_the_end_is_empty_and_tells_the_count(calm: TiledeskFake) -> None:
    assert ask(calm, f"{LIST}?page=2147483647").json == {"perPage": 40, "count": 3, "jwts": []}


def test_minus_zero_is_page_zero(calm: TiledeskFake) -> None:
    assert ask(calm, f"{LIST}?page=-0").body == ask(calm).body


def test_the_gate_comes_before_the_parameters(calm: TiledeskFake) -> None:
    assert ask(calm, f"{LIST}?page=abc", auth=False).status == 401


# --- path parameters ---------------------------------------------------------------------------------------------

ODD_JTIS = [
    "a/b",
    "/",
    "//",
    "a b",
    " ",
    "\0",
    "a\0b",
    "é",
    "日本",
    "😀",
    "e\u0301",
    "+",
    "a+b",
    ".",
    "..",
    "...",
    "../..",
    "$ne",
    "__proto__",
    "id",
    "ID",
    "id/x",
    f"id/{ADA_ID}",
    "%",
    "%2F",
    "%zz",
    "%25",
    "?",
    "a?page=1",
    "#",
    "a#b",
    "&",
    "=",
    ";",
    "\\",
    '"',
    "<b>",
    "\r\n",
    "\t",
    "\x7f",
    "null",
    "undefined",
    "history",
    "x" * 4_000,
    "é" * 2_000,
]


def escaped(jti: str) -> str:
    return "".join(f"%{octet:02X}" for octet in jti.encode())


@pytest.fixture(params=ODD_JTIS, ids=lambda jti: ascii(jti)[:20])
def odd(request: pytest.FixtureRequest, fake: TiledeskFake) -> Token:
    """A token with an odd jti, beside three others of the same user."""
    return fake.issue_token(ada_of(fake), jti=request.param)


def test_an_odd_jti_is_revoked_through_its_percent_encoding(fake: TiledeskFake, odd: Token) -> None:
    reply = ask(fake, f"{LIST}/{quote(odd.jti, safe='')}", "DELETE")

    assert reply.status == 200
    assert reply.json["jti"] == odd.jti
    assert [token.jti for token in fake.history(ada_of(fake)) if token.revoked] == [odd.jti]


def test_a_jti_may_be_percent_encoded_to_the_last_character(fake: TiledeskFake, odd: Token) -> None:
    assert ask(fake, f"{LIST}/{escaped(odd.jti)}", "DELETE").json["jti"] == odd.jti


def test_an_odd_jti_is_refused_at_the_gate_once_it_is_revoked(fake: TiledeskFake, odd: Token) -> None:
    authorization = ("Authorization", odd.authorization)
    before = call(fake.wsgi_app, "GET", LIST, [authorization])
    ask(fake, f"{LIST}/{quote(odd.jti, safe='')}", "DELETE")

    assert before.status == 200
    assert call(fake.wsgi_app, "GET", LIST, [authorization]).status == 401


def test_an_odd_jti_is_listed_as_it_is(fake: TiledeskFake, odd: Token) -> None:
    assert sorted(jtis(ask(fake))) == sorted([odd.jti, "one", "two", "three"])


@pytest.mark.parametrize("jti", [jti for jti in ODD_JTIS if "/" not in jti])
def test_a_server_that_tells_the_decoded_path_alone_gets_to_the_same_token(fake: TiledeskFake, jti: str) -> None:
    """All but a slash, which cannot be told from the one between segments there."""
    fake.issue_token(ada_of(fake), jti=jti)

    assert ask(fake, f"{LIST}/{quote(jti, safe='')}", "DELETE", raw=False).json["jti"] == jti


@given(jti=st.text(st.characters(codec="utf-8"), min_size=1))
@example(jti="%")
@settings(deadline=None, max_examples=60)
def test_any_jti_round_trips(jti: str) -> None:
    fake = TiledeskFake()
    ada = fake.add_user(email="ada@example.com", password="secret")
    token = fake.issue_token(ada, jti=jti)

    assert ask(fake, f"{LIST}/{quote(jti, safe='')}", "DELETE").json["jti"] == jti
    assert token.revoked


@pytest.mark.parametrize("jti", ["a b?c#%2F+", "é", "日本", "😀", "e\u0301", "%", "id"])
def test_an_odd_jti_survives_the_in_process_client_of_httpx(fake: TiledeskFake, jti: str) -> None:
    """It tells the decoded path alone, and as text, where WSGI asks for octets."""
    fake.issue_token(ada_of(fake), jti=jti)
    headers = {"Authorization": ada_of(fake).authorization}

    with httpx.Client(transport=httpx.WSGITransport(app=fake.wsgi_app), base_url="http://fake/v3") as client:
        reply = client.delete(f"/jwt/history/{quote(jti, safe='')}", headers=headers)

    assert reply.json()["jti"] == jti


@pytest.mark.parametrize("jti", ["nothing", "One", "one ", "on%C3%A9", "o", "%00", "x" * 4_000])
def test_an_unknown_jti_is_not_found(calm: TiledeskFake, jti: str) -> None:
    reply = ask(calm, f"{LIST}/{jti}", "DELETE")

    assert reply.status == 404
    assert reply.body == b'{"success":false,"msg":"Object not found."}'


@pytest.mark.parametrize("target", [f"{LIST}/id", f"{LIST}/id/", f"{LIST}/ID/"])
def test_without_a_segment_after_id_it_is_the_jti_id(fake: TiledeskFake, target: str) -> None:
    token = fake.issue_token(ada_of(fake), jti="ID" if "ID" in target else "id")

    assert ask(fake, target, "DELETE").status == 200
    assert token.revoked


def test_a_token_whose_jti_looks_like_a_path_is_told_apart_from_an_id(fake: TiledeskFake) -> None:
    by_id = fake.issue_token(ada_of(fake))
    by_jti = fake.issue_token(ada_of(fake), jti=f"id/{by_id.id}")

    ask(fake, f"{LIST}/id%2F{by_id.id}", "DELETE")
    assert (by_id.revoked, by_jti.revoked) == (False, True)
    ask(fake, f"{LIST}/id/{by_id.id}", "DELETE")
    assert (by_id.revoked, by_jti.revoked) == (True, True)


@pytest.mark.parametrize("segment", ["id", "ID", "Id"])
def test_the_segment_before_an_id_is_in_any_case(fake: TiledeskFake, segment: str) -> None:
    token = fake.issue_token(ada_of(fake))

    assert ask(fake, f"{LIST}/{segment}/{token.id}", "DELETE").json["_id"] == token.id


def test_the_hex_digits_of_an_id_count_in_either_case(fake: TiledeskFake) -> None:
    token = fake.issue_token(ada_of(fake), id="abcdef000000000000000001")

    assert ask(fake, f"{LIST}/id/ABCDEF000000000000000001", "DELETE").status == 200
    assert token.revoked


MALFORMED_IDS = ["abc", "5e", "x" * 24, "twelve-chars", "0" * 23, "0" * 25, "%20" + "0" * 23, "%00", "a%2Fb", "\xe9"]


@pytest.mark.parametrize("id", MALFORMED_IDS)
def test_a_malformed_id_is_not_found(calm: TiledeskFake, id: str) -> None:
    reply = ask(calm, f"{LIST}/id/{id}", "DELETE")

    assert reply.status == 404
    assert reply.body == b'{"success":false,"msg":"Object not found."}'


@pytest.mark.parametrize("id", MALFORMED_IDS)
def test_a_malformed_id_makes_a_server_fail_that_does(id: str) -> None:
    reply = ask(make_fake(**{"malformed-id": "fail"}), f"{LIST}/id/{id}", "DELETE")

    assert reply.status == 500
    assert reply.body == b'{"success":false,"msg":"Error deleting object."}'


# --- paths -------------------------------------------------------------------------------------------------------

MALFORMED_PATHS = [
    f"{LIST}/%zz",
    f"{LIST}/%",
    f"{LIST}/%2",
    f"{LIST}/a%2",
    f"{LIST}/%E9",
    f"{LIST}/%C0%80",
    f"{LIST}/%ED%A0%80",
    f"{LIST}/%F8%88%80%80%80",
    f"{LIST}/%F4%90%80%80",
    f"{LIST}/%C3",
    f"{LIST}/%C3a%A9",
    f"{LIST}/id/%FF",
    f"{LIST}/%u0061",
    "/v3/%zz",
    "/v3/nowhere/%E9",
]


@pytest.mark.parametrize("target", MALFORMED_PATHS)
@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
def test_a_malformed_escape_in_the_path_is_refused_before_the_gate(
    calm: TiledeskFake, observed: TiledeskFake, target: str, method: str
) -> None:
    calmly, really = (ask(fake, target, method, auth=False) for fake in (calm, observed))

    assert calmly.status == 400
    assert calmly.json == {"success": False, "msg": "The path has a malformed percent-escape."}
    assert really.status == 500
    assert really.body == b'{"err":"error"}'


def test_a_malformed_escape_in_the_query_is_what_it_looks_like(calm: TiledeskFake) -> None:
    assert ask(calm, f"{LIST}?x=%zz").status == 200
    assert ask(calm, f"{LIST}?page=%zz").json["msg"].endswith("; got '%zz'")


@pytest.mark.parametrize(
    "target",
    [
        "/v3/jwt/history",
        "/v3/jwt/history/",
        "/v3/jwt/history//",
        "/v3/JWT/History",
        "/v3/JWT/HISTORY/",
        "/v3/jwt/history?",
        "/v3/jwt/history/?page=0",
        "http://api.tiledesk.com/v3/jwt/history",
        "HTTPS://api.tiledesk.com:443/v3/jwt/history/",
        "http://user@host/v3/jwt/history?page=0",
    ],
)
def test_the_list_has_these_targets(calm: TiledeskFake, observed: TiledeskFake, target: str) -> None:
    for fake in (calm, observed):
        assert ask(fake, target).status == 200
        assert ask(fake, target, auth=False).status == 401


@pytest.mark.parametrize(
    "target", [f"{LIST}/one", f"{LIST}/one/", "/v3/JWT/history/one", f"{LIST}//one", "http://x/v3/jwt/history/one"]
)
def test_a_revocation_has_these_targets(fake: TiledeskFake, target: str) -> None:
    assert ask(fake, target, "DELETE").json["jti"] == "one"


# Inside the history: the target, the method, and the methods that the path has.
NO_OPERATION = [
    (LIST, "DELETE", "GET, HEAD, OPTIONS"),
    (LIST, "POST", "GET, HEAD, OPTIONS"),
    (LIST, "PUT", "GET, HEAD, OPTIONS"),
    (LIST, "PATCH", "GET, HEAD, OPTIONS"),
    (LIST, "PROPFIND", "GET, HEAD, OPTIONS"),
    (f"{LIST}/one", "GET", "DELETE, OPTIONS"),
    (f"{LIST}/one", "HEAD", "DELETE, OPTIONS"),
    (f"{LIST}/one", "POST", "DELETE, OPTIONS"),
    (f"{LIST}/id/5e", "GET", "DELETE, OPTIONS"),
    (f"{LIST}/id", "GET", "DELETE, OPTIONS"),
    (f"{LIST}/a/b", "GET", None),
    (f"{LIST}/a/b", "DELETE", None),
    (f"{LIST}/id/5e/x", "DELETE", None),
    (f"{LIST}/id//", "DELETE", None),
    (f"{LIST}/one//", "DELETE", None),
    (f"{LIST}///", "GET", None),
]


@pytest.mark.parametrize(("target", "method", "allowed"), NO_OPERATION)
def test_inside_the_history_the_gate_comes_first(
    calm: TiledeskFake, observed: TiledeskFake, target: str, method: str, allowed: str | None
) -> None:
    for fake in (calm, observed):
        assert ask(fake, target, method, auth=False).status == 401


@pytest.mark.parametrize(("target", "method", "allowed"), NO_OPERATION)
def test_a_wrong_method_is_405_with_allow_and_an_unknown_path_404(
    calm: TiledeskFake, target: str, method: str, allowed: str | None
) -> None:
    reply = ask(calm, target, method)

    assert reply.status == (404 if allowed is None else 405)
    assert reply.headers.get("Allow") == allowed
    assert method == "HEAD" or reply.json["success"] is False


@pytest.mark.parametrize(("target", "method", "allowed"), NO_OPERATION)
def test_the_real_server_takes_the_first_segment_for_a_project(
    observed: TiledeskFake, target: str, method: str, allowed: str | None
) -> None:
    reply = ask(observed, target, method)

    assert reply.status == 400
    assert method == "HEAD" or reply.body == b'{"error":"Invalid project id: jwt"}'


OUTSIDE = [
    ("/v3/jwt//history", "jwt"),
    ("/v3/jwt/hist%6Fry", "jwt"),
    ("/v3/jwt", "jwt"),
    ("/v3/jwt/", "jwt"),
    ("/v3/jwt/historyX", "jwt"),
    ("/v3/jwt/histor", "jwt"),
    ("/v3/nowhere", "nowhere"),
    ("/v3/auth/signup", "auth"),
    ("/v3/%C3%A9", "é"),
    ("/v3/a%2Fb", "a/b"),
    ("/v3/$", "$"),
]


@pytest.mark.parametrize(("target", "project"), OUTSIDE)
@pytest.mark.parametrize("auth", [True, False])
def test_outside_the_history_no_credentials_are_asked_for(
    calm: TiledeskFake, observed: TiledeskFake, target: str, project: str, auth: bool
) -> None:
    calmly, really = (ask(fake, target, auth=auth) for fake in (calm, observed))

    assert calmly.status == 404
    assert calmly.json == {"success": False, "msg": "Not found."}
    assert really.status == 400
    assert really.json == {"error": f"Invalid project id: {project}"}


@pytest.mark.parametrize(
    ("method", "target"), [("GET", "/v3//jwt/history"), ("POST", "/v3/"), ("DELETE", "/v3"), ("GET", "/v3//")]
)
def test_the_real_server_has_a_page_for_a_path_without_a_first_segment(
    calm: TiledeskFake, observed: TiledeskFake, method: str, target: str
) -> None:
    path = target.removeprefix("/v3") or "/"

    reply = ask(observed, target, method, auth=False)

    assert ask(calm, target, method, auth=False).status == 404
    assert reply.status == 404
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.headers["Content-Security-Policy"] == "default-src 'none'"
    assert f"<pre>Cannot {method} {path}</pre>" in reply.body.decode()


@pytest.mark.parametrize("target", ["/v3", "/v3/", "/v3/?x=1", "http://api.tiledesk.com/v3", "/v3#x"])
def test_the_real_server_says_at_its_root_that_it_is_up(
    calm: TiledeskFake, observed: TiledeskFake, target: str
) -> None:
    reply = ask(observed, target, auth=False)

    assert ask(calm, target, auth=False).status == 404
    assert reply.status == 200
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert reply.body.startswith(b"Hello from Tiledesk server. It's UP.")
    assert ask(observed, target, "HEAD", auth=False).status == 200


@pytest.mark.parametrize(
    "project", ["5e0000000000000000000101", "5E00000000000000000000ff", "aaaaaaaaaaaa", "twelve%20chars"]
)
@pytest.mark.parametrize("rest", ["", "/jwt/history", "/jwt/history/id/1", "/anything"])
@pytest.mark.parametrize("auth", [True, False])
def test_the_real_server_looks_for_the_project_that_a_path_begins_with(
    calm: TiledeskFake, observed: TiledeskFake, project: str, rest: str, auth: bool
) -> None:
    reply = ask(observed, f"/v3/{project}{rest}", auth=auth)

    assert ask(calm, f"/v3/{project}{rest}", auth=auth).status == 404
    assert reply.status == 400
    assert reply.json == {"error": f"Project not found with id: {project.replace('%20', ' ')}"}


def test_a_path_below_a_project_is_a_violation_that_says_that_this_api_is_not_there(calm: TiledeskFake) -> None:
    ask(calm, f"/v3/{ADA_ID}/jwt/history/id/1", "DELETE")
    (violation,) = calm.journal.exchanges[-1].violations

    assert violation.rule == "unknown-path"
    assert "this API is not below a project. Call /v3/jwt/history/id/{id}." in violation.message
    assert violation.expected == "/v3/jwt/history/id/{id}"


@pytest.mark.parametrize("target", [f"/v3/{ADA_ID}/requests", f"/v3/{ADA_ID}", "/v3/project/jwt/history"])
def test_any_other_unknown_path_is_not_said_to_be_below_a_project(calm: TiledeskFake, target: str) -> None:
    ask(calm, target)
    (violation,) = calm.journal.exchanges[-1].violations

    assert violation.rule == "unknown-path"
    assert "below a project" not in violation.message


@pytest.mark.parametrize("project", ["5e000000000000000000010", "5e00000000000000000001011", "g" * 24, "a" * 11])
def test_what_is_no_id_is_no_project(observed: TiledeskFake, project: str) -> None:
    assert ask(observed, f"/v3/{project}").json == {"error": f"Invalid project id: {project}"}


@pytest.mark.parametrize("target", ["/v3/jwt/history#", "/v3/jwt/history#x?page=x", "/v3/jwt/history?page=0#?x"])
def test_what_follows_a_hash_is_cut_off(calm: TiledeskFake, target: str) -> None:
    reply = ask(calm, target)

    assert reply.status == 200
    assert calm.journal.exchanges[-1].operation == "listTokens"


def test_only_a_thousand_parameters_of_a_query_are_read(calm: TiledeskFake) -> None:
    many = "&".join(f"a{number}=1" for number in range(999))

    assert ask(calm, f"/v3/jwt/history?{many}&page=x").status == 400
    assert ask(calm, f"/v3/jwt/history?{many}&a=1&page=x").status == 200
    assert ask(calm, f"/v3/jwt/history?{'&' * 999}page=x").status == 400
    assert ask(calm, f"/v3/jwt/history?{'&' * 1000}page=x").status == 200


def test_the_page_shows_the_path_as_text(observed: TiledeskFake) -> None:
    body = ask(observed, "/v3//<script>&\"'\xe9", auth=False).body.decode()

    assert "<script>" not in body
    assert "Cannot GET //%3Cscript%3E&amp;%22&#39;%E9" in body


@pytest.mark.parametrize(
    "target",
    [
        "/jwt/history",
        "/",
        "",
        "*",
        "/v3x/jwt/history",
        "/v2/jwt/history",
        "/V3/jwt/history",
        "v3/jwt/history",
        "//v3/jwt/history",
    ],
)
def test_outside_the_base_path_there_is_nothing(calm: TiledeskFake, observed: TiledeskFake, target: str) -> None:
    for fake in (calm, observed):
        reply = ask(fake, target)

        assert reply.status == 404
        assert reply.body == b'{"success":false,"msg":"Not found."}'


@pytest.mark.parametrize("base_path", ["", "/", "/api/v3", "/api/v3/"])
def test_the_base_path_can_be_another(base_path: str) -> None:
    fake = TiledeskFake(base_path=base_path)
    fake.add_user(email="ada@example.com", password="secret")

    assert ask(fake, f"{base_path.rstrip('/')}/jwt/history").status == 200
    assert ask(fake, "/v3/jwt/history").status == 404


def test_under_a_mount_point_the_decoded_path_is_put_together(fake: TiledeskFake) -> None:
    def mounted(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ |= {"SCRIPT_NAME": "/v3", "PATH_INFO": "/jwt/history"}
        return app(environ, start_response)

    app = fake.wsgi_app

    assert call(mounted, "GET", "", [("Authorization", ada_of(fake).authorization)], raw=False).status == 200


# --- methods -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [LIST, f"{LIST}?direction=1&page=0", f"{LIST}?page=abc", "/v3/nowhere", "/nowhere"])
@pytest.mark.parametrize("auth", [True, False])
def test_head_answers_as_get_without_a_body(calm: TiledeskFake, target: str, auth: bool) -> None:
    get, head = ask(calm, target, auth=auth), ask(calm, target, "HEAD", auth=auth)

    assert (head.status, head.headers) == (get.status, get.headers)
    assert get.body
    assert head.body == b""


@pytest.mark.parametrize(
    "target", [LIST, f"{LIST}/one", f"{LIST}/id/5e", "/v3/nowhere", "/nowhere", "/v3/%zz", "*", "/", f"{LIST}?page=abc"]
)
def test_options_is_204_everywhere_without_credentials(calm: TiledeskFake, observed: TiledeskFake, target: str) -> None:
    for fake in (calm, observed):
        reply = ask(fake, target, "OPTIONS", auth=False)

        assert reply.status == 204
        assert reply.body == b""
        assert reply.headers["Content-Length"] == "0"
        assert reply.headers["Access-Control-Allow-Methods"] == "GET,HEAD,PUT,PATCH,POST,DELETE"
        assert reply.headers["Vary"] == "Access-Control-Request-Headers"
        assert reply.headers[FROM_ANYWHERE] == "*"


def test_options_allows_the_headers_that_were_asked_for(calm: TiledeskFake) -> None:
    asked = (("Access-Control-Request-Headers", "authorization, x-odd"),)

    assert ask(calm, method="OPTIONS", headers=asked).headers["Access-Control-Allow-Headers"] == "authorization, x-odd"
    assert "Access-Control-Allow-Headers" not in ask(calm, method="OPTIONS").headers


def test_listing_changes_nothing(fake: TiledeskFake) -> None:
    first = ask(fake)

    assert ask(fake).body == ask(fake, method="GET").body == first.body


@pytest.mark.parametrize(
    "target", [LIST, f"{LIST}?page=abc", f"{LIST}/a/b", "/v3/nowhere", "/nowhere", f"{LIST}/%zz", "/v3//"]
)
@pytest.mark.parametrize("method", ["GET", "DELETE", "POST", "HEAD"])
@pytest.mark.parametrize("auth", [True, False])
def test_every_answer_may_be_read_from_anywhere(
    calm: TiledeskFake, observed: TiledeskFake, target: str, method: str, auth: bool
) -> None:
    for fake in (calm, observed):
        assert ask(fake, target, method, auth=auth).headers[FROM_ANYWHERE] == "*"


# --- bodies ------------------------------------------------------------------------------------------------------

JSON_HEADER = (("Content-Type", "application/json"),)


@pytest.mark.parametrize(
    "body",
    [b"{", b"5", b'"x"', b"null", b"true", b"NaN", b"[Infinity]", b"{'a':1}", b"\xff", b"x", b"[" * 100_000, b"{}{}"],
)
@pytest.mark.parametrize("method", ["GET", "DELETE", "POST", "OPTIONS"])
def test_a_body_that_should_be_json_and_is_not_is_refused_before_all_else(
    calm: TiledeskFake, observed: TiledeskFake, body: bytes, method: str
) -> None:
    calmly, really = (
        ask(fake, f"{LIST}/%zz", method, auth=False, headers=JSON_HEADER, body=body) for fake in (calm, observed)
    )

    assert calmly.status == 400
    assert calmly.json == {"success": False, "msg": "The body is not JSON."}
    assert really.status == 500
    assert really.body == b'{"err":"error"}'
    assert FROM_ANYWHERE not in calmly.headers
    assert FROM_ANYWHERE not in really.headers


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{}"),
        ("application/json", b"[]"),
        ("application/json; charset=utf-8", b'{"page":"abc"}'),
        ("application/json", '{"é":1}'.encode()),
        ("text/plain", b"{"),
        ("", b"{"),
        ("application/x-www-form-urlencoded", b"page=abc"),
        ("application/jsonx", b"{"),
        ("application/vnd.api+json", b"{"),
        ("multipart/form-data; boundary=x", b"x"),
    ],
)
def test_any_other_body_is_ignored(calm: TiledeskFake, content_type: str, body: bytes) -> None:
    assert ask(calm, headers=(("Content-Type", content_type),), body=body).body == ask(calm).body


@pytest.mark.parametrize(
    "content_type", ["APPLICATION/JSON", "application/json;charset=utf-8", " application/json ; x=1"]
)
def test_a_content_type_is_json_however_it_is_written(calm: TiledeskFake, content_type: str) -> None:
    assert ask(calm, headers=(("Content-Type", content_type),), body=b"{").status == 400


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_a_body_over_the_limit_is_413(calm: TiledeskFake, content_type: str) -> None:
    reply = ask(calm, auth=False, headers=(("Content-Type", content_type),), body=b"x" * 512_001)

    assert reply.status == 413
    assert reply.body == b'{"err":"Request entity too large","limit":512000}'
    assert FROM_ANYWHERE not in reply.headers


def test_a_body_that_a_caller_of_the_road_did_not_limit_is_413_too() -> None:
    contract = load()
    road = Road(State(contract, "secret", None), "/v3")

    answer = road.answer(Request("GET", LIST, content_type="application/json", body=b"x" * 512_001))

    assert answer is not None
    assert answer.status == 413


@pytest.mark.parametrize("content_type", ["text/plain", "", "application/json;"])
def test_a_body_that_is_not_read_may_be_of_any_size(calm: TiledeskFake, content_type: str) -> None:
    assert ask(calm, headers=(("Content-Type", content_type),), body=b"x" * 512_001).status == 200


def test_a_body_at_the_limit_is_read(calm: TiledeskFake) -> None:
    body = json.dumps(["x" * 511_996]).encode()

    assert len(body) == 512_000
    assert ask(calm, headers=JSON_HEADER, body=body).status == 200


# --- bugs --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("planted_bugs")
def test_a_bug_is_a_500_that_tells_the_client_nothing_and_the_log_everything(
    fake: TiledeskFake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(History, "page", lambda *_, **__: 1 // 0)

    reply = ask(fake)

    assert reply.status == 500
    assert reply.json == {"success": False, "msg": "Internal error of tiledesk-fake."}
    assert "ZeroDivisionError" in caplog.text
    assert "this is a bug in tiledesk-fake" in caplog.text


# --- anything at all ---------------------------------------------------------------------------------------------

LATIN_1 = st.text(st.characters(codec="latin-1"), max_size=30)
TARGETS = st.one_of(
    LATIN_1,
    st.tuples(
        st.sampled_from(["", "/v3", "/v3/", "/v3/jwt/history", "/v3/jwt/history/", "/v3/jwt/history/id/", "http://x"]),
        LATIN_1 | st.text("/%2eEfF.?#iIdD0", max_size=12),
    ).map("".join),
)
QUERIES = st.one_of(
    st.just(""),
    LATIN_1.map("?{}".format),
    st.lists(
        st.tuples(st.sampled_from(["page", "direction", "sortField", "secret_token", "x", "page[]"]), LATIN_1),
        max_size=3,
    ).map(lambda pairs: "?" + "&".join(f"{name}={value}" for name, value in pairs)),
)
METHODS = st.sampled_from(["GET", "DELETE", "HEAD", "POST", "OPTIONS", "TRACE", "X"])


@given(TARGETS, QUERIES, METHODS, st.fixed_dictionaries({"auth": st.booleans(), "raw": st.booleans()}))
@settings(deadline=None)
def test_any_target_gets_a_calm_answer(
    calm: TiledeskFake, target: str, query: str, method: str, how: dict[str, bool]
) -> None:
    assert 200 <= ask(calm, target + query, method, auth=how["auth"], raw=how["raw"]).status < 500


@given(TARGETS, QUERIES, METHODS, st.booleans())
@settings(deadline=None)
def test_any_target_gets_an_observed_answer_or_silence(
    observed: TiledeskFake, target: str, query: str, method: str, auth: bool
) -> None:
    try:
        reply = ask(observed, target + query, method, auth=auth)
    except NoAnswer:
        return

    # The fake's own bugs have another body than the failures that were observed.
    assert reply.status < 500 or reply.body in (b'{"err":"error"}', b"")


@given(st.binary(max_size=40), st.sampled_from(["application/json", "text/plain", "x"]) | LATIN_1)
@settings(deadline=None)
def test_any_body_gets_a_calm_answer(calm: TiledeskFake, body: bytes, content_type: str) -> None:
    assert ask(calm, headers=(("Content-Type", content_type),), body=body).status in (200, 400)


@pytest.fixture(autouse=True, scope="module")
def nothing_was_changed_by_others(calm: TiledeskFake, observed: TiledeskFake) -> Iterator[None]:
    """The fakes that many tests share are as they were when the last of them has run."""
    before = [fake.history(ada_of(fake)) for fake in (calm, observed)]
    yield
    assert [fake.history(ada_of(fake)) for fake in (calm, observed)] == before
    assert not any(token.revoked for tokens in before for token in tokens)
