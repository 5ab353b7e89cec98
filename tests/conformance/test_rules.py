"""What every rule has, and what an examination makes of a server that answers nonsense."""

import dataclasses
import inspect
import json
import re
import subprocess
from datetime import timedelta
from pathlib import Path
from random import Random
from xml.etree import ElementTree

import pytest

from tests.conformance.world import HISTORY, NO_ANSWER, Answer, Ask, Request, Twist, World, world
from tests.conformance.wrong_servers import WRONG
from tiledesk_fake import TiledeskFake, conformance
from tiledesk_fake.conformance import (
    RULES,
    CannotCheck,
    Examination,
    Finding,
    Omission,
    Place,
    Rule,
    check,
    judge,
    learn,
    target,
)
from tiledesk_fake.conformance.rules import BY_ID, Brake, brake
from tiledesk_fake.conformance.rules.rule import Family
from tiledesk_fake.contract import FILE
from tiledesk_fake.contract.places import place

pytestmark = pytest.mark.slow


def test_the_ids_of_rules_are_different_and_readable() -> None:
    assert len(BY_ID) == len(RULES)
    assert all(re.fullmatch("[a-z]+(-[a-z]+)*", rule.id) for rule in RULES)


def test_the_sentences_of_rules_are_different() -> None:
    assert len({rule.sentence for rule in RULES}) == len(RULES)
    assert all(rule.sentence.endswith(".") for rule in RULES)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_every_rule_stands_in_the_contract(rule: Rule) -> None:
    lines = FILE.read_text(encoding="utf-8").splitlines()

    assert rule.place.level in ("documented", "observed", "assumed")
    assert rule.at[-1] in lines[rule.place.line - 1]


def test_a_place_is_named_by_its_line_and_level() -> None:
    lines = FILE.read_text(encoding="utf-8").splitlines()
    found = place(("x-assumptions", "page-base"))

    assert "id: page-base" in lines[found.line - 1]
    assert str(Place(12, "observed")) == "openapi/jwt.yaml:12 (observed)"
    with pytest.raises(KeyError):
        place(("components", "nothing"))


def test_a_rule_that_only_reads_says_nothing_of_revoking() -> None:
    """What `revokes` says is what the guard enforces; a rule that needs leave without saying so would stop a run."""
    with world().served(may_revoke=False) as server:
        examination = Examination(server)
        outcomes = {rule.id: judge(examination, rule) for rule in RULES if not rule.revokes}
        examination.close()

    assert {id for id, outcome in outcomes.items() if outcome is not None} == set()


def test_a_rule_that_is_not_asked_says_why() -> None:
    served = world()
    with served.served(basic=["ada@example.com:Secret"], jwt=[], may_revoke=False) as server:
        examination = Examination(server)
        outcomes = [judge(examination, rule) for rule in RULES]
        examination.close()

    omissions = {outcome.rule: outcome.reason for outcome in outcomes if isinstance(outcome, Omission)}
    assert not [outcome for outcome in outcomes if isinstance(outcome, Finding)]
    assert omissions["lists-are-apart"] == "a second user is needed; give --basic or --jwt of another one"
    assert omissions["refuses-bearer"] == "a JWT of the first user is needed; give --jwt"
    assert omissions["refuses-expired"].startswith("no token was given that has expired")
    assert omissions["revokes-by-id"] == "nothing may be revoked without --may-revoke"


@pytest.mark.slow
def test_a_token_that_expires_while_the_server_is_examined_is_waited_for() -> None:
    served = world()
    soon = served.fake.issue_token(served.ada, expires_in=timedelta(seconds=2)).jwt
    with served.served(jwt=[soon]) as server:
        report = check(server, rules=[BY_ID["refuses-expired"]], generated=False)

    assert report.kept == ["refuses-expired"]


def nonsense(seed: int) -> object:
    """A server that lets everybody list once, and then answers anything."""

    def twist(world: World, request: Request, ask: Ask) -> Answer:
        asked = world.memory["asked"] = world.memory.get("asked", 0) + 1
        if asked <= 6:
            return ask(request)
        random = Random(f"{seed} {asked}")
        bodies = [
            b"",
            b"null",
            b"[]",
            b"{}",
            b"\xff",
            b"[[]]",
            b'{"jwts":[1]}',
            b'{"jwts":[{}],"count":1,"perPage":40}',
        ]
        right = ask(request).body
        body = random.choice([*bodies, right, right[:-1]])
        kind = random.choice(["application/json", "text/html", "", "application/json; charset=utf-8"])
        answer = Answer(random.choice([200, 200, 200, 200, 404, 401, 500, 302]), (("Content-Type", kind),), body)
        return random.choice([answer] * 15 + [NO_ANSWER])

    return twist


@pytest.mark.parametrize("seed", range(8))
def test_nonsense_is_a_finding_and_no_accident(seed: int) -> None:
    with world(nonsense(seed)).here() as server:  # type: ignore[arg-type]
        report = check(server, generated=False)

    assert report.findings
    assert json.loads(report.json())["verdict"] == "broken"
    assert report.junit()
    assert report.html()


@pytest.mark.parametrize("seed", range(8))
def test_nonsense_teaches_nothing_and_is_no_accident(seed: int) -> None:
    with world(nonsense(seed)).here() as server:  # type: ignore[arg-type]
        learnt = learn(server)

    assert learnt.unknown


def dead_after(requests: int) -> Twist:
    """A server that answers so many requests, and then no more."""

    def twist(world: World, request: Request, ask: Ask) -> Answer:
        asked = world.memory["asked"] = world.memory.get("asked", 0) + 1
        return ask(request) if asked <= requests else NO_ANSWER

    return twist


@pytest.mark.slow
@pytest.mark.parametrize("generated", [False, True], ids=["rules", "generated"])
def test_a_server_that_is_gone_before_the_end_could_not_be_checked(generated: bool) -> None:
    """It may have been the network. What was revoked until then is told all the same."""
    served = world(dead_after(40 if generated else 600), signs_in=False)
    with served.served(examples=1) as server, pytest.raises(CannotCheck, match="it no longer answers") as stopped:
        check(server, rules=() if generated else RULES, generated=generated)

    report = stopped.value.report
    assert report is not None
    assert json.loads(report.json())["verdict"] == "unchecked"
    assert report.revoked
    assert any(each.reason == "the server no longer answers" for each in report.left_out)
    assert ElementTree.fromstring(report.junit())[0].get("errors") == "1"


def test_what_was_found_before_a_server_was_gone_stays_found() -> None:
    def twist(world: World, request: Request, ask: Ask) -> Answer:
        given = dead_after(100)(world, request, ask)
        return given.with_header("Content-Type", "text/plain") if request.lists else given

    with world(twist).served() as server:
        report = check(server, generated=False)

    assert "list-form" in report.broken_rules
    assert "answers" not in report.broken_rules
    assert report.gone


def test_a_server_that_is_away_for_a_moment_is_asked_on() -> None:
    def twist(world: World, request: Request, ask: Ask) -> Answer:
        asked = world.memory["asked"] = world.memory.get("asked", 0) + 1
        return NO_ANSWER if 100 <= asked < 102 else ask(request)

    with world(twist).served() as server:
        report = check(server, generated=False)

    assert report.broken_rules == {"answers"}
    assert len(report.kept) > 90


def test_an_end_of_schemathesis_before_its_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from schemathesis.engine import events

    from tiledesk_fake.conformance import engine

    monkeypatch.setattr(engine._Engine, "execute", lambda _: iter([events.FatalError(exception=OSError("full"))]))
    with world().served() as server:
        report = check(server, rules=())

    assert {each.reason for each in report.left_out} == {"OSError: full"}


def test_a_rule_that_a_later_one_finds_broken_was_not_kept() -> None:
    def twist(world: World, request: Request, ask: Ask) -> Answer:
        given = ask(request)
        odd = request.lists and given.status == 200 and request.query.get("sortField") == "jti"
        return given.saying({"jwts": 1}) if odd else given

    with world(twist).here() as server:
        report = check(server, generated=False)

    assert "list-form" in report.broken_rules
    assert not report.broken_rules & {*report.kept, *(each.rule for each in report.left_out)}


def test_two_tokens_are_enough_to_see_what_a_revocation_does() -> None:
    """The one that requests were to leave alone is revoked in the end, and told once."""
    with TiledeskFake() as fake:
        ada = fake.add_user(email="ada@example.com", password="secret")
        ids = {fake.issue_token(ada).id for _ in range(2)}
        fake.faults.add("signIn", status=404, times=10)
        report = check(target(fake.url, basic="ada@example.com:secret", may_revoke=True), generated=False)

    assert not report.findings
    assert {"jti-case-counts", "encoded-slash", "revokes-by-jti", "revokes-by-id", "revokes-again"} <= set(report.kept)
    assert len(report.revoked) == 2
    assert {record["_id"] for record in report.revoked} == ids


def endless(world: World, request: Request, ask: Ask) -> Answer:
    """A list with more tokens than anybody reads."""
    given = ask(request)
    if not request.lists or given.status != 200 or request.method != "GET":
        return given
    first = ask(request.asking(page=None)).json
    page = int(request.query.get("page", "0"))
    rows = [row | {"_id": f"{page:06x}{row['_id'][6:]}"} for row in first["jwts"]]
    return given.saying(first | {"jwts": rows if page < 2**31 - 1 else [], "count": 10000})


def test_a_list_that_is_too_long_to_be_read_is_no_finding() -> None:
    rules = [BY_ID[id] for id in ("count-agrees", "page-past-end", "order-of-all", "order-reversed")]
    with world(endless).here(may_revoke=False) as server:
        report = check(server, rules=rules, generated=False)

    assert not report.findings
    assert {each.reason for each in report.left_out} == {
        "the list is too long to be read to its end: more than 60 pages"
    }


def test_a_list_with_a_wrong_count_is_not_called_too_long() -> None:
    def short(world: World, request: Request, ask: Ask) -> Answer:
        given = ask(request)
        return given.saying(given.json | {"count": 99}) if request.lists and given.status == 200 else given

    with world(short).here(may_revoke=False) as server:
        report = check(server, rules=[BY_ID["order-of-all"]], generated=False)

    assert report.broken_rules == {"count-agrees"}
    assert [each.reason for each in report.left_out] == ["count-agrees is broken"]


def test_credentials_that_belong_together_are_one_user() -> None:
    served = world()
    with served.served() as server:
        examination = Examination(server)
        examination.close()

    ada, bob = examination.persons
    assert [type(each).__name__ for each in ada.credentials] == ["Basic", "Jwt"]
    assert [type(each).__name__ for each in bob.credentials] == ["Basic"]
    assert [each.claims["iat"] for each in examination.expired] == [1577836800]


@pytest.mark.parametrize("reverse", [False, True], ids=["Ada first", "Bob first"])
def test_two_addresses_are_two_users_whatever_they_are_shown(reverse: bool) -> None:
    twist = next(wrong.twist for wrong in WRONG if wrong.name == "every good password is adas")
    served = world(twist)
    basic = ["ada@example.com:Secret", "bob@example.com:hunter2"]
    with served.here(basic=basic[::-1] if reverse else basic, jwt=[]) as server:
        report = check(server, rules=[BY_ID["lists-are-apart"]], generated=False)
    with served.here(basic=basic[::-1] if reverse else basic) as server:
        examination = Examination(server)

    assert report.broken_rules == {"lists-are-apart"}
    ada = examination.persons[reverse]
    assert [type(each).__name__ for each in ada.credentials] == ["Basic", "Jwt"]


def test_a_server_without_the_history_cannot_be_checked() -> None:
    def community(world: World, request: Request, ask: Ask) -> Answer:
        return Answer(400, (("Content-Type", "application/json"),), b'{"error":"Invalid project id: jwt"}')

    with world(community).served() as server, pytest.raises(CannotCheck, match="has no JWT history"):
        check(server)


def test_curl_lines_send_what_was_sent_and_tell_no_secret() -> None:
    served = world()
    with served.served() as server:
        examination = Examination(server)
        exchange = examination.ask("DELETE", "/jwt/history/a%2Fb", f"Bearer {served.jwt}")
        listed = examination.ask("GET", f"/jwt/history?secret_token={served.jwt}")
        forged = examination.ask("HEAD", "/jwt/history", "JWT eyJhbGciOiJub25lIn0.eyJqdGkiOiJ4In0.")
        lines = [examination.curl(each) for each in (exchange, listed, forged)]
        examination.close()

    assert lines == [
        f'curl -i --path-as-is -X DELETE -H "Authorization: Bearer $JWT1" {server.url}/jwt/history/a%2Fb',
        f'curl -i --path-as-is "{server.url}/jwt/history?secret_token=$JWT1"',
        f"curl -i --path-as-is --head -H 'Authorization: JWT <token>' {server.url}/jwt/history",
    ]


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("?sortField=$where", "'URL?sortField=$where'"),
        ("?sortField=$where&secret_token=TOKEN", '"URL?sortField=\\$where&secret_token=$JWT1"'),
        ("?secret_token=TOKENx", '"URL?secret_token=${JWT1}x"'),
        ('?a="`$(x)\\&secret_token=TOKEN', '"URL?a=\\"\\`\\$(x)\\\\&secret_token=$JWT1"'),
    ],
)
def test_in_a_curl_line_the_shell_fills_in_what_is_secret_and_nothing_else(target: str, line: str) -> None:
    served = world()
    with served.here() as server:
        examination = Examination(server)
        exchange = examination.ask("GET", f"/jwt/history{target.replace('TOKEN', served.jwt)}")
        curl = examination.curl(exchange)

    assert curl == f"curl -i --path-as-is {line.replace('URL', f'{server.url}/jwt/history')}"
    echo = f"JWT1={served.jwt}; {curl.replace('curl -i --path-as-is', 'printf %s')}"
    said = subprocess.run(["/bin/sh", "-c", echo], capture_output=True, text=True, check=True).stdout
    assert said == f"{server.url}/jwt/history{target.replace('TOKEN', served.jwt)}"


def test_targets_and_headers_go_out_as_they_are() -> None:
    heard: list[Request] = []

    def listening(world: World, request: Request, ask: Ask) -> Answer:
        heard.append(request)
        return ask(request)

    with world(listening).served() as server:
        examination = Examination(server)
        heard.clear()
        for path in (
            "/jwt/history/id%2Fx",
            "/JWT//history/../..",
            "/jwt/history?page=1&page=%EF%BC%91&",
            "/jwt/history/%zz",
        ):
            examination.ask("GET", path, "Basic  two  spaces")
        examination.close()

    assert [request.target for request in heard] == [
        f"{HISTORY}/id%2Fx",
        "/v3/JWT//history/../..",
        f"{HISTORY}?page=1&page=%EF%BC%91&",
        f"{HISTORY}/%zz",
    ]
    assert {request.authorization for request in heard} == {"Basic  two  spaces"}


def test_a_rule_cannot_be_written_without_a_decision_on_what_may_still_be_revoked_once_it_is_broken() -> None:
    field = next(each for each in dataclasses.fields(Rule) if each.name == "brake")

    assert (field.default, field.default_factory) == (dataclasses.MISSING, dataclasses.MISSING)
    with pytest.raises(TypeError, match="brake"):
        Family().rule("new", "New.", "paths")  # type: ignore[call-arg]


def test_after_these_rules_nothing_is_revoked_any_more() -> None:
    assert {rule.id for rule in RULES if rule.brake == Brake.ALL} == {"revokes-only-that", "own-revocation-stays-own"}


def test_every_rule_that_revokes_brakes_what_no_rule_watches() -> None:
    """Once such a rule is broken, nobody knows any more which tokens the next revocation hits."""
    assert [rule.id for rule in RULES if rule.revokes and rule.brake == Brake.NONE] == []


def test_of_the_rules_that_only_read_these_brake_too() -> None:
    """Where one of them is broken, the list does not show what a revocation hits, or whose it is."""
    assert {rule.id for rule in RULES if not rule.revokes and rule.brake != Brake.NONE} == {
        "list-answers",
        "list-form",
        "own-records",
        "lists-are-apart",
        "reading-changes-nothing",
        "nothing-else-changed",
    }


def test_the_strictest_brake_of_broken_rules_counts() -> None:
    assert brake([]) == Brake.NONE
    assert brake(["path-case", "generated-not-a-server-error"]) == Brake.NONE
    assert brake(["path-case", "unknown-jti"]) == Brake.UNWATCHED
    assert brake(["unknown-jti", "revokes-only-that"]) == Brake.ALL


def test_no_repr_shows_what_was_sent_or_answered() -> None:
    served = world()
    with served.here() as server:
        examination = Examination(server)
        reply = examination.listed(f"secret_token={served.jwt}")
        page = examination.page()
        token = examination.tokens.give_up(with_jwt=True)
        examination.close()

    for value in (reply, page, token, server, examination.first):
        assert not re.search("Secret|ey[A-Za-z0-9]{10}|Basic [A-Za-z0-9]|hunter2", repr(value)), type(value)


def test_what_is_public_is_what_is_listed() -> None:
    public = {
        name for name, value in vars(conformance).items() if not name.startswith("_") and not inspect.ismodule(value)
    }

    assert public == set(conformance.__all__)


def test_a_profile_is_a_mapping_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "profile.yaml"
    file.write_text("profile: {page-base: '1'}\n", encoding="utf-8")

    assert target("http://127.0.0.1", profile=file).choices == {"page-base": "1"}
    assert target("http://127.0.0.1", profile={"page-base": "1"}).choices == {"page-base": "1"}
    assert target("http://127.0.0.1").choices == {}
