"""Hostile input: whatever a client sends, it gets one clean answer per request, and so does the next client."""

import itertools
import json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from pytest_tiledesk_fake import Factory

from tests.hardening.defective import DEFECTS, answer, serving_defect
from tests.hardening.hostile import (
    HIDDEN_JTI,
    SECRETS,
    Case,
    answers_in,
    cases_for,
    exchange,
    faults,
    mutations,
    request,
)
from tests.hardening.served import BASIC, ENDPOINTS, LIST, SCENARIO, SIGNING_SECRET, serving
from tests.wsgi import call
from tiledesk_fake import TiledeskFake
from tiledesk_fake.contract.parameters import Parameters
from tiledesk_fake.core import journal as journals
from tiledesk_fake.gate import gate
from tiledesk_fake.serving.reader import RequestReader
from tiledesk_fake.violations import judge as manners
from tiledesk_fake.violations import violation

# The clients of these tests do what no correct client does.
pytestmark = pytest.mark.tiledesk(strict=False)

SEEDS = (1, 2, 3, 4, 5)
MUTATIONS = 40


@dataclass
class Target:
    """A listening fake; with `quirks` it has the defects of the real server."""

    port: int
    quirks: bool
    fake: TiledeskFake | None = None  # if it is one of this process


class Log(logging.Handler):
    """Everything that is logged, with its tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += logging.Formatter("%(name)s %(message)s").format(record) + "\n"


@pytest.fixture(scope="module")
def listening(
    fake_tiledesk_factory: Factory, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, str], Target]]:
    """The target of a place and a choice of server-quirks, started when it is first asked for."""
    with ExitStack() as stack:

        @cache
        def started(place: str, quirks: str) -> Target:
            context = (
                command(quirks, tmp_path_factory) if place == "command" else fixture(quirks, fake_tiledesk_factory)
            )
            return stack.enter_context(context)

        yield started


@contextmanager
def command(quirks: str, directories: pytest.TempPathFactory) -> Iterator[Target]:
    """The served command; at the end it has written nothing."""
    with serving(directories.mktemp("command"), "--assume", f"server-quirks={quirks}") as served:
        yield Target(served.port, quirks == "observed")
        assert served.process.poll() is None
        assert served.errors.read_text(encoding="utf-8") == ""


@contextmanager
def fixture(quirks: str, factory: Factory) -> Iterator[Target]:
    """A fake of the pytest plugin."""
    with factory(secret=SIGNING_SECRET, profile={"server-quirks": quirks}) as fake:
        fake.load(SCENARIO)
        yield Target(port_of(fake), quirks == "observed", fake)


def port_of(fake: TiledeskFake) -> int:
    return int(re.findall(r":(\d+)", fake.url)[0])


@contextmanager
def logging_nothing() -> Iterator[None]:
    log, logger = Log(), logging.getLogger("tiledesk_fake")
    logger.addHandler(log)
    try:
        yield
    finally:
        logger.removeHandler(log)
    assert log.text == ""


QUIRKS = ("calm", "observed")


@pytest.fixture(params=itertools.product(["command", "fixture"], QUIRKS), ids="-".join)
def target(request: pytest.FixtureRequest, listening: Callable[[str, str], Target]) -> Iterator[Target]:
    """A listening fake that must log nothing."""
    with logging_nothing():
        yield listening(*request.param)


def assert_serves(port: int) -> None:
    """A client is answered, and no request that was hidden in another has revoked what it was to revoke."""
    received = exchange(port, Case("normal", request()))

    assert isinstance(received, bytes)
    (answer,) = answers_in(received, ("GET",))
    assert answer.status == 200
    revoked = {record["jti"]: record["revoked"] for record in json.loads(answer.body)["jwts"]}
    assert revoked[HIDDEN_JTI] is False


@pytest.mark.parametrize(("method", "path"), ENDPOINTS.values(), ids=ENDPOINTS)
def test_hostile_requests_get_one_clean_answer_each(target: Target, method: str, path: str) -> None:
    cases = cases_for(method, path)

    assert len({case.name for case in cases}) == len(cases) > 400
    assert faults(target.port, cases, quirks=target.quirks) == {}
    assert_serves(target.port)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("method", "path"), ENDPOINTS.values(), ids=ENDPOINTS)
def test_mutated_requests_get_clean_answers_that_tell_nothing(
    target: Target, method: str, path: str, seed: int
) -> None:
    assert faults(target.port, mutations(seed, MUTATIONS, method, path), quirks=target.quirks) == {}
    assert_serves(target.port)


def told_by_the_journal(target: Target, method: str, path: str) -> list[str]:
    """All that the journal says about hostile requests, as it is read and as it is printed."""
    assert target.fake
    journal = target.fake.journal
    journal.clear()
    cases = (case for case in cases_for(method, path) if case.name != "long")
    assert faults(target.port, cases, quirks=target.quirks) == {}
    told = [*map(str, journal.exchanges), *map(repr, journal.exchanges)]
    told += [str(violation) for exchange in journal.exchanges for violation in exchange.violations]
    journal.clear()
    assert len(told) > 400
    return told


def found_in_the_journal(target: Target, method: str, path: str) -> list[str]:
    """The secrets in it, and the characters that would steer a terminal or hide in it."""
    told = "\n".join(told_by_the_journal(target, method, path))
    return [
        *(name for name, secret in SECRETS.items() if secret in told),
        *sorted({ascii(each) for each in told if not each.isprintable()} - {ascii("\n")}),
    ]


@pytest.mark.parametrize(("method", "path"), ENDPOINTS.values(), ids=ENDPOINTS)
def test_hostile_requests_leave_no_secret_and_no_escape_sequence_in_the_journal(
    listening: Callable[[str, str], Target], method: str, path: str
) -> None:
    assert found_in_the_journal(listening("fixture", "calm"), method, path) == []


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "http://203.0.113.5"])
@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS", "POST"])
def test_every_origin_is_told_the_same_and_none_may_send_credentials(origin: str, method: str) -> None:
    """As by the real server. A browser that knows a user's password would send it only where a server allows that."""
    fake = TiledeskFake(secret=SIGNING_SECRET)
    fake.load(SCENARIO)
    asked = [
        ("Origin", origin),
        ("Access-Control-Request-Method", "DELETE"),
        ("Access-Control-Request-Private-Network", "true"),
    ]
    for target in (f"{LIST}?callback=alert", f"{LIST}/none", "/elsewhere"):
        for credentials in ([], [("Authorization", BASIC)]):
            reply = call(fake.wsgi_app, method, target, [*asked, *credentials])
            told = {name: value for name, value in reply.headers.items() if name.startswith("Access-Control-")}

            assert told.pop("Access-Control-Allow-Origin") == "*"
            assert told in ({}, {"Access-Control-Allow-Methods": "GET,HEAD,PUT,PATCH,POST,DELETE"})
            assert b"alert" not in reply.body


def test_development_mode_of_flask_changes_nothing(tmp_path: Path) -> None:
    debugging = {"FLASK_DEBUG": "1", "FLASK_ENV": "development", "WERKZEUG_DEBUG_PIN": "off"}
    cases = [
        case for case in cases_for(*ENDPOINTS["list"]) if case.name.startswith(("valid", "target-", "query-", "json-"))
    ]
    with serving(tmp_path, environment=debugging) as served:
        assert faults(served.port, cases) == {}
        assert served.errors.read_text(encoding="utf-8") == ""


# --- the same checks, against defects ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    """A few of the kinds that find defects, to keep this short."""
    names = {
        "valid",
        "line-only-space",
        "segment-raw-tag",
        "header-agent-tag",
        "segment-crlf",
        "segment-jinja",
        "target-absolute-evil",
    }
    names |= {"json-secrets", "framing-body-is-request-POST"}
    chosen = [case for case in cases_for(*ENDPOINTS["list"]) if case.name in names]
    assert len(chosen) == len(names)
    return chosen


@pytest.mark.parametrize("quirks", [False, True], ids=["calm", "observed"])
@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_found(cases: list[Case], name: str, quirks: bool) -> None:
    defect, finding = DEFECTS[name]
    with serving_defect(defect) as port:
        found = faults(port, cases, quirks=quirks)

    assert finding in {wrong for each in found.values() for wrong in each}


@pytest.mark.parametrize("finding", ["token told", "password told"])
def test_mutations_find_a_server_that_says_them_again(finding: str) -> None:
    with serving_defect(lambda sent: answer(sent, content_type=b"text/html")) as port:
        found = faults(port, mutations(SEEDS[0], MUTATIONS, *ENDPOINTS["list"]))

    assert finding in {wrong for each in found.values() for wrong in each}


def test_a_server_that_hangs_is_found(cases: list[Case]) -> None:
    with serving_defect(lambda sent: None) as port:
        assert faults(port, cases[:1], patience_s=0.2) == {"valid": ["hang"]}


def test_a_server_that_resets_is_found(cases: list[Case]) -> None:
    with serving_defect(lambda sent: b"", reset=True) as port:
        assert faults(port, cases[:1]) == {"valid": ["reset"]}


@pytest.fixture
def port(fake_tiledesk_factory: Factory) -> Iterator[int]:
    """Of a fake that a test may break."""
    with fake_tiledesk_factory(secret=SIGNING_SECRET) as fake:
        fake.load(SCENARIO)
        yield port_of(fake)


@pytest.mark.usefixtures("planted_bugs")
def test_an_exception_in_the_fake_is_found(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Parameters, "value", lambda *_: 1 // 0)

    found = faults(port, [Case("page", request(target="/v3/jwt/history?page=0"))])

    assert found == {"page": ["status 500"]}


@pytest.mark.usefixtures("planted_bugs")
def test_what_is_logged_is_found(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Parameters, "value", lambda *_: 1 // 0)

    with pytest.raises(AssertionError, match="this is a bug"), logging_nothing():
        exchange(port, Case("page", request(target="/v3/jwt/history?page=0")))


def test_a_journal_that_tells_a_secret_is_found(
    fake_tiledesk_factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manners, "redacted", lambda text: text)
    with fake_tiledesk_factory(secret=SIGNING_SECRET) as fake:
        fake.load(SCENARIO)

        assert "token" in found_in_the_journal(Target(port_of(fake), False, fake), *ENDPOINTS["list"])


def test_a_journal_that_shows_escape_sequences_is_found(
    fake_tiledesk_factory: Factory, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (journals, violation):
        monkeypatch.setattr(module, "printable", lambda text: text)
    with fake_tiledesk_factory(secret=SIGNING_SECRET) as fake:
        fake.load(SCENARIO)

        assert r"'\x9b'" in found_in_the_journal(Target(port_of(fake), False, fake), *ENDPOINTS["list"])


def test_a_hidden_request_that_is_served_is_found(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = RequestReader.feed

    def blind(self: RequestReader, data: memoryview) -> None:
        feed(self, memoryview(bytes(data).replace(b"Content-Length", b"X-Content-Lengt")))

    monkeypatch.setattr(RequestReader, "feed", blind)
    exchange(port, next(case for case in cases_for(*ENDPOINTS["list"]) if case.name == "framing-body-is-request-GET"))

    with pytest.raises(AssertionError):
        assert_serves(port)


def test_a_check_that_is_missing_in_the_reader_is_found(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    add_headers = RequestReader._add_headers

    def lenient(self: RequestReader, environ: dict[str, object]) -> None:
        self._headers = list({name: (name, value) for name, value in self._headers}.values())
        add_headers(self, environ)

    monkeypatch.setattr(RequestReader, "_add_headers", lenient)

    found = faults(port, cases_for("GET", "/v3/jwt/history")[:300])

    assert found["header-second-host"] == ["status 200 for what must be refused"]


def test_a_pattern_that_goes_back_over_long_words_is_found(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    class Naive:
        # Tries each of the middles of a word, and each time to the end of the word.
        match = re.compile("([^\t\n\v\f\r \xa0]+)[\t\n\v\f\r \xa0]+([^\t\n\v\f\r \xa0]+)").search

    monkeypatch.setattr(gate, "_TWO_WORDS", Naive)
    long = request("GET", "/v3/jwt/history", f"Authorization: {'a' * 6_000}", credentials=(), close=False)

    assert faults(port, [Case("long", long)], patience_s=0.1) == {"long": ["hang"]}
