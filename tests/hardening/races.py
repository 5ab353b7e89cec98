"""Races to plant into a fake: each gives the lock away in the middle of a decision, or decides from something old."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from tiledesk_fake.core.history import History, Page, Record
from tiledesk_fake.core.users import Users
from tiledesk_fake.gate.gate import Caller, Gate
from tiledesk_fake.refusals import UnknownToken
from tiledesk_fake.state import State
from tiledesk_fake.web import wire
from tiledesk_fake.web.operations import OPERATIONS, list_tokens


@contextmanager
def others_first(state: State) -> Iterator[None]:
    """Long enough for others to come in between."""
    state.lock.release()
    time.sleep(0.002)
    state.lock.acquire()
    yield


def check_then_act(patch: pytest.MonkeyPatch) -> None:
    """Two clients may both be told that they revoked a token."""

    def revoke(self: State, caller: Caller, record: Record | None) -> Record:
        if record is None or record.user_id != caller.user_id or record.revoked:
            raise UnknownToken
        with others_first(self):
            current = self.history.by_id(record.id)
        return self.revoke(current) if current else record

    patch.setattr(State, "revoke_jti_as", lambda self, caller, jti: revoke(self, caller, self.history.by_jti(jti)))
    patch.setattr(
        State, "revoke_id_as", lambda self, caller, text: revoke(self, caller, self.history.by_id(int(text, 16)))
    )


def torn_list(patch: pytest.MonkeyPatch) -> None:
    """The count is of one moment, the records are of another."""

    def listing(state: State, caller: Caller, values: Mapping[str, Any]) -> Any:
        total = len(state.history.of(caller.user_id))
        with others_first(state):
            records = list(reversed(state.history.of(caller.user_id)))[::-1][: state.contract.page_size]
        answer = list_tokens(state, caller, values)
        return answer._replace(body=wire.listing(Page(total, records), state.contract, state.choices))

    patch.setitem(OPERATIONS, "listTokens", listing)


def stale_cache(patch: pytest.MonkeyPatch) -> None:
    """A list is answered again for a while, whatever happened since."""
    remembered: dict[str, tuple[float, Any]] = {}

    def listing(state: State, caller: Caller, values: Mapping[str, Any]) -> Any:
        at, answer = remembered.get(caller.user_id, (0.0, None))
        if time.monotonic() - at > 0.005:
            answer = list_tokens(state, caller, values)
            remembered[caller.user_id] = time.monotonic(), answer
        return answer

    patch.setitem(OPERATIONS, "listTokens", listing)


def lost_update(patch: pytest.MonkeyPatch) -> None:
    """A token is added to a copy, which takes the place of what others have changed since."""
    issue = State.issue

    def copied(self: State, *arguments: Any, **named: Any) -> Record:
        before = tuple(self.history)
        with others_first(self):
            self._hold(self.users, History(before), {})
        return issue(self, *arguments, **named)

    patch.setattr(State, "issue", copied)


def gate_apart(patch: pytest.MonkeyPatch) -> None:
    """Who is let in by one state is served from another."""
    caller, init = Gate.caller, State.__init__
    locks: dict[int, Any] = {}

    def known(self: State, *arguments: Any) -> None:
        init(self, *arguments)
        locks[id(self.clock)] = self.lock

    def judged(self: Gate, *arguments: Any) -> Caller:
        found = caller(self, *arguments)
        # The gate knows no lock; this is the one that the road holds around it.
        lock = locks[id(self._clock)]
        lock.release()
        time.sleep(0.002)
        lock.acquire()
        return found

    patch.setattr(State, "__init__", known)
    patch.setattr(Gate, "caller", judged)


def time_apart(patch: pytest.MonkeyPatch) -> None:
    """A token's time is read, others are issued, and then it is added: it is not the newest."""
    issue = State.issue

    def late(self: State, *arguments: Any, **named: Any) -> Record:
        with others_first(self):
            return issue(self, *arguments, **named)

    patch.setattr(State, "issue", late)


def torn_reset(patch: pytest.MonkeyPatch) -> None:
    """Tokens are forgotten before their user is."""

    def reset(self: State) -> None:
        with self.lock:
            self._hold(self.users, History(), {})
            with others_first(self):
                self._hold(Users(), History(), {})

    patch.setattr(State, "reset", reset)


RACES: Mapping[str, Callable[[pytest.MonkeyPatch], None]] = {
    race.__name__: race
    for race in (check_then_act, torn_list, stale_cache, lost_update, gate_apart, time_apart, torn_reset)
}


def in_another_thread(action: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    return thread
