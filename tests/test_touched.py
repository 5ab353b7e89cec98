"""Each answer notes the assumptions that decided it; what none has touched changes nothing."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.choices import profiles
from tests.wsgi import call
from tiledesk_fake import NoAnswer, TiledeskFake
from tiledesk_fake.contract.profile import CHOICES, SHIPPED

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
HISTORY = "/v3/jwt/history"
UNKNOWN_ID = "0" * 24
OPERATIONS = ("listTokens", "revokeTokenByJti", "revokeTokenById", "signIn")

Step = tuple[Any, ...]
"""What happens to a fake: the name of a method of Story, and its arguments."""


class Story:
    """A fake, what happened to it, and all that anybody can see of that."""

    def __init__(self, choices: Mapping[str, str]) -> None:
        self.fake = TiledeskFake(profile=choices, seed=1, secret="s")
        self.fake.clock.freeze(NEW_YEAR)
        self.users = [self.fake.add_user(email=f"{name}@example.com", password="p") for name in ("ada", "bob")]
        self.callers = [user.authorization for user in self.users]
        self.tokens = [self.fake.issue_token(user, jti=f"{user.email[:3]} at first") for user in self.users]
        self.callers += [token.authorization for token in self.tokens]
        self.seen: list[Any] = []
        self.mark = self.fake.snapshot()

    def issue(self, user: int, number: int, revoked: bool) -> None:
        for _ in range(number):
            self.tokens.append(self.fake.issue_token(self.users[user], revoked=revoked))
        self.callers.append(self.tokens[-1].authorization)

    def advance(self, seconds: int) -> None:
        self.fake.clock.advance(seconds=seconds)

    def revoke(self, token: int) -> None:
        known = {each.jti for user in self.users for each in self.fake.history(user)}
        if (jti := self.tokens[token % len(self.tokens)].jti) in known:
            self.fake.revoke(jti=jti)

    def restore(self) -> None:
        self.fake.restore(self.mark)

    def remember(self) -> None:
        self.mark = self.fake.snapshot()

    def clear(self) -> None:
        self.fake.journal.clear()

    def fault(self, operation: str, status: int | None, drop: str | None, when: Mapping[str, Any] | None) -> None:
        self.fake.faults.add(operation, status=status, drop=drop, when=when)  # type: ignore[arg-type]

    def delete(self, caller: int, token: int, by: str) -> None:
        token_meant = self.tokens[token % len(self.tokens)]
        path = token_meant.jti if by == "jti" else f"id/{token_meant.id}"
        self.ask(caller, "DELETE", f"/{quote(path)}", b"")

    def ask(self, caller: int, method: str, below: str, body: bytes) -> None:
        headers = [("Host", "fake")]
        if caller >= 0:
            headers.append(("Authorization", self.callers[caller % len(self.callers)]))
        try:
            reply = call(self.fake.wsgi_app, method, f"{HISTORY}{below}", headers, body)
        except NoAnswer as silence:
            self.seen.append(str(silence))
        else:
            self.seen.append((reply.status, reply.headers, reply.body))

    def all_that_is_seen(self) -> Sequence[Any]:
        fake = self.fake
        state = [(token, token.revoked) for user in self.users for token in fake.history(user)]
        exchanges = [exchange._replace(touched=frozenset()) for exchange in fake.journal.exchanges]
        phantoms = [record for record in fake._state.history if record.is_phantom]
        return [self.seen, state, exchanges, phantoms, fake.journal.violations, fake.faults.unspent, fake.clock.now()]


def told(choices: Mapping[str, str], steps: Sequence[Step]) -> Story:
    story = Story(choices)
    for name, *arguments in steps:
        getattr(story, name)(*arguments)
    return story


callers = st.integers(-1, 7)
fields = st.sampled_from(["createdAt", "updatedAt", "expiresAt", "jti", "_id", "id_user", "revoked", "__v", "x", ""])
pages = st.sampled_from(["0", "1", "2", "-1", "", " 1", "0x1", "1.5", "x", "2147483648"])
directions = st.sampled_from(["1", "-1", "asc", "", "0", "DESC"])
parameters = st.one_of(
    st.tuples(st.sampled_from(["sort", "sortField"]), fields),
    st.tuples(st.sampled_from(["page", "page[]", "page[a]", "Page"]), pages),
    st.tuples(st.sampled_from(["direction", "direction[$meta]"]), directions),
    st.tuples(st.sampled_from(["limit", "secret_token", "sort[]", "sortField[a]"]), st.sampled_from(["1", "x", "jti"])),
)
queries = st.lists(parameters, max_size=3).map(
    lambda given: "?" + "&".join(f"{name}={quote(value)}" for name, value in given) if given else ""
)
paths = st.sampled_from(
    ["/nobody", f"/id/{UNKNOWN_ID}", "/id/none", "/id", "/id/", "/%zz", "/a/b", "/id/none?sort=x", "/nobody?page=0"]
)
steps = st.one_of(
    st.tuples(st.just("issue"), st.integers(0, 1), st.sampled_from([1, 2, 11, 41]), st.booleans()),
    st.tuples(st.just("advance"), st.integers(0, 2)),
    st.tuples(st.just("revoke"), st.integers(0, 5)),
    st.tuples(st.sampled_from(["restore", "remember", "clear"])),
    st.tuples(
        st.just("fault"),
        st.sampled_from([*OPERATIONS, "*"]),
        st.sampled_from([400, 401, 404, 500, None]),
        st.none(),
        st.none(),
    ).filter(lambda fault: fault[2] is not None),
    st.tuples(st.just("fault"), st.just("listTokens"), st.none(), st.just("mid-body"), st.just({"sort": "jti"})),
    st.tuples(st.just("delete"), callers, st.integers(0, 5), st.sampled_from(["jti", "id"])),
    st.tuples(st.just("ask"), callers, st.sampled_from(["GET", "HEAD", "OPTIONS"]), queries, st.just(b"")),
    st.tuples(st.just("ask"), callers, st.sampled_from(["DELETE", "GET", "POST"]), paths, st.sampled_from([b"", b"x"])),
)


def base(number: int) -> dict[str, str]:
    """A profile that always comes out the same: two that have a name, and then at random."""
    if number < 2:
        return dict(TiledeskFake(profile=SHIPPED[number]).profile)
    return {id: Random(f"{number}{id}").choice(named) for id, named in CHOICES.items()}


# Few, so that their contracts are kept: most of what the test takes would be to read them.
@given(choices=st.sampled_from([base(number) for number in range(5)]), steps=st.lists(steps, max_size=12))
@settings(max_examples=200, deadline=None, report_multiple_bugs=False)
def test_untouched_means_unaffected(choices: dict[str, str], steps: list[Step]) -> None:
    """Whatever happens: under each other choice of what was not touched, every answer, violation and state is alike."""
    check_the_untouched(choices, steps)


@pytest.mark.slow
@given(choices=profiles(), steps=st.lists(steps, max_size=12))
@settings(max_examples=300, deadline=None, report_multiple_bugs=False)
def test_untouched_means_unaffected_under_any_profile(choices: dict[str, str], steps: list[Step]) -> None:
    check_the_untouched(choices, steps)


def check_the_untouched(choices: dict[str, str], steps: list[Step]) -> None:
    base = told(choices, steps)
    for id, named in CHOICES.items():
        if id not in base.fake.touched:
            for choice in named:
                if choice != choices[id]:
                    other = told(choices | {id: choice}, steps)
                    assert other.all_that_is_seen() == base.all_that_is_seen(), f"{id}={choice}"


ADA, LIST, BY_JTI = 0, ("ask", 0, "GET", "", b""), ("delete", 0, 0, "jti")


@pytest.mark.parametrize(
    ("touched", "steps"),
    [
        ("", []),
        ("", [("issue", 0, 50, True), ("revoke", 0), ("fault", "listTokens", 503, None, None)]),
        ("", [("ask", -1, "GET", "", b""), ("ask", ADA, "OPTIONS", "", b"")]),
        ("", [("fault", "listTokens", 503, None, None), LIST]),
        ("list-envelope page-size", [LIST]),
        ("list-envelope page-size page-base", [("ask", ADA, "GET", "?page=0", b"")]),
        ("list-envelope page-size sort-parameter", [("ask", ADA, "GET", "?sortField=jti", b"")]),
        ("list-envelope page-size sort-parameter", [("ask", ADA, "GET", "?sort=jti", b"")]),
        ("list-envelope page-size tie-order", [("issue", 0, 2, False), LIST]),
        ("list-envelope page-size", [("issue", 0, 2, False), ("ask", ADA, "GET", "?direction=1&limit=3", b"")][1:]),
        ("list-envelope page-size revoked-listed", [("revoke", 0), LIST]),
        ("invalid-query", [("ask", ADA, "GET", "?direction=up", b"")]),
        ("revoke-answer", [BY_JTI]),
        ("revoke-answer revoke-again", [BY_JTI, BY_JTI]),
        ("revoke-foreign revoke-unknown", [("delete", ADA, 1, "jti")]),
        ("revoke-unknown", [("ask", ADA, "DELETE", "/nobody", b"")]),
        ("revoke-unknown malformed-id", [("ask", ADA, "DELETE", "/id/none", b"")]),
        ("revocation-enforced", [("revoke", 0), ("ask", 2, "GET", "", b"")]),
        ("server-quirks", [("ask", ADA, "DELETE", "/%zz", b"")]),
        ("revoke-unknown", [("fault", "*", 404, None, None), LIST]),
    ],
)
def test_what_decides_is_touched_and_nothing_else(touched: str, steps: list[Step]) -> None:
    noted = told({}, steps).fake.touched

    if steps and "limit" in str(steps):
        # The violation lists the parameters that there are.
        noted -= {"sort-parameter"}
    assert noted == set(touched.split())
