"""A host, and a booking in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone
from django.utils.translation import override

from bookings.conf import app_settings
from bookings.models import Booking
from bookings.services import create_booking

Book = Callable[..., Booking]


@pytest.fixture(autouse=True)
def _language_of_the_other_tests() -> Iterator[None]:
    """A page leaves its reader's language active, for the next request sets its own."""
    with override("en"):
        yield


@pytest.fixture
def service(db: None) -> Any:
    return apps.get_model(app_settings.SERVICE_MODEL).objects.create(
        name="Massage", duration_minutes=60
    )


@pytest.fixture
def book(service: Any) -> Book:
    provider = apps.get_model(app_settings.PROVIDER_MODEL).objects.create(name="Ada")
    tomorrow = (timezone.now() + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)

    def make(**values: Any) -> Booking:
        given = {"service": service, "provider": provider, "start_at": tomorrow}
        return create_booking(client_name="Mary", **(given | values))

    return make


@pytest.fixture
def booking(book: Book) -> Booking:
    return book()
