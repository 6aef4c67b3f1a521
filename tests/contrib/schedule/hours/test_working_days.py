"""The grace before automatic cancellation counts the working days of the schedule."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest

from bookings.contrib.schedule.extension import ScheduleExtension
from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.services import add_closures, create_schedule, take_time_off
from bookings.models import Booking
from bookings.selectors import list_overdue_bookings
from bookings.services import auto_cancel_expired_bookings, complete_booking, create_booking
from tests.contrib.schedule.hours.conftest import Make

BERLIN: Final = ZoneInfo("Europe/Berlin")
OFFICE: Final = {day: [("09:00", "17:00")] for day in range(5)}
SECOND: Final = timedelta(seconds=1)

working_days = ScheduleExtension().working_days


def local(day: int, hour: int, month: int = 1) -> datetime:
    """In Berlin, in 2090, whose first day is a Sunday."""
    return datetime(2090, month, day, hour, tzinfo=BERLIN)


FRIDAY: Final = local(6, 17)
SATURDAY: Final = local(7, 17)
MONDAY: Final = local(9, 17)
TUESDAY: Final = local(10, 17)


@pytest.fixture(autouse=True)
def _business_days(settings: Any) -> None:
    settings.BOOKINGS_AUTO_CANCEL_BUSINESS_DAYS = True


@pytest.fixture
def ends_on_friday(service: Any, provider: Any) -> Booking:
    return ending(FRIDAY, service, provider)


def ending(at: datetime, service: Any, provider: Any) -> Booking:
    booking = create_booking(
        service=service,
        provider=provider,
        start_at=at - timedelta(hours=1),
        client_name="Joan",
        now_dt=local(2, 8),
    )
    Booking._base_manager.filter(pk=booking.pk).update(created_at=local(2, 8))
    return booking


def office(provider: Any, **values: Any) -> Schedule:
    given = {"provider": provider, "timezone": "Europe/Berlin", "hours": OFFICE}
    return create_schedule(**(given | values))


def assert_overdue_from(at: datetime) -> None:
    assert list_overdue_bookings(at - SECOND) == []
    assert auto_cancel_expired_bookings(now_dt=at - SECOND) == 0
    assert len(list_overdue_bookings(at)) == 1
    assert auto_cancel_expired_bookings(now_dt=at) == 1


def test_friday_waits_for_monday(ends_on_friday: Booking, provider: Any) -> None:
    office(provider)
    assert_overdue_from(MONDAY)


def test_a_public_holiday_is_no_business_day(
    service: Any, provider: Any, ends_on_friday: Booking
) -> None:
    """Good Friday and Easter Monday of 2090: 14 and 17 April."""
    office(provider, holiday_country="DE")
    complete_booking(ends_on_friday, now_dt=MONDAY)
    ending(local(13, 17, 4), service, provider)
    assert_overdue_from(local(18, 17, 4))


def test_a_closure_is_no_business_day(ends_on_friday: Booking, provider: Any) -> None:
    office(provider)
    add_closures(providers=[provider], first_date=date(2090, 1, 9))
    assert_overdue_from(TUESDAY)


def test_time_off_is_a_business_day(ends_on_friday: Booking, provider: Any) -> None:
    office(provider)
    take_time_off(provider=provider, start_at=local(9, 0), end_at=local(10, 0), now_dt=local(2, 8))
    assert_overdue_from(MONDAY)


def test_without_a_schedule_every_hour_counts(ends_on_friday: Booking) -> None:
    assert_overdue_from(SATURDAY)


def test_with_the_setting_off_every_hour_counts(
    ends_on_friday: Booking, provider: Any, settings: Any
) -> None:
    settings.BOOKINGS_AUTO_CANCEL_BUSINESS_DAYS = False
    office(provider)
    assert_overdue_from(SATURDAY)


def test_who_has_no_schedule_of_its_own_follows_the_projects(ends_on_friday: Booking) -> None:
    office(None)
    assert_overdue_from(MONDAY)


def test_a_schedule_without_hours_is_waited_for_a_year(
    ends_on_friday: Booking, provider: Any
) -> None:
    office(provider, hours={})
    assert auto_cancel_expired_bookings(now_dt=FRIDAY + timedelta(days=366)) == 0
    assert auto_cancel_expired_bookings(now_dt=FRIDAY + timedelta(days=369)) == 1


def test_each_waits_by_its_own_schedule_in_as_many_queries(
    service: Any, make_provider: Make, django_assert_num_queries: Any
) -> None:
    """Pairs, services, providers, what the schedules say (three) and the look."""

    def hire(number: int) -> None:
        for turn in range(number):
            provider = make_provider(name=f"Provider {turn}")
            if turn % 2:
                office(provider)
            ending(FRIDAY, service, provider)

    hire(2)
    with django_assert_num_queries(7):
        assert auto_cancel_expired_bookings(now_dt=SATURDAY, dry_run=True) == 1
    hire(10)
    with django_assert_num_queries(7):
        assert auto_cancel_expired_bookings(now_dt=SATURDAY, dry_run=True) == 6


def test_a_shift_makes_the_day_it_begins_on_a_business_day(provider: Any) -> None:
    office(provider, hours={4: [("22:00", "06:00", True)]})
    told = working_days([provider], date(2090, 1, 5), date(2090, 1, 8))
    assert told[provider.pk].dates == {date(2090, 1, 6)}
    assert told[provider.pk].zone == BERLIN


def test_the_dates_asked_about_are_both_included(provider: Any) -> None:
    office(provider, hours={4: [("09:00", "17:00")]})
    friday = date(2090, 1, 6)
    assert working_days([provider], friday, friday)[provider.pk].dates == {friday}


@pytest.mark.parametrize("year", [1971, 4147, 9000])
def test_now_may_be_far_away(provider: Any, ends_on_friday: Booking, year: int) -> None:
    office(provider, holiday_country="DE")
    number = 1 if year > 2090 else 0
    assert len(list_overdue_bookings(datetime(year, 3, 1, tzinfo=BERLIN))) == number


def test_two_who_follow_one_schedule_work_on_the_same_days(
    provider: Any, make_provider: Make
) -> None:
    create_schedule(timezone="Europe/Berlin", hours=OFFICE)
    other = make_provider(name="Grace")
    told = working_days([provider, other], FRIDAY.date(), MONDAY.date())
    assert told.keys() == {provider.pk, other.pk}
    assert {day.day for day in told[provider.pk].dates} == {6, 9}
    assert told[provider.pk] == told[other.pk]
