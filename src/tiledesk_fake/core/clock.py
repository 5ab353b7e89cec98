"""The fake's own time: the only place that reads the time.

Whole milliseconds since 1970 inside, aware datetimes outside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import NamedTuple

from .. import realtime
from ..arguments import checked
from ..errors import MisuseError, nearest
from .handing import OnlyOnce

EPOCH = realtime.genuine(datetime)(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
# ISO 8601 with four digits ends with the year 9999; before 1970 Tiledesk has no times.
LATEST_MS = (datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC) - EPOCH) // MILLISECOND

_UNITS = ("weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds")


class OutsideOfTime(MisuseError):
    """A time that neither ISO 8601 with four digits nor Tiledesk has."""


def milliseconds(at: datetime) -> int:
    """The milliseconds from 1970 to an aware datetime, rounded down.

    Raises MisuseError for a naive datetime and for a year before 1970.

    >>> milliseconds(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000
    """
    if at.tzinfo is None or at.utcoffset() is None:
        raise MisuseError(f"expected a datetime with a time zone, got {at!r}; add tzinfo=datetime.UTC if it is UTC")
    since = (at - EPOCH) // MILLISECOND
    if not 0 <= since <= LATEST_MS:
        raise OutsideOfTime(f"expected a time from 1970 to 9999, got {at}")
    return since


def moment(ms: int) -> datetime:
    """The aware datetime, in UTC, of milliseconds since 1970."""
    return EPOCH + ms * MILLISECOND


def _parsed(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise MisuseError(f"expected a time like '2026-01-01T00:00:00Z', got {text[:40]!r}") from None
    if at.tzinfo is None:
        raise MisuseError(f"expected a time with its zone, got {text!r}; add Z if it is UTC: 2026-01-01T00:00:00Z")
    return at


def iso(at: datetime) -> str:
    """A time in ISO 8601, in UTC and whole milliseconds.

    >>> iso(moment(1000))
    '1970-01-01T00:00:01.000Z'
    """
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def step_ms(by: timedelta | None, units: Mapping[str, float]) -> int:
    """The milliseconds, rounded down, of a timedelta and its keywords together.

    Raises MisuseError for an unknown keyword, and for a step that is longer than time is.

    >>> step_ms(None, {"minutes": 2})
    120000
    """
    for unit in units:
        if unit not in _UNITS:
            raise MisuseError(f"there is no unit {unit!r}{nearest(unit, _UNITS)}")
    try:
        return (timedelta(**units) if by is None else by + timedelta(**units)) // MILLISECOND
    except (OverflowError, ValueError) as cause:
        raise OutsideOfTime(f"expected a time from 1970 to 9999; no step is that long: {cause}") from None


class Setting(NamedTuple):
    """How a clock is set: frozen at `frozen_ms`, or running `ahead_ms` ahead of the real time."""

    frozen_ms: int | None = None
    ahead_ms: int = 0


class Clock(OnlyOnce):
    """The time of one fake: real, shifted or frozen.

    Expiry, createdAt and updatedAt follow it. It is not slowed or frozen by freezegun.

    >>> clock = Clock()
    >>> clock.freeze(datetime(2026, 1, 1, tzinfo=UTC))
    >>> clock.advance(hours=2)
    >>> clock.now()
    datetime.datetime(2026, 1, 1, 2, 0, tzinfo=datetime.timezone.utc)
    """

    _real: Callable[[], float] = staticmethod(realtime.now)
    _real_sleep: Callable[[float], None] = staticmethod(realtime.sleep)

    def __init__(self) -> None:
        self.setting = Setting()
        # The server's thread moves a frozen clock too, where a fault has a delay.
        self._moving = Lock()

    def now_ms(self) -> int:
        """The time in milliseconds since 1970."""
        setting = self.setting
        if setting.frozen_ms is not None:
            return setting.frozen_ms
        return int(self._real() * 1000) + setting.ahead_ms

    def now(self) -> datetime:
        """The time as an aware datetime, in UTC."""
        return moment(self.now_ms())

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return self.setting.frozen_ms is not None

    def sleep(self, seconds: float) -> None:
        """Wait, in real seconds."""
        self._real_sleep(seconds)

    @checked()
    def freeze(self, at: datetime | str | None = None) -> None:
        """Stop the clock, at the given time or where it is; fractions of a millisecond are dropped.

        The time is an aware datetime, or text in ISO 8601: `2026-01-01T00:00:00Z`. Raises MisuseError for other text,
        for a time without a zone, and for a year before 1970.
        """
        if isinstance(at, str):
            at = _parsed(at)
        with self._moving:
            self.setting = Setting(frozen_ms=self.now_ms() if at is None else milliseconds(at))

    @checked(by="write it like timedelta(hours=2), or advance(hours=2)")
    def advance(self, by: timedelta | None = None, /, **units: float) -> None:
        """Move the clock, frozen or not, by a timedelta or its keywords: `advance(hours=2)`.

        Backwards is possible. Raises MisuseError for an unknown keyword and outside the years 1970 to 9999.
        """
        step = step_ms(by, units)
        with self._moving:
            if not 0 <= self.now_ms() + step <= LATEST_MS:
                raise OutsideOfTime(f"expected a time from 1970 to 9999; {self.now()} cannot move by {step} ms")
            setting = self.setting
            if setting.frozen_ms is None:
                self.setting = Setting(ahead_ms=setting.ahead_ms + step)
            else:
                self.setting = Setting(frozen_ms=setting.frozen_ms + step)

    def resume(self) -> None:
        """Show the real time again: not frozen, not ahead."""
        self.restore(Setting())

    @checked()
    def restore(self, setting: Setting) -> None:
        """Set the clock to an earlier setting."""
        with self._moving:
            self.setting = setting

    def __repr__(self) -> str:
        return f"<Clock {self.now().isoformat()}{' frozen' if self.setting.frozen_ms is not None else ''}>"
