"""A series belongs to the tenant of its bookings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.services import (
    SeriesResult,
    cancel_series,
    create_series,
    reschedule_series,
)
from bookings.exceptions import TenantMismatch
from bookings.models import Booking
from bookings.testing import assert_bookings_are_sound
from tests.hosts.samples import Host, make, make_host

pytestmark = pytest.mark.django_db

NOW: Final = datetime(2131, 3, 5, 8, 0, tzinfo=UTC)


@pytest.fixture
def host() -> Host:
    return make_host()


def make_series(host: Host, **values: Any) -> SeriesResult:
    defaults: dict[str, Any] = {
        "rrule": "FREQ=DAILY;COUNT=2",
        "timezone": "UTC",
        "start_at": NOW + timedelta(days=1),
        "service": host.service,
        "provider": host.provider,
        "tenant": host.tenant,
        "client_name": "Joan",
        "now_dt": NOW,
    }
    return create_series(**(defaults | values))


def test_a_series_has_the_tenant_of_its_bookings_also_after_a_split(host: Host) -> None:
    assert make_series(host).series.tenant == host.tenant
    assert {booking.tenant for booking in Booking.objects.all()} == {host.tenant}
    at = Occurrence.objects.all()[1]
    new = NOW + timedelta(days=2, hours=1)
    split = reschedule_series(at, new_start_at=new, scope="following", now_dt=NOW).series
    assert split.continues is not None
    assert split.tenant == host.tenant
    assert_bookings_are_sound()


@pytest.mark.parametrize("whose", ["nobody", "another"])
def test_another_or_no_tenant_is_refused(host: Host, whose: str) -> None:
    tenant = None if whose == "nobody" else make("TENANT_MODEL")
    with pytest.raises(TenantMismatch):
        make_series(host, tenant=tenant, on_conflict="skip")
    assert not Series.objects.exists()


def test_idempotency_keys_are_unique_per_tenant(host: Host) -> None:
    first = make_series(host, idempotency_key="form").series
    other = Host(
        service=host.service, provider=host.provider, addon=None, tenant=make("TENANT_MODEL")
    )
    for name in ("service", "provider"):
        row = getattr(other, name)
        row.tenant = other.tenant
        row.save()
    later = NOW + timedelta(days=9)
    assert make_series(other, idempotency_key="form", start_at=later).series != first


def test_the_admin_shows_the_tenant(host: Host) -> None:
    series = make_series(host).series
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("boss"))
    for path in ("", f"{series.pk}/change/"):
        page = client.get(f"/admin/bookings_series/series/{path}")
        assert str(host.tenant) in page.content.decode()


def test_a_series_cannot_move_to_another_tenants_provider_even_without_bookings(
    host: Host,
) -> None:
    series = make_series(host).series
    stranger = make_host().provider
    at = series.occurrences.first()
    arguments: Any = {"new_start_at": at.original_start_at, "scope": "all", "now_dt": NOW}
    for _ in range(2):
        with pytest.raises(TenantMismatch):
            reschedule_series(at, **arguments, new_provider=stranger)
        assert Series.objects.get().provider == host.provider
        cancel_series(at, scope="all", now_dt=NOW)
