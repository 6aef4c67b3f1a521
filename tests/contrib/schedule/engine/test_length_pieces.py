"""Bookings by the wall clock around changes of the clocks: the engine, and each start by itself."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from bookings.contrib.schedule import engine
from bookings.contrib.schedule.engine import (
    Alignment,
    OpeningHours,
    Shift,
    SlotRules,
    WeeklyShift,
)
from bookings.contrib.schedule.length_pieces import WallEnds
from bookings.rules.lengths import WallLength
from bookings.rules.wall_clock import DAY

HOUR = 3600
CHANGES = {
    "Europe/Berlin": ("2030-03-31T01:00", "2030-10-27T01:00"),
    "America/New_York": ("2030-03-10T07:00", "2030-11-03T06:00"),
    "Australia/Lord_Howe": ("2030-10-05T15:30", "2030-04-06T15:00"),
}
CASES = [(name, change) for name, changes in CHANGES.items() for change in changes]

DAYS_OPEN = st.sampled_from(
    [
        [Shift(0, DAY)],
        [Shift(9 * HOUR, 17 * HOUR)],
        [Shift(HOUR, 2 * HOUR + 1800), Shift(3 * HOUR, 5 * HOUR)],
        [Shift(22 * HOUR, 27 * HOUR)],
        [Shift(0, 3 * HOUR), Shift(4 * HOUR, DAY)],
    ]
)
LENGTHS = st.builds(
    WallLength,
    days=st.integers(1, 3),
    ends_at=st.none() | st.sampled_from([time(0), time(1, 30), time(2), time(2, 30), time(11)]),
) | st.builds(
    WallLength, days=st.just(0), ends_at=st.sampled_from([time(2, 15), time(3), time(17)])
)
MINUTES = st.integers(0, 5 * 24 * 4).map(lambda quarters: quarters * 15 * 60)


@pytest.mark.parametrize(("name", "change"), CASES)
@given(
    shifts=DAYS_OPEN,
    length=st.one_of(LENGTHS, LENGTHS, st.none()),
    extra=st.sampled_from([0, 0, 15 * 60, 3 * HOUR]),
    before=st.sampled_from([0, 30 * 60]),
    after=st.sampled_from([0, 45 * 60]),
    step=st.sampled_from([15, 60, 100]),
    alignment=st.sampled_from(Alignment),
    spans=st.booleans(),
    busy=st.lists(st.tuples(MINUTES, st.integers(1, 40)), max_size=3),
    joinable=st.lists(MINUTES, max_size=2, unique=True),
)
@settings(max_examples=25, deadline=None)
def test_it_is_what_each_start_says(
    name: str,
    change: str,
    shifts: list[Shift],
    length: WallLength | None,
    extra: int,
    before: int,
    after: int,
    step: int,
    alignment: Alignment,
    spans: bool,
    busy: list[tuple[int, int]],
    joinable: list[int],
) -> None:
    zone = ZoneInfo(name)
    first = int(datetime.fromisoformat(change).replace(tzinfo=UTC).timestamp()) - 2 * DAY - 1800
    last = first + 4 * DAY
    hours = OpeningHours(zone, [WeeklyShift(day, shift) for day in range(7) for shift in shifts])
    ends = None if length is None else WallEnds(length, zone, extra)
    rules = SlotRules(
        duration=26 * HOUR if ends is None else ends.longest,
        step=step * 60,
        before=before,
        after=after,
        alignment=alignment,
        wall_ends=ends,
        spans_closures=spans or length is None,
    )

    def window(start: int) -> tuple[int, int]:
        return start - before, rules.end_of(start) + after

    slots: list[int] = []
    for start in sorted(first + at for at in joinable):
        is_possible = rules.end_of(start) - extra > start
        if is_possible and (not slots or window(slots[-1])[1] <= window(start)[0]):
            slots.append(start)
    intervals = [(first + at, first + at + quarters * 900) for at, quarters in busy]
    # Shared slots do not overlap other busy time.
    intervals = [
        (begins, until)
        for begins, until in intervals
        if all(until <= window(slot)[0] or window(slot)[1] <= begins for slot in slots)
    ]

    def is_free(start: int) -> bool:
        begins, until = window(start)
        if length is not None and rules.end_of(start) - extra <= start:
            return False
        others = [*intervals, *(window(slot) for slot in slots if slot != start)]
        return engine.fits(
            hours, start, rules.end_of(start), spans_closures=rules.spans_closures
        ) and all(until <= starts or ends <= begins for starts, ends in others)

    in_openings = SlotRules(duration=1, step=step * 60, alignment=alignment)
    grid = list(engine.starts(hours, (), in_openings, first=first, last=last))
    found = list(engine.starts(hours, intervals, rules, first=first, last=last, joinable=slots))

    assert found == [start for start in grid if is_free(start)]
    event("some" if 0 < len(found) < len(grid) else "all" if found else "none")
    for start in grid[:: max(1, len(grid) // 10)]:
        alone = engine.starts(hours, intervals, rules, first=start, last=start + 1, joinable=slots)
        assert list(alone) == [start] * is_free(start)
