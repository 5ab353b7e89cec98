"""What a fake holds can be written as a scenario, and a fake that loads it answers as the first one does."""

import json
from typing import Any

import jwt
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.served import served
from tests.wsgi import call
from tiledesk_fake import TiledeskFake, connect
from tiledesk_fake.strategies import scenarios

SECRET = "of both fakes"
FROZEN = {"frozenAt": "2026-06-01T12:00:00.250Z"}
TIES = st.sampled_from(["id", "natural"])


def fuller() -> st.SearchStrategy[dict[str, Any]]:
    """A scenario, with all that it may say of users and tokens beside what every client meets."""
    more_of_users = st.fixed_dictionaries({}, optional={"active": st.booleans(), "emailverified": st.booleans()})
    more_of_tokens = st.fixed_dictionaries(
        {},
        optional={
            "claims": st.dictionaries(st.sampled_from(["firstname", "role", "emailverified"]), st.integers(0, 9))
        },
    )

    @st.composite
    def drawn(draw: st.DrawFn) -> dict[str, Any]:
        scenario = draw(scenarios())
        for user in scenario["users"]:
            user.update(draw(more_of_users))
            for token in user["tokens"]:
                token.update(draw(more_of_tokens))
        # While time stands still, many tokens are of the same moment.
        return scenario | FROZEN

    return drawn()


def fake_with(scenario: Any, ties: str) -> TiledeskFake:
    fake = TiledeskFake(secret=SECRET, profile={"tie-order": ties, "page-size": "1000"})
    fake.load(scenario)
    return fake


def observed(fake: TiledeskFake) -> list[Any]:
    """All that clients and tests can tell of a fake's users and tokens."""
    return [
        fake.clock.now(),
        [
            (
                user,
                user.emailverified,
                _signed_in(fake, user.email, user.password),
                [(token.jti, token.revoked, token.updated_at, _claims(token.jwt)) for token in fake.history(user)],
                [_listed(fake, token.authorization) for token in fake.history(user)[:2]],
            )
            for user in fake.users.values()
        ],
    ]


def _signed_in(fake: TiledeskFake, email: str, password: str | None) -> Any:
    before = fake.snapshot()
    body = json.dumps({"email": email, "password": password}).encode()
    answer = call(fake.wsgi_app, "POST", "/v3/auth/signin", [("Content-Type", "application/json")], body)
    fake.restore(before)
    said = answer.json
    if token := said.pop("token", None):
        # The sign-in is new each time, and so is its jti.
        said["claims"] = _claims(token.removeprefix("JWT ")) | {"jti": None}
    return answer.status, said


def _claims(token: str) -> dict[str, Any]:
    return jwt.decode(token, options={"verify_signature": False})


def _listed(fake: TiledeskFake, authorization: str) -> Any:
    answer = call(fake.wsgi_app, "GET", "/v3/jwt/history", [("Authorization", authorization)])
    return answer.status, answer.body


@given(scenario=fuller(), ties=TIES, changes=st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_a_fake_that_loads_what_another_holds_answers_alike(scenario: dict[str, Any], ties: str, changes: int) -> None:
    first = fake_with(scenario, ties)
    for user in list(first.users.values())[:changes]:
        # What was issued before says what it said.
        first.update_user(user, email=f"new.{user.email}", lastname="Later")
    second = fake_with(first.scenario(), ties)

    assert observed(second) == observed(first)
    assert second.scenario() == first.scenario()


@given(scenario=fuller())
@settings(max_examples=30, deadline=None)
def test_it_does_so_by_way_of_a_file_too(scenario: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    first = fake_with(scenario, "natural")
    file = tmp_path_factory.mktemp("scenario") / "state.yaml"
    file.write_text(yaml.safe_dump(json.loads(json.dumps(first.scenario())), allow_unicode=True), encoding="utf-8")

    assert observed(fake_with(file, "natural")) == observed(first)


def test_a_server_elsewhere_takes_and_tells_all_of_it() -> None:
    scenario = {"users": [{"email": "ada@example.com", "emailverified": False, "tokens": [{"jti": "phone"}]}]}
    first = fake_with(scenario | FROZEN, "id")
    with served(secret=SECRET) as fake:
        remote = connect(fake.url)
        remote.load(first.scenario())

        assert remote.scenario() == first.scenario()
        assert _claims(remote.tokens["phone"].jwt) == _claims(first.tokens["phone"].jwt)
        assert _claims(remote.tokens["phone"].jwt)["emailverified"] is False
