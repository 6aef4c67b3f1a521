"""Reports of one tenant count nothing of another one's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from bookings.contrib.reports.periods import Period
from bookings.contrib.reports.selectors import (
    booking_report,
    response_report,
    utilisation_report,
)
from bookings.exceptions import TenantMismatch
from bookings.models import Booking
from tests.contrib.reports.conftest import store_booking
from tests.hosts.samples import Host, make_host

pytestmark = pytest.mark.django_db

START: Final = datetime(2031, 3, 5, 10, tzinfo=UTC)
MARCH: Final = Period(START - timedelta(days=2), START + timedelta(days=2), "UTC")  # type: ignore[arg-type]


@pytest.fixture
def hosts() -> list[Host]:
    hosts = [make_host() for _ in range(2)]
    for number, host in enumerate(hosts, 1):
        for _ in range(number):
            store_booking(
                tenant=host.tenant,
                service=host.service,
                provider=host.provider,
                start_at=START,
                requested_at=START,
            )
    return hosts


def test_only_the_tenants_bookings_are_counted(hosts: list[Host]) -> None:
    for number, host in enumerate(hosts, 1):
        own: dict[str, Any] = {"tenant": host.tenant}
        visible: dict[str, Any] = {"bookings": Booking.objects.for_tenant(host.tenant)}
        for values in (own, visible, own | visible):
            assert booking_report(MARCH, **values).total.bookings == number
            assert response_report(MARCH, **values).total.requests == number
            assert utilisation_report(MARCH, **values).total.overtime == 3600
        report = utilisation_report(MARCH, group_by="provider", **own)
        assert [group.key for group in report.groups] == [host.provider.pk]


def test_tenants_are_groups(hosts: list[Host]) -> None:
    report = booking_report(MARCH, group_by="tenant")
    counted = {key: figures.bookings for key, figures in report.by_key().items()}
    assert counted == {host.tenant.pk: number for number, host in enumerate(hosts, 1)}
    assert report.total.bookings == 3


def test_what_is_of_another_tenant_is_refused(hosts: list[Host]) -> None:
    ours, theirs = hosts
    for values in ({"service": theirs.service}, {"provider": theirs.provider}):
        for report in (booking_report, response_report, utilisation_report):
            with pytest.raises(TenantMismatch):
                report(MARCH, tenant=ours.tenant, **values)
