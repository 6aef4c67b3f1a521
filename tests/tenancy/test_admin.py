"""The admin of a host with tenants."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings.models import Booking
from bookings.services import create_booking
from tests.admin.page import FormData, errors_of, filled_in, text_of
from tests.hosts.samples import Host, make, make_host

pytestmark = pytest.mark.django_db

LIST = "/admin/bookings/booking/"
DESK = "/desk/bookings/booking/"
DAY = timezone.localdate() + datetime.timedelta(days=2)


@pytest.fixture(autouse=True)
def _two_admins(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.admin.urls"


@pytest.fixture
def boss() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("boss"))
    return client


@pytest.fixture
def host() -> Host:
    return make_host()


@pytest.fixture
def other() -> Host:
    found = make_host()
    found.tenant.name = "Elsewhere"
    found.tenant.save()
    return found


def book(host: Host, hour: int = 10) -> Booking:
    start_at = datetime.datetime.combine(DAY, datetime.time(hour), datetime.UTC)
    return create_booking(
        service=host.service,
        provider=host.provider,
        tenant=host.tenant,
        start_at=start_at,
        client_name="Mary",
    )


def form(boss: Client, host: Host, **values: Any) -> FormData:
    given = {
        "tenant": host.tenant.pk,
        "service": host.service.pk,
        "provider": host.provider.pk,
        "start_at_0": f"{DAY}",
        "start_at_1": "10:00",
        "client_name": "Mary",
    }
    return filled_in(boss.get(f"{LIST}add/")) | given | values


def test_a_booking_belongs_to_its_tenant(boss: Client, host: Host) -> None:
    boss.post(f"{LIST}add/", form(boss, host))
    assert Booking.objects.get().tenant == host.tenant


def test_a_booking_needs_a_tenant(boss: Client, host: Host) -> None:
    response = boss.post(f"{LIST}add/", form(boss, host, tenant=""))
    assert errors_of(response)["tenant"][0] == "This field is required."
    assert not Booking.objects.exists()


@pytest.mark.parametrize("name", ["service", "provider"])
def test_what_is_another_tenants_is_a_message_at_its_field(
    boss: Client, host: Host, other: Host, name: str
) -> None:
    sent = form(boss, host, **{name: getattr(other, name).pk})
    assert list(errors_of(boss.post(f"{LIST}add/", sent))) == [name]
    assert not Booking.objects.exists()


def test_another_tenants_addon_is_a_message_at_the_addons(
    boss: Client, host: Host, other: Host
) -> None:
    sent = form(boss, host, extras=[other.addon.pk])
    assert errors_of(boss.post(f"{LIST}add/", sent)) == {
        "extras": ["The add-on belongs to another tenant. Choose one of the booking's tenant."]
    }


def test_a_booking_cannot_be_moved_to_another_tenants_provider(
    boss: Client, host: Host, other: Host
) -> None:
    booking = book(host)
    url = f"{LIST}{booking.pk}/change/"
    page = filled_in(boss.get(url))
    assert "tenant" not in page
    response = boss.post(url, page | {"provider": other.provider.pk})
    assert list(errors_of(response)) == ["provider"]
    booking.refresh_from_db()
    assert booking.provider == host.provider


def test_the_tenant_is_a_column_and_a_filter(boss: Client, host: Host, other: Host) -> None:
    book(host)
    theirs = book(other)
    response = boss.get(LIST, {"tenant__id__exact": other.tenant.pk})
    assert [row.reference for row in response.context["cl"].result_list] == [theirs.reference]
    assert "Elsewhere" in text_of(response)
    assert 'class="field-tenant' in text_of(response)


def test_the_number_of_queries_does_not_grow_with_the_tenants(boss: Client) -> None:
    def queries(url: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert boss.get(url, {"day": f"{DAY}"} if "calendar" in url else {}).status_code == 200
        return len(captured)

    urls = (LIST, f"{DESK}calendar/")
    for _n in range(3):
        book(make_host())
    few = [queries(url) for url in urls]
    for _n in range(12):
        book(make_host())
    assert [queries(url) for url in urls] == few


def providers(boss: Client, url: str, **asked: Any) -> set[Any]:
    response = boss.get(url, {"day": f"{DAY}"} | asked)
    return {column.provider for column in response.context["day"].columns}


def test_the_calendar_can_be_one_tenants(boss: Client, host: Host, other: Host) -> None:
    book(host)
    book(other)
    free, theirs = (make("PROVIDER_MODEL", tenant=one.tenant) for one in (host, other))
    url = f"{DESK}calendar/"
    assert providers(boss, url) == {host.provider, other.provider, free, theirs}
    assert providers(boss, url, tenant=host.tenant.pk) == {host.provider, free}
    assert providers(boss, url, tenant="x") == {host.provider, other.provider, free, theirs}


def test_the_calendar_stays_with_the_tenant(boss: Client, host: Host, other: Host) -> None:
    book(host)
    book(other)
    page = text_of(boss.get(f"{LIST}calendar/", {"day": f"{DAY}", "tenant": other.tenant.pk}))
    tomorrow = DAY + datetime.timedelta(days=1)
    assert f'href="?day={tomorrow}&amp;tenant={other.tenant.pk}"' in page
    assert f'<option value="{other.tenant.pk}" selected>Elsewhere</option>' in page


def test_a_tenant_alone_needs_no_choice(boss: Client, host: Host) -> None:
    book(host)
    assert "<option" not in text_of(boss.get(f"{LIST}calendar/", {"day": f"{DAY}"}))
