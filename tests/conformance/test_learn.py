"""What a server does is learnt by asking, and then judged by what was learnt."""

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
import yaml

from tests.conformance.command import run
from tests.conformance.right_servers import RIGHT
from tests.conformance.world import JSON, NO_ANSWER, Answer, Ask, Request, World, answer, deaf, world
from tiledesk_fake import TiledeskFake
from tiledesk_fake.conformance import CannotCheck, Examination, Learnt, check, learn, target
from tiledesk_fake.conformance.outcome import Forbidden
from tiledesk_fake.contract.profile import CHOICES, read_profile

pytestmark = pytest.mark.slow

EVERY_CHOICE = [
    (id, choice) for id, choices in CHOICES.items() for choice in (*choices, *{"page-size": "7"}.get(id, ()))
]
COMBINATIONS = 24


def combination(number: int) -> dict[str, str]:
    random = Random(number)
    return {id: random.choice(choices) for id, choices in CHOICES.items()}


def as_seen(choices: dict[str, str]) -> dict[str, str]:
    """The choices as a client can tell them; what looks like `same` to every client is taken for that."""
    again, answer = choices["revoke-again"], choices["revoke-answer"]
    is_hidden = (again == "touched" and choices["revoked-listed"] == "no") or (
        again == "unknown" and choices["revoke-unknown"] == "phantom"
    )
    return choices | ({"revoke-again": "same"} if is_hidden and answer != "record" else {})


def learnt_from(served: World) -> Learnt:
    with served.here() as server:
        return learn(replace(server, choices={}))


@pytest.mark.parametrize(("id", "choice"), EVERY_CHOICE, ids=lambda value: value)
def test_every_choice_of_every_assumption_is_recovered(id: str, choice: str) -> None:
    learnt = learnt_from(world(profile={id: choice}))

    assert learnt.choices == world(profile={id: choice}).fake.profile


@pytest.mark.slow
@pytest.mark.parametrize("number", range(COMBINATIONS))
def test_random_combinations_are_recovered_without_a_sign_in(number: int) -> None:
    learnt = learnt_from(world(profile=combination(number), signs_in=False))

    assert learnt.choices == as_seen(combination(number))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(100, 104))
def test_a_server_keeps_the_contract_under_what_was_learnt_of_it(number: int, tmp_path: Path) -> None:
    served = world(profile=combination(number))
    written = tmp_path / "profile.yaml"
    with served.served(examples=2) as server:
        written.write_text(learn(replace(server, choices={})).yaml(), encoding="utf-8")
        report = check(replace(server, choices=read_profile(written).choices))

    assert not report.findings, "\n".join(map(str, report.findings))


def test_the_likeliest_real_server_keeps_its_profile_and_every_choice_of_it_is_learnt() -> None:
    served = world(profile=dict(read_profile("siblings").choices))
    with served.served(examples=4) as server:
        learnt = learn(replace(server, choices={}))
        report = check(replace(server, choices=read_profile("siblings").choices))

    assert learnt.choices == read_profile("siblings").choices
    assert not report.findings, "\n".join(map(str, report.findings))


def test_what_only_a_revocation_shows_is_not_found_out_by_reading() -> None:
    served = world()
    with served.served(may_revoke=False) as server:
        learnt = learn(server)

    assert learnt.unknown == [
        "revoke-answer",
        "revoke-unknown",
        "revoke-again",
        "revoke-foreign",
        "malformed-id",
        "revocation-enforced",
    ]
    assert all("without --may-revoke" in learnt.evidence[id] for id in learnt.unknown)
    assert not learnt.revoked


def test_the_profile_says_what_was_not_found_out_so_that_nobody_takes_it_for_a_choice() -> None:
    """`unknown` where no choice is called so, null where one is."""
    learnt = Learnt("http://127.0.0.1/v3", dict.fromkeys(CHOICES), dict.fromkeys(CHOICES, "not found out: it hid"))

    written = yaml.safe_load(learnt.yaml())["profile"]

    assert {id for id, choice in written.items() if choice is None} == {
        "revoke-again",
        "revoke-foreign",
        "malformed-id",
    }
    assert {choice for choice in written.values() if choice is not None} == {"unknown"}


def test_the_profile_begins_with_what_its_words_mean() -> None:
    served = world()
    with served.served(may_revoke=False) as server:
        learnt = learn(server)

    comments = [line for line in learnt.yaml().splitlines() if line.startswith("#")]

    assert comments == [
        f"# Learnt from {server.url}: 8 of 14 assumptions, with the evidence.",
        "# Where it says unknown or null it was not found out: the default counts, and evidence says why.",
        "# But in revoke-again, revoke-foreign, malformed-id, unknown is a choice that was learnt; "
        "not found out is null there.",
    ]


def test_a_profile_without_a_gap_says_nothing_of_gaps() -> None:
    learnt = Learnt("http://127.0.0.1/v3", {"page-base": "1"}, {"page-base": "GET /"})

    assert learnt.yaml().splitlines()[:2] == [
        "# Learnt from http://127.0.0.1/v3: 1 of 1 assumptions, with the evidence.",
        "profile:",
    ]


def test_a_profile_of_nothing_but_unknowns_is_the_default_profile_wherever_it_is_loaded(tmp_path: Path) -> None:
    learnt = Learnt("http://127.0.0.1/v3", dict.fromkeys(CHOICES), dict.fromkeys(CHOICES, "not found out: it hid"))
    written = tmp_path / "profile.yaml"
    written.write_text(learnt.yaml(), encoding="utf-8")

    assert read_profile(written).choices == {}
    assert TiledeskFake(profile=written).profile == TiledeskFake().profile
    assert target("http://127.0.0.1/v3", profile=written).choices == {}


def test_the_choice_that_is_called_unknown_stays_a_choice(tmp_path: Path) -> None:
    learnt = learnt_from(world(profile={"revoke-again": "unknown"}))
    written = tmp_path / "profile.yaml"
    written.write_text(learnt.yaml(), encoding="utf-8")

    assert read_profile(written).choices["revoke-again"] == "unknown"


def test_evidence_is_an_exchange_without_secrets() -> None:
    served = world()
    learnt = learnt_from(served)

    everything = learnt.yaml()

    assert learnt.evidence["invalid-query"].startswith("GET /v3/jwt/history?page=abc -> 400 application/json")
    assert "eyJ" not in everything
    assert "Secret" not in everything
    assert "hunter2" not in everything


def test_a_further_field_that_differs_from_answer_to_answer_hides_no_choice() -> None:
    learnt = learnt_from(world(RIGHT["every object has the number of the request"]))

    assert learnt.choices == world().fake.profile


def test_all_that_learning_revoked_is_named() -> None:
    served = world(signs_in=False)
    before = {token.id for token in served.fake.history(served.ada) if token.revoked}
    learnt = learnt_from(served)

    after = {token.id for token in served.fake.history(served.ada) if token.revoked}

    assert {record["_id"] for record in learnt.revoked} == after - before


def alive(served: World) -> set[str]:
    return {token.id for token in served.fake.history(served.ada) if not token.revoked}


def test_no_token_of_a_sign_in_stays_alive() -> None:
    served = world()
    before = alive(served)
    learnt = learnt_from(served)

    assert learnt.revoked
    assert alive(served) == before
    assert learnt.left_behind == []


def test_a_token_of_a_sign_in_that_the_server_does_not_revoke_is_named() -> None:
    served = world(deaf)
    before = alive(served)
    learnt = learnt_from(served)

    left = alive(served) - before
    assert left
    assert all(any(id in each for each in learnt.left_behind) for id in left)
    with served.served() as server:
        done = run("learn", server.url, "--may-revoke", "--basic", "ada@example.com:Secret")
    assert "left behind: the token of a sign-in, " in done.stderr


def odd_envelope(world: World, request: Request, ask: Ask) -> Answer:
    given = ask(request)
    return answer(200, {"tokens": []}) if request.lists and given.status == 200 else given


def odd_page(world: World, request: Request, ask: Ask) -> Answer:
    given = ask(request)
    return given.saying(given.json | {"perPage": 1001}) if request.lists and given.status == 200 else given


def short_page(world: World, request: Request, ask: Ask) -> Answer:
    given = ask(request)
    return given.saying(given.json | {"perPage": 25}) if request.lists and given.status == 200 else given


def odd_revocation(world: World, request: Request, ask: Ask) -> Answer:
    given = ask(request)
    return Answer(202, JSON, b'"queued"') if request.revokes and given.status == 200 else given


def of_two_minds(world: World, request: Request, ask: Ask) -> Answer:
    given = ask(request)
    return answer(500, {"err": "error"}) if "direction=7" in request.target and given.status == 400 else given


@pytest.mark.parametrize(
    ("twist", "id", "reason"),
    [
        (odd_envelope, "list-envelope", "in no known envelope"),
        (odd_page, "page-size", "a page of 1001 is no choice"),
        (short_page, "page-size", "a page of 25 has more records than that"),
        (odd_revocation, "revoke-answer", "no choice answers like this"),
        (of_two_minds, "invalid-query", "not answered alike"),
    ],
    ids=["envelope", "page", "short page", "revocation", "two minds"],
)
def test_a_server_that_makes_no_choice_is_not_given_one(twist: object, id: str, reason: str) -> None:
    learnt = learnt_from(world(twist))  # type: ignore[arg-type]

    assert learnt.choices[id] is None
    assert reason in learnt.evidence[id]


def test_without_tokens_what_only_tokens_show_is_not_found_out() -> None:
    with TiledeskFake(profile={"invalid-query": "ignore"}) as fake:
        fake.add_user(email="ada@example.com", password="secret")
        fake.faults.add("signIn", status=404, times=10)
        learnt = learn(target(fake.url, basic="ada@example.com:secret", may_revoke=True))

    assert {"page-base", "sort-parameter", "revoke-answer", "revoke-foreign"} <= set(learnt.unknown)
    assert "no tokens" in learnt.evidence["page-base"]
    assert "a second user is needed" in learnt.evidence["revoke-foreign"]


def gone_after_a_revocation(world: World, request: Request, ask: Ask) -> Answer:
    """A server that dies of the first token it revokes."""
    if "gone" in world.memory:
        return NO_ANSWER
    given = ask(request)
    if request.revokes and given.status == 200 and given.json is not None:
        world.memory["gone"] = True
    return given


def gone_at_once(world: World, request: Request, ask: Ask) -> Answer:
    """A server that answers only until it is known who calls."""
    asked = world.memory["asked"] = world.memory.get("asked", 0) + 1
    return ask(request) if asked <= 3 else NO_ANSWER


@pytest.mark.parametrize("signs_in", [True, False])
def test_of_a_server_that_is_gone_before_the_end_nothing_is_learnt_and_what_was_revoked_is_named(
    signs_in: bool,
) -> None:
    served = world(gone_after_a_revocation, signs_in=signs_in)
    before = {token.id for token in served.fake.history(served.ada) if token.revoked}

    with pytest.raises(CannotCheck, match=r"no longer answers: no answer: .*, since GET /v3/") as gone:
        learnt_from(served)

    revoked = {token.id for token in served.fake.history(served.ada) if token.revoked} - before
    assert len(revoked) == 1
    assert revoked.pop() in str(gone.value)


def test_the_command_names_what_may_stay_alive_on_a_server_that_is_gone() -> None:
    def gone_after_a_sign_in(world: World, request: Request, ask: Ask) -> Answer:
        if request.method == "POST":
            world.memory["gone"] = ask(request)
        return NO_ANSWER if "gone" in world.memory else ask(request)

    with world(gone_after_a_sign_in).served() as server:
        done = run("learn", server.url, "--may-revoke", "--basic", "ada@example.com:Secret")

    assert done.returncode == 2
    assert "left behind: perhaps a token of a sign-in: " in done.stderr


def test_the_command_writes_no_profile_of_a_server_that_is_gone(tmp_path: Path) -> None:
    file = tmp_path / "real.yaml"
    with world(gone_at_once).served() as server:
        done = run("learn", server.url, "--basic", "ada@example.com:Secret", "--output", str(file))

    assert done.returncode == 2
    assert "nothing was revoked" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not file.exists()


def test_a_server_that_leaves_one_request_unanswered_is_learnt_from() -> None:
    def twist(world: World, request: Request, ask: Ask) -> Answer:
        return NO_ANSWER if "page=abc" in request.target else ask(request)

    learnt = learnt_from(world(twist))

    assert learnt.choices["invalid-query"] is None
    assert "the connection was reset" in learnt.evidence["invalid-query"]
    assert learnt.choices["page-size"] is not None


def test_a_question_that_the_guard_forbids_is_not_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise Forbidden("DELETE /v3/jwt/history/x: this token was not given up")

    monkeypatch.setattr(Examination, "revoke_jti", forbidden)
    learnt = learnt_from(world())

    assert learnt.evidence["revoke-answer"].startswith("not found out: DELETE")
    assert learnt.choices["page-size"] is not None
