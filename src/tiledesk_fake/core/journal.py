"""The journal: what clients sent and what they got, without their credentials.

Bounded in number and in bytes; what had to go is counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from sys import getsizeof
from threading import Lock
from types import MappingProxyType
from typing import Any, NamedTuple

from ..arguments import checked, phrase
from ..errors import MisuseError, nearest
from ..violations.violation import Violation
from .clock import moment
from .handing import OnlyOnce
from .headers import Headers
from .redaction import printable, redacted, redacted_trace
from .request import NO_HEADERS, OperationName
from .users import User

MOST_EXCHANGES = 1_000
MOST_BYTES = 4 * 1024 * 1024
MOST_VIOLATIONS = 100
_MOST_SHOWN = 10
_NOT_PARAMETERS = ("user", "status", "headers")
# A client that retries by itself does so within this time, before whoever wrote the test could.
_AT_ONCE_MS = 1_000
_CAME_BACK = "the dropped call came back at once and succeeded: the client retries by itself, so drop it times=2"


class Exchange(NamedTuple):
    """A request with its answer.

    `at` is when it came, an aware datetime by the fake's clock. `operation` is an operationId, None where the request
    names none. `target` is redacted. `path_params` and `query` are decoded, of a repeated parameter the first value.
    `user` is who called, None where nobody was let in, or a guest. `status` is None where there was no answer. `fault`
    says which planned fault took part. `reason` says why the answer was as it was: `revoked`, `no such jti`,
    `0 of 3 records; the first page is 0`; None where there is nothing to say. No client is ever told. `headers` are
    those of the request, by lower-case names, without credentials. `touched` has the ids of the assumptions that
    decided the answer, or what is said of it here.
    """

    at_ms: int
    operation: str | None
    method: str
    target: str
    path_params: Mapping[str, str]
    query: Mapping[str, str]
    user: User | None
    status: int | None
    fault: str | None
    violations: tuple[Violation, ...]
    # Of the values as they were sent: two jtis that look alike once they are redacted are still told apart. Python's
    # hashes of texts differ from process to process and lead back to nothing.
    hashes: Mapping[str, int] = MappingProxyType({})
    reason: str | None = None
    headers: Mapping[str, str] = NO_HEADERS
    touched: frozenset[str] = frozenset()
    origin: str | None = None

    @property
    def at(self) -> datetime:
        """When the request came, by the fake's clock."""
        return moment(self.at_ms)

    @property
    def line(self) -> str:
        """The exchange as a line of a log: when it was, and why it was answered so."""
        reason = f"  reason: {printable(self.reason)}" if self.reason else ""
        return f"{self.at:%H:%M:%S} {self}{reason}"

    def __str__(self) -> str:
        parts = [f"{self.method} {self.origin or ''}{printable(self.target)} -> {self.status or 'no answer'}"]
        if self.user:
            parts.append(f"by {self.user.email}")
        if self.fault:
            parts.append(f"fault: {self.fault}")
        if self.violations:
            parts.append(f"broke {', '.join(violation.rule for violation in self.violations)}")
        return "  ".join(parts)


class Journal(OnlyOnce):
    """The exchanges of one fake, the oldest first, and what they are asked for.

    Holds the last 1,000 exchanges, of at most 4 MiB; `dropped` counts those that had to go. The first 100 violations
    stay even then.
    """

    def __init__(self, parameters: Mapping[str, Sequence[str]]) -> None:
        """`parameters` has the names of the parameters of each operation."""
        self._parameters = dict(parameters)
        self._lock = Lock()
        self._untaken: list[Violation] = []
        self._bugs: list[str] = []
        # What has decided anything; not forgotten with the exchanges.
        self.touched: set[str] = set()
        # How many exchanges have left, dropped or cleared.
        self._gone = 0
        self._listeners: list[Callable[[int, Exchange], object]] = []
        self._clear()

    def know(self, endpoint: str, parameters: Iterable[str]) -> None:
        """From now on, an endpoint of the user's own can be asked for, with these path parameters too."""
        self._parameters[endpoint] = tuple(dict.fromkeys((*self._parameters.get(endpoint, ()), *parameters)))

    @property
    def operations(self) -> tuple[str, ...]:
        """The names that calls can be asked for by: the operations, and the endpoints of the user's own."""
        return tuple(self._parameters)

    def watch(self, listener: Callable[[int, Exchange], object]) -> list[tuple[int, Exchange]]:
        """What is `numbered` so far; the listener is called with each exchange from now on, and its number.

        That is done under a lock: the listener must be quick, and not ask the journal.
        """
        with self._lock:
            self._listeners.append(listener)
            return list(enumerate(self._exchanges, self._gone + 1))

    def unwatch(self, listener: Callable[[int, Exchange], object]) -> None:
        """Call a listener no more; one that is not called anyway is left alone."""
        with self._lock:
            if listener in self._listeners:
                self._listeners.remove(listener)

    def _clear(self) -> None:
        self._exchanges: deque[Exchange] = deque()
        self._sizes: deque[int] = deque()
        self._violations: list[Violation] = []
        self._bytes = 0
        self._dropped = 0
        # When each call was whose answer a fault has dropped last, by method and target.
        self._cut: dict[tuple[str, str], int] = {}

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._gone += len(self._exchanges)
            self._clear()

    def forget_touched(self) -> None:
        """Forget what has decided anything so far; neither `clear` nor a reset of the fake does."""
        self.touched.clear()

    def add(self, exchange: Exchange, *, cut: bool = False) -> None:
        """Note an exchange, and let the oldest go if there are too many; `cut` if a fault has dropped its answer."""
        with self._lock:
            if cut or self._cut:
                exchange = self._compared_with_the_last(exchange, cut)
            self._exchanges.append(exchange)
            self.touched |= exchange.touched
            size = _size(exchange)
            self._sizes.append(size)
            self._bytes += size
            if exchange.violations:
                for kept in (self._violations, self._untaken):
                    kept.extend(exchange.violations[: MOST_VIOLATIONS - len(kept)])
            while len(self._exchanges) > MOST_EXCHANGES or self._bytes > MOST_BYTES:
                self._exchanges.popleft()
                self._bytes -= self._sizes.popleft()
                self._dropped += 1
                self._gone += 1
            for listener in self._listeners:
                listener(self._gone + len(self._exchanges), exchange)

    def _compared_with_the_last(self, exchange: Exchange, cut: bool) -> Exchange:
        """The exchange; with the reason that it is the same call again, if its last answer was dropped just before."""
        call = exchange.method, exchange.target
        cut_ms = self._cut.pop(call, None)
        if cut:
            # One for each call that is underway; more means that nobody comes back.
            if len(self._cut) >= MOST_VIOLATIONS:
                self._cut.clear()
            self._cut[call] = exchange.at_ms
        elif cut_ms is not None and exchange.at_ms - cut_ms <= _AT_ONCE_MS and (exchange.status or 500) < 400:
            reasons = (exchange.reason, _CAME_BACK)
            return exchange._replace(reason="; ".join(filter(None, reasons)))
        return exchange

    @property
    def exchanges(self) -> list[Exchange]:
        """The exchanges, the oldest first."""
        with self._lock:
            return list(self._exchanges)

    @property
    def violations(self) -> list[Violation]:
        """What no correct client would have sent, in the order it came."""
        with self._lock:
            return list(self._violations)

    @property
    def numbered(self) -> list[tuple[int, Exchange]]:
        """The exchanges, each with its number: the first one that there ever was has 1."""
        with self._lock:
            return list(enumerate(self._exchanges, self._gone + 1))

    def take_violations(self) -> list[Violation]:
        """The violations that nobody has taken yet, those from before a `clear` too."""
        with self._lock:
            taken, self._untaken = self._untaken, []
            return taken

    @property
    def untaken_violations(self) -> list[Violation]:
        """What `take_violations` would take."""
        with self._lock:
            return list(self._untaken)

    def note_bug(self, bug: BaseException) -> None:
        """Note that the fake itself failed to answer, by this exception."""
        trace = redacted_trace(bug)
        with self._lock:
            self._bugs[MOST_VIOLATIONS - 1 :] = [trace]

    @property
    def untaken_bugs(self) -> list[str]:
        """What `take_bugs` would take."""
        with self._lock:
            return list(self._bugs)

    def take_bugs(self) -> list[str]:
        """The tracebacks of the fake's own failures that nobody has taken yet."""
        with self._lock:
            taken, self._bugs = self._bugs, []
            return taken

    def since(self, total: int) -> list[Exchange]:
        """The exchanges that came after the first `total` ones, as far as they are still here."""
        with self._lock:
            return list(self._exchanges)[max(0, total - self._gone) :]

    @property
    def total(self) -> int:
        """How many exchanges there have ever been, those included that were dropped or cleared."""
        with self._lock:
            return self._gone + len(self._exchanges)

    @property
    def dropped(self) -> int:
        """How many exchanges had to go."""
        return self._dropped

    @checked()
    def assert_called(self, operation: OperationName, /, *, times: int | None = None, **what: Any) -> None:
        """Assert that an operation was called, `times` times or at least once, with these values.

        `what` may name the parameters of the operation (as sent; None for not sent), `user` (a User or an e-mail
        address), `status`, and `headers`: a mapping from names, in whatever case, to values, None for not sent.
        A journal holds no secret, so of a header that is one no more is compared than its scheme word.

        Raises AssertionError with the calls that came near, and MisuseError for a name that does not exist.

        >>> from tiledesk_fake import TiledeskFake
        >>> TiledeskFake().journal.assert_called("listTokens", page=1, status=200)
        Traceback (most recent call last):
        AssertionError: expected listTokens to be called at least once with page='1', status='200'; nothing was called
        """
        __tracebackhide__ = True
        if times is not None and times < 0:
            raise MisuseError(f"expected times from 0, got {times}; leave it out for at least once")
        calls = self._calls(operation, what)
        matching = [call for call in calls if not _differences(call, what)]
        if len(matching) == times or (times is None and matching):
            return
        wanted = f"{operation} to be called {_times(times)}{_with(what)}"
        if not calls:
            others = sorted({call.operation or "no operation" for call in self.exchanges})
            heard = f"it was not called; there were calls of {', '.join(others)}" if others else "nothing was called"
            raise AssertionError(f"expected {wanted}; {heard}{self._note()}")
        like_this = f", {_times(len(matching))} like this" if what else ""
        lines = [f"expected {wanted}; it was called {_times(len(calls))}{like_this}:"]
        nearest_first = sorted(calls, key=lambda call: len(_differences(call, what)))
        for call in nearest_first[:_MOST_SHOWN]:
            different = _differences(call, what)
            lines.append(f"  {call}")
            if what:
                lines.append(f"      {'differs in ' + '; '.join(different) if different else 'matches'}")
        if len(calls) > _MOST_SHOWN:
            lines.append(f"  … and {len(calls) - _MOST_SHOWN} more")
        raise AssertionError("\n".join(lines) + self._note())

    @checked()
    def assert_not_called(self, operation: OperationName, /, **what: Any) -> None:
        """Assert that an operation was not called, or not with these values; see `assert_called`."""
        __tracebackhide__ = True
        matching = [call for call in self._calls(operation, what) if not _differences(call, what)]
        if matching:
            lines = [f"expected {operation} not to be called{_with(what)}; it was, {_times(len(matching))}:"]
            lines += [f"  {call}" for call in matching[:_MOST_SHOWN]]
            if len(matching) > _MOST_SHOWN:
                lines.append(f"  … and {len(matching) - _MOST_SHOWN} more")
            raise AssertionError("\n".join(lines) + self._note())

    def _calls(self, operation: str, what: Mapping[str, Any]) -> list[Exchange]:
        if operation not in self._parameters:
            raise MisuseError(f"there is no operation {operation!r}{nearest(operation, self._parameters)}")
        known = (*self._parameters[operation], *_NOT_PARAMETERS)
        for name in what:
            if name not in known:
                raise MisuseError(f"{operation} cannot be asked for {name!r}{nearest(name, known)}")
        if not isinstance(what.get("headers", {}), Mapping):
            raise MisuseError("headers: expected a mapping; write it like headers={'user-agent': '…'}")
        for name in what.keys() - {"headers"}:
            _check_comparable(name, what[name])
        return [exchange for exchange in self.exchanges if exchange.operation == operation]

    def _note(self) -> str:
        return f"\n({self._dropped} older exchanges are no longer in the journal)" if self._dropped else ""

    def __len__(self) -> int:
        return len(self._exchanges)

    def __repr__(self) -> str:
        return f"<Journal of {len(self)} exchanges, {len(self._violations)} violations, {self._dropped} dropped>"


def _check_comparable(name: str, value: object) -> None:
    # What is of no such type would differ from all that was ever sent.
    if value is None or isinstance(value, str | int | float) or (name == "user" and isinstance(value, User)):
        return
    wanted = "a User or an e-mail address" if name == "user" else "text or a number"
    hint = f"; write {name}=….{name}" if isinstance(getattr(value, name, None), str) else ""
    raise MisuseError(f"{name}: expected {wanted}, got {phrase(type(value))}{hint}")


def _size(exchange: Exchange) -> int:
    # What a client can make long or many; the rest is a constant. Decoded texts by what they take in memory, since one
    # wide character widens a whole text; the violations of a request share their curl line.
    size = 500 + 3 * len(exchange.target)
    if isinstance(exchange.headers, Headers):
        size += exchange.headers.size
    for values in (exchange.path_params, exchange.query):
        for name, value in values.items():
            size += 150 + getsizeof(name) + getsizeof(value)
    for violation in exchange.violations:
        size += 1_000 + getsizeof(violation.message) + getsizeof(violation.got)
    return size + (getsizeof(exchange.violations[0].curl) if exchange.violations else 0)


def _differences(exchange: Exchange, what: Mapping[str, Any]) -> list[str]:
    different = []
    for name, expected in what.items():
        if name == "headers":
            different += _differences_of_headers(exchange.headers, expected)
            continue
        got = _value(exchange, name)
        same = _comparable(expected) == _comparable(got)
        if isinstance(expected, User) and isinstance(got, User):
            # The same user may have another address by now.
            same = expected.id == got.id
        if same and expected is not None and name in exchange.hashes:
            same = exchange.hashes[name] == hash(str(expected))
        if not same:
            different.append(f"{name}: expected {_shown(expected)}, got {_shown(got)}")
    return different


def _differences_of_headers(headers: Mapping[str, str], expected: Mapping[str, Any]) -> list[str]:
    different = []
    for name, value in expected.items():
        key = name.lower()
        # As the journal holds it; a credential must not get into a report.
        wanted = None if value is None else Headers({f"HTTP_{key.upper().replace('-', '_')}": str(value)})[key]
        if headers.get(key) != wanted:
            different.append(f"header {key}: expected {_shown(wanted)}, got {_shown(headers.get(key))}")
    return different


def _value(exchange: Exchange, name: str) -> Any:
    if name in ("user", "status"):
        return getattr(exchange, name)
    return exchange.path_params.get(name, exchange.query.get(name))


def _comparable(value: Any) -> str | None:
    if isinstance(value, User):
        return value.email
    # As the journal holds it; a token where the jti should be must not get into a report.
    return None if value is None else redacted(str(value))


def _shown(value: Any) -> str:
    return "nothing" if value is None else repr(_comparable(value))


def _times(times: int | None) -> str:
    return "at least once" if times is None else {0: "never", 1: "once", 2: "twice"}.get(times, f"{times} times")


def _with(what: Mapping[str, Any]) -> str:
    return f" with {', '.join(f'{name}={_shown(value)}' for name, value in what.items())}" if what else ""
