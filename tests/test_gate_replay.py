"""Every recorded answer of the real gate comes again, and calm answers take the place of its failures."""

from typing import Any

import pytest

from tests.gate_data import CASES, Case, recorded_fake
from tests.wsgi import Reply, call
from tiledesk_fake import NoAnswer, TiledeskFake
from tiledesk_fake.web import operations, road

COMPARED = ("WWW-Authenticate", "Access-Control-Allow-Origin")
FAILURES = ("server-error", "no-answer", "fall-through")


@pytest.fixture(scope="module")
def observed() -> TiledeskFake:
    return recorded_fake(**{"server-quirks": "observed"})


@pytest.fixture(scope="module")
def calm() -> TiledeskFake:
    return recorded_fake()


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    """The operations that are reached, each with the caller's id and the values of its parameters."""
    seen: list[tuple[str, str, Any]] = []

    def spying(id: str, operation: Any) -> Any:
        def spy(state: Any, caller: Any, values: Any) -> Any:
            seen.append((id, caller.user_id, values))
            return operation(state, caller, values)

        return spy

    spies = {id: spying(id, operation) for id, operation in operations.OPERATIONS.items()}
    monkeypatch.setattr(road, "OPERATIONS", spies)
    return seen


def replay(fake: TiledeskFake, case: Case) -> Reply:
    return call(fake.wsgi_app, case.method, case.target, case.headers)


def check_recorded(case: Case, reply: Reply) -> None:
    for header in COMPARED:
        assert reply.headers.get(header) == case.expect.get(header.lower())
    assert reply.status == case.expect["status"]
    if "body" in case.expect:
        body = b"" if case.method == "HEAD" else reply.body
        assert body.decode() == case.expect["body"]
        assert reply.headers.get("Content-Type") == case.expect.get("content-type")


OPERATIONS = {"list": "listTokens", "revoke-by-jti": "revokeTokenByJti", "revoke-by-id": "revokeTokenById"}


def check_reached(case: Case, reached: list[tuple[str, str, Any]]) -> None:
    assert len(reached) == 1
    operation, user_id, values = reached[0]
    assert operation == OPERATIONS[case.expect["operation"]]
    assert user_id == case.expect["user"]
    if case.expect["params"]:
        assert values == case.expect["params"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_observed_profile_answers_as_recorded(case: Case, observed: TiledeskFake, reached: list[Any]) -> None:
    if case.kind == "no-answer":
        with pytest.raises(NoAnswer):
            replay(observed, case)
        return

    check_recorded(case, replay(observed, case))
    if case.kind == "reached":
        check_reached(case, reached)
    else:
        assert reached == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_calm_profile_answers_as_recorded_or_with_a_clean_refusal(
    case: Case, calm: TiledeskFake, reached: list[Any]
) -> None:
    reply = replay(calm, case)

    if case.kind not in FAILURES:
        check_recorded(case, reply)
    elif case.kind == "fall-through":
        assert reply.status in (404, 405)
        assert (reply.status == 405) == ("Allow" in reply.headers)
    else:
        assert reply.status in (400, 401)
    if case.kind == "reached":
        check_reached(case, reached)
    else:
        assert reached == []


def test_the_recording_has_every_kind_of_case() -> None:
    kinds = {case.kind for case in CASES}

    assert len(CASES) == 198
    assert kinds == {"reached", "refused", *FAILURES}
