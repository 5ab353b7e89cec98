"""Hypothesis strategies of users, tokens, histories, profiles and scenarios: what a client must be able to live with.

The extra `check` has Hypothesis; nothing else of this package imports it. All shrink to what is plainest: no token, the
fewest keys, the default of every assumption.

>>> from hypothesis import find
>>> find(histories(), lambda history: len(history) == 1)
[{'jti': '0'}]
>>> find(profiles(), lambda profile: True)["page-base"]
'0'
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from .contract import load
from .contract.profile import CHOICES, NUMBERS

__all__ = ["histories", "profiles", "scenarios", "tokens", "users"]

_FROM = datetime(2026, 1, 1, tzinfo=UTC)
_MOST_SECONDS = 366 * 24 * 3600
_HEX = "0123456789abcdef"
# What has to be escaped somewhere on a jti's way, in a URL or in JSON.
_SPECIAL = "0Aaz-_.~ /%+?#&=:;,@'\"\\é中😀"


def users(*, tokens: st.SearchStrategy[list[dict[str, Any]]] | None = None) -> st.SearchStrategy[dict[str, Any]]:
    """A user as a scenario has one, who can log in by Basic; without tokens unless a strategy of histories is given.

    The e-mail address and the password have none of the characters with which Basic never works; `active` is left to
    its default.
    """
    name = st.text("abcdefghijklmnopqrstuvwxyz0123456789.", min_size=1, max_size=8)
    said: dict[str, st.SearchStrategy[Any]] = {
        "email": name.map("{}@example.com".format),
        "password": st.text(_SPECIAL.replace(":", ""), min_size=1, max_size=12),
    }
    if tokens is not None:
        said["tokens"] = tokens
    said |= {name: st.none() | st.text(_SPECIAL, max_size=5) for name in ("firstname", "lastname")}
    return _said(said | {"emailverified": st.none() | st.booleans()})


def tokens() -> st.SearchStrategy[dict[str, Any]]:
    """A token as a scenario has one: any jti, created in 2026 if it says so, alive, expired or revoked."""
    return _said(
        {
            "jti": st.text(_SPECIAL, min_size=1, max_size=6) | st.uuids(version=4).map(str),
            "revoked": st.none() | st.booleans(),
            "createdAt": st.none() | _times(),
            "expiresAt": st.none() | _times(),
            "_id": st.none() | st.text(_HEX, min_size=24, max_size=24),
        }
    )


def histories(*, min_size: int = 0, max_size: int = 50) -> st.SearchStrategy[list[dict[str, Any]]]:
    """The tokens of one user, with distinct jtis and ids; more of them than fit on a page of ten, now and then of 40.

    >>> from hypothesis import find
    >>> len(find(histories(), lambda history: len(history) > 10))
    11
    """
    # Lists of many parts are rare where each part is large, so most of a long history is plain.
    size = st.one_of(
        st.integers(min_size, min(max_size, min_size + 3)),
        st.integers(min_size, max_size),
    )
    return size.flatmap(_history)


def _history(size: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    plain = [{"jti": str(number)} for number in range(size)]
    special = st.dictionaries(st.integers(0, max(size - 1, 0)), tokens(), max_size=min(size, 4))
    return special.map(lambda chosen: _distinct([chosen.get(place, token) for place, token in enumerate(plain)]))


def _distinct(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tokens, another jti in the place of one that is taken, and no id in that of one."""
    jtis: set[str] = set()
    ids: set[str] = set()
    distinct = []
    for token in history:
        jti = token["jti"]
        while jti in jtis:
            jti += "'"
        jtis.add(jti)
        changed = token | {"jti": jti}
        if changed.get("_id") in ids:
            del changed["_id"]
        elif "_id" in changed:
            ids.add(changed["_id"])
        distinct.append(changed)
    return distinct


def profiles() -> st.SearchStrategy[dict[str, str]]:
    """A choice for each assumption, the default being the plainest; pages of any size that fits a history."""
    return st.fixed_dictionaries({id: _choices_of(id) for id in CHOICES})


def _choices_of(id: str) -> st.SearchStrategy[str]:
    default = load().choices[id]
    named = st.sampled_from([default, *(choice for choice in CHOICES[id] if choice != default)])
    return named | st.integers(max(NUMBERS[id].least, 2), 9).map(str) if id in NUMBERS else named


def scenarios() -> st.SearchStrategy[dict[str, Any]]:
    """Up to three users with a history each, for `TiledeskFake.load`: no e-mail address, jti or id is there twice."""
    people = st.lists(users(tokens=histories(max_size=12)), max_size=3, unique_by=lambda user: str(user["email"]))
    return people.map(lambda given: {"users": _distinct_over(given)})


def _distinct_over(people: list[dict[str, Any]]) -> list[dict[str, Any]]:
    together = iter(_distinct([token for user in people for token in user["tokens"]]))
    return [user | {"tokens": [next(together) for _ in user["tokens"]]} for user in people]


def _said(keys: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping with these keys, but for those that are None: plainer than any value, and so what is shrunk to."""
    every = st.fixed_dictionaries(keys)
    return every.map(lambda said: {key: value for key, value in said.items() if value is not None})


def _times() -> st.SearchStrategy[str]:
    seconds = st.integers(0, _MOST_SECONDS)
    return seconds.map(lambda after: (_FROM + timedelta(seconds=after)).strftime("%Y-%m-%dT%H:%M:%SZ"))
