"""Faults: misbehaviour on purpose, planned call by call."""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import RLock
from typing import Any, NamedTuple, get_args

from ..arguments import checked
from ..errors import MisuseError, nearest
from ..serving.delivery import ANSWERED, Drop
from .handing import OnlyOnce
from .request import OperationName

DROPS: tuple[Drop, ...] = get_args(Drop)
LONGEST_DELAY_S = 300.0

_REFUSALS = range(400, 600)
_WITHOUT_BODY = (204, 304)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"(?:[!-~\xa0-\xff](?:[\t -~\xa0-\xff]*[!-~\xa0-\xff])?)?")
_BY_THE_SERVER = (
    "connection",
    "content-length",
    "date",
    "keep-alive",
    "server",
    "trailer",
    "transfer-encoding",
    "upgrade",
)


class Fault(NamedTuple):
    """One planned fault, checked; `body` is None where the real server's shape for the status is to be answered."""

    operation: str
    status: int | None
    body: bytes | None
    is_json: bool
    delay_s: float
    drop: Drop | None
    retry_after_s: int | None
    when: Mapping[str, str | None]
    headers: tuple[tuple[str, str], ...] = ()
    chance: float = 1.0

    def __str__(self) -> str:
        parts = [f"status {self.status}"] if self.status is not None else []
        parts += [f"drop {self.drop}"] if self.drop else []
        parts += [f"delay {self.delay_s:g} s"] if self.delay_s else []
        parts += [f"chance {self.chance:g}"] if self.chance < 1 else []
        parts += [f"when {name}={value!r}" for name, value in self.when.items()]
        return f"{self.operation}: {', '.join(parts)}"


@dataclass(slots=True)
class _Planned:
    fault: Fault
    # None for as often as it is met, until it is cleared.
    left: int | None
    met: bool = False
    # While a Retry-After runs, by the fake's clock, calls are refused and the fault is not spent on.
    refuses_until_ms: int = 0

    def __str__(self) -> str:
        endless = self.left is None or self.fault.chance < 1
        return f"{self.fault}, {'never met' if endless else f'{self.left} left'}"

    @property
    def unspent(self) -> bool:
        # By chance, it may well be that no call of many is hit.
        if self.left is None or self.fault.chance < 1:
            return not self.met
        return self.left > 0


class Planned(NamedTuple):
    """A fault that waits for so many calls; None for as many as come. `text` is the two in words."""

    fault: Fault
    left: int | None
    text: str


class Spent(NamedTuple):
    """A fault that takes part in a call; `retry_after_s` is what is left of its time."""

    fault: Fault
    retry_after_s: int | None


class Faults(OnlyOnce):
    """The faults planned for one fake, in order; each is spent on the first calls that it fits.

    A fault that is never spent is a mistake in the test; `unspent` names it.
    """

    def __init__(
        self,
        parameters: Mapping[str, Sequence[str]],
        lock: RLock,
        now_ms: Callable[[], int],
        happens: Callable[[float], bool],
    ) -> None:
        """`parameters` has the names of the parameters of each operation; `happens` decides by chance."""
        self._happens = happens
        self._parameters = parameters
        self._lock = lock
        self._now_ms = now_ms
        self._planned: list[_Planned] = []

    @checked(drop="write it like drop='before-answer'", headers="write it like headers={'Location': '/v3/jwt/history'}")
    def add(
        self,
        operation: OperationName,
        *,
        status: int | None = None,
        body: Any = None,
        delay_s: float = 0,
        drop: Drop | None = None,
        retry_after_s: int | None = None,
        times: int | None = 1,
        when: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        chance: float = 1,
    ) -> None:
        """Plan a fault for the next `times` calls of an operation; `"*"` is every operation.

        With `times=None` it is met by every call until `clear`, and counts as spent once it is met.

        - `status` is answered instead of what the operation would, and the operation does not happen. Without `body`
          the answer has the real server's shape for that status. `body` is bytes, text, or anything JSON.
        - `delay_s` holds the answer back, in real seconds; a frozen clock is advanced instead, and nobody waits.
        - `drop` ruins the answer: `"before-answer"` resets the connection, `"malformed"` sends what is not HTTP,
          `"silence"` holds the connection until the client gives up; the operation does not happen. `"mid-body"`
          cuts the answer, real or planned, in its middle; `"after-answer"` sends it whole, and then closes the
          connection that it said to keep, as a server does to a connection that was idle in a pool.
        - `retry_after_s` adds `Retry-After`; until that time has passed on the fake's clock, every further call is
          refused alike, with what is left of it, and spends nothing.
        - `headers` are added to the answer, or replace its own: `Location`, `Content-Type`.
        - `chance` is that of each call to be hit, from 0 to 1; the fake's seed makes it repeatable. A fault by chance
          counts as spent once a call has come that it could have hit.
        - `when` limits the fault to calls with these parameters: `when={"page": 2}`; None is for one not sent.

        The shapes of 400, 401, 403 and 500 are observed, those of other statuses made alike. Raises MisuseError for a
        fault that cannot happen.

        >>> from tiledesk_fake import TiledeskFake
        >>> fake = TiledeskFake()
        >>> fake.faults.add("listTokens", status=503, times=2, when={"page": 1})
        >>> fake.faults.unspent
        ["listTokens: status 503, when page='1', 2 left"]
        """
        if operation != "*" and operation not in self._parameters:
            raise MisuseError(f"there is no operation {operation!r}{nearest(operation, ['*', *self._parameters])}")
        names = self._parameters.get(operation, {name for names in self._parameters.values() for name in names})
        for name in when or {}:
            if name not in names:
                raise MisuseError(f"when: {operation} has no parameter {name!r}{nearest(str(name), names)}")
        _check(status=status, body=body, delay_s=delay_s, drop=drop, retry_after_s=retry_after_s, times=times)
        if not 0 < chance <= 1:
            raise MisuseError(f"expected chance above 0, up to 1, got {chance!r}; 0.3 is three calls of ten")
        if headers and status is None:
            raise MisuseError("headers belong to an answer; give its status too")
        content, is_json = content_of(body)
        fault = Fault(
            operation,
            status,
            content,
            is_json,
            float(delay_s),
            drop,
            retry_after_s,
            {name: None if value is None else str(value) for name, value in (when or {}).items()},
            tuple(_header(name, value) for name, value in (headers or {}).items()),
            float(chance),
        )
        with self._lock:
            self._planned.append(_Planned(fault, times))

    def know(self, parameters: Mapping[str, Sequence[str]]) -> None:
        """From now on, operations have these parameters."""
        self._parameters = parameters

    @property
    def planned(self) -> list[Planned]:
        """The faults that are still waiting for calls, each with how many; None for as many as come until `clear`."""
        with self._lock:
            return [Planned(each.fault, each.left, str(each)) for each in self._planned if each.left != 0]

    @property
    def unspent(self) -> list[str]:
        """The faults that are still waiting for calls, described."""
        with self._lock:
            return [str(planned) for planned in self._planned if planned.unspent]

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._planned.clear()

    def spend(self, operation: str, values: Mapping[str, str]) -> Spent | None:
        """The fault that takes part in this call, spent by it; None if there is none."""
        if not self._planned:
            return None
        with self._lock:
            now = self._now_ms()
            for planned in self._planned:
                fault = planned.fault
                if fault.operation not in ("*", operation) or not _fits(fault.when, values):
                    continue
                if now < planned.refuses_until_ms:
                    return Spent(fault, -((now - planned.refuses_until_ms) // 1000))
                if planned.left == 0:
                    continue
                planned.met = True
                if fault.chance < 1 and not self._happens(fault.chance):
                    continue
                if planned.left is not None:
                    planned.left -= 1
                if fault.retry_after_s is not None:
                    planned.refuses_until_ms = now + fault.retry_after_s * 1000
                return Spent(fault, fault.retry_after_s)
            return None

    def __repr__(self) -> str:
        return f"<Faults {self.unspent}>"


def _fits(when: Mapping[str, str | None], values: Mapping[str, str]) -> bool:
    return all(values.get(name) == wanted for name, wanted in when.items())


def _check(
    *, status: int | None, body: Any, delay_s: float, drop: str | None, retry_after_s: int | None, times: int | None
) -> None:
    if drop is not None and drop not in DROPS:
        raise MisuseError(f"there is no drop {drop!r}{nearest(drop, DROPS)}")
    if times is not None and times < 1:
        raise MisuseError(f"expected times as a whole number from 1, got {times!r}; None is for until cleared")
    if not math.isfinite(delay_s) or not 0 <= delay_s <= LONGEST_DELAY_S:
        raise MisuseError(f"expected delay_s from 0 to {LONGEST_DELAY_S:g} seconds, got {delay_s!r}")
    if status is None and (body is not None or retry_after_s is not None):
        raise MisuseError("body and retry_after_s belong to an answer; give its status too")
    if status is None and not delay_s and drop is None:
        raise MisuseError("this fault would do nothing; give a status, a delay_s or a drop")
    if status is not None:
        _check_answer(status, body, drop, retry_after_s)


def _check_answer(status: int, body: Any, drop: str | None, retry_after_s: int | None) -> None:
    if not 200 <= status <= 599:
        raise MisuseError(f"expected a status from 200 to 599, got {status!r}")
    if drop is not None and drop not in ANSWERED:
        raise MisuseError(f"with drop={drop!r} no status is ever seen; leave the status out")
    if status not in _REFUSALS and status not in _WITHOUT_BODY and body is None:
        raise MisuseError(f"the real server has no fixed body for {status}; give one with body=…")
    if status in _WITHOUT_BODY and (body is not None or drop == "mid-body"):
        raise MisuseError(f"an answer with the status {status} has no body, so there is none to give or to cut")
    if retry_after_s is not None and not 0 <= retry_after_s <= 86_400:
        raise MisuseError(f"expected retry_after_s as whole seconds from 0 to 86400, got {retry_after_s!r}")
    if drop == "mid-body" and body is not None and len(content_of(body)[0] or b"") < 2:
        raise MisuseError("a body of less than two bytes has no middle to be cut in")


def _header(name: str, value: object) -> tuple[str, str]:
    if not isinstance(name, str) or not _HEADER_NAME.fullmatch(name):
        raise MisuseError(f"headers: expected the name of a header, like Location, got {name!r}")
    if name.lower() in _BY_THE_SERVER:
        raise MisuseError(f"headers: {name} is written by the server, as the answer and its connection need it")
    if not isinstance(value, str) or not _HEADER_VALUE.fullmatch(value):
        raise MisuseError(f"headers: expected {name} as text of one line in latin-1, without spaces around it")
    return name, value


def content_of(body: Any) -> tuple[bytes | None, bool]:
    """The bytes of a fault's body, None for none, and whether they are JSON.

    Raises MisuseError for what is neither bytes nor text and cannot be written as JSON.
    """
    if body is None or isinstance(body, bytes):
        return body, False
    try:
        if isinstance(body, str):
            return body.encode(), False
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode(), True
    except (TypeError, ValueError, RecursionError) as cause:
        raise MisuseError(f"expected body as bytes, text or something that JSON can write: {cause}") from None
