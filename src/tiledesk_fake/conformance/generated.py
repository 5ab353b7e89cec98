"""Schemathesis, driven over the contract: as the first user, and as somebody without credentials.

Four of its checks are not asked. `ignored_auth`: with two ways to authenticate it sends a bare word, which is a bad
request (observed). `object_level_authorization` needs accounts in a form of its own, and `max_response_time` a limit
that the contract does not have. `unsupported_method` is left out where the profile says that the server answers
otherwise. The rules ask all of it, and more exactly.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from ..contract.places import Path, Place, place
from .adapter import GuardedAdapter
from .engine import Failed, Passed, Trouble, run
from .examination import Examination
from .forms import open_form
from .outcome import Broken, Finding, LeftOut, Omission
from .reply import Reply
from .rules import BY_ID
from .rules.rule import assumption
from .tokens import Sacrifice

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
"""The checks of what is declared with an answer; their provenance is that of the answer."""

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


def passes(exam: Examination, may_go_on: Callable[[], bool]) -> list[tuple[str, Callable[[], Outcome]]]:
    """The runs of Schemathesis, by name; each starts when it is called.

    `may_go_on` says, at that moment, whether revocations that no rule watches are safe.
    """

    def as_user() -> Outcome:
        safe = exam.target.may_revoke and may_go_on()
        return _as_user(exam, revoke=safe and not _is_harmed(exam))

    return [
        ("generated requests", as_user),
        ("generated requests without credentials", lambda: _as_nobody(exam)),
    ]


def _is_harmed(exam: Examination) -> bool:
    """Whether a list shows that the rules changed more than they should, or cannot be read."""
    try:
        return any(exam.changes.of(person) for person in exam.persons)
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
    # The gate refuses these requests before anybody looks at their method.
    _read_only(config)
    config["phases"]["stateful"] = {"enabled": False}
    findings, omissions, kept = _run(exam, config, reading_only=False)
    return findings, omissions, [f"{rule}-without-credentials" for rule in kept]


def _to_find(exam: Examination) -> list[Sacrifice]:
    tokens: list[Sacrifice] = []
    try:
        while len(tokens) < TO_FIND:
            tokens.append(exam.tokens.give_up())
    except (Broken, LeftOut):
        # With too few tokens generated keys find nothing; the rules have said why.
        pass
    return tokens


def _config(exam: Examination, examples: int, headers: Mapping[str, str]) -> dict[str, Any]:
    fails = {
        "listTokens": exam.profile.invalid_query in ("fail", "coerce"),
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
        # Under such a profile a 500 is the right answer to invalid values.
        "operations": [
            {"include-operation-id": operation, "checks": {"not_a_server_error": {"enabled": False}}}
            for operation, failing in fails.items()
            if failing
        ],
    }


def _read_only(config: dict[str, Any]) -> None:
    config["phases"]["coverage"]["unexpected-methods"] = []
    config["checks"]["unsupported_method"] = {"enabled": False}


def _run(exam: Examination, config: dict[str, Any], *, reading_only: bool) -> Outcome:
    adapter = GuardedAdapter(exam)
    findings: dict[str, Finding] = {}
    omissions: set[Omission] = set()
    passed: set[str] = set()
    happened = run(_document(exam), config, adapter, reading_only=reading_only, is_over=lambda: adapter.is_exhausted)
    for event in happened:
        match event:
            case Passed():
                passed.add(_rule(event.check))
            case Failed():
                findings.setdefault(_rule(event.check), _finding(exam, event))
            # Requests without an answer are a finding, below.
            case Trouble() if not (event.is_network and adapter.unanswered):
                omissions.add(_not_at_its_end(exam, event.message))
    if adapter.unanswered:
        found = _unanswered(exam, adapter.unanswered)
        findings[found.rule] = found
    if adapter.is_exhausted:
        omissions.add(_not_at_its_end(exam, f"{len(adapter.unanswered)} requests were not answered; no more were sent"))
    return list(findings.values()), sorted(omissions, key=str), sorted(passed - findings.keys())


def _rule(check: str) -> str:
    return f"generated-{check.replace('_', '-')}"


def _not_at_its_end(exam: Examination, reason: str) -> Omission:
    return Omission("generated-requests", "Schemathesis gets to its end.", exam.redact(" ".join(reason.split())))


def _unanswered(exam: Examination, unanswered: list[Reply]) -> Finding:
    rule = BY_ID["answers"]
    first = unanswered[0]
    more = f", and {len(unanswered) - 1} more like it" if len(unanswered) > 1 else ""
    got = exam.redact(f"{first.failure}{more}, while generated requests were sent")
    return Finding(rule.id, rule.sentence, "an answer", got, rule.place, exam.curl(first))


def _document(exam: Examination) -> dict[str, Any]:
    document = deepcopy(exam.contract.document)
    document["components"]["schemas"] = open_form(document["components"]["schemas"])
    document["servers"] = [{"url": exam.client.url}]
    return document


def _finding(exam: Examination, failed: Failed) -> Finding:
    expected = _EXPECTED.get(failed.check, failed.check)
    # Schemathesis filters credentials out of its lines; ours become variables.
    credentials = f'"Authorization: {exam.redact(exam.first.authorization)}"'
    return Finding(
        _rule(failed.check),
        f"Generated requests: {expected}.",
        expected,
        _one_line(exam.redact(f"{failed.operation}: {failed.message}")),
        _place(exam.contract.document, failed.check, failed.operation, failed.status),
        _one_line(failed.curl).replace("'Authorization: [Filtered]'", credentials),
    )


def _place(document: Mapping[str, Any], check: str, label: str, status: int | None) -> Place:
    """The place in the contract of what is broken: an operation is documented, its answers mostly are not."""
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
