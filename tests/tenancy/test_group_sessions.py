"""Sessions, seats and waitlists with tenancy on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db.models import QuerySet

from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.selectors import list_sessions
from bookings.contrib.group_sessions.services import (
    book_seat,
    create_session,
    join_waitlist,
    move_seat,
    update_session,
)
from bookings.exceptions import TenantMismatch
from bookings.integrity import find_problems
from bookings.models import Booking
from bookings.services import cancel_booking
from tests.hosts.samples import Host, make, make_host

pytestmark = pytest.mark.django_db

NOW = datetime(2131, 3, 5, 8, 0, tzinfo=UTC)
START = NOW + timedelta(days=1)


@pytest.fixture
def host() -> Host:
    return make_host()


@pytest.fixture
def elsewhere(host: Host) -> Host:
    """A service and a provider of another tenant."""
    tenant = make("TENANT_MODEL")
    return Host(
        service=make("SERVICE_MODEL", tenant=tenant),
        provider=make("PROVIDER_MODEL", tenant=tenant),
        addon=None,
        tenant=tenant,
    )


def publish(host: Host, **values: Any) -> Session:
    given = {"service": host.service, "provider": host.provider, "tenant": host.tenant}
    return create_session(**(given | {"start_at": START, "now_dt": NOW} | values))


def test_bookings_and_promotions_have_the_tenant_of_the_session(host: Host) -> None:
    session = publish(host, capacity=1, enable_waitlist=True)
    first = book_seat(session, client_name="Ann", now_dt=NOW)
    join_waitlist(session, client_name="Bob", now_dt=NOW)
    cancel_booking(first, now_dt=NOW)
    second = Booking.objects.get(client_name="Bob")
    assert session.tenant == first.tenant == second.tenant == host.tenant
    assert second.status == "CONFIRMED"
    assert list(find_problems()) == []


@pytest.mark.parametrize("name", ["service", "provider", "tenant"])
def test_a_session_of_two_tenants_is_refused(host: Host, elsewhere: Host, name: str) -> None:
    with pytest.raises(TenantMismatch):
        publish(host, **{name: getattr(elsewhere, name)})
    assert not Session.objects.exists()


def test_a_session_without_a_tenant_is_refused(host: Host) -> None:
    with pytest.raises(TenantMismatch):
        publish(host, tenant=None)


def test_a_new_provider_has_to_be_of_the_same_tenant(host: Host, elsewhere: Host) -> None:
    session = publish(host)
    with pytest.raises(TenantMismatch):
        update_session(session, provider=elsewhere.provider, now_dt=NOW)


def test_a_tenant_s_sessions_are_listed(host: Host, elsewhere: Host) -> None:
    own, _other = publish(host), publish(elsewhere)
    for of in (
        {"tenant": host.tenant},
        {"service": host.service},
        {"provider": host.provider},
        {"tenant": host.tenant, "service": host.service, "provider": host.provider},
    ):
        assert list(list_sessions(now_dt=NOW, **of)) == [own]


@pytest.mark.parametrize("name", ["service", "provider"])
def test_sessions_of_no_tenant_or_of_two_are_not_listed(
    host: Host, elsewhere: Host, name: str
) -> None:
    publish(host), publish(elsewhere)
    for of in (
        {},
        {"tenant": elsewhere.tenant, name: getattr(host, name)},
        {"service": host.service, "provider": elsewhere.provider},
    ):
        with pytest.raises(TenantMismatch):
            list_sessions(now_dt=NOW, **of)


def test_seats_stay_with_their_tenant(host: Host, elsewhere: Host) -> None:
    """Even if service and provider belong to no tenant, as a host may have them."""
    session = publish(host)
    other = publish(host, start_at=START + timedelta(hours=5))
    QuerySet(Session).filter(pk=other.pk).update(tenant=elsewhere.tenant)
    other.refresh_from_db()
    booking = book_seat(session, client_name="Ann", now_dt=NOW)
    with pytest.raises(TenantMismatch):
        move_seat(booking, other, now_dt=NOW)
    booking.refresh_from_db()
    assert booking.seat.session == session
