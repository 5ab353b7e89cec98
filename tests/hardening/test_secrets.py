"""Secrets: what is secret comes out nowhere but where it is asked for, as `token.jwt` or `user.authorization`."""

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hardening.served import LIST, serving
from tests.wsgi import call
from tiledesk_fake import MisuseError, ProfileError, ScenarioError, TiledeskFake
from tiledesk_fake import scenario as scenarios
from tiledesk_fake.contract.parameters import Parameters
from tiledesk_fake.web.operations import OPERATIONS

SIGNING_SECRET = "planted-signing-secret-81c5"
PASSWORD = "planted-password-5e0a"
API_KEY = "planted-api-key-44d7"
COOKIE = "planted-cookie-0b9f"


class Planted:
    """A fake that holds secrets, and what was let out of it."""

    def __init__(self) -> None:
        self.fake = TiledeskFake(secret=SIGNING_SECRET)
        self.ada = self.fake.add_user(email="ada@example.com", password=PASSWORD)
        self.phone = self.fake.issue_token(self.ada, jti="phone")
        self.basic = self.ada.authorization.removeprefix("Basic ")
        self.secrets = {
            "signing secret": SIGNING_SECRET,
            "password": PASSWORD,
            "token": self.phone.jwt,
            "basic": self.basic,
            "api key": API_KEY,
            "cookie": COOKIE,
            # A piece of a secret is one, too.
            "signature": self.phone.jwt.rpartition(".")[2],
            "payload": self.phone.jwt.split(".")[1],
        }
        self.let_out: list[str] = []

    def ask(self, method: str, target: str, *headers: tuple[str, str], body: bytes = b"") -> int:
        reply = call(self.fake.wsgi_app, method, target, headers, body)
        self.let_out += [repr(reply.headers), reply.body.decode("utf-8", "replace")]
        return reply.status

    def told(self) -> list[str]:
        """The secrets that came out."""
        everything = "\n".join(self.let_out)
        return [name for name, secret in self.secrets.items() if secret in everything]


@pytest.fixture
def planted() -> Planted:
    return Planted()


@pytest.fixture
def log() -> Iterator[list[str]]:
    """All that the package logs, with tracebacks."""
    lines: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(logging.Formatter("%(name)s %(levelname)s %(message)s").format(record))

    handler, logger = Handler(), logging.getLogger("tiledesk_fake")
    logger.addHandler(handler)
    yield lines
    logger.removeHandler(handler)


def requests(planted: Planted) -> Iterator[tuple[str, str, list[tuple[str, str]], bytes]]:
    """Each secret in each place where a client may put it, by mistake or not."""
    token, basic = planted.phone.jwt, planted.basic
    good = ("Authorization", f"JWT {token}")
    extra = [
        ("Cookie", f"a={COOKIE}"),
        ("X-Api-Key", API_KEY),
        ("X-Auth-Token", API_KEY),
        ("Proxy-Authorization", f"Basic {basic}"),
        ("X-Session", COOKIE),
        ("X-Forwarded-For", token),
        ("User-Agent", f"client {token}"),
        ("Referer", f"/?t={token}"),
    ]
    for authorization in (
        f"JWT {token}", f"Basic {basic}", f"Bearer {token}", token, basic, f"JWT {token} {API_KEY}", f"JWT JWT {token}",
        f"Token {API_KEY}", API_KEY, f"Basic {PASSWORD}", f"JWT {PASSWORD}", f"Basic ada@example.com:{PASSWORD}",
        f"JWT:{token}", f"JWT={token}", f"Digest response={PASSWORD}", f"apikey {API_KEY}",
    ):  # fmt: skip
        for method, target in (("GET", LIST), ("DELETE", f"{LIST}/none"), ("PUT", LIST), ("GET", "/elsewhere")):
            yield method, target, [("Authorization", authorization), *extra], b""
    for query in (
        f"secret_token={token}", f"secret_token={token}&secret_token={API_KEY}", f"token={API_KEY}",
        f"api_key={API_KEY}", f"apiKey={API_KEY}", f"password={PASSWORD}",
        f"Authorization=Basic%20{basic}", f"auth=JWT+{token}",
        f"page={token}", f"sortField={token}", f"direction=JWT%20{token}", f"{token}={token}", token,
        f"page=0;jwt={token}",
        f"next=http://a/?access_token={API_KEY}", f"url=http://ada:{PASSWORD}@host/", f"client_secret={API_KEY}&page=x",
    ):  # fmt: skip
        yield "GET", f"{LIST}?{query}", [good], b""
        yield "GET", f"{LIST}?{query}", [], b""
        yield "POST", f"/v3/elsewhere?{query}", [good], b""
    for segment in (
        token,
        f"JWT%20{token}",
        f"JWT {token}",
        f"id/{token}",
        f"x{token}",
        f"Basic%20{basic}",
        f"{token}/{token}",
    ):
        for method in ("DELETE", "GET"):
            yield method, f"{LIST}/{segment}", [good], b""
    json = ("Content-Type", "application/json")
    for body in (
        f'{{"password":"{PASSWORD}"}}',
        f'{{"token":"{token}"',
        f'"{API_KEY}"',
        f"password={PASSWORD}&token={token}",
    ):
        yield "GET", LIST, [good, json], body.encode()
        yield "DELETE", f"{LIST}/none", [good, ("Content-Type", f"text/plain; token={token}")], body.encode()
    for host in (f"ada:{PASSWORD}@host", f"{token}"):
        yield "GET", "/elsewhere", [("Host", f"//{host}")], b""


def look_at(planted: Planted) -> None:
    """Let out all that people look at: reprs, the journal, and what its assertions say."""
    fake = planted.fake
    fake.faults.add("listTokens", status=503, times=3)
    snapshot = fake.snapshot()
    scenario = scenarios.parse_scenario({"users": [{"email": "a@b.c", "password": PASSWORD}]})
    shown: list[object] = [
        fake, fake.users, planted.ada, planted.phone, fake.history(planted.ada), fake.journal, fake.faults, fake.clock,
        fake.profile, snapshot, scenario, fake._state, fake._state.gate, fake._state.users, fake._state.history,
        fake.wsgi_app, fake.revoke(planted.phone), vars(snapshot) if hasattr(snapshot, "__dict__") else snapshot.users,
    ]  # fmt: skip
    for exchange in fake.journal.exchanges:
        shown += [exchange, tuple(exchange), exchange.target, exchange.query, exchange.path_params]
    for violation in fake.journal.violations:
        shown += [violation, violation.curl, violation.got, violation.message]
    planted.let_out += [text for thing in shown for text in (repr(thing), str(thing), f"{thing}")]
    assertions: list[Callable[[], None]] = [
        lambda: fake.journal.assert_called("listTokens", page=planted.phone.jwt, times=99),
        lambda: fake.journal.assert_called("revokeTokenByJti", jti=planted.phone.jwt, times=99),
        lambda: fake.journal.assert_called("revokeTokenByJti", user=planted.ada, times=99),
        lambda: fake.journal.assert_not_called("listTokens"),
    ]
    for assertion in assertions:
        with pytest.raises(AssertionError) as failed:
            assertion()
        planted.let_out.append(str(failed.value))


def test_planted_secrets_come_out_nowhere(planted: Planted, log: list[str]) -> None:
    statuses = {planted.ask(method, target, *headers, body=body) for method, target, headers, body in requests(planted)}
    look_at(planted)
    planted.let_out += log

    assert statuses == {200, 400, 401, 403, 404, 405}
    assert len(planted.fake.journal.exchanges) > 100
    assert len({violation.rule for violation in planted.fake.journal.violations}) >= 5
    assert planted.told() == []


LEAKS: dict[str, tuple[str, str, Callable[..., Any]]] = {
    "the journal": ("tiledesk_fake.violations.judge.redacted", "token", lambda text: text),
    "the query": ("tiledesk_fake.violations.judge.redacted_value", "api key", lambda name, value: value),
    "the assertions": ("tiledesk_fake.core.journal.redacted", "token", lambda text: text),
    "the header": ("tiledesk_fake.violations.judge.shown_authorization", "basic", lambda header: header),
}


@pytest.mark.parametrize(("place", "secret", "leak"), LEAKS.values(), ids=LEAKS)
def test_a_secret_that_is_not_redacted_is_found(
    planted: Planted, place: str, secret: str, leak: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, leak)
    for method, target, headers, body in requests(planted):
        planted.ask(method, target, *headers, body=body)
    look_at(planted)

    assert secret in planted.told()


# --- logs --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("planted_bugs")
def test_an_exception_is_logged_without_what_was_sent(
    planted: Planted, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Parameters, "value", lambda *_: 1 // 0)
    for method, target, headers, body in requests(planted):
        planted.ask(method, target, *headers, body=body)
    planted.let_out += log

    assert any("ZeroDivisionError" in line for line in log)
    assert planted.told() == []


@pytest.mark.usefixtures("planted_bugs")
def test_a_log_that_tells_the_request_is_found(
    planted: Planted, log: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(state: object, caller: object, values: object) -> None:
        raise RuntimeError(f"no list for {planted.phone.authorization}")

    monkeypatch.setitem(OPERATIONS, "listTokens", failing)
    planted.ask("GET", LIST, ("Authorization", planted.phone.authorization))
    planted.let_out += log

    assert "token" in planted.told()


# --- errors ------------------------------------------------------------------------------------------------------


def in_a_file(text: str) -> Callable[[Planted, Path], object]:
    def load(planted: Planted, directory: Path) -> None:
        file = directory / "scenario.yaml"
        file.write_text(text, encoding="utf-8")
        planted.fake.load(file)

    return load


NUMBER = 8134570021
MISTAKES: dict[str, Callable[[Planted, Path], object]] = {
    "a token for its jti": lambda planted, _: planted.fake.revoke(jti=planted.phone.jwt + "x"),
    "a password that is none": lambda planted, _: planted.fake.add_user(email="b@b.c", password=NUMBER),  # type: ignore[arg-type]
    "half a character": lambda planted, _: planted.fake.add_user(email="b@b.c", password=f"{PASSWORD}\ud800"),
    "a secret with half a character": lambda *_: TiledeskFake(secret=f"{SIGNING_SECRET}\ud800"),
    "a user that is there": lambda planted, _: planted.fake.add_user(email="ada@example.com", password=PASSWORD),
    "a user of another fake": lambda planted, _: TiledeskFake().issue_token(planted.ada),
    "claims that are no JSON": lambda planted, _: planted.fake.issue_token(planted.ada, claims={PASSWORD: object()}),
    "claims with half a character": lambda planted, _: planted.fake.issue_token(
        planted.ada, claims={"a": f"{PASSWORD}\ud800"}
    ),
    "a number": lambda planted, _: planted.fake.load({"users": [{"email": "b@b.c", "password": NUMBER}]}),
    "a list": lambda planted, _: planted.fake.load({"users": [{"email": "b@b.c", "password": [PASSWORD]}]}),
    "a token in a list": lambda planted, _: planted.fake.load(
        {"users": [{"email": "b@b.c", "tokens": [planted.phone.jwt]}]}
    ),
    "a user twice": lambda planted, _: planted.fake.load({"users": [{"email": "b@b.c", "password": PASSWORD}] * 2}),
    "a number in a file": in_a_file(f"users: [{{email: b@b.c, password: {NUMBER}}}]"),
    "a tag": in_a_file(f"users: [{{email: b@b.c, password: !{PASSWORD} }}]"),
    "a tagged number": in_a_file(f"users: [{{email: b@b.c, password: !!int {PASSWORD}}}]"),
    "an alias": in_a_file(f"users: [{{email: b@b.c, password: *{PASSWORD} }}]"),
    "an open quote": in_a_file(f"users: [{{email: b@b.c, password: '{PASSWORD}}}]"),
    "a colon": in_a_file(f"users:\n - email: b@b.c\n   password: {PASSWORD}: x"),
    "an escape": in_a_file(f'users: [{{email: b@b.c, password: "{PASSWORD}\\q"}}]'),
    "a profile that is a token": lambda planted, directory: TiledeskFake(profile=directory / "none.yaml"),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_an_error_tells_no_secret(planted: Planted, mistake: Callable[[Planted, Path], object], tmp_path: Path) -> None:
    planted.secrets["number"] = str(NUMBER)
    with pytest.raises((MisuseError, ScenarioError, ProfileError)) as refused:
        mistake(planted, tmp_path)
    planted.let_out += [str(refused.value), repr(refused.value)]

    assert planted.told() == []


def test_an_error_that_tells_a_secret_is_found(
    planted: Planted, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tiledesk_fake.handles.redacted", lambda text: text)
    with pytest.raises(MisuseError) as refused:
        MISTAKES["a token for its jti"](planted, tmp_path)
    planted.let_out.append(str(refused.value))

    assert "token" in planted.told()


# --- the command -------------------------------------------------------------------------------------------------


def test_the_command_tells_neither_password_nor_secret(tmp_path: Path) -> None:
    from tests.hardening import served as constants

    with serving(tmp_path, quiet=False) as served:
        shown = served.said + served.errors.read_text(encoding="utf-8")
        command_line = Path(f"/proc/{served.process.pid}/cmdline")
        if sys.platform == "linux":
            shown += command_line.read_bytes().decode()

    # The lines to paste hold a token on purpose: it is one that this fake made for them.
    assert "Authorization: JWT " in shown
    assert constants.PASSWORD not in shown
    assert constants.SIGNING_SECRET not in shown


@pytest.mark.skipif(sys.platform != "linux", reason="reads the command line as Linux tells it")
def test_a_secret_on_the_command_line_is_seen_by_everybody(tmp_path: Path) -> None:
    """Why there is TILEDESK_FAKE_SECRET; and that the test above would find it."""
    with serving(tmp_path, "--secret", SIGNING_SECRET) as served:
        assert SIGNING_SECRET in Path(f"/proc/{served.process.pid}/cmdline").read_bytes().decode()
