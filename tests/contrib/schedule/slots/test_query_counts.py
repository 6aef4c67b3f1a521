"""The number of queries does not depend on the number of providers and days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.conf import app_settings
from bookings.contrib.schedule.models import BusinessHours, DateOverride, Schedule
from bookings.contrib.schedule.selectors import (
    any_provider,
    availability_etag,
    day_summary,
    first_available,
    list_available_slots,
    slots_between,
    slots_by_date,
)
from bookings.models import Booking, BusyInterval, Calendar
from tests.core.moments import NOW, at, second

pytestmark = pytest.mark.django_db

# Schedules, hours, overrides, holds that have run out, busy time.
ANSWER = 5
# Schedules, calendars, holds that have run out.
ETAG = 3

SELECTORS: dict[str, Callable[[Any, list[Any]], Any]] = {
    "list_available_slots": lambda service, pool: list(
        list_available_slots(service, pool[0], at(0), at(0, day=26), now_dt=NOW)
    ),
    "slots_between": lambda service, pool: slots_between(
        service, pool, at(0), at(0, day=26), now_dt=NOW
    ),
    "slots_by_date": lambda service, pool: slots_by_date(
        service, pool, date(2131, 3, 5), date(2131, 4, 4), now_dt=NOW
    ),
    "day_summary": lambda service, pool: day_summary(
        service, pool, date(2131, 3, 5), date(2131, 4, 4), now_dt=NOW
    ),
    "first_available": lambda service, pool: first_available(service, pool, now_dt=NOW),
    "any_provider": lambda service, pool: any_provider(service, at(10), pool, now_dt=NOW),
}


def make_pool(size: int) -> list[Any]:
    """Each with a week, a closed day, and a busy hour every day of the month."""
    model = apps.get_model(app_settings.PROVIDER_MODEL)
    for number in range(size):
        model.objects.create(name=str(number))
    providers = list(model.objects.order_by("pk"))
    # Every other one follows the default.
    Schedule.objects.create(timezone="UTC")
    for provider in providers[::2]:
        Schedule.objects.create(provider=provider, timezone="Europe/Berlin")
    BusinessHours.objects.bulk_create(
        BusinessHours(schedule=schedule, day_of_week=day, open_time="09:00", close_time="17:00")
        for schedule in Schedule.objects.all()
        for day in range(7)
    )
    DateOverride.objects.bulk_create(
        DateOverride(schedule=schedule, date=date(2131, 3, 9), is_closed=True)
        for schedule in Schedule.objects.all()
    )
    calendars = Calendar.objects.bulk_create(Calendar(provider=provider) for provider in providers)
    BusyInterval.objects.bulk_create(
        BusyInterval(calendar=calendar, starts=second(12, day=day), ends=second(13, day=day))
        for calendar in Calendar.objects.filter(pk__in=[row.pk for row in calendars])
        for day in range(5, 32)
    )
    return providers


@pytest.mark.parametrize("size", [1, 10, 100])
def test_any_number_of_providers_costs_the_same(service: Any, size: int) -> None:
    pool = make_pool(size)
    for name, select in SELECTORS.items():
        with CaptureQueriesContext(connection) as captured:
            assert select(service, pool), name
        assert len(captured) == ANSWER, name
    with CaptureQueriesContext(connection) as captured:
        availability_etag(service, pool, now_dt=NOW)
    assert len(captured) == ETAG


def test_any_number_of_days_costs_the_same(service: Any) -> None:
    [provider] = make_pool(1)
    for last in (date(2131, 3, 5), date(2131, 3, 31), date(2132, 3, 31)):
        with CaptureQueriesContext(connection) as captured:
            assert slots_by_date(service, provider, date(2131, 3, 5), last, now_dt=NOW)
        assert len(captured) == ANSWER


def test_looking_again_costs_nothing(service: Any) -> None:
    [provider] = make_pool(1)
    slots = list_available_slots(service, provider, at(0), at(0, day=7), now_dt=NOW)
    with CaptureQueriesContext(connection) as captured:
        assert list(slots) == list(slots)
        assert at(10) in slots
        slots.why_not(at(3))
    assert len(captured) == 0


def test_a_booking_that_is_held_to_them_costs_as_much_more(
    validated: None, book: Callable[..., Booking]
) -> None:
    provider = make_pool(1)[0]
    book(at(9), provider=provider)

    def cost(hour: int, **values: Any) -> int:
        with CaptureQueriesContext(connection) as captured:
            book(at(hour), provider=provider, **values)
        return len(captured)

    assert cost(10, skip_slot_validation=False) == cost(11) + ANSWER
