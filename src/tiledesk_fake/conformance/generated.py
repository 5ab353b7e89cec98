"""Schemathesis, driven over the contract: as the first user, and as somebody without credentials.

Four of its checks are not asked. `ignored_auth`: with two ways to authenticate it sends a bare word, which is a bad
request (observed). `object_level_authorization` needs accounts in a form of its own, and `max_response_time` a limit
that the contract does not have. `unsupported_method` is left out where the profile says that the server answers
otherwise. The rules ask all of it, and more exactly.
"""

import gzip
import json
import unicodedata
import warnings
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import Any

import requests
import schemathesis
from hypothesis import configuration
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events
from schemathesis.engine.core import Engine, ExecutionPlan
from schemathesis.engine.run import PhaseName
from schemathesis.hooks import HookContext

from ..contract.places import Path, Place, place
from .client import Exchange
from .examination import Examination
from .forms import open_form
from .outcome import Broken, Finding, LeftOut, Omission
from .report import Report
from .rules import BY_ID
from .rules.rule import assumption
from .transport import MOST_UNANSWERED, GuardedTransport

Outcome = tuple[list[Finding], list[Omission], list[str]]

_EXPECTED = {
    "not_a_server_error": "no server error",
    "status_code_conformance": "a status that the operation declares",
    "content_type_conformance": "a media type that the answer declares",
    "response_headers_conformance": "the headers that the answer declares",
    "response_schema_conformance": "a body of the form that the answer declares",
    "negative_data_rejection": "an invalid request refused",
    "positive_data_acceptance": "a valid request accepted",
    "missing_required_header": "a request without a required header refused",
    "unsupported_method": "405 for a method that the path does not have",
    "allow_header_conformance": "an Allow header with the methods of the path",
    "use_after_free": "what was deleted to be gone",
    "ensure_resource_availability": "what was created to be there",
}

_OPERATIONS: Mapping[str, Path] = {
    "GET /jwt/history": ("paths", "/jwt/history", "get"),
    "DELETE /jwt/history/{jti}": ("paths", "/jwt/history/{jti}", "delete"),
    "DELETE /jwt/history/id/{id}": ("paths", "/jwt/history/id/{id}", "delete"),
}

_DECLARED = (
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
"""What is declared with the answer that came; its provenance is that of the answer."""

_INVALID = {
    "GET /jwt/history": "invalid-query",
    "DELETE /jwt/history/{jti}": "revoke-unknown",
    "DELETE /jwt/history/id/{id}": "malformed-id",
}
_ASSUMPTIONS = {
    "unsupported_method": "server-quirks",
    "allow_header_conformance": "server-quirks",
    "use_after_free": "revoke-again",
    "ensure_resource_availability": "revoked-listed",
}

TO_FIND = 4
"""How many tokens are given up for generated requests to find."""


def passes(exam: Examination, report: Report) -> list[tuple[str, Callable[[], Outcome]]]:
    """What Schemathesis does, by name; each runs when it is called, and looks then at what `report` says is broken."""

    def as_user() -> Outcome:
        may_revoke = exam.target.may_revoke
        safe = may_revoke and not report.more_revocations_could_harm
        return _as_user(exam, revoke=safe and not _is_harmed(exam))

    return [
        ("generated requests", as_user),
        ("generated requests without credentials", lambda: _as_nobody(exam)),
    ]


def _is_harmed(exam: Examination) -> bool:
    """Whether what the rules did changed more than it should, as far as can be seen."""
    try:
        return any(exam.changes(person) for person in exam.persons)
    except Broken:
        return True


def _as_user(exam: Examination, *, revoke: bool) -> Outcome:
    config = _config(exam, exam.target.examples, {"Authorization": exam.first.authorization})
    left_out = []
    if revoke:
        tokens = _to_find(exam)
        for name, words in (("jti", [token.jti for token in tokens]), ("id", [token.id for token in tokens])):
            if words:
                config["dictionaries"][name] = {"values": words}
                config["parameters"][f"path.{name}"] = {"dictionary": name, "probability": 0.15}
        if exam.profile.server_quirks == "observed":
            config["checks"]["unsupported_method"] = {"enabled": False}
    else:
        why = "nothing may be revoked without --may-revoke"
        if exam.target.may_revoke:
            why = "a rule about revocations or lists is broken, so generated ones could revoke anything"
        left_out.append(Omission("generated-revocations", "Generated revocations are answered as declared.", why))
        _read_only(config)
        config["phases"]["stateful"] = {"enabled": False}
    findings, omissions, kept = _run(exam, config, reading_only=not revoke)
    return findings, [*left_out, *omissions], kept


def _as_nobody(exam: Examination) -> Outcome:
    config = _config(exam, max(1, exam.target.examples // 5), {})
    # Refused before the method is judged, whatever it is.
    _read_only(config)
    config["phases"]["stateful"] = {"enabled": False}
    findings, omissions, kept = _run(exam, config, reading_only=False)
    return findings, omissions, [f"{rule}-without-credentials" for rule in kept]


def _to_find(exam: Examination) -> list[Any]:
    tokens = []
    try:
        for _ in range(TO_FIND):
            tokens.append(exam.sacrifice())
    except (Broken, LeftOut):
        # With fewer tokens to find, or none, generated keys find nothing; the rules have said why.
        pass
    return tokens


def _config(exam: Examination, examples: int, headers: Mapping[str, str]) -> dict[str, Any]:
    fails = {
        "listTokens": exam.profile.invalid_query == "fail",
        "revokeTokenById": exam.profile.malformed_id == "fail",
    }
    return {
        "seed": exam.target.seed,
        "base-url": exam.client.url,
        "headers": dict(headers),
        "continue-on-failure": True,
        "max-redirects": 0,
        "cache": {"enabled": False},
        "analysis": {"constants": {"enabled": False}},
        "generation": {"max-examples": examples, "database": "none", "with-security-parameters": False},
        "phases": {
            "coverage": {
                "generate-duplicate-query-parameters": True,
                # TRACE and QUERY are often refused before they reach an application, each server in its way.
                "unexpected-methods": ["GET", "PUT", "POST", "PATCH", "DELETE"],
            }
        },
        "checks": {name: {"enabled": False} for name in ("ignored_auth", "object_level_authorization")},
        "dictionaries": {},
        "parameters": {},
        # A profile under which the server fails on what is invalid says that this is right.
        "operations": [
            {"include-operation-id": operation, "checks": {"not_a_server_error": {"enabled": False}}}
            for operation, failing in fails.items()
            if failing
        ],
    }


def _read_only(config: dict[str, Any]) -> None:
    config["phases"]["coverage"]["unexpected-methods"] = []
    config["checks"]["unsupported_method"] = {"enabled": False}


class _Engine(Engine):
    """The engine without its probes: they go past the transport, and ask what no rule needs."""

    def _create_execution_plan(self) -> ExecutionPlan:
        plan = super()._create_execution_plan()
        plan.phases = [phase for phase in plan.phases if phase.name != PhaseName.PROBING]
        return plan


def _run(exam: Examination, config: dict[str, Any], *, reading_only: bool) -> Outcome:
    schema = schemathesis.openapi.from_dict(_document(exam), config=SchemathesisConfig.from_dict(config))
    transport = GuardedTransport(exam)
    guarded = type("GuardedSchema", (type(schema),), {"transport": property(lambda _: transport)})
    schema.__class__ = guarded
    schema.hook(map_query)
    examined = schema.include(method="GET") if reading_only else schema
    findings: dict[str, Finding] = {}
    omissions: set[Omission] = set()
    passed: set[str] = set()
    with warnings.catch_warnings(), TemporaryDirectory(prefix="tiledesk-fake-check-") as home:
        # Schemathesis and Hypothesis warn about their own; what they find is in the events.
        warnings.simplefilter("ignore")
        before = getattr(configuration, "__hypothesis_home_directory", None)
        configuration.set_hypothesis_home_dir(home)
        write_characters(FilePath(home))
        unanswered = transport.adapter.unanswered
        stopped = False
        try:
            stream = _Engine(schema=examined).execute()
            for event in stream:
                if _is_interrupted(event) and not stopped:
                    # Schemathesis catches what Ctrl-C raises, and says it with an event.
                    stream.stop()
                    raise KeyboardInterrupt
                if len(unanswered) >= MOST_UNANSWERED:
                    # From here on events say that it was interrupted, which it was by this.
                    stream.stop()
                    stopped = True
                if isinstance(event, events.NonFatalError):
                    # What is not answered is a finding, below.
                    if not isinstance(event.value, requests.RequestException) or not unanswered:
                        omissions.add(_not_at_its_end(exam, f"{event.label}: {event.info.title}: {event.info.message}"))
                elif isinstance(event, events.FatalError):
                    omissions.add(_not_at_its_end(exam, f"{type(event.exception).__name__}: {event.exception}"))
                elif isinstance(event, events.ScenarioFinished):
                    for found in _findings(exam, event, passed):
                        findings.setdefault(found.rule, found)
        finally:
            configuration.set_hypothesis_home_dir(before)
    if unanswered:
        findings |= {found.rule: found for found in [_unanswered(exam, unanswered)]}
    if len(unanswered) >= MOST_UNANSWERED:
        omissions.add(_not_at_its_end(exam, f"{len(unanswered)} requests were not answered; no more were sent"))
    return list(findings.values()), sorted(omissions, key=str), sorted(passed - findings.keys())


def _is_interrupted(event: events.EngineEvent) -> bool:
    return isinstance(event, events.Interrupted) or getattr(event, "status", None) == Status.INTERRUPTED


def _not_at_its_end(exam: Examination, reason: str) -> Omission:
    return Omission("generated-requests", "Schemathesis gets to its end.", exam.redact(" ".join(reason.split())))


def _unanswered(exam: Examination, unanswered: list[Exchange]) -> Finding:
    rule = BY_ID["answers"]
    first = unanswered[0]
    more = f", and {len(unanswered) - 1} more like it" if len(unanswered) > 1 else ""
    got = exam.redact(f"{first.failure}{more}, while generated requests were sent")
    return Finding(rule.id, rule.sentence, "an answer", got, rule.place, exam.curl(first))


CHARACTERS: Mapping[str, list[list[int]]] = {"utf-8": [[0, 0xD7FF], [0xE000, 0x10FFFF]], "ascii": [[0, 0x7F]]}
"""The characters that an encoding has, as intervals of code points."""


def write_characters(home: FilePath) -> None:
    """Write where Hypothesis looks for them the characters of encodings, which it takes seconds to work out.

    A Hypothesis that looks elsewhere works them out, as it does in every new home.
    """
    directory = home / "unicode_data" / unicodedata.unidata_version
    directory.mkdir(parents=True)
    for codec, intervals in CHARACTERS.items():
        # After the intervals, those that do not come back as they were: none.
        written = gzip.compress(json.dumps([intervals, []]).encode())
        (directory / f"codec-v2-{codec}.json.gz").write_bytes(written)


def _document(exam: Examination) -> dict[str, Any]:
    document = deepcopy(exam.contract.document)
    document["components"]["schemas"] = open_form(document["components"]["schemas"])
    document["servers"] = [{"url": exam.client.url}]
    return document


def map_query(context: HookContext, query: Any) -> Any:
    """Bring most page numbers down to pages that have records; by themselves they are up to two thousand million."""
    page = query.get("page") if isinstance(query, dict) else None
    if isinstance(page, int) and not isinstance(page, bool) and 0 < page < 2**31 and page % 4:
        return {**query, "page": page % 4}
    return query


def _findings(exam: Examination, event: events.ScenarioFinished, passed: set[str]) -> Iterator[Finding]:
    # Schemathesis leaves out all credentials; ours are variables.
    credentials = f'"Authorization: {exam.redact(exam.first.authorization)}"'
    for id, checks in event.recorder.checks.items():
        for check in checks:
            rule = f"generated-{check.name.replace('_', '-')}"
            if check.status == Status.SUCCESS:
                passed.add(rule)
            if check.failure_info is None:
                continue
            failure = check.failure_info.failure
            case = event.recorder.cases[id].value
            exchange = event.recorder.interactions.get(id)
            status = exchange.response.status_code if exchange and exchange.response else None
            yield Finding(
                rule,
                f"Generated requests: {_EXPECTED.get(check.name, check.name)}.",
                _EXPECTED.get(check.name, check.name),
                _one_line(exam.redact(f"{case.operation.label}: {failure.title}: {failure.message}")),
                _place(exam.contract.document, check.name, case.operation.label, status),
                _one_line(check.failure_info.code_sample).replace("'Authorization: [Filtered]'", credentials),
            )


def _place(document: Mapping[str, Any], check: str, label: str, status: int | None) -> Place:
    """Where the contract says what a check found broken; an operation is documented, its answers mostly are not."""
    if check == "negative_data_rejection" and label in _INVALID:
        return place(assumption(_INVALID[label]))
    if check in _ASSUMPTIONS:
        return place(assumption(_ASSUMPTIONS[check]))
    at = _OPERATIONS.get(label)
    if at is None:
        return place(("paths",))
    _, path, method = at
    answers = document["paths"][path][method]["responses"]
    if check in _DECLARED and "$ref" in answers.get(str(status), {}):
        return place(("components", "responses", answers[str(status)]["$ref"].rpartition("/")[2]))
    return place((*at, "responses"), "assumed")


def _one_line(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= _LONGEST else f"{words[:_LONGEST]}…"


_LONGEST = 600
