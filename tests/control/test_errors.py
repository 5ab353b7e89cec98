"""What cannot be is refused with a sentence and a code, whatever it is, and changes nothing."""

import json
import time
from typing import Any

import pytest

from tests.control.callers import CODES, Caller
from tests.raw_http import Client, get
from tiledesk_fake.control.problems import STATUSES

USER = {"email": "bob@example.com", "password": "hunter2"}
ID = "5e0000000000000000000001"
TOKENS = f"/_fake/users/{ID}/tokens"
DEEP = b'{"email":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
WRONG: list[tuple[str, str, Any, str, str]] = [
    ("POST", "/_fake/users", {}, "misuse", "expected the field 'email', which is missing"),
    ("POST", "/_fake/users", [], "misuse", "expected a JSON object with the fields email, password"),
    ("POST", "/_fake/users", {"email": 5}, "misuse", "email: expected text, got a whole number"),
    ("POST", "/_fake/users", {**USER, "pasword": "x"}, "misuse", "did you mean 'password'"),
    ("POST", "/_fake/users", {**USER, "password": 5}, "misuse", "password: expected text"),
    ("POST", "/_fake/users", {**USER, "_id": "5"}, "misuse", "expected an id of 24 hex digits"),
    ("POST", "/_fake/users", {"email": "ada@example.com"}, "taken", "there is a user with the e-mail address"),
    ("PATCH", f"/_fake/users/{ID}", {"active": None, "x": 1}, "misuse", "there is no field 'x'"),
    ("PATCH", "/_fake/users/5", {}, "not-found", "there is no user with the id '5'"),
    ("DELETE", "/_fake/users/5", None, "not-found", "POST /_fake/users adds one"),
    ("POST", TOKENS, {"jti": "phone"}, "taken", "there is a token with the jti 'phone' already"),
    ("POST", TOKENS, {"createdAt": "yesterday"}, "misuse", "createdAt: expected a time with its zone, like 2026"),
    ("POST", TOKENS, {"createdAt": "2026-01-01T00:00:00"}, "misuse", "add Z if it is UTC"),
    ("POST", TOKENS, {"expires_in_s": "5"}, "misuse", "expires_in_s: expected a number of seconds, got text"),
    ("POST", TOKENS, {"expires_in_s": 5, "expiresAt": "2026-01-01T00:00:00Z"}, "misuse", "got both"),
    ("POST", TOKENS, {"expires_in_s": 1e300}, "impossible-now", "no step is that long"),
    ("POST", TOKENS, {"claims": {"jti": "x"}}, "misuse", "the claim 'jti' follows the record"),
    ("GET", "/_fake/tokens/nothing", None, "not-found", "no token with the jti 'nothing'"),
    ("POST", "/_fake/tokens/nothing/revoke", {}, "not-found", "no token with the jti 'nothing'"),
    ("POST", "/_fake/tokens/phone/revoke", {"at": 1}, "misuse", "there is no field 'at'; this takes none"),
    ("POST", "/_fake/clock/advance", {"days": 1e9}, "impossible-now", "expected a time from 1970 to 9999"),
    ("POST", "/_fake/clock/advance", {"weeks": 1}, "misuse", "Valid: days, hours, minutes, seconds"),
    ("POST", "/_fake/clock/freeze", {"at": 5}, "misuse", "at: expected a time with its zone"),
    ("POST", "/_fake/faults", {"operation": "listToken", "status": 500}, "misuse", "did you mean 'listTokens'"),
    ("POST", "/_fake/faults", {"operation": "*"}, "misuse", "this fault would do nothing"),
    ("POST", "/_fake/faults", {"operation": "*", "status": "503"}, "misuse", "write it without quotes"),
    ("POST", "/_fake/faults", {"operation": "*", "status": 500, "when": {"page": 1.5}}, "misuse", "when: page"),
    ("POST", "/_fake/faults", {"operation": "*", "status": 500, "body_base64": "?"}, "misuse", "base64"),
    ("GET", "/_fake/journal?wait_s=10", None, "misuse", "wait_s: expected a number from 0 to 9, got '10'"),
    ("GET", "/_fake/journal?times=0", None, "misuse", "times: expected a whole number from 1 to 1000"),
    ("GET", "/_fake/journal?status=ok", None, "misuse", "status: expected a whole number from 100 to 599"),
    ("GET", "/_fake/journal?operation=lisTokens", None, "misuse", "did you mean 'listTokens'"),
    ("GET", "/_fake/journal?user=", None, "misuse", "user: expected a value, got an empty one"),
    ("GET", "/_fake/journal?limit=5", None, "misuse", "there is no parameter 'limit'"),
    ("GET", "/_fake/journal?after=1&after=2", None, "misuse", "the parameter 'after' is given twice"),
    ("GET", "/_fake/journal?user=%ff", None, "misuse", "expected a query in UTF-8"),
    ("GET", "/_fake/tokens/%ff", None, "misuse", "expected a path in UTF-8"),
    ("PUT", "/_fake/profile", {"page-bas": "1"}, "profile", "did you mean 'page-base'"),
    ("GET", "/_fake/profile?touch=page-bas", None, "misuse", "touch: there is no assumption 'page-bas'; did you mean"),
    ("PUT", "/_fake/profile", ["page-base"], "misuse", "expected a JSON object"),
    ("POST", "/_fake/scenario", {"user": []}, "scenario", "did you mean 'users'"),
    ("POST", "/_fake/scenario", "/etc/passwd", "scenario", "expected a mapping"),
    ("POST", "/_fake/scenario", {"users": [{"email": "c"}, {"email": "c"}]}, "scenario", "users[1]"),
    ("POST", "/_fake/scenario", {"users": [{"email": "c", "password": 5}]}, "scenario", "password: expected text"),
    ("POST", "/_fake/snapshots/5/restore", {}, "not-found", "no such snapshot"),
    ("PUT", "/_fake", {"seed": 1}, "impossible-now", "the fake that the server began with is in use"),
    ("PUT", "/w/new/_fake", {"seed": "1"}, "misuse", "seed: expected a whole number, got text"),
    ("PUT", "/w/new/_fake", {"base_path": "v3"}, "misuse", "expected a base path like '/v3'"),
    ("PUT", "/w/new/_fake", {"base_path": "/_fake"}, "misuse", "expected a base path other than '/_fake'"),
    ("PUT", "/w/new/_fake", {"base_path": "/_fake/v3"}, "misuse", "expected a base path other than '/_fake/v3'"),
    ("DELETE", "/_fake", None, "impossible-now", "POST /_fake/reset makes it as new"),
    ("DELETE", "/_fake/clock", None, "misuse", "expected one of the methods that this path has: GET, HEAD"),
    ("GET", "/_fake/nowhere", None, "not-found", "GET /_fake/openapi.json"),
    ("GET", "/_fake/users/", None, "not-found", "there is nothing at this path"),
    ("GET", f"/w/{'x' * 65}/_fake/health", None, "misuse", "1 to 64 of the characters"),
    ("GET", "/w/a%20b/_fake/health", None, "misuse", "1 to 64 of the characters"),
    ("POST", "/_fake/users", b"{", "misuse", "expected JSON:"),
    ("POST", "/_fake/users", b'{"email": NaN}', "misuse", "expected JSON, which has no NaN"),
    ("POST", "/_fake/users", b'{"email": "c", "email": "d"}', "misuse", "the key 'email' is written twice"),
    ("POST", "/_fake/users", b'{"email": "\xff"}', "misuse", "expected a body in UTF-8; byte 11 is not"),
    ("POST", "/_fake/users", b'{"email": "\\ud800"}', "misuse", "text that has a UTF-8 form"),
    ("POST", "/_fake/users", b'{"email": ' + b"9" * 5_000 + b"}", "misuse", "one has too many digits"),
    ("POST", "/_fake/users", b'{"email": 1e999}', "misuse", "one has too many digits"),
    ("POST", "/_fake/users", DEEP, "misuse", "nests at most 100 levels"),
    ("POST", "/_fake/faults", b'{"operation": "*", "status": 500, "body": {"a": 1, "a": 2}}', "misuse", "'a'"),
]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: f"{wrong[0]} {wrong[1]}: {wrong[4]}")
def test_what_cannot_be_is_a_problem_that_says_what_to_write_and_changes_nothing(
    control: Caller, wrong: tuple[str, str, Any, str, str]
) -> None:
    method, path, body, code, words = wrong
    control.ok("POST", "/_fake/users", {"email": "ada@example.com", "password": "secret", "_id": ID})
    control.ok("POST", TOKENS, {"jti": "phone"})
    control.ok("POST", "/_fake/faults", {"operation": "*", "status": 503})
    paths = ("scenario", "faults", "profile", "verdict", "journal")
    before = [control.ok("GET", f"/_fake/{each}") for each in paths]

    raw = {"data": body, "json": None, "headers": {"Content-Type": "application/json"}}
    answer = control(method, path, **raw) if isinstance(body, bytes) else control(method, path, body)

    problem = answer.json()
    assert (problem["code"], words in problem["detail"]) == (code, True), problem
    assert "hunter2" not in answer.text
    assert [control.ok("GET", f"/_fake/{each}") for each in paths] == before


def test_a_wrong_name_lists_the_right_ones(control: Caller) -> None:
    assert control("POST", "/_fake/clock/advance", {"weeks": 1}).json()["valid"] == [
        "days", "hours", "minutes", "seconds"
    ]  # fmt: skip
    assert control("PUT", "/_fake/users").headers["Allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("body", [b"", b"{}"])
@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
def test_what_is_not_called_json_is_refused_also_without_a_body(
    control: Caller, content_type: str, body: bytes
) -> None:
    control.ok("POST", "/_fake/clock/freeze")

    answer = control("POST", "/_fake/reset", json=None, data=body, headers={"Content-Type": content_type})

    assert answer.json()["code"] == "content-type"
    assert control.ok("GET", "/_fake/clock")["frozen"] is True


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("users: [", "scenario"),
        ("users:\n- email: a\n- 5", "users[1]"),
        ("[" * 5_000, "nests at most 100 levels"),
        ("".join(f"{' ' * depth}a:\n" for depth in range(900)), "scenario"),
        ("a: !!python/object:os.system x", "scenario"),
    ],
)
def test_yaml_that_is_no_scenario_is_a_problem(control: Caller, text: str, words: str) -> None:
    answer = control("POST", "/_fake/scenario", json=None, data=text, headers={"Content-Type": "application/yaml"})

    assert 400 <= answer.status_code < 500
    assert words in answer.json()["detail"]


def test_claims_that_say_a_lot_by_aliases_are_refused_at_once(control: Caller) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    claims = "".join(f"          {line}\n" for line in lines)
    text = f"users:\n  - email: a\n    tokens:\n      - claims:\n{claims}"

    answer = control("POST", "/_fake/scenario", json=None, data=text, headers={"Content-Type": "application/yaml"})

    assert "expected at most 50,000 values in all" in answer.json()["detail"]


def test_twenty_thousand_keys_cost_little(control: Caller) -> None:
    body = json.dumps({f"key{n}": n for n in range(20_000)}).encode()
    begun = time.process_time()
    answer = control("POST", "/_fake/users", json=None, data=body, headers={"Content-Type": "application/json"})

    assert answer.json()["code"] == "misuse"
    # A ceiling of processor time, far above what it takes; a cost that grows with the square is a minute.
    assert time.process_time() - begun < 5


@pytest.mark.parametrize("path", ["/_fake/scenario", "/w/mine/_fake/users"])
@pytest.mark.parametrize("chunked", [False, True], ids=["announced", "chunked"])
def test_a_body_past_the_limit_is_a_problem(control: Caller, path: str, chunked: bool) -> None:
    large = b" " * 512_001
    json_type = {"Content-Type": "application/json"}
    answer = control("POST", path, json=None, data=iter([large]) if chunked else large, headers=json_type)

    assert answer.status_code == 413
    assert answer.json()["code"] == "too-large"
    assert "at most 512,000 bytes" in answer.json()["detail"]


def test_a_body_past_the_limit_is_refused_beside_the_control_api_as_the_real_server_does(control: Caller) -> None:
    for path in ("/v3/jwt/history", "/w/mine/v3/jwt/history"):
        answer = control("POST", path, json=None, data=b" " * 512_001, headers={"Content-Type": "application/json"})

        assert (answer.status_code, answer.json()) == (413, {"err": "Request entity too large", "limit": 512_000})


def test_the_codes_are_a_closed_list() -> None:
    assert {code: min(statuses) for code, statuses in CODES.items()} == STATUSES


@pytest.mark.parametrize("target", ["/_fake/health", "/_fake/", "/w/mine/_fake/users", "/w/mine/v3/jwt/history", "/"])
def test_an_offer_to_upgrade_is_refused_below_http_at_control_paths_too(control: Caller, target: str) -> None:
    with Client(int(control.origin.rpartition(":")[2])) as client:
        client.send(get(target, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"))
        reply = client.reply()

    assert (reply.status, reply.body) == (400, b"Bad Request")
    assert control.ok("GET", "/_fake/journal")["total"] == 0
    assert [world["name"] for world in control.ok("GET", "/_fake/worlds")["worlds"]] == []
