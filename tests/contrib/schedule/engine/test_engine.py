"""The engine's rules, one by one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookings.contrib.schedule.engine import (
    Alignment,
    OpeningHours,
    Shift,
    SlotRules,
    WeeklyShift,
    booking_window,
    openings,
    starts,
)
from bookings.exceptions import BookingError
from bookings.rules import policies
from tests.contrib.schedule.engine.reference_engine import EngineCase
from tests.contrib.schedule.engine.strategies import engine_cases, run_engine
from tests.core.test_service_rules import rules as service_rules
from tests.quick_run import examples

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY
MONDAY: Final = date(2027, 3, 1)
BERLIN: Final = ZoneInfo("Europe/Berlin")


def at(day: int, hour: int = 0, minute: int = 0) -> int:
    """An instant of March 2027, whose first is a Monday, in UTC."""
    return int(
        (datetime(2027, 3, 1, tzinfo=UTC) + timedelta(day - 1, 0, 0, 0, minute, hour)).timestamp()
    )


def shift(opens: float, closes: float) -> Shift:
    return Shift(int(opens * HOUR), int(closes * HOUR))


def every_day(*shifts: Shift) -> list[WeeklyShift]:
    return [WeeklyShift(day, shift) for day in range(7) for shift in shifts]


def on(weekday: int, *shifts: Shift) -> list[WeeklyShift]:
    return [WeeklyShift(weekday, shift) for shift in shifts]


def opened(
    weekly: Sequence[WeeklyShift],
    overrides: Mapping[date, Sequence[Shift]] | None = None,
    *,
    first: int = at(1),
    last: int = at(8),
) -> list[tuple[int, int]]:
    found = openings(OpeningHours(UTC, weekly, overrides or {}), first, last)
    return [(begins, ends) for begins, ends in found if begins < last and first < ends]


def offered(
    weekly: Sequence[WeeklyShift],
    busy: Iterable[tuple[int, int]] = (),
    *,
    first: int = at(1),
    last: int = at(2),
    joinable: Iterable[int] = (),
    zone: Any = UTC,
    **rules: Any,
) -> list[int]:
    slot_rules = SlotRules(**{"duration": HOUR, "step": HOUR} | rules)
    hours = OpeningHours(zone, weekly)
    return list(starts(hours, busy, slot_rules, first=first, last=last, joinable=joinable))


# Opening hours


def test_shifts_that_touch_or_overlap_are_one_opening() -> None:
    weekly = on(0, shift(13, 15), shift(9, 11), shift(11, 12), shift(14, 16), shift(14.5, 15))
    assert opened(weekly) == [(at(1, 9), at(1, 12)), (at(1, 13), at(1, 16))]


def test_shifts_join_across_midnight() -> None:
    weekly = [
        *on(0, shift(20, 24)),
        *on(1, shift(0, 2)),
        *on(2, shift(22, 26)),
        *on(3, shift(1, 3)),
    ]
    assert opened(weekly) == [(at(1, 20), at(2, 2)), (at(3, 22), at(4, 3))]


def test_a_shift_belongs_to_the_day_it_begins_on() -> None:
    night = every_day(shift(22, 26))
    closed_on_tuesday = opened(night, {date(2027, 3, 2): ()}, first=at(1, 12), last=at(4))
    assert closed_on_tuesday == [(at(1, 22), at(2, 2)), (at(3, 22), at(4, 2))]


def test_an_override_replaces_what_begins_on_its_date() -> None:
    weekly = every_day(shift(9, 17))
    changed = opened(weekly, {date(2027, 3, 2): [shift(14, 15), shift(10, 12)]}, last=at(4))
    assert changed == [
        (at(1, 9), at(1, 17)),
        (at(2, 10), at(2, 12)),
        (at(2, 14), at(2, 15)),
        (at(3, 9), at(3, 17)),
    ]


def test_a_closed_row_closes_the_day_whatever_else_there_is() -> None:
    assert opened([*on(0, shift(9, 17)), WeeklyShift(0, None), *on(1, shift(9, 10))]) == [
        (at(2, 9), at(2, 10))
    ]


def test_a_row_is_valid_from_its_first_to_its_last_date() -> None:
    second = date(2027, 3, 8)
    weekly = [
        WeeklyShift(0, shift(9, 10), valid_until=MONDAY),
        WeeklyShift(0, shift(11, 12), valid_from=second, valid_until=second),
        WeeklyShift(0, shift(13, 14), valid_from=date(2027, 3, 9)),
        WeeklyShift(0, None, valid_from=date(2027, 3, 22)),
    ]
    assert opened(weekly, first=at(1) - WEEK, last=at(31)) == [
        (at(1) - WEEK + 9 * HOUR, at(1) - WEEK + 10 * HOUR),
        (at(1, 9), at(1, 10)),
        (at(8, 11), at(8, 12)),
        (at(15, 13), at(15, 14)),
    ]


def test_a_shift_that_lies_in_a_gap_is_no_opening() -> None:
    """On 28 March 2027, Berlin has no time from 2:00 to 3:00."""
    found = openings(OpeningHours(BERLIN, every_day(shift(2, 3))), at(27), at(30))
    assert [pair for pair in found if at(27) <= pair[0] < at(30)] == [
        (at(27, 1), at(27, 2)),
        (at(29, 0), at(29, 1)),
    ]


def test_a_shift_that_closes_in_the_repeated_hour_closes_the_second_time() -> None:
    """On 31 October 2027, Berlin has the time from 2:00 to 3:00 twice."""
    midnight = int(datetime(2027, 10, 31, tzinfo=BERLIN).timestamp())
    found = openings(OpeningHours(BERLIN, on(6, shift(0, 2.5))), midnight, midnight + DAY)
    assert (midnight, midnight + 3 * HOUR + HOUR // 2) in list(found)


@settings(max_examples=examples(50), deadline=None)
@given(case=engine_cases())
def test_openings_are_in_order_apart_and_never_empty(case: EngineCase) -> None:
    found = list(openings(case.hours, case.first, case.last))
    assert all(begins < ends for begins, ends in found)
    assert all(ends < begins for (_, ends), (begins, _) in pairwise(found))


# Busy time


def test_busy_time_is_half_open() -> None:
    busy = [(at(1, 10), at(1, 11))]
    assert offered(on(0, shift(9, 13)), busy) == [at(1, 9), at(1, 11), at(1, 12)]


def test_busy_stretches_may_overlap_and_lie_in_each_other() -> None:
    busy = [(at(1, 9), at(1, 12)), (at(1, 9, 30), at(1, 10)), (at(1, 11), at(1, 13))]
    assert offered(on(0, shift(9, 15)), busy) == [at(1, 13), at(1, 14)]


def test_the_buffers_keep_clear_of_busy_time() -> None:
    busy = [(at(1, 9), at(1, 10)), (at(1, 14), at(1, 15))]
    minutes = {"step": 15 * MINUTE, "before": 15 * MINUTE, "after": 30 * MINUTE}
    free = offered(on(0, shift(9, 15)), busy, **minutes)
    assert (free[0], free[-1]) == (at(1, 10, 15), at(1, 12, 30))


def test_the_buffers_may_lie_outside_the_hours() -> None:
    assert offered(on(0, shift(9, 10)), before=HOUR, after=HOUR) == [at(1, 9)]


def test_busy_time_outside_the_hours_is_in_the_way_of_a_buffer() -> None:
    before = [(at(1, 8), at(1, 8) + 1)]
    assert offered(on(0, shift(9, 10)), before, before=HOUR - 1) == [at(1, 9)]
    assert offered(on(0, shift(9, 10)), before, before=HOUR) == []


def test_a_shared_slot_can_be_joined_at_its_start_only() -> None:
    around = {"step": 30 * MINUTE, "before": 15 * MINUTE, "after": 15 * MINUTE}
    free = offered(on(0, shift(9, 15)), joinable=[at(1, 11, 30)], **around)
    assert free == [
        at(1, 9),
        at(1, 9, 30),
        at(1, 10),
        at(1, 11, 30),
        at(1, 13),
        at(1, 13, 30),
        at(1, 14),
    ]


def test_shared_slots_may_follow_on_each_other() -> None:
    assert offered(on(0, shift(9, 12)), joinable=[at(1, 9), at(1, 10), at(1, 11)], step=MINUTE) == [
        at(1, 9),
        at(1, 10),
        at(1, 11),
    ]


def test_a_shared_slot_cannot_be_joined_in_busy_time_off_the_grid_or_outside_the_hours() -> None:
    busy = [(at(1, 10, 59), at(1, 11))]
    shared = [at(1, 8, 30), at(1, 10), at(1, 12, 30)]
    assert offered(on(0, shift(9, 14)), busy, joinable=shared) == [at(1, 11)]


def test_every_boundary_is_exact_to_the_second() -> None:
    nine = at(1, 9)
    free = offered(
        [WeeklyShift(0, Shift(9 * HOUR, 9 * HOUR + 40))],
        [(nine + 30, nine + 32)],
        joinable=[nine + 10],
        duration=5,
        step=1,
        before=2,
        after=1,
    )
    assert [start - nine for start in free] == [0, 1, 2, 10, *range(18, 25), 34, 35]


# Grids


def test_steps_count_from_each_opening() -> None:
    free = offered(on(0, shift(9.5, 11), shift(12.25, 14)), duration=MINUTE * 20, step=MINUTE * 40)
    assert free == [at(1, 9, 30), at(1, 10, 10), at(1, 12, 15), at(1, 12, 55), at(1, 13, 35)]


def test_steps_from_an_opening_are_elapsed_time_on_the_day_of_a_change() -> None:
    free = offered(every_day(shift(0.5, 5)), zone=BERLIN, first=at(28) - HOUR, last=at(28, 12))
    assert free == [at(28) - HOUR // 2 + n * HOUR for n in range(3)]


def test_steps_on_the_clock_are_what_the_clock_shows_on_the_day_of_a_change() -> None:
    """Elapsed time would go on with 4:00, which is three hours after midnight."""
    steps = {"duration": 30 * MINUTE, "step": 90 * MINUTE, "alignment": Alignment.CLOCK}
    free = offered(
        every_day(shift(0, 6)), zone=BERLIN, first=at(28) - HOUR, last=at(28, 12), **steps
    )
    shown = [datetime.fromtimestamp(start, BERLIN).strftime("%H:%M") for start in free]
    assert shown == ["00:00", "01:30", "03:00", "04:30"]


def test_steps_on_the_clock_begin_anew_at_midnight() -> None:
    steps = {"step": 7 * HOUR, "alignment": Alignment.CLOCK, "last": at(3)}
    free = offered(every_day(shift(0, 24)), **steps)
    assert free == [at(day, hour) for day in (1, 2) for hour in (0, 7, 14, 21)]


def test_open_day_and_night_steps_count_from_each_monday() -> None:
    free = offered(every_day(shift(0, 24)), step=23 * HOUR, first=at(1), last=at(11))
    assert free == [at(1) + n * 23 * HOUR for n in range(8)] + [
        at(8) + n * 23 * HOUR for n in range(4)
    ]


def test_an_opening_counts_anew_when_it_has_lasted_a_whole_week_from_monday() -> None:
    since_wednesday = [
        WeeklyShift(day, shift(0, 24), valid_from=date(2027, 3, 3)) for day in range(7)
    ]
    free = offered(since_wednesday, step=23 * HOUR, first=at(1), last=at(17))
    from_opening = [at(3) + n * 23 * HOUR for n in range(13)]
    assert from_opening[-1] < at(15) <= from_opening[-1] + 23 * HOUR
    assert free == [*from_opening, at(15), at(15, 23), at(16, 22)]


def test_a_week_from_monday_to_monday_is_whole() -> None:
    since_monday = [WeeklyShift(day, shift(0, 24), valid_from=MONDAY) for day in range(7)]
    free = offered(since_monday, step=23 * HOUR, first=at(7), last=at(9))
    assert free == [at(1) + 7 * 23 * HOUR, at(8), at(8, 23)]


# The window


@settings(max_examples=examples(50), deadline=None)
@given(case=engine_cases(), within=st.floats(0, 1))
def test_the_answer_does_not_depend_on_the_window(case: EngineCase, within: float) -> None:
    middle = case.first + int(within * (case.last - case.first))
    early = EngineCase(**vars(case) | {"last": middle})
    late = EngineCase(**vars(case) | {"first": middle})
    assert run_engine(early) + run_engine(late) == run_engine(case)


@settings(max_examples=examples(50), deadline=None)
@given(case=engine_cases(), order=st.randoms())
def test_the_order_of_what_is_busy_does_not_matter(case: EngineCase, order: Any) -> None:
    busy = list(case.busy)
    order.shuffle(busy)
    assert run_engine(EngineCase(**vars(case) | {"busy": busy})) == run_engine(case)


@pytest.mark.parametrize("last", [at(1), at(1) - 1, at(1) - 52 * WEEK])
def test_in_a_window_that_is_empty_nothing_starts(last: int) -> None:
    assert offered(every_day(shift(0, 24)), first=at(1), last=last) == []


def test_the_first_starts_of_a_long_window_do_not_take_long() -> None:
    """A century has 876,000 hours; whoever takes three of them need not wait for the others."""
    days: list[date] = []

    class Noted(OpeningHours):
        def shifts_on(self, day: date) -> list[Shift]:
            days.append(day)
            return super().shifts_on(day)

    hours = Noted(UTC, every_day(shift(9, 17)))
    free = starts(hours, [], SlotRules(HOUR, HOUR), first=at(1), last=at(1) + 100 * 365 * DAY)
    assert list(islice(free, 3)) == [at(1, 9), at(1, 10), at(1, 11)]
    assert len(days) < 20


def test_the_notice_and_the_advance_cut_the_window() -> None:
    now = datetime(2027, 3, 1, 12, tzinfo=UTC)
    assert booking_window(at(1), at(9), now=now) == (at(1, 12), at(9))
    assert booking_window(at(2), at(9), now=now) == (at(2), at(9))
    assert booking_window(at(1), at(9), now=now, notice=2 * HOUR) == (at(1, 14), at(9))
    until = datetime(2027, 3, 3, tzinfo=UTC)
    assert booking_window(at(1), at(9), now=now, until=until) == (at(1, 12), at(3))
    assert booking_window(at(1), at(2), now=now, until=until) == (at(1, 12), at(2))


@given(
    now=st.datetimes(datetime(2027, 3, 1), datetime(2027, 3, 2), timezones=st.just(BERLIN)),  # noqa: DTZ001
    ahead=st.integers(-3, 3),
    notice=st.integers(0, 3),
    advance=st.one_of(st.none(), st.integers(0, 2)),
    boundary=st.sampled_from(["now", "notice", "advance"]),
)
def test_what_lies_in_the_window_is_what_the_policies_allow(
    now: datetime, ahead: int, notice: int, advance: int | None, boundary: str
) -> None:
    until = None if advance is None else policies.advance_end(now, advance, BERLIN)
    start = int(now.timestamp()) + ahead
    if boundary == "notice":
        start += notice * MINUTE
    elif boundary == "advance" and until is not None:
        start = int(until.timestamp()) + ahead
    first, last = booking_window(start, start + 1, now=now, notice=notice * MINUTE, until=until)
    try:
        policies.check_start(
            datetime.fromtimestamp(start, UTC),
            now=now,
            rules=service_rules(minimum_notice_minutes=notice, maximum_advance_days=advance),
            zone=lambda: BERLIN,
            allow_past=False,
            override=False,
        )
    except BookingError:
        assert first >= last
    else:
        assert (first, last) == (start, start + 1)


# Nonsense


@pytest.mark.parametrize(
    ("opens", "closes"), [(-1, 5), (DAY, DAY + 1), (5, 5), (5, 4), (5, DAY + 6)]
)
def test_a_shift_that_cannot_be_is_refused(opens: int, closes: int) -> None:
    with pytest.raises(ValueError, match="A shift"):
        Shift(opens, closes)


@pytest.mark.parametrize(
    "wrong",
    [
        {"duration": 0},
        {"step": 0},
        {"step": -60},
        {"before": -1},
        {"after": -1},
        {"alignment": "sunrise"},
    ],
    ids=str,
)
def test_rules_that_cannot_be_kept_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"second|negative|sunrise"):
        SlotRules(**{"duration": HOUR, "step": HOUR} | wrong)


# What it stands on


def test_the_engine_needs_no_django() -> None:
    modules = "import bookings.contrib.schedule.engine, sys; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", modules], check=False).returncode == 0
