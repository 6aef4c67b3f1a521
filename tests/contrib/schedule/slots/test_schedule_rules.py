"""Which schedule a provider follows, and what its rows say about a date."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from bookings.contrib.schedule import schedule_rules
from bookings.contrib.schedule.exceptions import StartNotOffered
from bookings.contrib.schedule.models import BusinessHours, DateOverride, Schedule
from bookings.contrib.schedule.selectors import Availability
from tests.contrib.schedule.slots.conftest import NINE_TO_FIVE, create_schedule, start_times
from tests.core.moments import NOW, at

pytestmark = pytest.mark.django_db
FindSlots = Callable[..., Availability]
DAY = date(2131, 3, 6)


def test_a_provider_without_a_schedule_follows_the_project_s(find_slots: FindSlots) -> None:
    create_schedule(("14:00", "16:00"))
    assert start_times(find_slots()) == ["14:00", "15:00"]


def test_a_schedule_of_its_own_comes_first(find_slots: FindSlots, provider: Any) -> None:
    create_schedule(("14:00", "16:00"))
    create_schedule(("09:00", "11:00"), provider=provider)
    assert start_times(find_slots()) == ["09:00", "10:00"]


def test_an_override_replaces_what_begins_on_its_date(find_slots: FindSlots, provider: Any) -> None:
    schedule = create_schedule(("09:00", "10:00"), ("22:00", "02:00"), provider=provider)
    for opens, closes in (("12:00", "13:00"), ("15:00", "16:00")):
        DateOverride.objects.create(schedule=schedule, date=DAY, open_time=opens, close_time=closes)
    assert start_times(find_slots()) == ["00:00", "01:00", "12:00", "15:00"]


def test_a_closed_override_closes_its_date_whatever_else_there_is(
    find_slots: FindSlots, schedule: Schedule
) -> None:
    for values in ({"is_closed": True}, {"open_time": "12:00", "close_time": "13:00"}):
        DateOverride.objects.create(schedule=schedule, date=DAY, **values)
    assert start_times(find_slots()) == []


def test_hours_are_valid_for_the_dates_they_name(find_slots: FindSlots, provider: Any) -> None:
    schedule = create_schedule(provider=provider)
    for opens, closes, valid_from, valid_until in (
        ("09:00", "10:00", None, DAY),
        ("10:00", "11:00", DAY, None),
        ("11:00", "12:00", None, date(2131, 3, 5)),
        ("12:00", "13:00", date(2131, 3, 7), None),
        ("13:00", "14:00", None, date(2131, 1, 1)),
    ):
        BusinessHours.objects.create(
            schedule=schedule,
            day_of_week=DAY.weekday(),
            open_time=opens,
            close_time=closes,
            valid_from=valid_from,
            valid_until=valid_until,
        )
    assert start_times(find_slots()) == ["09:00", "10:00"]


def test_a_closed_row_closes_the_day_while_it_is_valid(
    find_slots: FindSlots, schedule: Schedule
) -> None:
    closed = BusinessHours.objects.create(
        schedule=schedule, day_of_week=DAY.weekday(), is_closed=True, valid_until=DAY
    )
    assert start_times(find_slots()) == []
    closed.valid_until = date(2131, 3, 5)
    closed.save()
    assert start_times(find_slots()) != []


@pytest.fixture
def carnival(monkeypatch: pytest.MonkeyPatch, schedule: Schedule) -> None:
    """A country whose one public holiday is the day that is asked about."""

    def public_holidays(country: str, subdivision: str, year: int) -> Mapping[date, str]:
        assert subdivision == ""
        named = {DAY: "Carnival", date(2131, 12, 24): "Christmas Eve"}
        return MappingProxyType(named if (country, year) == ("XX", 2131) else {})

    monkeypatch.setattr(schedule_rules, "public_holidays", public_holidays)
    Schedule.objects.update(holiday_country="XX")


@pytest.mark.usefixtures("carnival")
def test_a_public_holiday_is_closed_by_its_name(find_slots: FindSlots) -> None:
    assert start_times(find_slots()) == []
    error = find_slots().why_not(at(10))
    assert isinstance(error, StartNotOffered)
    assert (error.booking_code, error.reason) == ("closed", "Carnival")


@pytest.mark.usefixtures("carnival")
def test_an_override_opens_a_public_holiday(find_slots: FindSlots, schedule: Schedule) -> None:
    DateOverride.objects.create(schedule=schedule, date=DAY, open_time="12:00", close_time="13:00")
    assert start_times(find_slots()) == ["12:00"]


@pytest.mark.usefixtures("carnival")
def test_an_override_s_reason_comes_before_the_holiday_s_name(
    find_slots: FindSlots, schedule: Schedule
) -> None:
    DateOverride.objects.create(schedule=schedule, date=DAY, is_closed=True, reason="Stocktaking")
    error = find_slots().why_not(at(10))
    assert isinstance(error, StartNotOffered)
    assert error.reason == "Stocktaking"


def test_the_library_s_holidays_are_known(find_slots: FindSlots, provider: Any) -> None:
    create_schedule(NINE_TO_FIVE, provider=provider, holiday_country="DE")
    christmas = NOW.replace(year=2030, month=12, day=25)
    error = find_slots(start_dt=christmas, end_dt=christmas + timedelta(hours=1)).why_not(christmas)
    assert isinstance(error, StartNotOffered)
    assert error.booking_code == "closed"
    assert error.reason


def test_an_opening_without_end_is_counted_from_its_mondays(
    find_slots: FindSlots, provider: Any
) -> None:
    """The question's own range does not decide what the steps count from."""
    create_schedule(("00:00", "24:00"), provider=provider, slot_step_minutes=7 * 60)
    assert start_times(find_slots()) == ["04:00", "11:00", "18:00"]
