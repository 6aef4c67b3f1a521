"""With tenancy on, a slot engine is told whose slots it is asked for."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.utils import timezone

from bookings.exceptions import SlotUnavailable
from bookings.models import Booking
from bookings.services import create_booking, reschedule_booking
from tests.hosts.samples import Host, make_host
from tests.tenancy import engines

pytestmark = pytest.mark.django_db

START = timezone.now().replace(hour=10, minute=0, second=0, microsecond=0) + datetime.timedelta(2)
HALF_AN_HOUR = datetime.timedelta(minutes=30)


@pytest.fixture
def host() -> Host:
    return make_host()


def book(host: Host, start_at: datetime.datetime = START) -> Booking:
    return create_booking(
        service=host.service,
        provider=host.provider,
        tenant=host.tenant,
        start_at=start_at,
        client_name="Ada",
    )


def test_the_engine_is_told_the_tenant(host: Host, settings: Any) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = "tests.tenancy.engines.everything"
    engines.asked.clear()
    reschedule_booking(book(host), new_start_at=START + HALF_AN_HOUR)
    assert engines.asked == [host.tenant, host.tenant]


def test_mroudai_django_slots_is_told_it_too(host: Host, settings: Any) -> None:
    """In both directions: it asks us for busy time with the tenant that we ask it with."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "slots"]
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.SLOTS_TENANT_MODEL = settings.BOOKINGS_TENANT_MODEL
    settings.SLOTS_GET_BUSY_INTERVALS_FUNC = "bookings.selectors.get_busy_intervals"
    settings.SLOTS_GET_WORKING_WINDOWS_FUNC = "tests.tenancy.engines.around_the_clock"
    booking = book(host)
    with pytest.raises(SlotUnavailable):
        book(host, START + HALF_AN_HOUR)
    reschedule_booking(booking, new_start_at=START + HALF_AN_HOUR)
    assert Booking.objects.get().start_at == START + HALF_AN_HOUR
