"""With tenancy on, everything about a booking belongs to one tenant, or there is no booking."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from bookings.exceptions import BookingConflict, TenantMismatch
from bookings.models import TENANCY_ENABLED, Booking, BusyInterval
from bookings.selectors import get_busy_intervals, get_response_times
from bookings.services import (
    confirm_booking,
    create_booking,
    hold_booking,
    reschedule_booking,
    submit_hold,
)
from bookings.testing import assert_bookings_are_sound
from tests.hosts.samples import Host, make, make_host
from tests.hosts.tenant.staff.models import Practitioner

pytestmark = pytest.mark.django_db

TOMORROW = timezone.now().replace(minute=0, second=0, microsecond=0) + datetime.timedelta(days=1)
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def host() -> Host:
    return make_host()


@pytest.fixture
def other() -> Host:
    return make_host()


def book(host: Host, **changes: Any) -> Booking:
    details = {
        "service": host.service,
        "provider": host.provider,
        "tenant": host.tenant,
        "start_at": TOMORROW,
        "client_name": "Ada",
    }
    return create_booking(**(details | changes))


def test_it_is_on() -> None:
    assert TENANCY_ENABLED


def test_a_booking_has_its_tenant(host: Host, other: Host) -> None:
    booking = book(host, addon_ids=[host.addon.pk])
    book(other)
    assert booking.tenant == host.tenant
    assert list(Booking.objects.for_tenant(host.tenant)) == [booking]
    assert_bookings_are_sound()


def test_a_tenant_is_required(host: Host) -> None:
    with pytest.raises(TenantMismatch, match="Tenant is required when tenancy is enabled"):
        book(host, tenant=None)
    assert not Booking.objects.exists()


@pytest.mark.parametrize("name", ["service", "provider", "tenant"])
def test_another_tenants_things_are_refused(host: Host, other: Host, name: str) -> None:
    with pytest.raises(TenantMismatch, match="belongs to another tenant"):
        book(host, **{name: getattr(other, name)})
    assert not Booking.objects.exists()
    assert not BusyInterval.objects.exists()


def test_another_tenants_addon_is_refused(host: Host, other: Host) -> None:
    with pytest.raises(TenantMismatch, match="add-on belongs to another tenant"):
        book(host, addon_ids=[other.addon.pk])
    assert not Booking.objects.exists()


def test_a_booking_does_not_move_to_another_tenants_provider(host: Host, other: Host) -> None:
    booking = book(host)
    with pytest.raises(TenantMismatch, match="provider belongs to another tenant"):
        reschedule_booking(booking, new_start_at=TOMORROW, new_provider=other.provider)
    booking.refresh_from_db()
    assert booking.provider == host.provider
    assert booking.version == 1


def test_an_idempotency_key_is_the_tenants_own(host: Host, other: Host) -> None:
    first = book(host, idempotency_key="order-1")
    assert book(host, idempotency_key="order-1") == first
    assert book(other, idempotency_key="order-1") != first


def test_a_form_is_told(host: Host, other: Host) -> None:
    booking = book(host)
    booking.service = other.service
    with pytest.raises(ValidationError) as caught:
        booking.full_clean()
    assert caught.value.message_dict["service"] == [
        "Tenant mismatch between booking and related object."
    ]
    booking = book(host, start_at=TOMORROW + HOUR)
    booking.tenant = None
    with pytest.raises(ValidationError) as caught:
        booking.full_clean()
    assert caught.value.message_dict["tenant"] == ["Tenant is required when tenancy is enabled."]


def test_a_provider_is_busy_for_everybody(host: Host) -> None:
    """Time is the provider's: a selector that is told a tenant does not hide half of it."""
    book(host)
    everything = get_busy_intervals(host.provider, TOMORROW, TOMORROW + HOUR)
    assert everything == [(TOMORROW, TOMORROW + HOUR)]
    mine = get_busy_intervals(host.provider, TOMORROW, TOMORROW + HOUR, tenant=host.tenant)
    assert mine == everything
    with pytest.raises(BookingConflict):
        book(host)


def test_a_colleague_of_the_same_tenant_is_free(host: Host) -> None:
    colleague = make("PROVIDER_MODEL", tenant=host.tenant)
    assert isinstance(colleague, Practitioner)
    book(host)
    book(host, provider=colleague)
    assert Booking.objects.for_tenant(host.tenant).count() == 2


@pytest.mark.parametrize("verb", [confirm_booking, submit_hold])
@pytest.mark.parametrize("name", ["service", "provider"])
def test_what_is_another_tenants_by_now_is_not_confirmed(
    host: Host, other: Host, verb: Any, name: str
) -> None:
    hold = hold_booking(
        service=host.service,
        provider=host.provider,
        tenant=host.tenant,
        start_at=TOMORROW,
        client_name="Ada",
    )
    belonging = getattr(hold, name)
    belonging.tenant_id = other.tenant.pk
    belonging.save()

    with pytest.raises(TenantMismatch):
        verb(hold)

    assert Booking.objects.get(pk=hold.pk).status == "PENDING"


def test_a_tenant_is_told_of_its_own_answers_alone(host: Host, other: Host) -> None:
    host.service.requires_approval = True
    now = timezone.now()
    confirm_booking(book(host, now_dt=now), now_dt=now + HOUR)
    around = (now - HOUR, now + HOUR)

    assert get_response_times(host.provider, *around, tenant=host.tenant) == [HOUR]
    assert get_response_times(host.provider, *around, tenant=other.tenant) == []
