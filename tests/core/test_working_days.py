"""Hours that are counted on working days alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.rules.working_days import WorkingDays, subtract_working_hours

BERLIN: Final = ZoneInfo("Europe/Berlin")
LONG_AGO: Final = date(2000, 1, 1)
SECOND: Final = timedelta(seconds=1)


def week(zone: ZoneInfo, *off: date, around: date = date(2030, 1, 7)) -> WorkingDays:
    """Monday to Friday, except for some dates."""
    days = (around + timedelta(days=number) for number in range(-60, 60))
    return WorkingDays(zone, {day for day in days if day.weekday() < 5 and day not in off})


def local(day: int, hour: int, month: int = 1) -> datetime:
    return datetime(2030, month, day, hour, tzinfo=BERLIN).astimezone(UTC)


FRIDAY: Final = local(4, 17)

HOLIDAY: Final = week(BERLIN, date(2030, 1, 7))


# Ended, grace in hours, the working days, overdue from.
FACTS: Final = [
    pytest.param(local(3, 17), 24, week(BERLIN), local(4, 17), id="Thursday to Friday"),
    pytest.param(FRIDAY, 24, week(BERLIN), local(7, 17), id="Friday to Monday"),
    pytest.param(FRIDAY, 24, HOLIDAY, local(8, 17), id="Monday is a holiday"),
    pytest.param(local(5, 12), 24, week(BERLIN), local(8, 0), id="Saturday to Monday's end"),
    pytest.param(local(6, 23), 1, week(BERLIN), local(7, 1), id="Sunday night"),
    pytest.param(FRIDAY, 7, week(BERLIN), local(5, 0), id="to Friday's end"),
    pytest.param(FRIDAY, 48, week(BERLIN), local(8, 17), id="two days over a weekend"),
    pytest.param(FRIDAY, 24 * 5, week(BERLIN), local(11, 17), id="a week of work"),
    pytest.param(local(5, 12), 0, week(BERLIN), local(5, 12), id="at once, on a day off"),
    pytest.param(FRIDAY, 24, None, local(5, 17), id="by the hour"),
]


@pytest.mark.parametrize(("ended", "hours", "days", "overdue"), FACTS)
def test_by_then_the_hours_have_passed_and_not_a_second_before(
    ended: datetime, hours: int, days: WorkingDays | None, overdue: datetime
) -> None:
    assert subtract_working_hours(overdue, hours, days, since=LONG_AGO) >= ended
    assert subtract_working_hours(overdue - SECOND, hours, days, since=LONG_AGO) < ended


@pytest.mark.parametrize(
    ("sunday", "month", "hour_of_monday"),
    [
        # With Sunday a day of work: it lasts 23 hours in spring, and 25 in autumn.
        (31, 3, 18),
        (27, 10, 16),
    ],
)
def test_a_night_on_which_the_clocks_change_is_as_long_as_it_is(
    sunday: int, month: int, hour_of_monday: int
) -> None:
    every_day = WorkingDays(
        BERLIN, {date(2030, month, sunday) + timedelta(days=n) for n in (-1, 0, 1)}
    )
    ended = local(sunday - 1, 17, month)
    overdue = local(1, hour_of_monday, 4) if month == 3 else local(28, hour_of_monday, 10)
    assert subtract_working_hours(overdue, 48, every_day, since=LONG_AGO) == ended


def test_a_closed_night_on_which_the_clocks_change_counts_nothing() -> None:
    days = week(BERLIN, around=date(2030, 3, 29))
    assert subtract_working_hours(local(1, 17, 4), 24, days, since=LONG_AGO) == local(29, 17, 3)


@pytest.mark.parametrize(
    ("zone", "hours", "overdue"),
    [
        ("Asia/Tokyo", 1, datetime(2030, 1, 6, 16, tzinfo=UTC)),
        ("America/New_York", 10, datetime(2030, 1, 7, 6, tzinfo=UTC)),
    ],
)
def test_the_zone_says_which_day_it_is(zone: str, hours: int, overdue: datetime) -> None:
    """Friday 20:00 UTC is Saturday in Tokyo, and still Friday in New York."""
    friday = datetime(2030, 1, 4, 20, tzinfo=UTC)
    days = week(ZoneInfo(zone))
    assert subtract_working_hours(overdue, hours, days, since=LONG_AGO) >= friday
    assert subtract_working_hours(overdue - SECOND, hours, days, since=LONG_AGO) < friday


def test_who_never_works_is_not_waited_for_for_ever() -> None:
    never = WorkingDays(BERLIN, frozenset())
    since = date(2030, 1, 1)
    assert subtract_working_hours(FRIDAY, 24, never, since=since) == local(1, 0) - timedelta(
        hours=24
    )


def passed(start: datetime, now: datetime, days: WorkingDays, since: date) -> timedelta:
    """The naive way: quarter of an hour by quarter of an hour."""
    step = timedelta(minutes=15)
    total = timedelta()
    while start < now:
        day = start.astimezone(days.zone).date()
        if day < since or day in days.dates:
            total += step
        start += step
    return total


ZONES: Final = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    # The clocks change at midnight: a day that begins at one, and a midnight that comes twice.
    "America/Havana",
    "Asia/Beirut",
    # A date that the island has skipped.
    "Pacific/Apia",
]
STARTS: Final = [
    datetime(2024, 3, 5, tzinfo=UTC),
    datetime(2024, 3, 25, tzinfo=UTC),
    datetime(2024, 10, 28, tzinfo=UTC),
    datetime(2011, 12, 27, tzinfo=UTC),
]


@given(
    st.sampled_from(ZONES),
    st.sampled_from(STARTS),
    st.integers(0, 4 * 24 * 10),
    st.integers(0, 100),
    st.sets(st.integers(-8, 12)),
)
def test_it_agrees_with_counting_every_quarter_of_an_hour(
    zone: str, first: datetime, quarters: int, hours: int, worked: set[int]
) -> None:
    now = first + quarters * timedelta(minutes=15)
    days = WorkingDays(ZoneInfo(zone), {first.date() + timedelta(days=each) for each in worked})
    since = first.date() - timedelta(days=7)

    since_when = subtract_working_hours(now, hours, days, since=since)

    grace = timedelta(hours=hours)
    assert passed(since_when, now, days, since) == grace
    # And a little later it would not have passed.
    if hours:
        assert passed(since_when + timedelta(minutes=15), now, days, since) < grace
