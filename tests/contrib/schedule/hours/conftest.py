"""A clinic with a schedule, and the instants that the tests use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from django.apps import apps

from bookings.conf import app_settings
from bookings.contrib.schedule.models import BusinessHours, DateOverride, Schedule
from bookings.contrib.schedule.services import create_schedule
from bookings.models import Booking
from bookings.services import create_booking

NOW: Final = datetime(2131, 3, 5, 8, 0, tzinfo=UTC)
"""A Monday."""

Make = Callable[..., Any]
Book = Callable[..., Booking]


def at(hour: int, minute: int = 0, *, day: int = 6) -> datetime:
    """A time of the day after ``NOW``, in UTC."""
    return datetime(2131, 3, day, hour, minute, tzinfo=UTC)


def weekly_hours_of(schedule: Schedule) -> list[str]:
    """Return the weekly hours as text, sorted by day and first day of validity."""
    rows = BusinessHours.objects.filter(schedule=schedule)
    in_order = sorted(rows, key=lambda row: (row.day_of_week, str(row.valid_from or ""), str(row)))
    return [f"{row} {row.valid_from or ''}–{row.valid_until or ''}" for row in in_order]


def overrides_of(schedule: Schedule) -> list[str]:
    rows = DateOverride.objects.filter(schedule=schedule)
    return [f"{row.date} {row.hours or 'closed'} {row.reason}".strip() for row in rows]


def revision_of(schedule: Schedule) -> int:
    return Schedule.objects.values_list("revision", flat=True).get(pk=schedule.pk)


@pytest.fixture
def make_provider(db: None) -> Make:
    model = apps.get_model(app_settings.PROVIDER_MODEL)
    return lambda name="Ada", **values: model._default_manager.create(name=name, **values)


@pytest.fixture
def provider(make_provider: Make) -> Any:
    return make_provider()


@pytest.fixture
def service(db: None) -> Any:
    model = apps.get_model(app_settings.SERVICE_MODEL)
    return model._default_manager.create(name="Massage", duration_minutes=60)


@pytest.fixture
def schedule(provider: Any) -> Schedule:
    """Ada's, open from nine to five on Mondays and Tuesdays."""
    return create_schedule(
        provider=provider,
        timezone="UTC",
        hours={0: [("09:00", "17:00")], 1: [("09:00", "17:00")]},
    )


@pytest.fixture
def book(service: Any, provider: Any) -> Book:
    """Book an hour with Ada: ``book(at(10))``, any argument of ``create_booking`` on top."""

    def make(start_at: datetime, **values: Any) -> Booking:
        given = {
            "service": service,
            "provider": provider,
            "start_at": start_at,
            "client_name": "Joan",
            "now_dt": NOW,
        }
        return create_booking(**(given | values))

    return make
