"""Worlds: a fake of its own for each name, and nothing that crosses between them."""

import logging
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.control.callers import Caller, listening
from tests.test_cli import serving, url_of
from tests.wsgi import call
from tiledesk_fake import TiledeskFake
from tiledesk_fake.control.app import ControlApp


def add_user(control: Caller, world: str, email: str = "ada@example.com") -> Any:
    return control.ok("POST", f"/w/{world}/_fake/users", {"email": email, "password": "secret"})


def names(control: Caller) -> list[str]:
    return [world["name"] for world in control.ok("GET", "/_fake/worlds")["worlds"]]


def test_a_world_is_empty_and_has_the_servers_settings() -> None:
    fake = TiledeskFake(base_path="/v9")
    fake.add_user(email="ada@example.com")
    app = ControlApp(fake, lambda **own: TiledeskFake(**{"base_path": "/v9", "profile": {"page-base": "1"}, **own}))
    with fake.start(app=app):
        control = Caller(fake)
        assert control.ok("GET", "/w/a/_fake/users") == {"users": []}
        assert control.ok("GET", "/w/a/_fake/profile")["page-base"] == "1"
        assert control.ok("GET", "/w/a/_fake/health")["base_path"] == "/v9"
        assert control("GET", "/w/a/v9/jwt/history").status_code == 401
        control.session.close()


def test_targets_and_curl_lines_are_as_the_client_sent_them(control: Caller) -> None:
    control("DELETE", "/w/a/v3/jwt/history/x%2Fy?z=1")

    [exchange] = control.ok("GET", "/w/a/_fake/journal")["exchanges"]

    assert exchange["target"] == "/w/a/v3/jwt/history/x%2Fy?z=1"
    assert exchange["path_params"] == {"jti": "x/y"}
    assert f"{control.origin}/w/a/v3/jwt/history/x%2Fy?z=1" in exchange["violations"][-1]["curl"]
    assert len(control.fake.journal) == 0


@pytest.mark.parametrize("name", ["a", "A.b_c-9", "x" * 64])
def test_a_name_is_1_to_64_letters_digits_dots_and_lines(control: Caller, name: str) -> None:
    assert control.ok("GET", f"/w/{name}/_fake/health")["world"] == name


@pytest.mark.parametrize("name", ["x" * 65, "a%20b", "", "ä"])
def test_there_is_no_world_of_another_name(control: Caller, name: str) -> None:
    assert control("GET", f"/w/{name}/v3/jwt/history").status_code == 404
    assert control("GET", f"/w/{name}/_fake/health").status_code == 400
    assert names(control) == []


def test_settings_of_its_own_are_taken_before_the_first_use_and_not_after(control: Caller) -> None:
    control.ok("GET", "/w/a/_fake/health")
    health = control.ok("PUT", "/w/a/_fake", {"seed": 7, "secret": "s3cr3t", "base_path": "/x"})
    twin = TiledeskFake(seed=7, secret="s3cr3t")

    assert health["base_path"] == "/x"
    assert add_user(control, "a")["_id"] == twin.add_user(email="ada@example.com").id
    assert control("GET", "/w/a/x/jwt/history").status_code == 401
    assert control("PUT", "/w/a/_fake", {"seed": 7}).json()["code"] == "impossible-now"
    for first in ("/w/b/_fake/users", "/w/c/v3/jwt/history"):
        control("GET", first)
        assert control("PUT", f"{first[:4]}/_fake", {}).status_code == 409


def test_a_world_that_has_ended_answers_410_until_the_control_api_begins_it_anew(
    control: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    user = add_user(control, "a")
    assert control("DELETE", "/w/a/_fake").status_code == 204
    assert control("DELETE", "/w/a/_fake").status_code == 204
    assert control("DELETE", "/w/never/_fake").status_code == 204

    with caplog.at_level(logging.WARNING, "tiledesk_fake"):
        late = control("GET", "/w/a/v3/jwt/history?token=x", headers={"Authorization": user["authorization"]})

    assert late.status_code == 410
    assert "The world a has ended" in caplog.text
    assert "token=x" not in caplog.text
    health = control.ok("GET", "/w/a/_fake/health")
    assert (health["before"], control.ok("GET", "/w/a/_fake/users")) == ("ended", {"users": []})
    assert control("GET", "/w/a/v3/jwt/history").status_code == 401


def test_past_the_limit_the_one_idle_longest_goes_and_its_next_call_begins_a_new_one_that_says_so() -> None:
    with listening(world_limit=2) as control:
        for world in ("a", "b"):
            add_user(control, world)
        control.ok("GET", "/w/a/_fake/users")
        add_user(control, "c")

        assert names(control) == ["a", "c"]
        assert control.ok("GET", "/w/b/_fake/health")["before"] == "dropped"


def test_calls_of_new_names_never_drop_a_world_that_has_users() -> None:
    with listening(world_limit=2) as control:
        add_user(control, "a")
        for n in range(60):
            control("GET", f"/w/x{n}/v3/jwt/history")
        assert len(control.ok("GET", "/w/a/_fake/users")["users"]) == 1

        add_user(control, "b")
        for n in range(60):
            control("GET", f"/w/y{n}/v3/jwt/history")
            control("GET", f"/w/z{n}/_fake/users")

        assert sorted(names(control)) == ["a", "b"]


def test_the_list_tells_what_each_world_holds(control: Caller) -> None:
    control.ok("GET", "/w/idle/_fake/health")
    user = add_user(control, "a")
    control.ok("POST", f"/w/a/_fake/users/{user['_id']}/tokens")
    control("GET", "/w/a/v3/jwt/history")

    idle, used = control.ok("GET", "/_fake/worlds")["worlds"]

    assert idle.pop("idle_s") >= used.pop("idle_s") >= 0
    assert idle == {"name": "idle", "users": 0, "tokens": 0, "exchanges": 0}
    assert used == {"name": "a", "users": 1, "tokens": 1, "exchanges": 1}
    assert control.ok("GET", "/w/a/_fake/worlds")["limit"] == 1000


WORLDS = ("one", "two", "three")
EMAILS = ("ada@example.com", "bob@example.com")
STEPS = st.tuples(
    st.sampled_from(["add", "remove", "issue", "freeze", "fault", "turn", "call", "clear", "reset", "end", "load"]),
    st.sampled_from(WORLDS),
    st.sampled_from(EMAILS),
)


class Model:
    """What one world should hold, kept by a fake of its own in this process."""

    def __init__(self, base: str) -> None:
        self.fake = TiledeskFake(seed=1, secret="s")
        self.base = base


def do(control: Caller, model: Model, action: str, email: str) -> None:
    """Do the same to a world over sockets and to its model in Python."""
    fake, base = model.fake, f"{model.base}/_fake"
    user = fake.users.get(email)
    if action == "add" and user is None:
        fake.add_user(email=email, password="secret")
        control.ok("POST", f"{base}/users", {"email": email, "password": "secret"})
    elif action == "remove" and user is not None:
        fake.remove_user(user)
        control.ok("DELETE", f"{base}/users/{user.id}")
    elif action == "issue" and user is not None:
        token = fake.issue_token(user)
        at = token.created_at.isoformat()
        control.ok("POST", f"{base}/users/{user.id}/tokens", {"createdAt": at, "jti": token.jti, "_id": token.id})
        control.ok("POST", f"{base}/scenario", {})
    elif action == "freeze":
        fake.load({"frozenAt": "2026-01-01T00:00:00Z"})
        control.ok("POST", f"{base}/clock/freeze", {"at": "2026-01-01T00:00:00Z"})
    elif action == "fault":
        fake.faults.add("listTokens", status=503)
        control.ok("POST", f"{base}/faults", {"operation": "listTokens", "status": 503})
    elif action == "turn":
        fake.set_profile({"list-envelope": "bare"})
        control.ok("PUT", f"{base}/profile", {"list-envelope": "bare"})
    elif action == "call":
        authorization = user.authorization if user is not None else "JWT x"
        mine = call(fake.wsgi_app, "GET", "/v3/jwt/history", [("Authorization", authorization)])
        theirs = control("GET", f"{model.base}/v3/jwt/history", headers={"Authorization": authorization})
        assert (theirs.status_code, theirs.content) == (mine.status, mine.body)
    elif action == "clear":
        fake.journal.clear()
        control.ok("DELETE", f"{base}/journal")
    elif action == "reset":
        fake.reset()
        fake.journal.take_violations()
        control.ok("POST", f"{base}/reset")
    elif action == "end":
        model.fake = TiledeskFake(seed=1, secret="s")
        control.ok("DELETE", base)
        control.ok("PUT", base, {"seed": 1, "secret": "s"})


def seen_by(control: Caller, model: Model) -> tuple[Any, Any]:
    """What a world shows over sockets, and what its model says that it should."""
    fake, base = model.fake, f"{model.base}/_fake"
    journal = control.ok("GET", f"{base}/journal")["exchanges"]
    shown = (
        control.ok("GET", f"{base}/scenario"),
        control.ok("GET", f"{base}/profile"),
        [fault["text"] for fault in control.ok("GET", f"{base}/faults")["faults"]],
        [(each["number"], each["status"], each["user"] and each["user"]["email"]) for each in journal],
    )
    expected = (
        fake.scenario(),
        dict(fake.profile),
        fake.faults.unspent,
        [(number, each.status, each.user and each.user.email) for number, each in fake.journal.numbered],
    )
    return shown, expected


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(STEPS, max_size=25))
def test_nothing_crosses_between_worlds(steps: list[tuple[str, str, str]]) -> None:
    """Whatever is done in whichever world, each shows what a fake shows to which only its own part was done."""
    with listening() as control:
        models = {name: Model(f"/w/{name}") for name in WORLDS}
        for name in WORLDS:
            control.ok("PUT", f"/w/{name}/_fake", {"seed": 1, "secret": "s"})
        for action, name, email in steps:
            do(control, models[name], action, email)
        for model in models.values():
            shown, expected = seen_by(control, model)
            assert shown == expected
        assert control.ok("GET", "/_fake/journal")["total"] == 0


def test_two_processes_behind_a_balancer_that_hashes_the_path_are_as_one(control: Caller) -> None:
    """They share nothing; this test plays the balancer, and sends each world to the process that its name says."""
    worlds = [f"runner-{n}" for n in range(6)]
    with serving("--quiet") as (_, first), serving("--quiet") as (_, second):
        origins = [url_of(lines).removesuffix("/v3") for lines in (first, second)]

        def to(world: str) -> Caller:
            control.origin = origins[zlib.crc32(world.encode()) % 2]
            return control

        users = {world: add_user(to(world), world) for world in worlds}
        for world, user in users.items():
            headers = {"Authorization": user["authorization"]}
            assert to(world)("GET", f"/w/{world}/v3/jwt/history", headers=headers).status_code == 200
            assert to(world).ok("GET", f"/w/{world}/_fake/journal")["total"] == 1
        held = []
        for control.origin in origins:
            held.append(names(control))

    assert sorted([*held[0], *held[1]]) == worlds
    assert all(held)
