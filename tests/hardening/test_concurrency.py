"""Concurrency: what clients and tests do at the same time happens in some order, one after the other."""

import itertools
import random
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import pytest

from tests.hardening.histories import (
    LOADED,
    SCENARIO,
    Call,
    Held,
    new_fake,
    over_sockets,
    recorded,
    step,
    taking_turns,
    through_wsgi,
)
from tests.hardening.linearizability import Done, Undecided, is_linearizable
from tests.hardening.races import RACES, in_another_thread
from tests.raw_http import PATIENCE_S
from tests.wsgi import call
from tiledesk_fake import TiledeskFake
from tiledesk_fake.core.clock import Clock
from tiledesk_fake.web.road import Road

BEFORE = Held(True, tuple((jti, False) for jti in LOADED))


def could_have_happened(history: Sequence[Done[Call]]) -> bool:
    return is_linearizable(history, BEFORE, step)


def recorded_and_judged(record: Callable[[], list[Done[Call]]]) -> tuple[list[Done[Call]], bool]:
    """A history, and whether it could have happened.

    On a busy machine calls may take so long that there are too many orders to try: then another one is recorded.
    """
    for _ in range(3):
        history = record()
        with suppress(Undecided):
            return history, could_have_happened(history)
    raise Undecided("three histories in a row")


@pytest.mark.parametrize("seed", range(4))
def test_clients_over_sockets_are_served_in_some_order(seed: int) -> None:
    def record() -> list[Done[Call]]:
        with new_fake() as fake, over_sockets(fake) as connect:
            return recorded(fake, seed, connect)

    _, happened = recorded_and_judged(record)

    assert happened


def of_one_app(seed: int, *, resets: bool = True) -> list[Done[Call]]:
    fake = new_fake()
    return recorded(fake, seed, through_wsgi(fake), resets=resets)


@pytest.mark.parametrize("seed", range(4))
def test_clients_in_threads_of_one_app_are_served_in_some_order(seed: int) -> None:
    _, happened = recorded_and_judged(lambda: of_one_app(seed))

    assert happened


@pytest.mark.parametrize("seed", range(4, 6))
def test_without_resets_long_histories_are_served_in_some_order(seed: int) -> None:
    history, happened = recorded_and_judged(lambda: of_one_app(seed, resets=False))

    assert happened
    assert {done.result for done in history} > {401, 404, "issued", "taken"}


# --- the same check, against races -------------------------------------------------------------------------------


@pytest.mark.parametrize("race", RACES)
def test_a_planted_race_is_found(race: str, monkeypatch: pytest.MonkeyPatch) -> None:
    RACES[race](monkeypatch)

    for seed in range(20):
        _, happened = recorded_and_judged(partial(of_one_app, seed))
        if not happened:
            return
    pytest.fail(f"{race} was not found in 20 histories")


def done(kind: str, result: object, began: int, ended: int, *, jti: str = "phone", by: str | None = None) -> Done[Call]:
    return Done(Call(kind, jti, by), result, began, ended)  # type: ignore[arg-type]


IMPOSSIBLE: dict[str, list[Done[Call]]] = {
    "one token is revoked twice": [
        done("revoke", (200, "phone"), 1, 9),
        done("revoke", (200, "phone"), 2, 8),
    ],
    "a list does not show what was issued before": [
        done("issue", "issued", 1, 2, jti="a"),
        done("list", (200, 2, (("laptop", False), ("phone", False))), 3, 4),
    ],
    "a revoked token is let in": [
        done("revoke", (200, "phone"), 1, 2),
        done("list", (200, 2, (("laptop", False), ("phone", True))), 3, 4, by="phone"),
    ],
    "the count is of another moment": [
        done("issue", "issued", 1, 9, jti="a"),
        done("list", (200, 2, (("a", False), ("laptop", False), ("phone", False))), 2, 8),
    ],
    "two lists disagree about the order": [
        done("issue", "issued", 1, 9, jti="a"),
        done("issue", "issued", 1, 9, jti="b"),
        done("list", (200, 3, (("a", False), ("laptop", False), ("phone", False))), 2, 3),
        done("list", (200, 4, (("a", False), ("b", False), ("laptop", False), ("phone", False))), 4, 5),
    ],
}


@pytest.mark.parametrize("history", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_the_checker_refuses_what_cannot_have_happened(history: list[Done[Call]]) -> None:
    assert not could_have_happened(history)


def test_the_checker_accepts_what_can_have_happened_in_one_order_only() -> None:
    history = [
        done("revoke", 401, 1, 9, by="laptop"),
        done("reset", "reset", 2, 8),
        done("revoke", (200, "phone"), 1, 9, by="laptop"),
        done("list", 401, 8, 9),
    ]

    assert could_have_happened(history)


def test_the_checker_agrees_with_trying_all_orders() -> None:
    rng = random.Random(5)
    verdicts = []
    for _ in range(400):
        history = []
        for _ in range(5):
            began = rng.randrange(8)
            # Adds one to a counter and returns what it was, or reads it.
            history.append(Done(rng.choice([0, 1]), rng.randrange(3), began, began + rng.randrange(1, 8)))
        expected = any(_fits(order) for order in itertools.permutations(history))
        verdicts.append(expected)

        assert is_linearizable(history, 0, lambda count, add: (count + add, count)) == expected
    assert 20 < sum(verdicts) < 380


def _fits(order: Sequence[Done[int]]) -> bool:
    count = 0
    for number, each in enumerate(order):
        if each.result != count or any(later.ended < each.began for later in order[number + 1 :]):
            return False
        count += each.call
    return True


def test_what_takes_too_long_to_decide_is_a_failure() -> None:
    history = [Done(number, int(number > 8), 1, 2) for number in range(12)]

    with pytest.raises(Undecided):
        is_linearizable(history, 0, lambda called, number: (called | 1 << number, 0), most_states=50)


# --- nobody waits for what others wait for ------------------------------------------------------------------------


def is_free_while_a_delayed_answer_waits(patch: pytest.MonkeyPatch, patience_s: float = PATIENCE_S) -> bool:
    """Whether the Python interface answers while a client of the WSGI app waits for a delayed answer."""
    fake = TiledeskFake()
    fake.load(SCENARIO)
    ada = fake.users["ada@example.com"]
    fake.faults.add("listTokens", delay_s=30)
    waiting, over, listed = threading.Event(), threading.Event(), threading.Event()

    def sleep(self: Clock, seconds: float) -> None:
        waiting.set()
        over.wait(PATIENCE_S)

    patch.setattr(Clock, "sleep", sleep)
    authorization = [("Authorization", ada.authorization)]
    client = in_another_thread(lambda: call(fake.wsgi_app, "GET", "/v3/jwt/history", authorization))
    assert waiting.wait(PATIENCE_S)

    def use() -> None:
        fake.history(ada)
        listed.set()

    test = in_another_thread(use)
    free = listed.wait(patience_s)
    over.set()
    client.join(PATIENCE_S)
    test.join(PATIENCE_S)
    return free


def test_a_delayed_answer_keeps_nobody_else_waiting_without_a_server_either(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_free_while_a_delayed_answer_waits(monkeypatch)


def test_a_delay_under_the_lock_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def misbehave(self: Road, *_: object) -> None:
        self._state.clock.sleep(30)

    monkeypatch.setattr(Road, "_misbehave", misbehave)

    assert not is_free_while_a_delayed_answer_waits(monkeypatch, patience_s=0.3)


def test_users_can_be_looked_through_while_others_are_added() -> None:
    fake = TiledeskFake()
    fake.add_user(email="first@example.com")
    seen = [1]
    seen_enough = threading.Event()

    def add() -> None:
        for number in range(50_000):
            fake.add_user(email=f"{number}@example.com")
            if seen_enough.is_set():
                return

    with taking_turns():
        adding = in_another_thread(add)
        try:
            while len(set(seen)) < 20 and adding.is_alive():
                seen.append(len(list(fake.users)))
        finally:
            seen_enough.set()
            adding.join(PATIENCE_S)

    assert len(set(seen)) == 20
    assert seen == sorted(seen)
