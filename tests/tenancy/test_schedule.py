"""Each tenant has a default schedule of its own, and nothing of one reaches another."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from bookings.contrib.schedule.exceptions import ScheduleExists
from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.services import add_closures, copy_schedule, create_schedule
from bookings.exceptions import InvalidBooking, TenantMismatch
from bookings.models import Booking
from bookings.services import create_booking
from tests.hosts.samples import Host, make, make_host

pytestmark = pytest.mark.django_db

TOMORROW = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0) + datetime.timedelta(
    days=1
)


@pytest.fixture
def host() -> Host:
    return make_host()


@pytest.fixture
def other() -> Host:
    return make_host()


def book(host: Host, provider: Any = None) -> Booking:
    return create_booking(
        service=host.service,
        provider=provider or host.provider,
        tenant=host.tenant,
        start_at=TOMORROW,
        client_name="Ada",
    )


def test_each_tenant_has_one_default_and_so_has_the_project(host: Host, other: Host) -> None:
    for tenant in (host.tenant, other.tenant, None):
        made = create_schedule(tenant=tenant)
        assert made.tenant == tenant
        with pytest.raises(ScheduleExists):
            create_schedule(tenant=tenant)
        with pytest.raises(ValidationError, match="There is a default schedule already"):
            Schedule(tenant=tenant).full_clean()
        with pytest.raises(IntegrityError), transaction.atomic():
            Schedule.objects.create(tenant=tenant)


def test_a_providers_schedule_is_its_tenants(host: Host, other: Host) -> None:
    assert create_schedule(provider=host.provider).tenant == host.tenant
    assert create_schedule(provider=other.provider, tenant=other.tenant).tenant == other.tenant


def test_another_tenants_is_refused(host: Host, other: Host) -> None:
    with pytest.raises(TenantMismatch):
        create_schedule(provider=host.provider, tenant=other.tenant)
    with pytest.raises(InvalidBooking, match="tenant must be a"):
        create_schedule(tenant="Clinic")
    with pytest.raises(ValidationError, match="belongs to another tenant"):
        Schedule(provider=host.provider, tenant=other.tenant).full_clean()
    Schedule(provider=host.provider, tenant=host.tenant).full_clean()
    Schedule(provider=host.provider).full_clean()


def test_a_schedule_is_copied_within_its_tenant(host: Host, other: Host) -> None:
    grace = make("PROVIDER_MODEL", tenant=host.tenant)
    for schedule in (create_schedule(provider=host.provider), create_schedule(tenant=host.tenant)):
        with pytest.raises(TenantMismatch, match="belongs to another tenant than the schedule"):
            copy_schedule(schedule=schedule, providers=[other.provider])
        (copy,) = copy_schedule(schedule=schedule, providers=[grace], replace=True)
        assert copy.tenant == host.tenant


def test_the_projects_schedule_is_copied_to_anyone(host: Host, other: Host) -> None:
    copies = copy_schedule(schedule=create_schedule(), providers=[host.provider, other.provider])
    assert [copy.tenant for copy in copies] == [host.tenant, other.tenant]


def test_a_default_closes_for_its_tenants_providers_only(host: Host, other: Host) -> None:
    """And the project's for the tenants without a default."""
    third = make_host()
    of_their_own = make("PROVIDER_MODEL", tenant=host.tenant)
    create_schedule(provider=of_their_own)
    book(host, of_their_own)
    own, others, thirds = book(host), book(other), book(third)
    default = create_schedule(tenant=host.tenant)

    made = add_closures(schedules=[default], first_date=TOMORROW.date())
    assert made.bookings == [own]

    made = add_closures(schedules=[create_schedule()], first_date=TOMORROW.date())
    assert made.bookings == [others, thirds]


def test_it_goes_with_its_tenant(host: Host) -> None:
    create_schedule(tenant=host.tenant)
    host.service.delete()
    host.addon.delete()
    host.provider.delete()
    host.tenant.delete()
    assert not Schedule.objects.exists()
