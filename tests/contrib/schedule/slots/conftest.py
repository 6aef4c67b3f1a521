"""A provider who works from nine to five in UTC, and short ways to find slots and to book."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.apps import apps

from bookings.conf import app_settings
from bookings.contrib.schedule.models import BusinessHours, Schedule
from bookings.contrib.schedule.selectors import Availability, list_available_slots
from bookings.models import Booking
from bookings.services import create_booking
from tests.core.moments import NOW, at

ENGINE_PATH = "bookings.contrib.schedule.selectors.list_available_slots"
NINE_TO_FIVE = ("09:00", "17:00")


def make_provider(name: str = "Ada", **values: Any) -> Any:
    return apps.get_model(app_settings.PROVIDER_MODEL).objects.create(name=name, **values)


def make_service(**values: Any) -> Any:
    model = apps.get_model(app_settings.SERVICE_MODEL)
    return model.objects.create(**({"name": "Massage", "duration_minutes": 60} | values))


def create_schedule(*shifts: tuple[str, ...], **values: Any) -> Schedule:
    """These shifts on every day of the week."""
    defaults = {"timezone": "UTC", "slot_step_minutes": 60}
    schedule = Schedule.objects.create(**(defaults | values))
    BusinessHours.objects.bulk_create(
        BusinessHours(
            schedule=schedule,
            day_of_week=day,
            open_time=opens,
            close_time="00:00" if closes == "24:00" else closes,
            closes_next_day=closes <= opens or closes == "24:00",
        )
        for day in range(7)
        for opens, closes in shifts
    )
    return schedule


@pytest.fixture
def service(db: None) -> Any:
    return make_service()


@pytest.fixture
def yoga(db: None) -> Any:
    return make_service(name="Yoga", allow_multiple_clients_per_slot=True, capacity=3)


@pytest.fixture
def provider(db: None) -> Any:
    return make_provider()


@pytest.fixture
def schedule(provider: Any) -> Schedule:
    return create_schedule(NINE_TO_FIVE, provider=provider)


@pytest.fixture
def addon(db: None) -> Any:
    return apps.get_model(app_settings.ADDON_MODEL).objects.create(
        name="Hot stones", extra_duration_minutes=15
    )


@pytest.fixture
def find_slots(service: Any, provider: Any) -> Callable[..., Availability]:
    """Return the slots on the day after ``NOW``; any argument can be overridden."""

    def ask(**values: Any) -> Availability:
        defaults = {
            "service": service,
            "provider": provider,
            "start_dt": at(0),
            "end_dt": at(0, day=7),
            "now_dt": NOW,
        }
        return list_available_slots(**(defaults | values))

    return ask


@pytest.fixture
def book(service: Any, provider: Any) -> Callable[..., Booking]:
    """Book an hour, without asking the slot engine."""

    def make(start_at: datetime, **values: Any) -> Booking:
        defaults = {
            "service": service,
            "provider": provider,
            "start_at": start_at,
            "client_name": "Joan",
            "now_dt": NOW,
            "skip_slot_validation": True,
        }
        return create_booking(**(defaults | values))

    return make


@pytest.fixture
def validated(settings: Any) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = ENGINE_PATH


def start_times(slots: Any) -> list[str]:
    """Return the starts of slots as text, such as 09:00."""
    return [f"{slot.start:%H:%M}" for slot in slots]
