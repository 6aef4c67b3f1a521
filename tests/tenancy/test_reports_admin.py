"""The reports page of the staff of one tenant counts nothing of another one's."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from django.contrib.auth import get_user_model
from django.test import Client, override_settings

from bookings.models import Booking
from tests.contrib.reports.conftest import store_booking
from tests.hosts.samples import Host, make_host

pytestmark = pytest.mark.django_db

START: Final = datetime(2031, 3, 5, 10, tzinfo=UTC)
DAYS: Final = {"first": "2031-03-01", "last": "2031-03-31", "zone": "UTC"}
SITES: Final = ("branch", "bare")


def store(host: Host) -> Booking:
    return store_booking(
        tenant=host.tenant, service=host.service, provider=host.provider, start_at=START
    )


@pytest.fixture
def hosts(settings: Any) -> list[Host]:
    settings.ROOT_URLCONF = "tests.tenancy.scoped_urls"
    hosts = [make_host() for _ in range(2)]
    for host, name in zip(hosts, ("Ours", "Theirs"), strict=True):
        host.tenant.name = name
        host.provider.name = f"Provider of {name}"
        host.tenant.save()
        host.provider.save()
        store(host)
    return hosts


@pytest.fixture
def staff(hosts: list[Host]) -> Client:
    """A superuser whose name is that of the tenant: only the scopes keep them apart."""
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("Ours"))
    return client


@pytest.mark.parametrize("site", SITES)
def test_nothing_of_another_tenant_is_counted_or_named(site: str, staff: Client) -> None:
    page = f"/{site}/bookings_reports/reportspage/"
    for group_by in ("tenant", "provider"):
        html = staff.get(page, DAYS | {"group_by": group_by}).content.decode()
        assert "Ours" in html
        assert "Theirs" not in html
    for name in ("bookings", "list"):
        response: Any = staff.get(f"{page}{name}.csv", DAYS)
        text = b"".join(response.streaming_content).decode()
        assert len(list(csv.DictReader(io.StringIO(text)))) == 1


@pytest.mark.parametrize("site", SITES)
def test_what_is_of_another_tenant_cannot_be_chosen(
    site: str, staff: Client, hosts: list[Host]
) -> None:
    page = f"/{site}/bookings_reports/reportspage/"
    for name in ("service", "provider", "tenant"):
        ours, theirs = (getattr(host, name).pk for host in hosts)
        assert "Download" in staff.get(page, DAYS | {name: ours}).content.decode()
        html = staff.get(page, DAYS | {name: theirs}).content.decode()
        assert "Select a valid choice" in html
        assert "Download" not in html


def test_a_tenant_with_a_service_of_another_one_is_refused(hosts: list[Host]) -> None:
    client = Client()
    user = get_user_model().objects.create_superuser("root")
    client.force_login(user)
    ours, theirs = hosts
    with override_settings(ROOT_URLCONF="tests.admin.urls"):
        html = client.get(
            "/admin/bookings_reports/reportspage/",
            DAYS | {"tenant": ours.tenant.pk, "service": theirs.service.pk},
        ).content.decode()
        assert "That belongs elsewhere (Clinic)." in html
        response = client.get(
            "/admin/bookings_reports/reportspage/bookings.csv",
            DAYS | {"tenant": ours.tenant.pk, "service": theirs.service.pk},
        )
    assert response.status_code == 400
