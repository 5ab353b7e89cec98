"""The fake's own time: real, shifted or frozen."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tiledesk_fake.core.clock import LATEST_MS, Clock, Setting, milliseconds, moment
from tiledesk_fake.errors import MisuseError

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
ANY_MS = st.integers(0, LATEST_MS)


@pytest.fixture
def clock() -> Clock:
    clock = Clock()
    clock.freeze(NEW_YEAR)
    return clock


def test_a_new_clock_shows_the_real_time() -> None:
    before = time.time_ns() // 1_000_000
    shown = Clock().now_ms()
    after = time.time_ns() // 1_000_000

    # time.time() has fewer digits than time.time_ns(), and may round.
    assert before - 1 <= shown <= after + 1


def test_the_time_is_an_aware_datetime_in_utc(clock: Clock) -> None:
    assert clock.now() == NEW_YEAR
    assert clock.now().tzinfo is UTC


def test_a_running_clock_runs() -> None:
    clock = Clock()
    with mock.patch.object(Clock, "_real", side_effect=[5.0, 6.5]):
        assert clock.now_ms() == 5000
        assert clock.now_ms() == 6500


def test_a_frozen_clock_stands_still() -> None:
    clock = Clock()
    with mock.patch.object(Clock, "_real", side_effect=[5.0, 6.5]):
        clock.freeze()

        assert clock.now_ms() == 5000
        assert clock.now_ms() == 5000


def test_freezing_a_frozen_clock_leaves_it_where_it_is(clock: Clock) -> None:
    clock.freeze()

    assert clock.now() == NEW_YEAR


def test_freezing_without_a_time_keeps_what_the_clock_is_ahead() -> None:
    clock = Clock()
    with mock.patch.object(Clock, "_real", return_value=5.0):
        clock.advance(seconds=2)
        clock.freeze()

    assert clock.now_ms() == 7000


def test_a_time_of_another_zone_is_the_same_moment(clock: Clock) -> None:
    clock.freeze(datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2))))

    assert clock.now() == NEW_YEAR


@given(st.timedeltas(timedelta(days=-3650), timedelta(days=3650)))
@settings(deadline=None, max_examples=60)
def test_advancing_a_frozen_clock_moves_it_by_whole_milliseconds(step: timedelta) -> None:
    clock = Clock()
    clock.freeze(NEW_YEAR)
    clock.advance(step)

    assert clock.now() == NEW_YEAR + step // timedelta(milliseconds=1) * timedelta(milliseconds=1)


def test_advancing_a_running_clock_leaves_it_running() -> None:
    clock = Clock()
    with mock.patch.object(Clock, "_real", return_value=5.0):
        clock.advance(hours=1)
        assert clock.now_ms() == 3_605_000
    with mock.patch.object(Clock, "_real", return_value=6.0):
        assert clock.now_ms() == 3_606_000


def test_advances_add_up() -> None:
    clock = Clock()
    with mock.patch.object(Clock, "_real", return_value=5.0):
        clock.advance(seconds=2)
        clock.advance(timedelta(seconds=3), milliseconds=4)
        clock.advance(seconds=-1)

        assert clock.now_ms() == 9004


def test_resuming_shows_the_real_time_again(clock: Clock) -> None:
    clock.advance(hours=2)

    clock.resume()

    with mock.patch.object(Clock, "_real", return_value=5.0):
        assert clock.now_ms() == 5000


def test_the_real_time_is_not_what_others_put_in_its_place() -> None:
    with mock.patch("time.time", return_value=0.0):
        assert Clock().now() > NEW_YEAR - timedelta(days=365)


@pytest.mark.parametrize(
    "step", [timedelta(days=-60 * 365), timedelta(days=8000 * 366)], ids=["before 1970", "after 9999"]
)
def test_a_step_out_of_the_years_is_refused_and_moves_nothing(clock: Clock, step: timedelta) -> None:
    with pytest.raises(MisuseError, match="from 1970 to 9999"):
        clock.advance(step)

    assert clock.now() == NEW_YEAR


def test_a_running_clock_is_kept_within_the_years() -> None:
    with pytest.raises(MisuseError, match="from 1970 to 9999"):
        Clock().advance(days=-365 * 100)


@pytest.mark.parametrize("units", [{"hours": 1e300}, {"days": 1e9}, {"days": -1e9}])
def test_a_step_longer_than_any_timedelta_is_refused(clock: Clock, units: dict[str, float]) -> None:
    with pytest.raises(MisuseError, match="from 1970 to 9999"):
        clock.advance(**units)


def test_the_first_and_the_last_moment_can_be_frozen(clock: Clock) -> None:
    for at in (moment(0), moment(LATEST_MS)):
        clock.freeze(at)

        assert clock.now() == at


@pytest.mark.parametrize("naive", [datetime(2026, 1, 1), datetime.min, datetime.max])
def test_a_naive_datetime_is_refused_with_what_to_do(clock: Clock, naive: datetime) -> None:
    with pytest.raises(MisuseError, match=r"with a time zone.*add tzinfo=datetime\.UTC"):
        clock.freeze(naive)


@pytest.mark.parametrize(
    "at", [datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), datetime.min.replace(tzinfo=UTC)]
)
def test_a_time_before_1970_is_refused(at: datetime) -> None:
    with pytest.raises(MisuseError, match="from 1970 to 9999"):
        milliseconds(at)


def test_a_time_after_9999_is_refused() -> None:
    with pytest.raises(MisuseError, match="from 1970 to 9999"):
        milliseconds(datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))))


@given(ANY_MS)
@settings(deadline=None, max_examples=60)
def test_milliseconds_and_moments_are_the_same_times(ms: int) -> None:
    assert milliseconds(moment(ms)) == ms


def test_microseconds_are_rounded_down() -> None:
    assert milliseconds(datetime(1970, 1, 1, 0, 0, 0, 1999, tzinfo=UTC)) == 1


def test_the_repr_says_the_time_and_whether_it_stands_still(clock: Clock) -> None:
    assert repr(clock) == "<Clock 2026-01-01T00:00:00+00:00 frozen>"
    clock.resume()
    assert "frozen" not in repr(clock)


class Hesitant(Clock):
    """A clock that others get ahead of between a look at its setting and the next step."""

    @property
    def setting(self) -> Setting:
        found = self._found
        time.sleep(0.001)
        return found

    @setting.setter
    def setting(self, setting: Setting) -> None:
        self._found = setting


@pytest.mark.parametrize("frozen", [True, False])
def test_no_step_is_lost_where_several_threads_move_the_clock(frozen: bool) -> None:
    clock = Hesitant()
    if frozen:
        clock.freeze(NEW_YEAR)
    before = clock.setting

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: clock.advance(milliseconds=1), range(20)))

    after = clock.setting
    assert ((after.frozen_ms or 0) + after.ahead_ms) - ((before.frozen_ms or 0) + before.ahead_ms) == 20
