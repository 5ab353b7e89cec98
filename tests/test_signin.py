"""Sign-in: every recorded answer of the real server comes again, and the token is one of the user's."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import jwt as pyjwt
import pytest
from jsonschema_rs import validate

from tests.wsgi import Reply, call
from tiledesk_fake import TiledeskFake
from tiledesk_fake.contract import AUTH_FILE, load
from tiledesk_fake.contract.references import resolved

DATA = Path(__file__).parent / "data"
RECORDED = json.loads((DATA / "signin.json").read_text(encoding="utf-8"))
AT_RANDOM = json.loads((DATA / "signin_at_random.json").read_text(encoding="utf-8"))
SIGN_IN = "/v3/auth/signin"
FROM_ANYWHERE = "Access-Control-Allow-Origin"


def fake_of_the_recording(quirks: str) -> TiledeskFake:
    fake = TiledeskFake(base_path="", secret=RECORDED["secret"], profile={"server-quirks": quirks})
    for user in RECORDED["users"]:
        names = {name: user[name] for name in ("firstname", "lastname", "emailverified")}
        fake.add_user(
            id=user["_id"], email=user["email"], password=user["password"], active=user["status"] == 100, **names
        )
    return fake


@pytest.fixture(scope="module")
def observed() -> TiledeskFake:
    return fake_of_the_recording("observed")


@pytest.fixture(scope="module")
def calm() -> TiledeskFake:
    return fake_of_the_recording("calm")


@pytest.fixture
def fake() -> TiledeskFake:
    fake = TiledeskFake()
    fake.add_user(email="ada@example.com", password="correct-horse", firstname="Ada", lastname="Lovelace")
    return fake


def sign_in(fake: TiledeskFake, body: Any, *headers: tuple[str, str], target: str = SIGN_IN) -> Reply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    declared = () if any(name == "Content-Type" for name, _ in headers) else (("Content-Type", "application/json"),)
    return call(fake.wsgi_app, "POST", target, (*declared, *headers), content)


def ada(password: Any = "correct-horse", email: Any = "ada@example.com") -> dict[str, Any]:
    return {"email": email, "password": password}


# --- as recorded -------------------------------------------------------------------------------------------------


def replay(fake: TiledeskFake, case: dict[str, Any]) -> Reply:
    head, _, body = base64.b64decode(case["request_base64"]).partition(b"\r\n\r\n")
    line, *fields = head.decode("latin-1").split("\r\n")
    method, target, _ = line.split(" ")
    headers = tuple((name, value) for name, _, value in (field.partition(": ") for field in fields))
    return call(fake.wsgi_app, method, target, [each for each in headers if each[0] != "Content-Length"], body)


def without_token(reply: Reply) -> str:
    return re.sub(r"JWT [\w-]+\.[\w-]+\.[\w-]+", "JWT <token>", reply.body.decode())


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda case: case["name"])
def test_the_observed_profile_answers_as_recorded(case: dict[str, Any], observed: TiledeskFake) -> None:
    reply = replay(observed, case)

    assert (reply.status, without_token(reply)) == (case["real"]["status"], case["real"]["body"])
    if case["real"]["body"] or "HEAD" in case["name"]:
        assert {name: reply.headers[name] for name in reply.headers if name not in ("Content-Length", "Vary")} == dict(
            case["real"]["headers"]
        )
    else:
        assert reply.headers[FROM_ANYWHERE] == "*"
    if reply.status == 200:
        token = reply.json["token"].removeprefix("JWT ")
        header, payload, _ = token.split(".")
        assert base64.urlsafe_b64decode(header + "==").decode() == case["token_header"]
        assert list(json.loads(base64.urlsafe_b64decode(payload + "=="))) == case["claims"]
        claims = pyjwt.decode(token, RECORDED["secret"], ["HS256"], audience="https://tiledesk.com")
        assert claims["_id"] == reply.json["user"]["_id"]


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda case: case["name"])
def test_the_calm_profile_answers_as_recorded_or_with_a_clean_refusal(case: dict[str, Any], calm: TiledeskFake) -> None:
    reply, real = replay(calm, case), case["real"]

    if real["status"] == 500:
        assert reply.status == (400 if "malformed" in case["name"] else 422)
    elif "Invalid project id" in real["body"] or "HEAD" in case["name"]:
        assert reply.status in (404, 405)
    else:
        assert (reply.status, without_token(reply)) == (real["status"], real["body"])


def test_the_recording_is_whole() -> None:
    assert len(RECORDED["cases"]) == 61
    assert {case["real"]["status"] for case in RECORDED["cases"]} == {200, 204, 400, 401, 422, 500}


def test_sign_ins_at_random_are_answered_as_the_real_parsers_and_validators_do(observed: TiledeskFake) -> None:
    statuses = set()
    for case in AT_RANDOM["cases"]:
        request, real = case["request"], case["real"]
        headers = [tuple(header) for header in request["headers"]]
        reply = call(
            observed.wsgi_app, request["method"], request["target"], headers, request["body"].encode("latin-1")
        )
        statuses.add(reply.status)
        assert (reply.status, without_token(reply)) == (real["status"], real["body"]), request
        assert (FROM_ANYWHERE in reply.headers) == real["from_anywhere"], request
    assert statuses == {200, 400, 401, 422, 500}


def test_sign_ins_at_random_never_fail_under_the_calm_profile(calm: TiledeskFake) -> None:
    for case in AT_RANDOM["cases"]:
        request = case["request"]
        headers = [tuple(header) for header in request["headers"]]
        reply = call(calm.wsgi_app, request["method"], request["target"], headers, request["body"].encode("latin-1"))
        assert reply.status in (200, 400, 401, 404, 405, 422), request


# --- the token ---------------------------------------------------------------------------------------------------


def test_the_token_joins_the_history_and_calls(fake: TiledeskFake) -> None:
    fake.clock.freeze(datetime.fromisoformat("2026-01-05T12:00:00Z"))

    reply = sign_in(fake, ada())

    (token,) = fake.history(fake.users["ada@example.com"])
    assert reply.json["token"] == token.authorization
    assert token.expires_at is None
    assert token.created_at == fake.clock.now()
    listed = call(fake.wsgi_app, "GET", "/v3/jwt/history", [("Authorization", reply.json["token"])])
    assert [record["jti"] for record in listed.json["jwts"]] == [token.jti]


def test_each_sign_in_makes_another_token(fake: TiledeskFake) -> None:
    assert len({sign_in(fake, ada()).json["token"] for _ in range(3)}) == 3
    assert len(fake.history(fake.users["ada@example.com"])) == 3


def test_the_names_of_the_user_are_in_answer_and_claims(fake: TiledeskFake) -> None:
    said = sign_in(fake, ada()).json
    claims = pyjwt.decode(said["token"].removeprefix("JWT "), options={"verify_signature": False})

    names = {"email": "ada@example.com", "firstname": "Ada", "lastname": "Lovelace", "emailverified": True}
    assert {name: said["user"][name] for name in names} == names
    assert {name: claims[name] for name in names} == names


@pytest.mark.parametrize("body", [ada("wrong"), ada(""), ada(None), ada(email="nope"), {}, [], b"{"])
def test_a_sign_in_that_is_refused_leaves_no_token(fake: TiledeskFake, body: Any) -> None:
    assert sign_in(fake, body).status in (400, 401, 422)
    assert fake.history(fake.users["ada@example.com"]) == []


@pytest.mark.parametrize(
    ("stored", "given", "same"),
    [
        ("x" * 72, "x" * 72 + "y", True),
        ("x" * 80, "x" * 72, True),
        ("x" * 71, "x" * 72, False),
        ("é" * 40, "é" * 36, True),
        ("é" * 36, "é" * 35 + "e", False),
        ("x", "x\0x", True),
        ("x", "xx", False),
        ("ab\0cd", "ab", False),
    ],
)
def test_of_a_password_72_bytes_count(fake: TiledeskFake, stored: str, given: str, same: bool) -> None:
    fake.add_user(email="bob@example.com", password=stored)
    basic = base64.b64encode(f"bob@example.com:{given}".encode()).decode()

    assert sign_in(fake, ada(given, "bob@example.com")).status == (200 if same else 401)
    by_basic = call(fake.wsgi_app, "GET", "/v3/jwt/history", [("Authorization", f"Basic {basic}")])
    assert by_basic.status == (200 if same else 401)


# --- journal, faults, mistakes -----------------------------------------------------------------------------------


def test_a_sign_in_is_an_operation_of_the_journal(fake: TiledeskFake) -> None:
    sign_in(fake, ada())
    sign_in(fake, ada("wrong"))

    fake.journal.assert_called("signIn", times=1, user="ada@example.com", status=200)
    fake.journal.assert_called("signIn", times=1, user=None, status=401)
    assert [exchange.reason for exchange in fake.journal.exchanges] == [None, "wrong password"]


@pytest.mark.parametrize("operation", ["signIn", "*"])
def test_a_fault_can_be_planned(fake: TiledeskFake, operation: str) -> None:
    fake.faults.add(operation, status=503)

    assert sign_in(fake, ada()).status == 503
    assert fake.history(fake.users["ada@example.com"]) == []
    assert sign_in(fake, ada()).status == 200


@pytest.mark.parametrize(("status", "name"), [(401, "SignInRefused"), (422, "InvalidFields")])
def test_a_fault_without_a_body_has_the_shape_of_a_sign_in(fake: TiledeskFake, status: int, name: str) -> None:
    fake.faults.add("signIn", status=status)

    reply = sign_in(fake, ada())

    contract = AUTH_FILE.read_text(encoding="utf-8")
    assert name in contract
    assert reply.status == status
    assert "WWW-Authenticate" not in reply.headers
    assert ("errors" if status == 422 else "msg") in reply.json


MISTAKES: dict[str, tuple[Any, str, str]] = {
    "no body": (b"", "application/json", "unexpected-body"),
    "text": (json.dumps(ada()).encode(), "text/plain", "unexpected-body"),
    "no type": (json.dumps(ada()).encode(), "", "unexpected-body"),
    "a list": ([ada()], "application/json", "unexpected-body"),
    "malformed": (b'{"email":', "application/json", "unexpected-body"),
    "another name": ({"username": "ada@example.com", "password": "geheim"}, "application/json", "invalid-parameter"),
    "no text": (ada(password=5), "application/json", "invalid-parameter"),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_a_violation(fake: TiledeskFake, mistake: tuple[Any, str, str]) -> None:
    body, content_type, rule = mistake

    sign_in(fake, body, ("Content-Type", content_type))

    (violation,) = fake.journal.violations
    assert violation.rule == rule
    file, _, number = violation.where.rpartition(":")
    assert Path(file).samefile(AUTH_FILE)
    line = Path(file).read_text(encoding="utf-8").splitlines()[int(number) - 1]
    assert line.strip() == "post:"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (ada(), "application/json"),
        (ada("wrong"), "application/json"),
        (ada(email="mistyped"), "application/json"),
        (b"email=ada%40example.com&password=correct-horse", "application/x-www-form-urlencoded"),
    ],
)
def test_what_a_correct_client_sends_is_no_violation(fake: TiledeskFake, body: Any, content_type: str) -> None:
    sign_in(fake, body, ("Content-Type", content_type))

    assert fake.journal.violations == []


def test_another_method_is_a_violation(fake: TiledeskFake) -> None:
    call(fake.wsgi_app, "PUT", SIGN_IN, [("Content-Type", "application/json")], json.dumps(ada()).encode())

    (violation,) = fake.journal.violations
    assert (violation.rule, violation.expected) == ("unknown-method", "POST at this path")


def test_a_path_that_is_nearly_that_of_sign_in_is_told(fake: TiledeskFake) -> None:
    sign_in(fake, ada(), target="/v3/auth/login")

    assert "The nearest is POST /v3/auth/signin." in fake.journal.violations[0].message


def test_a_password_in_the_query_is_a_violation(fake: TiledeskFake) -> None:
    sign_in(fake, ada(), target=f"{SIGN_IN}?password=geheim")

    (violation,) = fake.journal.violations
    assert violation.rule == "auth-in-query"
    assert "body" in violation.message


@pytest.mark.parametrize("quirks", ["calm", "observed"])
def test_no_password_is_in_journal_violations_or_log(quirks: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    fake = TiledeskFake(profile={"server-quirks": quirks})
    fake.add_user(email="ada@example.com", password="geheim")
    bodies: list[Any] = [
        ada("geheim"),
        ada(["geheim"]),
        {"password": "geheim"},
        [ada("geheim")],
        b'{"password":"geheim',
    ]

    for body in bodies:
        sign_in(fake, body, target=f"{SIGN_IN}?password=geheim")
        sign_in(fake, body, ("Content-Type", "text/plain"), ("Cookie", "password=geheim"), ("password", "geheim"))
    sign_in(fake, b"password=geheim", ("Content-Type", "application/x-www-form-urlencoded"))

    assert len(fake.journal.exchanges) == 11
    said = f"{fake.journal.exchanges!r} {fake.journal.violations!r} {caplog.text}"
    said += "".join(map(str, (*fake.journal.exchanges, *fake.journal.violations)))
    assert "geheim" not in said


# --- over the network, and in Flask ------------------------------------------------------------------------------


def test_sign_in_works_over_the_network(fake: TiledeskFake) -> None:
    requests = pytest.importorskip("requests")
    with fake:
        said = requests.post(f"{fake.url}/auth/signin", json=ada(), timeout=10).json()
        form = requests.post(f"{fake.url}/auth/signin", data=ada(), timeout=10)
        listed = requests.get(f"{fake.url}/jwt/history", headers={"Authorization": said["token"]}, timeout=10).json()

    assert form.status_code == 200
    assert listed["count"] == 2
    assert fake.journal.violations == []


def test_sign_in_is_an_endpoint_of_the_flask_app(fake: TiledeskFake) -> None:
    assert fake.app.test_client().post(SIGN_IN, json=ada()).status_code == 200

    @fake.app.after_request
    def mark(response: Any) -> Any:
        response.headers["X-Seen"] = "yes"
        return response

    reply = fake.app.test_client().post(SIGN_IN, data=ada())
    assert (reply.status_code, reply.headers["X-Seen"]) == (200, "yes")
    with fake.app.test_request_context():
        assert fake.app.url_map.bind("x").build("signIn") == SIGN_IN
    fake.journal.assert_called("signIn", times=2, status=200)


# --- the contract ------------------------------------------------------------------------------------------------


def parts_with_provenance(node: Any) -> Iterator[dict[str, Any]]:
    for child in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        if isinstance(child, dict) and "x-provenance" in child:
            yield child
        yield from parts_with_provenance(child)


def test_each_part_of_the_contract_says_how_it_is_known() -> None:
    document = load().sign_in.document
    components = [part for kind in document["components"].values() for part in kind.values()]
    parts = list(parts_with_provenance(document))

    assert all("x-provenance" in part for part in components)
    assert len(parts) == len(components) + 1
    for part in parts:
        level = part["x-provenance"]["level"]
        assert f"**{level.capitalize()}**" in part["description"]
        assert level == "assumed" or part["x-provenance"]["source"] in part["description"]


def body_schema(status: int) -> Any:
    document = load().sign_in.document
    answer = document["paths"]["/auth/signin"]["post"]["responses"][str(status)]
    return resolved(document, answer)["content"]["application/json"]


@pytest.mark.parametrize("status", [200, 400, 401, 413, 422])
def test_the_examples_are_within_their_schemas(status: int) -> None:
    declared = body_schema(status)

    assert declared["examples"]
    for example in declared["examples"].values():
        validate(declared["schema"], example["value"])


def test_what_the_contract_declares_is_what_is_answered(calm: TiledeskFake) -> None:
    for case in AT_RANDOM["cases"]:
        request = case["request"]
        headers = [tuple(header) for header in request["headers"]]
        reply = call(calm.wsgi_app, request["method"], request["target"], headers, request["body"].encode("latin-1"))
        if reply.status not in (404, 405):
            validate(body_schema(reply.status)["schema"], reply.json)
            assert reply.headers["Content-Type"] == "application/json; charset=utf-8"


def test_the_examples_of_the_request_sign_in(fake: TiledeskFake) -> None:
    credentials = load().sign_in.document["components"]["requestBodies"]["Credentials"]["content"]

    for media in credentials.values():
        (example,) = media["examples"].values()
        assert sign_in(fake, example["value"]).status == 200


@pytest.mark.slow
def test_schemathesis_finds_nothing(fake: TiledeskFake) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    with fake:
        command = [str(program), "run", str(AUTH_FILE), "--url", fake.url, "--phases", "examples,coverage,fuzzing"]
        done = subprocess.run([*command, "--seed", "1"], capture_output=True, text=True, check=False, timeout=300)

    assert done.returncode == 0, done.stdout
    assert {200, 400, 401, 422} <= {exchange.status for exchange in fake.journal.exchanges}
