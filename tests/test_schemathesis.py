"""Schemathesis against the fake: nothing to report under any assumption, much to report about a fake with a defect."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import yaml
from hypothesis.configuration import set_hypothesis_home_dir
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import ignored_auth

from tests import schemathesis_run
from tests.schemathesis_run import Exchange, Outcome, Subject
from tiledesk_fake import TiledeskFake, contract, demo
from tiledesk_fake.contract.profile import CHOICES, read_profile

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

pytestmark = pytest.mark.slow

EXAMPLES = 15
WALKS = 20
EXAMPLES_FOR_DEFECTS = 5
EXAMPLES_OF_COMMAND_LINE = 20

SECRET = "a secret of at least thirty-two bytes"

OPERATIONS = ("listTokens", "revokeTokenByJti", "revokeTokenById")
PHASES = ("examples", "coverage", "fuzzing", "stateful")


@pytest.fixture(autouse=True, scope="module")
def _no_files_in_the_checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    set_hypothesis_home_dir(tmp_path_factory.mktemp("hypothesis"))
    yield
    set_hypothesis_home_dir(None)


@dataclass(frozen=True)
class Profile:
    """Choices, the checks that they contradict by operationId, and declared answers that no accepted caller gets."""

    choices: Mapping[str, str]
    contradicts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    out_of_reach: frozenset[tuple[str, int]] = frozenset()

    @property
    def status_of_again(self) -> int:
        """The status that answers the revocation of a token that is revoked already."""
        refused = self.choices.get("revoke-again") == "unknown" and self.choices.get("revoke-unknown", "404") == "404"
        return 404 if refused else 200


# A check is left out only where the profile says that the real server does what the check forbids:
# `fail` is a declared 500 to an invalid value, which is a server error;
# `observed` answers a wrong method as the real server, which takes the path for a project's, with 400 and not 405.
NO_ERRORS, METHODS = "not_a_server_error", "unsupported_method"

PROFILES = {
    "the defaults": Profile({}),
    "short pages from one": Profile(
        {
            "page-base": "1",
            "page-size": "10",
            "list-envelope": "jwtHistories",
            "sort-parameter": "sort",
            "revoke-answer": "success",
        }
    ),
    "everything is accepted": Profile(
        {"list-envelope": "bare", "invalid-query": "ignore", "revoke-answer": "counts", "revoke-unknown": "null"}
    ),
    "revoked tokens are gone": Profile(
        {"revoked-listed": "no", "revoke-again": "unknown", "revoke-foreign": "allowed", "revocation-enforced": "no"}
    ),
    "the likeliest real server": Profile(
        read_profile("siblings").choices,
        {"listTokens": (METHODS, NO_ERRORS), "revokeTokenByJti": (METHODS,), "revokeTokenById": (METHODS, NO_ERRORS)},
        frozenset({("revokeTokenByJti", 500)}),
    ),
    "what is unknown is made, and refused to be found again": Profile(
        {"revoke-unknown": "phantom", "revoke-again": "unknown", "page-size": "7", "tie-order": "natural"}
    ),
    "an invalid query fails": Profile({"invalid-query": "fail"}, {"listTokens": (NO_ERRORS,)}),
    "a malformed id fails": Profile({"malformed-id": "fail"}, {"revokeTokenById": (NO_ERRORS,)}),
    # Its 500s answer credentials and escapes that are malformed, and Schemathesis sends neither.
    "the real server's quirks": Profile(
        {"server-quirks": "observed"},
        dict.fromkeys(OPERATIONS, (METHODS,)),
        frozenset((operation, 500) for operation in OPERATIONS),
    ),
    "all at once": Profile(
        {id: choices[-1] for id, choices in CHOICES.items()},
        {
            "listTokens": (METHODS, NO_ERRORS),
            "revokeTokenByJti": (METHODS,),
            "revokeTokenById": (METHODS, NO_ERRORS),
        },
        frozenset({("revokeTokenByJti", 500)}),
    ),
}


class World:
    """A fake with the demo scenario, enough further tokens for a full page, and a token of somebody else."""

    def __init__(self, choices: Mapping[str, str] | None = None) -> None:
        self.fake = TiledeskFake(profile=choices, secret=SECRET, seed=schemathesis_run.SEED)
        # In real time the order by updatedAt depends on the speed of the machine, and so does what a walk meets.
        self.fake.clock.freeze(datetime(2026, 3, 5, 12, tzinfo=UTC))
        self.document = contract.load(choices).document
        self.fake.load(demo.scenario())
        self.ada = self.fake.users[demo.EMAIL]
        for _ in range(45):
            self.fake.clock.advance(minutes=1)
            self.fake.issue_token(self.ada)
        self.grace = self.fake.add_user(email="grace@example.com", password="secret")
        self.foreign = self.fake.issue_token(self.grace)

    def subject(
        self,
        authorization: str | None,
        *,
        without: Mapping[str, tuple[str, ...]] | None = None,
        defect: "Defect | None" = None,
    ) -> Subject:
        mark = self.fake.snapshot()

        def reset() -> None:
            self.fake.restore(mark)
            if defect is not None:
                defect.remembered.clear()

        tokens = [*self.fake.history(self.ada)[:3], self.foreign]
        return Subject(
            self.fake.wsgi_app if defect is None else defect.built_into(self.fake.wsgi_app),
            self.document,
            reset,
            authorization,
            words={"jti": [token.jti for token in tokens], "id": [token.id for token in tokens]},
            without=without or {},
        )


def gaps(outcome: Outcome, document: Mapping[str, Any], out_of_reach: frozenset[tuple[str, int]]) -> list[str]:
    """What a run should have met and did not, so that finding nothing proves nothing."""
    own = [seen for seen in outcome.exchanges if seen.own_method]
    found = [
        f"{operation} never succeeds in the phase {phase}"
        for operation in OPERATIONS
        for phase in PHASES
        if not any(seen.phase == phase and seen.operation == operation and seen.status == 200 for seen in own)
    ]
    found += [
        f"{seen.operation} answers {seen.status} to good credentials" for seen in own if seen.status in (401, 403)
    ]
    # These answer bad credentials, which such a run does not have.
    of_gate = ("Unauthorized", "BadRequest", "NotTwoWords")
    found += [
        f"{operation} never answers {status}"
        for operation, status, name, _ in schemathesis_run.declared(document)
        if name not in of_gate and (operation, status) not in out_of_reach and status not in outcome.statuses(operation)
    ]
    followed = {seen.link for seen in own}
    found += [f"the link {link} is never followed" for link in schemathesis_run.links(document) - followed]
    lengths = {len(records(seen)) for seen in own if seen.operation == "listTokens" and seen.status == 200}
    page_size = document["components"]["schemas"]["TokenPage"]["maxItems"]
    found += [f"no page has {length} records" for length in {0, page_size} - lengths]
    return found


def records(listing: Exchange) -> list[Any]:
    """The records of a page, whatever wraps them."""
    if isinstance(listing.json, list):
        return listing.json
    (found,) = (value for value in listing.json.values() if isinstance(value, list))
    return found


def test_the_profiles_have_every_alternative_of_every_assumption() -> None:
    tried = {(id, choice) for profile in PROFILES.values() for id, choice in profile.choices.items()}
    default = contract.load().choices

    assert {(id, choice) for id in CHOICES for choice in CHOICES[id] if choice != default[id]} <= tried


@pytest.mark.parametrize("profile", [pytest.param(profile, id=name) for name, profile in PROFILES.items()])
def test_nothing_is_found_in_any_phase_by_any_check(profile: Profile) -> None:
    world = World(profile.choices)

    outcome = schemathesis_run.run(
        world.subject(world.ada.authorization, without=profile.contradicts), examples=EXAMPLES, walks=WALKS
    )

    assert outcome.findings == []
    assert gaps(outcome, world.document, profile.out_of_reach) == []
    assert {seen.status for seen in outcome.exchanges if seen.link and " again" in seen.link} == {
        profile.status_of_again
    }


def test_nothing_is_found_with_a_token_that_no_request_can_revoke() -> None:
    world = World()
    token = jwt.encode({"_id": world.ada.id, "jti": "of no record"}, SECRET)

    outcome = schemathesis_run.run(world.subject(f"JWT {token}"), examples=EXAMPLES, walks=WALKS)

    assert outcome.findings == []
    assert gaps(outcome, world.document, frozenset()) == []


def test_a_run_that_revokes_its_own_token_counts_for_nothing() -> None:
    world = World()
    token = world.fake.history(world.ada)[0]
    outcome = Outcome()

    schemathesis_run.walk(world.subject(token.authorization), outcome, walks=WALKS)

    assert outcome.findings == []
    assert any("answers 401 to good credentials" in gap for gap in gaps(outcome, world.document, frozenset()))


def test_without_credentials_every_answer_is_the_401_that_the_contract_declares() -> None:
    world = World()
    outcome = Outcome()
    declared_answer = world.document["components"]["responses"]["Unauthorized"]

    schemathesis_run.single_requests(world.subject(None), outcome, examples=EXAMPLES)

    assert outcome.findings == []
    assert {(seen.phase, seen.operation) for seen in outcome.exchanges if seen.own_method} == {
        (phase, operation) for phase in PHASES if phase != "stateful" for operation in OPERATIONS
    }
    assert declared_answer.keys() & {"content", "x-body"} == {"x-body"}
    challenge = declared_answer["headers"]["WWW-Authenticate"]["schema"]["enum"]
    for seen in outcome.exchanges:
        # OPTIONS is answered before the gate.
        if seen.own_method or seen.status != 204:
            assert (seen.status, seen.body) == (401, declared_answer["x-body"].encode())
            assert [seen.headers["www-authenticate"]] == challenge
            assert "content-type" not in seen.headers


def basic_alone(document: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the contract that declares Basic as the one way to authenticate.

    For the scheme JWT `ignored_auth` sends a bare word, which the gate answers with 400; it takes no 400 for a refusal.
    """
    copy = deepcopy(dict(document))
    copy["security"] = [{"basicAuth": []}]
    del copy["components"]["securitySchemes"]["jwtAuth"]
    return copy


KNOWN = {
    "listTokens": {},
    "revokeTokenByJti": {"jti": "3e0a9c52-41b7-4f0e-9d26-7c15b8a4f601"},
    "revokeTokenById": {"id": "65a1f0c2d4e6b8a09c7e5d32"},
}


def check_ignored_auth(operation: str, app: "WSGIApplication", authorization: str) -> None:
    subject = Subject(app, basic_alone(contract.load().document), lambda: None, authorization)
    for candidate in schemathesis_run.operations(subject):
        if schemathesis_run.operation_id(candidate) == operation:
            case = candidate.Case(path_parameters=KNOWN[operation])
            case.call_and_validate(headers=subject.headers, checks=[ignored_auth])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_operation_ignores_credentials(operation: str) -> None:
    world = World()
    sent: list[tuple[str | None, int]] = []

    def recording(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        def started(status: str, headers: Any, *rest: Any) -> Any:
            sent.append((environ.get("HTTP_AUTHORIZATION"), int(status.split(maxsplit=1)[0])))
            return start_response(status, headers, *rest)

        return world.fake.wsgi_app(environ, started)

    check_ignored_auth(operation, recording, world.ada.authorization)

    (good, none, wrong) = sent
    assert [good, none] == [(world.ada.authorization, 200), (None, 401)]
    assert wrong[1] == 401
    assert (wrong[0] or "").startswith("Basic ")


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_that_ignores_credentials_is_found(operation: str) -> None:
    world = World()

    def letting_everybody_in(environ: "WSGIEnvironment", start_response: "StartResponse") -> Any:
        return world.fake.wsgi_app({**environ, "HTTP_AUTHORIZATION": world.ada.authorization}, start_response)

    with pytest.raises(FailureGroup) as found:
        check_ignored_auth(operation, letting_everybody_in, world.ada.authorization)

    assert [type(failure).__name__ for failure in found.value.exceptions] == ["IgnoredAuth"]


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    def change(self, key: str, value: Any) -> None:
        """Give every record of the body another value for a key; None leaves the key out."""
        content = json.loads(self.body)
        for record in content.get("jwts", [content]):
            record.pop(key, None) if value is None else record.update({key: value})
        self.body = json.dumps(content).encode()


Spoil = Callable[["WSGIEnvironment", Reply, set[str]], None]


@dataclass
class Defect:
    """A defect to build into an app: `spoil` changes answers, given what it has put into `remembered` since a reset."""

    spoil: Spoil
    remembered: set[str] = field(default_factory=set)

    def built_into(self, app: "WSGIApplication") -> "WSGIApplication":
        def spoiled(environ: "WSGIEnvironment", start_response: "StartResponse") -> list[bytes]:
            started: list[Any] = []

            def kept(status: str, headers: Any, *_: Any) -> Callable[[bytes], object]:
                started.extend([status, headers])
                return lambda chunk: None

            chunks = app(environ, kept)
            reply = Reply(int(started[0].split()[0]), dict(started[1]), b"".join(chunks))
            self.spoil(environ, reply, self.remembered)
            reply.headers.pop("Content-Length", None)
            start_response(f"{reply.status} Spoiled", list(reply.headers.items()))
            return [reply.body]

        return spoiled


def lists(environ: "WSGIEnvironment", reply: Reply) -> bool:
    return bool(environ["REQUEST_METHOD"] == "GET" and reply.status == 200)


def revokes(environ: "WSGIEnvironment", reply: Reply) -> bool:
    return bool(environ["REQUEST_METHOD"] == "DELETE" and reply.status == 200)


def leaves_out_a_field(environ: "WSGIEnvironment", reply: Reply, _: set[str]) -> None:
    if lists(environ, reply):
        reply.change("updatedAt", None)


def adds_a_field(environ: "WSGIEnvironment", reply: Reply, _: set[str]) -> None:
    if revokes(environ, reply):
        reply.change("secret", "leaked")


def calls_json_html(environ: "WSGIEnvironment", reply: Reply, _: set[str]) -> None:
    if lists(environ, reply):
        reply.headers["Content-Type"] = "text/html; charset=utf-8"


def has_no_pages_past_the_end(environ: "WSGIEnvironment", reply: Reply, _: set[str]) -> None:
    if lists(environ, reply) and not json.loads(reply.body)["jwts"]:
        reply.status, reply.body = 404, b'{"success":false,"msg":"Object not found."}'


def answers_an_undeclared_status(environ: "WSGIEnvironment", reply: Reply, _: set[str]) -> None:
    if revokes(environ, reply):
        reply.status = 202


def allows_nothing(environ: "WSGIEnvironment", reply: Reply, _: set[str]) -> None:
    reply.headers.pop("Allow", None)


def takes_any_query(environ: "WSGIEnvironment", reply: Reply, _: set[str]) -> None:
    if environ["REQUEST_METHOD"] == "GET" and reply.status == 400:
        reply.status, reply.body = 200, b'{"perPage":40,"count":0,"jwts":[]}'


def fails_on_what_is_unknown(environ: "WSGIEnvironment", reply: Reply, _: set[str]) -> None:
    if reply.status == 404:
        reply.status, reply.body = 500, b'{"err":"error"}'


def raises(environ: "WSGIEnvironment", reply: Reply, _: set[str]) -> None:
    if revokes(environ, reply):
        raise ZeroDivisionError


def unrevokes_the_second_time(environ: "WSGIEnvironment", reply: Reply, remembered: set[str]) -> None:
    if revokes(environ, reply):
        id = json.loads(reply.body)["_id"]
        if id in remembered:
            reply.change("revoked", False)
        remembered ^= {id}


def challenges_nobody(environ: "WSGIEnvironment", reply: Reply, _: set[str]) -> None:
    if reply.status == 401:
        reply.headers.pop("WWW-Authenticate")


def dies_on_strangers(environ: "WSGIEnvironment", reply: Reply, _: set[str]) -> None:
    if reply.status == 401:
        reply.status = 500


DEFECTS: list[tuple[Spoil, str]] = [
    (leaves_out_a_field, "JsonSchemaError"),
    (adds_a_field, "JsonSchemaError"),
    (calls_json_html, "UndefinedContentType"),
    (has_no_pages_past_the_end, "UndefinedStatusCode"),
    (answers_an_undeclared_status, "UndefinedStatusCode"),
    (allows_nothing, "UnsupportedMethodResponse"),
    (takes_any_query, "AcceptedNegativeData"),
    (fails_on_what_is_unknown, "ServerError"),
    (raises, "ZeroDivisionError"),
]


@pytest.mark.parametrize(("spoil", "kind"), [pytest.param(*defect, id=defect[0].__name__) for defect in DEFECTS])
def test_a_defect_in_single_answers_is_found(spoil: Spoil, kind: str) -> None:
    world = World()
    outcome = Outcome()

    schemathesis_run.single_requests(
        world.subject(world.ada.authorization, defect=Defect(spoil)),
        outcome,
        examples=EXAMPLES_FOR_DEFECTS,
        most_findings=1,
    )

    assert kind in outcome.kinds


def test_a_defect_in_what_follows_a_revocation_is_found_by_walks_alone() -> None:
    world = World()
    subject = world.subject(world.ada.authorization, defect=Defect(unrevokes_the_second_time))
    single, walked = Outcome(), Outcome()

    schemathesis_run.single_requests(subject, single, examples=EXAMPLES_FOR_DEFECTS)
    schemathesis_run.walk(subject, walked, walks=WALKS)

    assert single.findings == []
    assert walked.kinds == {"JsonSchemaError"}


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [pytest.param(challenges_nobody, "MissingHeaders"), pytest.param(dies_on_strangers, "ServerError")],
)
def test_a_defect_in_refusals_is_found_without_credentials(spoil: Spoil, kind: str) -> None:
    world = World()
    outcome = Outcome()

    schemathesis_run.single_requests(world.subject(None, defect=Defect(spoil)), outcome, examples=EXAMPLES_FOR_DEFECTS)

    assert kind in outcome.kinds


@pytest.fixture
def served() -> Iterator[str]:
    """The URL of `tiledesk-fake serve` in a process of its own."""
    command = [sys.executable, "-m", "tiledesk_fake", "serve", "--port", "0", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = re.fullmatch(r"tiledesk-fake listening on (http://\S+)\n", process.stdout.readline())
        assert ready is not None
        try:
            yield ready[1]
        finally:
            process.terminate()


def spec() -> dict[str, Any]:
    command = [sys.executable, "-m", "tiledesk_fake", "spec", "--format", "json"]
    document: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return document


@pytest.mark.parametrize("one_scheme", [False, True], ids=["both schemes", "Basic alone"])
def test_the_command_line_finds_nothing_in_the_served_fake(served: str, tmp_path: Path, one_scheme: bool) -> None:
    (tmp_path / "jwt.yaml").write_text(yaml.safe_dump(basic_alone(spec()) if one_scheme else spec()))
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", "jwt.yaml", "--url", served),
        # Not by --auth: where one scheme is declared, 4.32.5 now and then draws a request without the header, calls it
        # invalid, and sends it with the header.
        *("--header", f"Authorization: {World().ada.authorization}"),
        *("--max-examples", str(EXAMPLES_OF_COMMAND_LINE), "--seed", str(schemathesis_run.SEED)),
        *("--report-json-path", "report.json"),
        *([] if one_scheme else ["--exclude-checks", "ignored_auth"]),
    ]

    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert run.returncode == 0, run.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["failures"], report["errors"]) == ([], [])
    assert {kind: found for kind, found in report["warnings"].items() if found} == {}
    assert {phase: report["phases"][phase]["status"] for phase in PHASES} == dict.fromkeys(PHASES, "success")
    accepted = {
        operation: Counter({phase: counts["accepted"] for phase, counts in phases.items()}).total()
        for operation, phases in report["valid_rates"].items()
    }
    # What `ignored_auth` sends, each operation without credentials and with wrong ones, is not checked any further.
    assert report["test_cases"]["without_checks"] == (2 * len(OPERATIONS) if one_scheme else 0)
    assert len(accepted) == len(OPERATIONS)
    assert all(accepted.values())
    links = len(schemathesis_run.links(contract.load().document))
    followed = re.search(rf"(\d+) covered / {links} selected / {links} total", run.stdout)
    assert followed is not None
    assert int(followed[1]) > links // 2
