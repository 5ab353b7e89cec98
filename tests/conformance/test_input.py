"""Whatever is given as a URL and as credentials, what is wrong is said in one line that tells no secret."""

import base64
import json
import socket
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.conformance.command import run
from tests.conformance.world import JSON, Answer, Ask, Request, World, world
from tiledesk_fake import TiledeskFake
from tiledesk_fake.conformance import RULES, CannotCheck, Target, check, learn, target
from tiledesk_fake.conformance.address import Address, shown
from tiledesk_fake.conformance.client import Client
from tiledesk_fake.conformance.credentials import Basic, Jwt, Redaction
from tiledesk_fake.conformance.reply import Reply

pytestmark = pytest.mark.slow

ADA = ("--basic", "ada@example.com:Secret")


@pytest.fixture(scope="module")
def right() -> Iterator[Target]:
    with world().served() as server:
        yield server


@pytest.fixture(autouse=True)
def nobody_is_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are prepared as for a look-up, and then there is no such host."""
    real = socket.getaddrinfo

    def look_up(host: str, *args: Any, **kwargs: Any) -> Any:
        host.encode("idna")
        if host.lower() == "localhost":
            host = "127.0.0.1"
        if host != "127.0.0.1":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def said(*arguments: str) -> str:
    """The one line that is said about arguments that are refused."""
    done = run(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("tiledesk-fake: ")
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


@pytest.mark.parametrize("command", ["check", "learn"])
@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://ada:geheim@127.0.0.1:1/v3", "without a user and password; give them with --basic"),
        ("http://:geheim@127.0.0.1:1/v3", "without a user and password"),
        ("ftp://ada:geheim@127.0.0.1/v3", "without a user and password"),
        ("http://ada:ge?geheim@127.0.0.1/v3", "'http://…@127.0.0.1/v3'"),
        ("http://ada:geheim@127.0.0.1:port/v3", "'http://…@127.0.0.1:…/v3'"),
        ("http://ada:geheim", "'http://ada:…'"),
        ("ada:geheim@127.0.0.1", "'…@127.0.0.1': it must begin with http:// or https:// and a host"),
        ("http://127.0.0.1:1/v3?secret_token=geheim", "'http://127.0.0.1:1/v3?…': it must end with the base path"),
        ("http://127.0.0.1:1/v3#geheim", "'http://127.0.0.1:1/v3#…': it must end with the base path"),
        ("http://127.0.0.1:1/é?t=geheim", "percent-encode what may not stand in a URL as it is"),
        ("http://127.0.0.1:1/%zz", "percent-encode what may not stand in a URL as it is"),
        ("http://127.0.0.1:1/v3\x1b[2J", "v3\\x1b[2J'"),
        ("http://127.0.0.1:1/\udcff", "got 'http://127.0.0.1:1/\\udcff'"),
        ("http://a..b/v3", "its host is no name that can be looked up"),
        (f"http://{'a' * 64}/v3", "its host is no name that can be looked up"),
        ("http://[::1/v3", "its host or port is malformed"),
        ("http://127.0.0.1:99999/v3", "its host or port is malformed"),
        ("http:///v3", "it must begin with http:// or https:// and a host"),
        ("", "expected a URL like http://127.0.0.1:8000/v3, got ''"),
        ("http://nobody.invalid/v3", "cannot be reached: no answer: Name or service not known"),
        ("http://[fe80::1%25eth0]/v3", "cannot be reached: no answer: Name or service not known"),
        ("https://127.0.0.1:1/v3", "cannot be reached: no answer: Connection refused"),
    ],
)
def test_an_odd_url_is_one_clear_line(url: str, words: str, command: str) -> None:
    line = said(command, url, *ADA)

    assert words in line
    assert "geheim" not in line


@pytest.mark.parametrize(
    ("url", "host", "port", "base"),
    [
        ("http://127.0.0.1:8000/v3", "127.0.0.1", 8000, "/v3"),
        ("HTTP://Example.COM/V3//", "example.com", 80, "/V3"),
        ("https://[::1]", "::1", 443, ""),
        ("http://example.com.:/a/b", "example.com.", 80, "/a/b"),
    ],
)
def test_a_url_is_taken_apart(url: str, host: str, port: int, base: str) -> None:
    address = Address.parse(url)

    assert (address.host, address.port, address.base_path) == (host, port, base)
    assert address.url == f"{address.origin}{base}"


def test_a_host_in_capitals_is_examined_like_any_other() -> None:
    """Generated requests write it in small letters; they are still on the server that is examined."""
    with world().served(examples=1) as server:
        report = check(replace(server, url=server.url.replace("127.0.0.1", "LocalHost")), rules=())

    assert not report.findings
    assert not [each for each in report.left_out if each.rule == "generated-requests"]


SIGNATURE = "c2lnbmF0dXJl"


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def token(claims: object) -> str:
    return f"{part({'alg': 'HS256'})}.{part(claims)}.{SIGNATURE}"


GOOD = token({"_id": "1"})


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("", "nothing"),
        (" \t", "nothing"),
        ("JWT", "1 part"),
        ("geheim", "1 part"),
        ("geheim.geheim", "2 parts"),
        (f"{GOOD}.geheim", "4 parts"),
        (f"Bearer {GOOD}", "several words; only JWT may precede the token"),
        (f"JWT JWT {GOOD}", "several words; only JWT may precede the token"),
        (f"{GOOD[:-4]} {GOOD[-4:]}", "several words; only JWT may precede the token"),
        ("..", "an empty first part"),
        (f"{GOOD.rpartition('.')[0]}.", "an empty third part"),
        (f"{GOOD}\x00", "a third part with other signs than letters, digits, - and _"),
        (f"{GOOD}é", "a third part with other signs than letters, digits, - and _"),
        (f"{GOOD}\udcff", "a third part with other signs than letters, digits, - and _"),
        ("geheim.geheim.geheim", "a first part that is no JSON object"),
        (token(["geheim"]), "a second part that is no JSON object"),
        (token(1).replace(part(1), base64.urlsafe_b64encode(b"[" * 99999).decode()), "a second part that is no"),
    ],
)
def test_a_malformed_token_is_said_to_be_one_and_not_shown(text: str, got: str, right: Target) -> None:
    """It is never sent, so the server is not blamed for refusing it."""
    for command in ("check", "learn"):
        line = said(command, right.url, *ADA, "--jwt", text)

        assert f"--jwt: expected a token of three parts, with dots between them; got {got}" in line
        assert "geheim" not in line
        assert SIGNATURE not in line
        assert "refuses" not in line


@pytest.mark.parametrize("before", ["", "JWT ", "jwt\t", "  JWT  "])
def test_the_scheme_word_may_precede_a_token(before: str) -> None:
    assert Jwt.parse(f"{before}{GOOD}\n").token == GOOD


@pytest.mark.parametrize("text", ["", ":", "ada", "ada:", ":geheim"])
def test_basic_without_one_of_its_halves_is_one_clear_line(text: str, right: Target) -> None:
    line = said("check", right.url, "--basic", text)

    assert "--basic: expected ADDRESS:PASSWORD" in line
    assert "geheim" not in line


def test_basic_that_is_no_utf_8_is_one_clear_line(right: Target) -> None:
    line = said("check", right.url, "--basic", "ada@example.com:\udcff")

    assert "--basic: expected ADDRESS:PASSWORD in UTF-8, got bytes that are none" in line


anything = st.text(st.characters(), max_size=40)
hosts = st.one_of(anything, st.from_regex(r"[a-z.\[\]:%@\\\-_0-9]{0,20}", fullmatch=True))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | anything,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["exp", "jti"]), inner, max_size=2),
    max_leaves=3,
)
claims = st.dictionaries(st.sampled_from(["_id", "jti", "exp", "email", "iat", "aud"]), values)


@settings(max_examples=150, deadline=None)
@given(
    command=st.sampled_from(["check", "learn"]),
    url=st.one_of(anything, st.builds("{}://{}{}".format, st.sampled_from(["http", "https", "HTTP"]), hosts, anything)),
)
@example(command="check", url="http://a\x00b/")
def test_no_url_ends_in_a_traceback(command: str, url: str) -> None:
    said(command, "--timeout", "1", *ADA, "--", url)


@settings(max_examples=150, deadline=None)
@given(
    command=st.sampled_from(["check", "learn"]),
    basic=st.one_of(anything, st.builds("{}:{}".format, anything, anything)),
    jwt=st.one_of(anything, st.builds("{}.{}.{}".format, anything, anything, anything), claims.map(token)),
)
def test_no_credentials_end_in_a_traceback(command: str, basic: str, jwt: str, right: Target) -> None:
    for credentials in (("--basic", basic), ("--jwt", jwt), ("--jwt", jwt, *ADA)):
        said(command, right.url, *credentials)


def everybody(world: World, request: Request, ask: Ask) -> Answer:
    """A server that takes any token for Ada's."""
    known = (request.authorization or "").startswith("Basic ")
    return ask(request if known else replace(request, authorization=f"JWT {world.jwt}"))


@pytest.mark.parametrize(
    "claims",
    [
        {"jti": ["a"], "exp": 1e400, "_id": {}, "email": 1},
        {"jti": {"a": 1}, "exp": 10**400, "email": []},
        {"jti": "\ud800", "exp": float("nan"), "_id": "\udfff", "email": "\ud800"},
        {"jti": "", "exp": True, "_id": ""},
        {},
    ],
    ids=["lists", "objects", "surrogates", "empty", "none"],
)
def test_a_token_that_says_odd_things_is_examined_all_the_same(claims: dict[str, object]) -> None:
    with world(everybody).here(basic=[], jwt=[token(claims)]) as server:
        report = check(server, generated=False)
        learnt = learn(server)

    assert report.json()
    assert learnt.yaml()


def odd_keys(world: World, request: Request, ask: Ask) -> Answer:
    """A server whose keys are no Unicode, and whose list moves the cursor of a terminal."""
    given = ask(request)
    if request.method == "GET" and request.lists and given.status == 200:
        rows = [row | {"jti": f"\ud800\x1b[2J{row['jti']}"} for row in given.json["jwts"]]
        return Answer(200, JSON, json.dumps(given.json | {"jwts": rows}).encode())
    return given


def test_a_server_with_odd_keys_is_no_accident_and_reaches_no_terminal() -> None:
    with world(odd_keys, signs_in=False).here() as server:
        report = check(server, generated=False)
        learnt = learn(server)

    assert "half of a surrogate pair" in report.text()
    for text in (report.text(), report.json(), report.html(), report.junit(), learnt.yaml()):
        assert text.encode()
        assert "\x1b" not in text


@pytest.mark.parametrize("depth", [500, 100000])
def test_a_server_that_nests_deeply_is_no_accident(depth: int) -> None:
    def nested(world: World, request: Request, ask: Ask) -> Answer:
        return replace(ask(request), body=b'{"jwts":' + b"[" * depth + b"]" * depth + b"}")

    with world(nested).here() as server:
        report = check(server, rules=RULES[:5], generated=False)

    assert "list-form" in report.broken_rules


def test_what_is_shown_is_one_printable_line() -> None:
    shown = Redaction()("a\nb\x1b[2J\u202e\ud800 …é")

    assert shown == "a\\nb\\x1b[2J\\u202e\\ud800 …é"


@pytest.mark.parametrize("status", [301, 308])
def test_a_server_that_redirects_cannot_be_checked_and_the_line_says_where_it_leads(status: int) -> None:
    def moved(world: World, request: Request, ask: Ask) -> Answer:
        return Answer(status, (("Location", "https://ada:geheim@example.com/v3/jwt/history?a=geheim"),), b"")

    with world(moved).served() as server, pytest.raises(CannotCheck) as refused:
        check(server)

    assert f"redirects ({status}) to https://…@example.com/v3/jwt/history?…;" in str(refused.value)
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize("status", [None, 301, 401, 404])
def test_why_a_server_cannot_be_checked_tells_no_secret_and_moves_no_cursor(
    status: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = world()
    said = f"\x1b[2J {served.jwt} Basic YWRhQGV4YW1wbGUuY29tOlNlY3JldA== Secret"

    def exchange(client: Client, method: str, target: str, sent: Any, body: bytes) -> Reply:
        headers = (("Location", f"http://example.com/{said}"),)
        return Reply(method, target, sent, status, headers, said.encode(), f"no answer: {said}")

    monkeypatch.setattr(Client, "_exchange", exchange)
    with pytest.raises(CannotCheck) as refused:
        check(served.target(f"http://here.invalid/{served.jwt}"))

    assert str(refused.value).isprintable()
    for secret in ("eyJ", "YWRh", "Secret"):
        assert secret not in str(refused.value)


def test_what_is_in_a_refused_url_is_shown_up_to_a_length() -> None:
    assert len(shown("http://127.0.0.1/" + "a" * 500)) < 120


def test_credentials_may_be_given_to_a_target_as_text() -> None:
    with TiledeskFake() as fake:
        ada = fake.add_user(email="ada@example.com", password="secret:colon")
        made = target(fake.url, basic="ada@example.com:secret", jwt=fake.issue_token(ada).authorization)

    assert [type(each) for each in made.credentials] == [Basic, Jwt]


@pytest.mark.parametrize("command", ["check", "learn"])
@pytest.mark.parametrize("seconds", ["inf", "-inf", "nan", "1e11", "3601", "0.09", "0", "-1", "1e400"])
def test_a_time_that_nobody_can_wait_for_is_one_clear_line(command: str, seconds: str) -> None:
    assert "'--timeout'" in said(command, "http://127.0.0.1:1/v3", *ADA, f"--timeout={seconds}")


@pytest.mark.parametrize("seconds", ["0.1", "3600"])
def test_the_shortest_and_the_longest_time_are_allowed(seconds: str) -> None:
    assert "cannot be reached" in said("check", "http://127.0.0.1:1/v3", *ADA, "--timeout", seconds)


@pytest.mark.parametrize("seconds", [float("inf"), float("nan"), 1e11, 3600.1, 0.09, 0, -1])
def test_a_target_is_waited_for_as_long_as_on_the_command_line(seconds: float) -> None:
    with pytest.raises(CannotCheck, match=r"timeout_s: expected 0\.1 to 3600 seconds, got"):
        target("http://127.0.0.1:1/v3", basic="ada@example.com:secret", timeout_s=seconds)


@pytest.mark.parametrize("command", ["check", "learn"])
@pytest.mark.parametrize("extra", [("grace@example.com:geheim",), ("geheim", GOOD)])
def test_an_argument_too_many_is_not_shown(command: str, extra: tuple[str, ...]) -> None:
    line = said(command, "http://127.0.0.1:1/v3", *ADA, *extra)

    assert "too many beside the URL; each ADDRESS:PASSWORD needs a --basic of its own, each token a --jwt" in line
    assert "geheim" not in line
    assert SIGNATURE not in line


@pytest.mark.parametrize("given", ["grace@example.com:geheim", f"geheim@example.com:1 {GOOD}"])
@pytest.mark.parametrize("option", ["--timeout", "--seed", "--report", "--assume", "--examples", "--profile"])
def test_credentials_in_the_place_of_something_else_are_not_shown(option: str, given: str) -> None:
    line = said("check", "http://127.0.0.1:1/v3", *ADA, option, given)

    assert "geheim" not in line
    assert SIGNATURE not in line


def test_credentials_in_the_place_of_a_command_are_not_shown() -> None:
    assert "geheim" not in said("grace@example.com:geheim")


def test_credentials_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, right: Target) -> None:
    first, second = (f"{each.email}:{each.password}" for each in right.credentials[:2] if isinstance(each, Basic))
    monkeypatch.setenv("TILEDESK_CHECK_BASIC", f"{first}\n\n{second}\n")
    monkeypatch.setenv(
        "TILEDESK_CHECK_JWT", "\n".join(f"JWT {each.token}" for each in right.credentials if isinstance(each, Jwt))
    )

    done = run("learn", right.url, "--may-revoke")

    assert done.returncode == 0, done.stderr
    assert "a second user is needed" not in done.stdout


def test_the_command_line_precedes_the_environment(monkeypatch: pytest.MonkeyPatch, right: Target) -> None:
    monkeypatch.setenv("TILEDESK_CHECK_BASIC", "ada@example.com:geheim")

    assert run("learn", right.url, *ADA).returncode == 0
    assert "refuses the credentials" in said("learn", right.url)
