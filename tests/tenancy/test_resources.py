"""Resources and pools are of the booking's tenant."""

from __future__ import annotations

from typing import Any

import pytest

from bookings.contrib.group_sessions.services import create_session
from bookings.contrib.series.services import create_series
from bookings.exceptions import TenantMismatch
from bookings.integrity import find_problems
from bookings.models import Booking, BookingResource
from bookings.pools import AnyOf
from bookings.services import cancel_booking, reopen_booking, reschedule_booking
from tests.hosts.samples import Host, make, make_host
from tests.services.storage import nothing_done, nothing_written
from tests.tenancy.test_tenancy import HOUR, TOMORROW, book

pytestmark = pytest.mark.django_db


@pytest.fixture
def host() -> Host:
    return make_host()


@pytest.fixture
def other() -> Host:
    return make_host()


def room_of(host: Host) -> Any:
    return make("PROVIDER_MODEL", tenant=host.tenant)


def test_a_resource_of_another_tenant_is_refused(host: Host, other: Host) -> None:
    for resources in ([room_of(other)], [AnyOf([room_of(host), room_of(other)])]):
        with pytest.raises(TenantMismatch, match="resource belongs to another tenant"):
            book(host, resources=resources)
    assert not Booking.objects.exists()


def test_a_pool_of_two_tenants_is_refused(host: Host, other: Host) -> None:
    with pytest.raises(TenantMismatch, match="provider belongs to another tenant"):
        book(host, provider=AnyOf([host.provider, other.provider]))
    assert not Booking.objects.exists()


def test_a_booking_does_not_move_to_a_resource_of_another_tenant(host: Host, other: Host) -> None:
    booking = book(host, resources=[room_of(host)])

    with pytest.raises(TenantMismatch):
        reschedule_booking(booking, new_start_at=TOMORROW + HOUR, new_resources=[room_of(other)])


def test_a_resource_of_another_tenant_is_a_problem(host: Host, other: Host) -> None:
    booking = book(host, resources=[room_of(host)])
    assert list(find_problems()) == []
    resource = BookingResource.objects.get(booking=booking)
    type(resource.provider)._base_manager.filter(pk=resource.provider_id).update(
        tenant=other.tenant
    )

    assert [problem.invariant for problem in find_problems()] == [7]


def test_no_verb_takes_a_pool_of_two_tenants(host: Host, other: Host) -> None:
    """Whether or not the first of them could do it."""
    booking = book(host)
    pool = AnyOf([room_of(host), other.provider])
    later = TOMORROW + 3 * HOUR
    made = {"service": host.service, "provider": pool, "tenant": host.tenant, "start_at": later}
    series = {"rrule": "FREQ=DAILY;COUNT=2", "timezone": "UTC", "client_name": "Kim"}

    for call in (
        lambda: reschedule_booking(booking, new_start_at=later, new_provider=pool),
        lambda: create_series(**made, **series),
        lambda: create_session(**made),
    ):
        with nothing_done(), pytest.raises(TenantMismatch, match="provider belongs to another"):
            call()


def test_a_room_that_is_another_tenant_s_by_now_is_not_taken_again(host: Host, other: Host) -> None:
    room = room_of(host)
    booking = book(host, resources=[room])
    cancel_booking(booking)
    room.tenant = other.tenant
    room.save()

    with nothing_written(), pytest.raises(TenantMismatch, match="resource belongs to another"):
        reopen_booking(booking, override_policy=True)
