"""What the strategies make can be loaded, reaches the corners, and shrinks to what is plain."""

from itertools import count
from typing import Any

import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

from tests.wsgi import call
from tiledesk_fake import TiledeskFake
from tiledesk_fake.strategies import histories, profiles, scenarios, tokens, users

pytestmark = pytest.mark.slow


HISTORY = "/v3/jwt/history"


@given(scenario=scenarios(), profile=profiles())
@settings(max_examples=60, deadline=None)
def test_every_scenario_can_be_loaded_under_every_profile(scenario: dict[str, Any], profile: dict[str, str]) -> None:
    fake = TiledeskFake(profile=profile)

    fake.load(scenario)

    assert len(fake.users) == len(scenario["users"])
    assert all(user.authorization.startswith("Basic ") for user in fake.users.values())


@given(user=users(), history=histories())
@settings(deadline=None)
def test_every_user_has_any_history(user: dict[str, Any], history: list[dict[str, Any]]) -> None:
    fake = TiledeskFake()
    fake.load({"users": [user | {"tokens": history}]})

    assert {token.jti for token in fake.history(fake.users[user["email"]])} == {token["jti"] for token in history}


@pytest.mark.parametrize("size", [0, 1, 11, 41, 50])
def test_histories_reach_every_length(size: int) -> None:
    assert find(histories(), lambda history: len(history) == size) == [{"jti": str(n)} for n in range(size)]


@pytest.mark.parametrize("key", ["revoked", "createdAt", "expiresAt", "_id"])
def test_tokens_say_all_that_a_scenario_can(key: str) -> None:
    assert set(find(tokens(), lambda token: key in token)) == {"jti", key}


def test_a_mistake_in_paging_is_found_and_shrunk_to_few_tokens() -> None:
    """The client takes a page that is full for the last one."""

    def listed(history: list[dict[str, Any]], profile: dict[str, str]) -> int:
        fake = TiledeskFake(profile=profile | {"list-envelope": "bare", "page-base": "0", "revoked-listed": "yes"})
        fake.load({"users": [{"email": "ada@example.com", "password": "x", "tokens": history}]})
        authorization = fake.users["ada@example.com"].authorization
        found: list[Any] = []
        for page in count():
            answer = call(fake.wsgi_app, "GET", f"{HISTORY}?page={page}", [("Authorization", authorization)]).json
            found += answer
            if page == 0:
                size = len(answer)
            if not answer or len(answer) >= size:
                return len(found)
        raise AssertionError

    history, profile = find(
        st.tuples(histories(), profiles()),
        lambda case: listed(*case) < len(case[0]),
        settings=settings(max_examples=500, deadline=None, database=None),
    )

    assert len(history) <= 3
    assert all(set(token) == {"jti"} for token in history)
    assert profile["page-size"] in ("2", "10", "40")
