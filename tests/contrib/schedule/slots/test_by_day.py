"""Slots by day, and whether a day is open, full or closed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bookings.contrib.schedule.models import DateOverride, Schedule
from bookings.contrib.schedule.selectors import (
    DayStatus,
    DaySummary,
    day_summary,
    slots_by_date,
)
from bookings.exceptions import InvalidBooking, SlotUnavailable
from bookings.models import Booking
from tests.contrib.schedule.slots.conftest import (
    NINE_TO_FIVE,
    create_schedule,
    make_provider,
    start_times,
)
from tests.core.moments import NOW, at

pytestmark = pytest.mark.django_db
Book = Callable[..., Booking]
TUESDAY, WEDNESDAY, THURSDAY = date(2131, 3, 6), date(2131, 3, 7), date(2131, 3, 8)
OPEN, FULL, CLOSED = DayStatus.OPEN, DayStatus.FULL, DayStatus.CLOSED


@pytest.fixture
def grace(db: None) -> Any:
    """She works in the afternoon."""
    grace = make_provider("Grace")
    create_schedule(("14:00", "16:00"), provider=grace)
    return grace


@pytest.fixture
def ada(provider: Any) -> Any:
    """She works around noon."""
    create_schedule(("12:00", "15:00"), provider=provider)
    return provider


def test_every_day_of_the_range_has_its_slots(service: Any, ada: Any) -> None:
    schedule = ada.booking_schedule
    DateOverride.objects.create(schedule=schedule, date=WEDNESDAY, is_closed=True)
    by_date = slots_by_date(service, ada, TUESDAY, THURSDAY, now_dt=NOW)
    assert {day: start_times(slots) for day, slots in by_date.items()} == {
        TUESDAY: ["12:00", "13:00", "14:00"],
        WEDNESDAY: [],
        THURSDAY: ["12:00", "13:00", "14:00"],
    }


def test_one_day_is_asked_for_by_itself(service: Any, ada: Any) -> None:
    assert list(slots_by_date(service, ada, TUESDAY, now_dt=NOW)) == [TUESDAY]


def test_the_days_are_the_viewer_s(service: Any, provider: Any) -> None:
    """At noon in Kiritimati it is yesterday's ten o'clock at night in Greenwich."""
    create_schedule(NINE_TO_FIVE, provider=provider)
    kiritimati = ZoneInfo("Pacific/Kiritimati")
    slots = slots_by_date(service, provider, TUESDAY, tz=kiritimati, now_dt=NOW)[TUESDAY]
    assert [slot.start for slot in slots] == [
        at(hour, day=5) for hour in (10, 11, 12, 13, 14, 15, 16)
    ] + [at(9)]
    assert start_times(slots)[0] == "00:00"


def test_a_pool_s_slots_come_in_order_with_their_providers(
    service: Any, ada: Any, grace: Any
) -> None:
    slots = slots_by_date(service, [grace, ada], TUESDAY, now_dt=NOW)[TUESDAY]
    assert [(f"{slot.start:%H}", slot.provider) for slot in slots] == [
        ("12", ada),
        ("13", ada),
        ("14", grace),
        ("14", ada),
        ("15", grace),
    ]


def test_the_hour_that_is_shown_twice_stays_in_order(service: Any, provider: Any) -> None:
    """Two datetimes of one zone are compared by what the clock shows, which is not the order."""
    create_schedule(
        ("02:00", "04:00"), provider=provider, timezone="Europe/Berlin", slot_step_minutes=30
    )
    berlin, night = ZoneInfo("Europe/Berlin"), date(2030, 10, 27)
    slots = slots_by_date(service, [provider], night, tz=berlin, now_dt=NOW.replace(year=2030))
    assert start_times(slots[night]) == ["02:00", "02:30", "02:00", "02:30", "03:00"]


def test_a_pool_leaves_out_who_has_no_schedule(service: Any, ada: Any) -> None:
    pool = [make_provider("Joan"), ada, ada]
    assert len(slots_by_date(service, pool, TUESDAY, now_dt=NOW)[TUESDAY]) == 3
    assert slots_by_date(service, pool[:1], TUESDAY, now_dt=NOW) == {TUESDAY: []}
    with pytest.raises(SlotUnavailable, match="Joan has no schedule"):
        slots_by_date(service, pool[0], TUESDAY, now_dt=NOW)


def test_a_day_is_open_full_or_closed(service: Any, provider: Any, book: Book) -> None:
    schedule = create_schedule(("12:00", "14:00"), provider=provider)
    DateOverride.objects.create(
        schedule=schedule, date=WEDNESDAY, is_closed=True, reason="Stocktaking"
    )
    book(at(12))
    book(at(12, day=8))
    book(at(13, day=8))
    assert day_summary(service, provider, TUESDAY, THURSDAY, now_dt=NOW) == [
        DaySummary(TUESDAY, OPEN, 1),
        DaySummary(WEDNESDAY, CLOSED, 0, "Stocktaking"),
        DaySummary(THURSDAY, FULL, 0),
    ]


def test_a_day_with_nothing_to_wait_for_is_closed(service: Any, ada: Any) -> None:
    """Full would tell people to hope for a cancellation."""
    Schedule.objects.update(maximum_advance_days=1)
    days = day_summary(service, ada, date(2131, 3, 4), THURSDAY, now_dt=at(15))
    assert [day.status for day in days] == [CLOSED, CLOSED, CLOSED, OPEN, CLOSED]


def test_hours_that_are_too_short_are_closed(service: Any, provider: Any) -> None:
    create_schedule(("12:00", "12:59"), provider=provider)
    assert day_summary(service, provider, TUESDAY, now_dt=NOW) == [DaySummary(TUESDAY, CLOSED, 0)]


def test_a_pool_is_as_open_as_its_members_together(
    service: Any, ada: Any, grace: Any, book: Book
) -> None:
    DateOverride.objects.create(
        schedule=grace.booking_schedule, date=WEDNESDAY, is_closed=True, reason="Away"
    )
    DateOverride.objects.create(schedule=ada.booking_schedule, date=THURSDAY, is_closed=True)
    DateOverride.objects.create(
        schedule=grace.booking_schedule, date=THURSDAY, is_closed=True, reason="Away"
    )
    for hour in (12, 13, 14):
        book(at(hour, day=7), provider=ada)
    assert day_summary(service, [ada, grace], TUESDAY, THURSDAY, now_dt=NOW) == [
        DaySummary(TUESDAY, OPEN, 4),
        DaySummary(WEDNESDAY, FULL, 0),
        DaySummary(THURSDAY, CLOSED, 0, "Away"),
    ]


def test_nobody_is_closed(service: Any) -> None:
    assert day_summary(service, [], TUESDAY, now_dt=NOW) == [DaySummary(TUESDAY, CLOSED, 0)]


def test_staff_see_the_days_beyond_the_window(service: Any, ada: Any) -> None:
    [day] = day_summary(service, ada, TUESDAY, now_dt=at(15), override_policy=True)
    assert day == DaySummary(TUESDAY, OPEN, 3)


def test_too_many_days_are_refused(service: Any, ada: Any) -> None:
    for select in (slots_by_date, day_summary):
        with pytest.raises(InvalidBooking, match="400 days"):
            select(service, ada, TUESDAY, TUESDAY + timedelta(days=402), now_dt=NOW)


@pytest.mark.parametrize("ask", [slots_by_date, day_summary])
@pytest.mark.parametrize("days", [(NOW, None), (TUESDAY, NOW), ("2131-03-06", None)], ids=str)
def test_a_day_is_a_date(
    service: Any, provider: Any, schedule: Schedule, ask: Any, days: tuple[Any, Any]
) -> None:
    with pytest.raises(InvalidBooking, match="must be a date, not") as caught:
        ask(service, provider, *days, now_dt=NOW)
    assert caught.value.code == "invalid_date"
