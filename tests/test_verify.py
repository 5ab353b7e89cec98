"""A fake made by hand judges its clients when it is asked to, or at the end of its `with`."""

import pickle
from typing import Any

import pytest

from tests.wsgi import call
from tiledesk_fake import MisuseError, TiledeskFake, ViolationError
from tiledesk_fake.state import State
from tiledesk_fake.violations.judge import Judge

HISTORY = "/v3/jwt/history"


def ask(fake: TiledeskFake, target: str = HISTORY, authorization: str = "Bearer x") -> int:
    return call(fake.wsgi_app, "GET", target, [("Authorization", authorization)]).status


def test_a_violation_is_raised_in_full_with_how_to_allow_it() -> None:
    fake = TiledeskFake()
    ask(fake)

    with pytest.raises(ViolationError) as raised:
        fake.verify()

    (violation,) = raised.value.violations
    assert isinstance(raised.value, AssertionError)
    assert str(raised.value) == (
        "auth-scheme: got Authorization: Bearer <redacted>\n\n"
        f"{violation}\n\n"
        'No correct client of this API sends that. If the test means to: fake.verify(allow=["auth-scheme"])'
    )


def test_what_was_judged_is_taken_and_what_is_new_is_judged() -> None:
    fake = TiledeskFake()
    ask(fake)
    fake.faults.add("listTokens", status=503)
    with pytest.raises(ViolationError) as first:
        fake.verify()

    fake.verify()
    ask(fake, "/nowhere")
    with pytest.raises(ViolationError, match=r"\Aauth-scheme: got .*; and 1 more") as second:
        fake.verify()

    assert [violation.rule for violation in first.value.violations] == ["auth-scheme"]
    assert first.value.unspent_faults == ("listTokens: status 503, 1 left",)
    assert {violation.rule for violation in second.value.violations} == {"unknown-path", "auth-scheme"}
    assert fake.faults.unspent == []


def test_an_unspent_fault_is_raised_and_can_be_allowed() -> None:
    fake = TiledeskFake()
    fake.faults.add("listTokens", status=503)
    fake.verify(allow=["unspent-fault"])
    fake.faults.add("listTokens", status=503)

    with pytest.raises(ViolationError, match=r"\Aunspent-fault: no call met listTokens: status 503, 1 left") as raised:
        fake.verify()

    assert str(raised.value).endswith('If the test means to: fake.verify(allow=["unspent-fault"])')


def test_only_what_is_allowed_passes() -> None:
    fake = TiledeskFake()
    ask(fake, "/nowhere")

    with pytest.raises(ViolationError) as raised:
        fake.verify(allow=("auth-scheme",))

    assert [violation.rule for violation in raised.value.violations] == ["unknown-path"]


@pytest.mark.parametrize(
    ("allow", "told"),
    [
        (["auth-schema"], "allow: there is no rule 'auth-schema'; did you mean 'auth-scheme'? Valid: auth-scheme, "),
        ("auth-scheme", "allow: expected a list of rules, got text; write it like allow=['auth-scheme']"),
        (5, "write it like allow=['auth-scheme']"),
        ([None], "allow: there is no rule None"),
    ],
)
def test_a_rule_that_there_is_not_is_misuse_and_takes_nothing(allow: Any, told: str) -> None:
    fake = TiledeskFake()
    ask(fake)

    with pytest.raises(MisuseError) as refused:
        fake.verify(allow=allow)

    assert told in str(refused.value)
    with pytest.raises(ViolationError):
        fake.verify()


def test_a_strict_fake_verifies_at_the_end_of_its_block() -> None:
    with pytest.raises(ViolationError, match="auth-scheme"), TiledeskFake(strict=True) as fake:
        ask(fake)

    assert not fake.listening


def test_a_block_that_raised_keeps_its_own_error() -> None:
    with pytest.raises(ZeroDivisionError), TiledeskFake(strict=True) as fake:
        _ = ask(fake) / 0


def test_without_strict_nothing_is_judged_unasked() -> None:
    with TiledeskFake() as fake:
        ask(fake)


def test_a_violation_error_survives_a_pickle() -> None:
    fake = TiledeskFake()
    ask(fake)
    with pytest.raises(ViolationError) as raised:
        fake.verify()

    copied = pickle.loads(pickle.dumps(raised.value))

    assert (str(copied), copied.violations) == (str(raised.value), raised.value.violations)


def break_the_road(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError("JWT eyJhbGciOiJIUzI1NiJ9.e30.sig")

    monkeypatch.setattr(State, "revoke_jti_as", fails)


def break_the_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise OSError("JWT eyJhbGciOiJIUzI1NiJ9.e30.sig")

    monkeypatch.setattr(Judge, "_violations", fails)


@pytest.mark.usefixtures("planted_bugs")
@pytest.mark.parametrize(("breaking", "status"), [(break_the_road, 500), (break_the_judge, 200)])
@pytest.mark.parametrize("hooked", [False, True], ids=["road", "flask"])
def test_an_internal_error_is_in_the_journal_with_its_reason_and_fails_who_verifies(
    monkeypatch: pytest.MonkeyPatch, breaking: Any, status: int, hooked: bool
) -> None:
    fake = TiledeskFake()
    token = fake.issue_token(fake.add_user(email="ada@example.com"), jti="phone")
    if hooked:
        fake.app.before_request(lambda: None)
    breaking(monkeypatch)

    reply = call(fake.wsgi_app, "DELETE", f"{HISTORY}/phone", [("Authorization", token.authorization)])

    (heard,) = fake.journal.exchanges
    assert (reply.status, heard.status, heard.operation) == (status, status, "revokeTokenByJti")
    assert heard.reason == "internal error of tiledesk-fake: OSError: JWT <redacted>"
    with pytest.raises(ViolationError, match="internal-error: OSError: JWT <redacted>") as raised:
        fake.verify()
    assert "Traceback" in str(raised.value)
    assert "eyJ" not in str(raised.value)
    fake.verify()
