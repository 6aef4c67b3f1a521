"""Lengths by the wall clock, around every change of the clocks, against a clock that is read."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bookings.exceptions import SlotUnavailable
from bookings.rules.lengths import WallLength, started_days

MINUTE = timedelta(minutes=1)
CHANGES = {
    "Europe/Berlin": ("2030-03-31T01:00", "2030-10-27T01:00"),
    "America/New_York": ("2030-03-10T07:00", "2030-11-03T06:00"),
    "Australia/Lord_Howe": ("2030-10-05T15:30", "2030-04-06T15:00"),
}
"""When the clocks are put forward, and back, in UTC. In Lord Howe it is by half an hour."""
CASES = [(name, change) for name, changes in CHANGES.items() for change in changes]


def shown(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None)


def last_at(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the last minute at which the clock shows a time, or the first at which it is later."""
    first = wall.replace(tzinfo=UTC) - timedelta(hours=30)
    minutes = [first + number * MINUTE for number in range(60 * 60)]
    equal = [minute for minute in minutes if shown(minute, zone) == wall]
    return equal[-1] if equal else next(m for m in minutes if shown(m, zone) > wall)


@pytest.mark.parametrize(("name", "change"), CASES)
@given(
    before=st.integers(0, 3 * 24 * 60),
    days=st.integers(0, 3),
    ends_at=st.none() | st.times(),
)
@example(before=24 * 60, days=1, ends_at=None)
@example(before=24 * 60 + 30, days=1, ends_at=None)
@example(before=24 * 60 - 15, days=1, ends_at=None)
@settings(max_examples=15, deadline=None)
def test_it_ends_at_what_the_clock_shows(
    name: str, change: str, before: int, days: int, ends_at: time | None
) -> None:
    zone = ZoneInfo(name)
    start = datetime.fromisoformat(change).replace(tzinfo=UTC) - before * MINUTE
    if ends_at is None:
        days += 1
    else:
        ends_at = ends_at.replace(second=0, microsecond=0)
    local = shown(start, zone)
    end = last_at(
        datetime.combine(local.date() + timedelta(days=days), ends_at or local.time()), zone
    )
    length = WallLength(days, ends_at)
    if end <= start:
        with pytest.raises(SlotUnavailable):
            length.end_at(start, zone)
        return
    assert length.end_at(start, zone) == end
    assert (end - start).total_seconds() <= length.longest
    if ends_at is None:
        assert started_days(start, end, zone) == days
        assert started_days(start, end + MINUTE, zone) == days + 1
        assert started_days(start, start + MINUTE, zone) == 1


@pytest.mark.parametrize(("name", "change"), CASES)
def test_the_day_of_a_change_is_longer_or_shorter(name: str, change: str) -> None:
    zone = ZoneInfo(name)
    noon = datetime.fromisoformat(change).replace(tzinfo=UTC) - timedelta(hours=12)
    forward = change == CHANGES[name][0]
    by = timedelta(minutes=30 if "Howe" in name else 60)

    length = WallLength(1).end_at(noon, zone) - noon

    assert length == timedelta(days=1) + (-by if forward else by)
