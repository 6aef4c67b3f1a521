"""How much of their time providers are at work, compared minute by minute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.contrib.reports import utilisation
from bookings.contrib.reports.figures import Utilisation
from bookings.contrib.reports.periods import Period
from bookings.contrib.reports.selectors import utilisation_report
from bookings.contrib.schedule.models import TimeOff
from bookings.contrib.schedule.services import create_schedule, take_time_off
from bookings.models import Booking, BookingResource, BusyInterval, Calendar
from tests.contrib.reports.conftest import HOUR, Make, Store
from tests.contrib.reports.test_against_oracle import each_history, rolled_back

MONDAY: Final = datetime(2031, 3, 3, tzinfo=UTC)
WEEK: Final = Period(MONDAY, MONDAY + timedelta(days=7), "UTC")  # type: ignore[arg-type]

intervals = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 9)).map(lambda pair: (pair[0], sum(pair))),
    max_size=8,
)


def points(pairs: Sequence[tuple[int, int]]) -> set[int]:
    return {point for starts, ends in pairs for point in range(starts, ends)}


@given(intervals, intervals)
def test_intervals_are_sets_of_points(one: Any, other: Any) -> None:
    first, second = utilisation.union(one), utilisation.union(other)
    assert points(first) == points(one)
    assert all(before[1] < after[0] for before, after in pairwise(first))
    assert points(list(utilisation.intersection(first, second))) == points(one) & points(other)
    assert points(list(utilisation.difference(first, second))) == points(one) - points(other)
    assert utilisation.length(first) == len(points(one))


def open_from_nine_to_five(provider: Any, zone: str = "UTC") -> None:
    hours = {day: [("09:00", "17:00")] for day in range(7)}
    create_schedule(provider=provider, timezone=zone, hours=hours)


@pytest.fixture
def open_provider(provider: Any) -> Any:
    open_from_nine_to_five(provider)
    return provider


def test_services_are_compared_with_open_time(open_provider: Any, store: Store) -> None:
    # The second overlaps the first by half an hour, and the third ends an hour after closing.
    store(start_at=MONDAY + 9 * HOUR, buffer_after_minutes=90)
    store(start_at=MONDAY + 9.5 * HOUR, status="NO_SHOW")
    store(start_at=MONDAY + 16 * HOUR, end_at=MONDAY + 18 * HOUR, status="COMPLETED")
    store(start_at=MONDAY + 12 * HOUR, status="CANCELLED")
    store(start_at=MONDAY + 13 * HOUR, expires_at=MONDAY)
    found = utilisation_report(WEEK).total
    assert found == Utilisation(open=7 * 8 * 3600, service=9000, buffers=3600, overtime=3600)
    assert found.rate == (9000, 7 * 8 * 3600)


def test_time_off_is_not_open(open_provider: Any, store: Store) -> None:
    take_time_off(
        provider=open_provider, start_at=MONDAY, end_at=MONDAY + timedelta(days=2), now_dt=MONDAY
    )
    calendar = Calendar.objects.get(provider=open_provider)
    noon = int((MONDAY + timedelta(days=2, hours=12)).timestamp())
    BusyInterval(calendar=calendar, starts=noon, ends=noon + 3600, kind="EXTERNAL").save()
    store(start_at=MONDAY + 10 * HOUR)
    found = utilisation_report(WEEK).total
    assert TimeOff.objects.count() == 1
    assert found == Utilisation(open=(5 * 8 - 1) * 3600, service=0, overtime=3600)


def test_a_resource_is_at_work_too(open_provider: Any, make_provider: Make, store: Store) -> None:
    room = make_provider(name="Room")
    booking = store(start_at=MONDAY + 9 * HOUR)
    BookingResource.objects.create(
        booking=booking, provider=room, provider_name="Room", buffer_after_minutes=60
    )
    report = utilisation_report(WEEK, group_by="provider")
    assert report.by_key() == {
        open_provider.pk: Utilisation(open=7 * 8 * 3600, service=3600),
        # Nobody knows when it is open.
        room.pk: Utilisation(overtime=3600),
    }
    assert report.by_key()[room.pk].rate.value is None
    only = utilisation_report(WEEK, provider=room, group_by="provider")
    assert [group.label for group in only.groups] == ["Room"]
    assert only.total == Utilisation(overtime=3600)


def test_days_add_up_to_the_week(open_provider: Any, store: Store) -> None:
    # Over midnight.
    store(start_at=MONDAY + 16 * HOUR, end_at=MONDAY + 35 * HOUR)
    report = utilisation_report(WEEK, group_by="day")
    days = list(report.by_key().values())
    assert [day.service for day in days] == [3600, 2 * 3600, 0, 0, 0, 0, 0]
    assert sum(day.open or 0 for day in days) == report.total.open
    assert sum(day.overtime for day in days) == report.total.overtime == 16 * 3600


def test_a_day_on_which_the_clocks_are_changed_is_as_long_as_it_is(
    provider: Any, store: Store
) -> None:
    hours = {day: [("00:00", "24:00")] for day in range(7)}
    create_schedule(provider=provider, timezone="Europe/Berlin", hours=hours)
    sunday = datetime(2031, 3, 30, tzinfo=UTC).date()
    period = Period.of_days(sunday, sunday, "Europe/Berlin")
    store(start_at=period.start_at, end_at=period.end_at)
    found = utilisation_report(period, group_by="day")
    assert found.total == Utilisation(open=23 * 3600, service=23 * 3600)


def test_the_providers_that_somebody_names(
    open_provider: Any, make_provider: Make, store: Store
) -> None:
    store(provider=(other := make_provider(name="Grace")))
    assert utilisation_report(WEEK, providers=[open_provider]).total.overtime == 0
    assert utilisation_report(WEEK, providers=[open_provider, other]).total.overtime == 3600
    assert utilisation_report(WEEK, providers=[]).total == Utilisation()


def test_the_number_of_queries_is_constant(
    open_provider: Any, make_provider: Make, store: Store, django_assert_num_queries: Any
) -> None:
    for number in range(3):
        open_from_nine_to_five(other := make_provider(name=f"Room {number}"))
        store(provider=other)
    with django_assert_num_queries(9):
        utilisation_report(WEEK, group_by="day")


minute = timedelta(minutes=1)
STEP: Final = 20
times = st.integers(-72, 600).map(lambda number: MONDAY + STEP * minute * number)
booked = st.tuples(times, st.integers(1, 40), st.sampled_from(Booking.Status.values))


@each_history
@given(data=st.data())
def test_minutes_are_counted_as_the_definitions_say(
    open_provider: Any, make_provider: Make, store: Store, data: st.DataObject
) -> None:
    with rolled_back():
        start_at = data.draw(times)
        end_at = start_at + STEP * minute * data.draw(st.integers(1, 400))
        period = Period(start_at, end_at, data.draw(st.sampled_from(["Etc/GMT-14", "Asia/Tokyo"])))  # type: ignore[arg-type]
        calendar = Calendar.objects.get_or_create(provider=open_provider)[0]
        for at, steps, status in data.draw(st.lists(booked, max_size=10)):
            buffers = data.draw(st.sampled_from([0, 40]))
            store(
                start_at=at,
                end_at=at + steps * STEP * minute,
                status=status,
                buffer_before_minutes=buffers,
                buffer_after_minutes=buffers,
            )
        off: list[tuple[datetime, datetime]] = []
        for number, steps in enumerate(data.draw(st.lists(st.integers(1, 70), max_size=3))):
            at = MONDAY + timedelta(days=number)
            off.append((at, at + steps * STEP * minute))
            bounds = {"starts": int(at.timestamp()), "ends": int(off[-1][1].timestamp())}
            BusyInterval(calendar=calendar, kind="TIME_OFF", **bounds).save()
        expected = count(period, Booking.objects.all(), off)
        for name in (None, "provider", "day", "week", "month"):
            report = utilisation_report(period, group_by=name)
            assert report.total == expected
            assert 0 <= (report.total.rate.value or 0) <= 1
            if name is not None:
                assert total(report.by_key()) == expected


def total(groups: Mapping[Any, Utilisation]) -> Utilisation:
    result = Utilisation()
    for each in groups.values():
        result.add(each)
    return result


def count(period: Period, bookings: Any, off: list[tuple[datetime, datetime]]) -> Utilisation:
    """Every twenty minutes of the period, one after the other."""
    result = Utilisation(open=0)
    stand = [booking for booking in bookings if booking.status not in {"CANCELLED", "DECLINED"}]
    at, step = period.start_at, STEP * minute
    while at < period.end_at:
        working = any(each.start_at <= at < each.end_at for each in stand)
        taken = any(first <= at < last for first, last in (each.busy_window() for each in stand))
        is_off = any(first <= at < last for first, last in off)
        is_open = 9 <= at.hour < 17 and not is_off
        result.open = (result.open or 0) + is_open * STEP * 60
        result.service += (is_open and working) * STEP * 60
        result.buffers += (is_open and taken and not working) * STEP * 60
        result.overtime += (working and not is_open) * STEP * 60
        at += step
    return result
