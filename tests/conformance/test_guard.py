"""Nothing is changed on a server without leave, whatever asks; with leave, only what was given up."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.conformance.world import HISTORY, Answer, Ask, Request, World, deaf, world
from tests.conformance.wrong_servers import WRONG
from tiledesk_fake.conformance import RULES, Examination, Forbidden, Rule, check
from tiledesk_fake.conformance.credentials import Basic, Jwt
from tiledesk_fake.conformance.guard import Guard
from tiledesk_fake.conformance.outcome import LeftOut
from tiledesk_fake.conformance.rules import BY_ID
from tiledesk_fake.conformance.tokens import Tokens

pytestmark = pytest.mark.slow

OLDEST = datetime(2019, 1, 1, tzinfo=UTC)
"""The tokens of that time are the first to be given up."""

DESTRUCTIVE = [rule for rule in RULES if rule.revokes]


@pytest.fixture
def reader() -> Iterator[tuple[World, Examination]]:
    """A world, and an examination of it that may not revoke."""
    served = world()
    with served.here(may_revoke=False) as server:
        examination = Examination(server)
        yield served, examination
        examination.close()


@pytest.mark.parametrize("rule", DESTRUCTIVE, ids=str)
def test_every_destructive_rule_is_stopped_in_the_transport(
    rule: Rule, reader: tuple[World, Examination], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even where the rule's own question for leave is taken away."""
    served, examination = reader
    before = state(served)
    monkeypatch.setattr(Tokens, "need_leave", lambda self: None)

    with pytest.raises((Forbidden, LeftOut)) as stopped:
        rule.check(examination)

    assert isinstance(stopped.value, Forbidden) or "JWT" in str(stopped.value) or "other tokens" in str(stopped.value)
    assert state(served) == before


def test_there_are_destructive_rules() -> None:
    assert len(DESTRUCTIVE) > 30


def state(served: World) -> list[tuple[str, bool]]:
    return [(token.id, token.revoked) for user in (served.ada, served.bob) for token in served.fake.history(user)]


def unsafe(world: World, request: Request, ask: Ask) -> Answer:
    """The worst server there is: it lets everybody do everything."""
    given = ask(replace(request, authorization=f"JWT {world.jwt}"))
    world.memory.setdefault("sent", []).append((request.method, request.authorization, request.target))
    return given


def test_a_whole_run_without_leave_changes_nothing_even_on_a_server_without_a_gate() -> None:
    """What is sent reads, or has no good credentials and is about keys that nobody has."""
    served = world(unsafe)
    before = state(served)
    with served.served(may_revoke=False, examples=4) as server:
        report = check(server)

    assert state(served) == before
    assert not report.revoked
    assert any("--may-revoke" in omission.reason for omission in report.left_out)
    tokens = [token for user in (served.ada, served.bob) for token in served.fake.history(user)]
    keys = {token.jti for token in tokens} | {token.id for token in tokens}
    writing = [each for each in served.memory["sent"] if each[0] not in ("GET", "HEAD", "OPTIONS")]
    assert writing
    for method, authorization, target in writing:
        assert target.rpartition("/")[2] not in keys, (method, target)
        assert authorization != f"JWT {served.jwt}"


def test_with_leave_every_token_that_was_revoked_is_in_the_report() -> None:
    served = world(signs_in=False)
    before = {id for id, revoked in state(served) if revoked}
    with served.served(examples=2) as server:
        report = check(server)

    assert {record["_id"] for record in report.revoked} == {id for id, revoked in state(served) if revoked} - before


@pytest.mark.parametrize("signs_in", [False, True])
@pytest.mark.parametrize(
    ("name", "fate"), [("everybodys newest token goes too", "revoked"), ("the next token is dropped", "gone")]
)
def test_what_a_server_revoked_unasked_is_in_the_report_and_marked(name: str, fate: str, signs_in: bool) -> None:
    def dropping(world: World, request: Request, ask: Ask) -> Answer:
        given = ask(request)
        dropped = world.memory.setdefault("dropped", [])
        if request.revokes and given.status == 200 and not dropped:
            dropped.append(next(token for token in world.fake.history(world.bob)).id)
        if request.lists and given.status == 200 and request.method == "GET":
            return given.saying(given.json | {"jwts": [row for row in given.json["jwts"] if row["_id"] not in dropped]})
        return given

    twist = next((wrong.twist for wrong in WRONG if wrong.name == name), dropping)
    served = world(twist, signs_in=signs_in)
    before = {id for id, revoked in state(served) if revoked}
    with served.here() as server:
        report = check(server, generated=False, rules=[BY_ID["revokes-by-jti"]])

    unasked = {record["_id"] for record in report.revoked if record.get("unasked") == fate}
    assert unasked
    assert unasked <= {token.id for token in served.fake.history(served.bob)}
    if fate == "revoked":
        assert {id for id, revoked in state(served) if revoked} - before == {each["_id"] for each in report.revoked}
    for text in (report.text(), report.html()):
        assert f"{fate} though the check did not ask for it" in text


def alive(served: World, before: list[tuple[str, bool]]) -> set[str]:
    """The tokens that sign-ins made and that are not revoked."""
    return {id for id, revoked in state(served) if not revoked} - {id for id, _ in before}


@pytest.mark.parametrize("generated", [False, True], ids=["rules", "generated"])
def test_no_token_of_a_sign_in_stays_alive(generated: bool) -> None:
    served = world()
    before = state(served)
    with served.served(examples=2) as server:
        rules = [BY_ID[id] for id in ("id-is-no-jti", "foreign-revocation-by-id", "revokes-by-jti")]
        report = check(server, rules=rules, generated=generated)

    assert len(state(served)) > len(before)
    assert not alive(served, before)
    assert not report.left_behind


def test_where_a_revocation_is_broken_what_stays_alive_is_told() -> None:
    served = world(deaf)
    before = state(served)
    with served.here() as server:
        report = check(server, generated=False)

    assert alive(served, before)
    assert all(any(id in each for each in report.left_behind) for id in alive(served, before))
    for text in (report.text(), report.html(), report.junit(), report.json()):
        assert "which is not revoked" in text


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"success": True, "session": "x"}, "whose answer could not be read: 200 application/json"),
        ({"token": "JWT e30.eyJqdGkiOiJ4In0.c2ln"}, "which was not found in the list (jti x)"),
    ],
)
def test_a_sign_in_whose_token_is_not_known_is_told(given: dict[str, object], said: str) -> None:
    def odd(world: World, request: Request, ask: Ask) -> Answer:
        return ask(request).saying(given) if request.method == "POST" else ask(request)

    with world(odd).here() as server:
        report = check(server, rules=[BY_ID["revokes-by-jti"]], generated=False)

    assert len(report.left_behind) == 1
    assert said in report.left_behind[0]


def test_with_a_sign_in_no_token_of_before_is_revoked() -> None:
    served = world()
    before = state(served)
    with served.served(examples=2) as server:
        check(server)

    assert set(before) <= set(state(served))


def test_the_token_in_use_is_revoked_in_the_last_step_only() -> None:
    served = world(signs_in=False)
    with served.served(basic=["ada@example.com:Secret"]) as server:
        examined = check(server, rules=[rule for rule in RULES if rule.id != "revokes-itself-at-last"], generated=False)
        assert "200" in str(served.ask(Request("GET", HISTORY, f"JWT {served.jwt}")).status)
        check(server, rules=RULES[-1:], generated=False)

    assert not examined.findings
    assert served.ask(Request("GET", HISTORY, f"JWT {served.jwt}")).status == 401


def test_schemathesis_sends_nothing_past_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its runs nor the requests that single checks make on their own."""

    def refuse(self: object, *args: object, **kwargs: object) -> None:
        raise AssertionError("a request went past the guard")

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", refuse)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with world().served(examples=4) as server:
        report = check(server, rules=())

    assert not report.findings
    assert not [each for each in report.left_out if each.rule == "generated-requests"]


ADA = Basic("ada@example.com", "secret")
TOKEN = Jwt("eyJhbGciOiJIUzI1NiJ9.eyJqdGkiOiJtaW5lIn0.c2lnbmF0dXJl")


@pytest.mark.parametrize(
    ("method", "target", "authorization"),
    [
        ("DELETE", "/v3/jwt/history/nobodys", ADA.authorization),
        ("DELETE", "/v3/jwt/history/nobodys", ADA.authorization.replace("Basic", "xBASIC ")),
        ("DELETE", "/v3/jwt/history/nobodys", TOKEN.authorization),
        ("DELETE", "/v3/jwt/history/nobodys", f"jwt\t{TOKEN.token}"),
        ("DELETE", f"/v3/jwt/history/nobodys?secret_token={TOKEN.token}", "Bearer x"),
        ("DELETE", "/v3/jwt/history/somebodys", None),
        ("DELETE", "/v3/jwt/history", None),
        ("POST", "/v3/jwt/history", TOKEN.authorization),
        ("POST", "/v3/auth/signin", ADA.authorization),
        ("POST", "/v3/auth/signin", None),
        ("PUT", "/v3/jwt/history/id/1", ADA.authorization),
    ],
)
def test_without_leave_these_are_forbidden(method: str, target: str, authorization: str | None) -> None:
    guard = Guard([ADA, TOKEN], may_revoke=False)
    guard.nobodys("nobodys")

    with pytest.raises(Forbidden):
        guard.permit(method, target, [] if authorization is None else [("Authorization", authorization)])


@pytest.mark.parametrize(
    ("method", "target", "authorization"),
    [
        ("GET", "/v3/jwt/history", ADA.authorization),
        ("HEAD", "/v3/jwt/history/somebodys", ADA.authorization),
        ("OPTIONS", "/v3/jwt/history", None),
        ("DELETE", "/v3/jwt/history/nobodys", None),
        ("DELETE", "/v3/jwt/history/NOBODYS", f"Bearer {TOKEN.token}"),
        ("DELETE", "/v3/jwt/history/id/nobodys", f"JWT {TOKEN.token}x"),
        ("POST", "/v3/jwt/history", None),
    ],
)
def test_without_leave_these_may_be_sent(method: str, target: str, authorization: str | None) -> None:
    guard = Guard([ADA, TOKEN], may_revoke=False)
    guard.nobodys("nobodys")

    guard.permit(method, target, [] if authorization is None else [("Authorization", authorization)])


def test_with_leave_a_key_that_was_shown_is_protected_until_it_is_given_up() -> None:
    guard = Guard([ADA], may_revoke=True)
    guard.note(b'{"jwts":[{"_id":"65a1f0c2d4e6b8a09c7e5d33","jti":"Phone"}]}')
    requests_for_it = (
        "/v3/jwt/history/phone",
        "/v3/jwt/history/id%2FPhone/",
        "/v3/jwt/history/id/65A1F0C2D4E6B8A09C7E5D33",
    )

    for target in requests_for_it:
        assert guard.is_protected("DELETE", target, [])
    assert not guard.is_protected("DELETE", "/v3/jwt/history/laptop", [])

    guard.give_up("Phone", "65a1f0c2d4e6b8a09c7e5d33")

    for target in requests_for_it:
        assert not guard.is_protected("DELETE", target, [])


@pytest.mark.parametrize(
    ("shown", "target"),
    [
        (b'"jti": "caf\\u00e9"', "/v3/jwt/history/caf%C3%A9"),
        (b'"jti": "a\\/b"', "/v3/jwt/history/a%2Fb"),
        (b'"jti": "a/b"', "/v3/jwt/history/a%2Fb"),
        (b'"jti": "b"', "/v3/jwt/history/a%2Fb"),
    ],
)
def test_with_leave_a_key_is_protected_however_it_is_written(shown: bytes, target: str) -> None:
    guard = Guard([ADA], may_revoke=True)
    guard.note(b"{" + shown + b"}")

    assert guard.is_protected("DELETE", target, [])


def test_with_leave_a_token_that_was_given_up_is_not_protected_for_the_end_of_its_key() -> None:
    guard = Guard([ADA], may_revoke=True)
    guard.note(b'{"jti":"a/b"} {"jti":"b"}')
    guard.give_up("a/b")

    assert not guard.is_protected("DELETE", "/v3/jwt/history/a%2Fb", [])
    assert guard.is_protected("DELETE", "/v3/jwt/history/b", [])


def test_a_key_that_was_shown_is_nobodys_no_more() -> None:
    guard = Guard([ADA], may_revoke=True)
    guard.nobodys("made-up")
    guard.note(b'{"_id":"1","jti":"made-up"} {"_id": 2, "jti":"b"}')

    for key in ("1", "2", "B"):
        with pytest.raises(LeftOut, match="nobody's"):
            guard.nobodys(key)
    for key in ("1", "2", "B", "Made-up"):
        assert guard.is_protected("DELETE", f"/v3/jwt/history/id/{key}", [])


def test_without_leave_a_key_that_was_shown_is_not_even_tried_with_bad_credentials() -> None:
    guard = Guard([ADA], may_revoke=False)
    guard.nobodys("made-up")
    guard.note(b'{"jti":"made-up"}')

    assert guard.is_protected("DELETE", "/v3/jwt/history/made-up", [])


@pytest.mark.parametrize("kind", [str, int], ids=["in text", "as numbers"])
@pytest.mark.parametrize("generated", [False, True], ids=["rules", "generated"])
def test_where_ids_are_counted_nothing_is_revoked_but_what_the_report_has(kind: type, generated: bool) -> None:
    """A malformed id would be that of somebody's token."""

    def counted(world: World, request: Request, ask: Ask) -> Answer:
        ids: list[str] = world.memory.setdefault("ids", [token.id for token in world.fake.history(world.ada)])
        if request.by_id and request.key.isdigit() and 0 < int(request.key) <= len(ids):
            return ask(request.about(ids[int(request.key) - 1]))
        given = ask(request)
        if not request.lists or given.status != 200 or request.method == "HEAD":
            return given
        shown = [row | {"_id": kind(ids.index(row["_id"]) + 1)} for row in given.json["jwts"] if row["_id"] in ids]
        return given.saying(given.json | {"jwts": shown})

    served = world(counted, signs_in=False)
    before = state(served)
    with served.served(basic=["ada@example.com:Secret"], examples=20) as server:
        report = check(server, rules=RULES if not generated else RULES[:4], generated=generated)

    assert "list-form" in report.broken_rules
    assert not report.revoked
    assert state(served) == before


def test_where_jtis_are_counted_one_more_digit_is_the_key_of_another_token_and_is_not_tried() -> None:
    served = world(signs_in=False)
    for number in range(1, 60):
        served.fake.issue_token(served.ada, jti=f"tok-{number}", created_at=OLDEST + timedelta(number))
    with served.here() as server:
        report = check(server, generated=False)

    assert not report.findings
    assert "jti-counts-whole" in report.kept
    assert not [omission for omission in report.left_out if "given up" in omission.reason]


def test_what_the_guard_stops_is_a_rule_that_was_not_asked_and_no_end_of_the_run() -> None:
    def ask(exam: Examination) -> None:
        exam.revoke_jti(exam.records()[0]["jti"])

    with world().here() as server:
        report = check(server, rules=[replace(RULES[0], id="greedy", ask=ask), RULES[1]], generated=False)

    assert [omission.rule for omission in report.left_out] == ["greedy"]
    assert report.left_out[0].reason.endswith(": this token was not given up")
    assert report.kept == [RULES[1].id]


def test_a_token_whose_jti_is_that_of_another_one_but_for_its_case_does_no_harm_to_it() -> None:
    served = world(signs_in=False)
    for jti in ("phone", "PHONE"):
        served.fake.issue_token(served.ada, jti=jti, created_at=OLDEST)
    before = state(served)
    with served.here() as server:
        report = check(server, rules=[BY_ID["jti-case-counts"]], generated=False)

    assert not report.findings
    assert state(served) == before


def test_with_leave_the_token_in_use_is_protected_before_anything_was_shown() -> None:
    assert Guard([TOKEN], may_revoke=True).is_protected("DELETE", "/v3/jwt/history/mine", [])


def test_a_broken_revocation_keeps_generated_ones_from_being_sent() -> None:
    def all_are_revoked(world: World, request: Request, ask: Ask) -> Answer:
        given = ask(request)
        if request.revokes and given.status == 404:
            for token in world.fake.history(world.ada):
                world.fake.revoke(token)
        return given

    with world(all_are_revoked).served(examples=2) as server:
        report = check(server)

    assert "id-is-no-jti" in report.broken_rules
    assert any("generated ones could revoke anything" in omission.reason for omission in report.left_out)


def test_no_rule_revokes_after_a_revocation_took_other_tokens() -> None:
    revocations = []

    def greedy(world: World, request: Request, ask: Ask) -> Answer:
        given = ask(request)
        if request.revokes and given.status == 200:
            revocations.append(request.target)
            for token in world.fake.history(world.ada)[:1]:
                world.fake.revoke(token)
        return given

    rules = [BY_ID[id] for id in ("revokes-only-that", "revocation-counts", "order-of-revocations")]
    with world(greedy, signs_in=False).here() as server:
        report = check(server, rules=rules, generated=False)

    assert report.broken_rules == {"revokes-only-that"}
    assert [each.rule for each in report.left_out] == ["revocation-counts", "order-of-revocations"]
    assert len({target.rpartition("/")[2] for target in revocations}) == 2


def test_without_leave_nothing_has_a_body() -> None:
    """Credentials could be in it."""
    with pytest.raises(Forbidden):
        Guard([ADA], may_revoke=False).permit("POST", HISTORY, [], b'{"email":"ada@example.com","password":"secret"}')
