"""A service, two providers, and bookings as they are stored, whatever the services would allow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db.models import QuerySet

from bookings.conf import app_settings
from bookings.contrib.reports.periods import Period
from bookings.models import Booking, BookingEvent

NOW: Final = datetime(2031, 4, 1, tzinfo=UTC)
START: Final = datetime(2031, 3, 5, 10, tzinfo=UTC)
MARCH: Final = Period(datetime(2031, 3, 1, tzinfo=UTC), datetime(2031, 4, 1, tzinfo=UTC), "UTC")  # type: ignore[arg-type]
HOUR: Final = timedelta(hours=1)

Store = Callable[..., Booking]
Make = Callable[..., Any]


def store_booking(**values: Any) -> Booking:
    """Store a booking and its events, each a type, an instant and data, as an import would."""
    events = values.pop("events", ())
    start_at = values.setdefault("start_at", START)
    values = {
        "end_at": start_at + HOUR,
        "client_name": "Joan",
        "reference": uuid4().hex[:20],
        "currency": "EUR",
        "created_at": start_at - timedelta(days=2),
        "service_name": "Massage",
    } | values
    booking = Booking(**values)
    # Past the guards of the model: a report is of what is stored.
    rows: QuerySet[Booking] = QuerySet(Booking)
    rows.bulk_create([booking])
    for event_type, at, data in events:
        BookingEvent(booking=booking, event_type=event_type, created_at=at, data=data).save()
    return booking


@pytest.fixture
def make_service(db: None) -> Make:
    model = apps.get_model(app_settings.SERVICE_MODEL)
    values = {"name": "Massage", "duration_minutes": 60}
    return lambda **more: model._default_manager.create(**(values | more))


@pytest.fixture
def make_provider(db: None) -> Make:
    model = apps.get_model(app_settings.PROVIDER_MODEL)
    return lambda **more: model._default_manager.create(**({"name": "Ada"} | more))


@pytest.fixture
def service(make_service: Make) -> Any:
    return make_service()


@pytest.fixture
def provider(make_provider: Make) -> Any:
    return make_provider()


@pytest.fixture
def store(service: Any, provider: Any) -> Store:
    def make(**values: Any) -> Booking:
        return store_booking(**({"service": service, "provider": provider} | values))

    return make


@pytest.fixture
def user(db: None) -> Any:
    return get_user_model().objects.create_user("manager")
