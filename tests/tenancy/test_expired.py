"""What has run out, of one tenant, and for how long each tenant's providers are waited for."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bookings.contrib.schedule.services import create_schedule
from bookings.models import Booking
from bookings.selectors import list_overdue_bookings
from bookings.services import auto_cancel_expired_bookings, create_booking
from tests.hosts.samples import Host, make_host

pytestmark = pytest.mark.django_db

MADE = datetime(2090, 1, 2, 8, tzinfo=UTC)
FRIDAY = datetime(2090, 1, 6, 17, tzinfo=UTC)
DAY = timedelta(days=1)


def ending_on_friday(host: Host) -> Booking:
    booking = create_booking(
        service=host.service,
        provider=host.provider,
        tenant=host.tenant,
        start_at=FRIDAY - timedelta(minutes=host.service.duration_minutes),
        client_name="Ada",
        now_dt=MADE,
        skip_slot_validation=True,
    )
    Booking._base_manager.filter(pk=booking.pk).update(created_at=MADE, confirmed_at=MADE)
    booking.refresh_from_db()
    assert booking.end_at == FRIDAY
    return booking


def test_the_list_is_of_one_tenant_if_told() -> None:
    host, other = make_host(), make_host()
    ours, theirs = ending_on_friday(host), ending_on_friday(other)
    assert list_overdue_bookings(FRIDAY + DAY, tenant=host.tenant) == [ours]
    assert list_overdue_bookings(FRIDAY + DAY, tenant=other.tenant) == [theirs]
    assert list_overdue_bookings(FRIDAY + DAY, tenant=host.tenant, provider=other.provider) == []
    assert set(list_overdue_bookings(FRIDAY + DAY)) == {ours, theirs}


def test_a_sweep_is_of_all_tenants() -> None:
    bookings = [ending_on_friday(make_host()) for _ in range(2)]
    assert auto_cancel_expired_bookings(now_dt=FRIDAY + DAY) == 2
    assert not Booking.objects.active().filter(pk__in=[each.pk for each in bookings]).exists()


def test_a_provider_is_waited_for_by_its_tenants_default_schedule(settings: Any) -> None:
    settings.BOOKINGS_AUTO_CANCEL_BUSINESS_DAYS = True
    host, other = make_host(), make_host()
    create_schedule(
        tenant=host.tenant,
        timezone="UTC",
        hours={day: [("09:00", "17:00")] for day in range(5)},
    )
    waiting, theirs = ending_on_friday(host), ending_on_friday(other)
    assert date(2090, 1, 6).weekday() == 4
    assert list_overdue_bookings(FRIDAY + DAY) == [theirs]
    assert set(list_overdue_bookings(FRIDAY + 3 * DAY)) == {waiting, theirs}
