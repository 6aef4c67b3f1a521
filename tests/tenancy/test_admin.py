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
from tests.admin.page import FormData, errors_of, form_values, text_of
from tests.hosts.samples import Host, make, make_host

pytestmark = pytest.mark.django_db

LIST = "/admin/bookings/booking/"
DESK = "/desk/bookings/booking/"
FRONT = "/front/bookings/booking/"
DAY = timezone.localdate() + datetime.timedelta(days=2)


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


def book(host: Host, hour: int = 10, *, client_name: str = "Mary") -> Booking:
    start_at = datetime.datetime.combine(DAY, datetime.time(hour), datetime.UTC)
    return create_booking(
        service=host.service,
        provider=host.provider,
        tenant=host.tenant,
        start_at=start_at,
        client_name=client_name,
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
    return form_values(boss.get(f"{LIST}add/")) | given | values


def test_a_booking_belongs_to_its_tenant(boss: Client, host: Host) -> None:
    boss.post(f"{LIST}add/", form(boss, host))
    assert Booking.objects.get().tenant == host.tenant


def test_a_booking_needs_a_tenant(boss: Client, host: Host) -> None:
    response = boss.post(f"{LIST}add/", form(boss, host, tenant=""))
    assert errors_of(response)["tenant"][0] == "This field is required."
    assert not Booking.objects.exists()


@pytest.mark.parametrize("name", ["service", "provider"])
def test_another_tenants_object_is_a_message_at_its_field(
    boss: Client, host: Host, other: Host, name: str
) -> None:
    sent = form(boss, host, **{name: getattr(other, name).pk})
    assert errors_of(boss.post(f"{LIST}add/", sent)) == {
        name: ["That belongs elsewhere (Clinic). Choose one that fits."]
    }
    assert not Booking.objects.exists()


def test_another_tenants_addon_is_a_message_at_the_addons(
    boss: Client, host: Host, other: Host
) -> None:
    sent = form(boss, host, addons=[other.addon.pk])
    assert errors_of(boss.post(f"{LIST}add/", sent)) == {
        "addons": ["That belongs elsewhere (Clinic). Choose one that fits."]
    }


def test_a_booking_cannot_be_moved_to_another_tenants_provider(
    boss: Client, host: Host, other: Host
) -> None:
    booking = book(host)
    url = f"{LIST}{booking.pk}/change/"
    page = form_values(boss.get(url))
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
    return {column.provider for column in response.context["grid"].columns}


def test_the_calendar_can_be_limited_to_a_tenant(boss: Client, host: Host, other: Host) -> None:
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


def test_the_calendar_keeps_the_tenant_on_a_day_without_bookings(
    boss: Client, host: Host, other: Host, settings: Any
) -> None:
    settings.ROOT_URLCONF = "tests.tenancy.urls"
    book(host)
    asked = {"day": "2030-01-01", "tenant": other.tenant.pk}
    response = boss.get(f"{FRONT}calendar/", asked)
    assert response.context["tenant"] == other.tenant
    assert {column.provider for column in response.context["grid"].columns} == {other.provider}
    assert f'<option value="{host.tenant.pk}">' in text_of(response)


def test_a_free_hour_is_booked_for_the_providers_tenant(boss: Client, host: Host) -> None:
    book(host)
    page = text_of(boss.get(f"{LIST}calendar/", {"day": f"{DAY}"}))
    assert f"add/?tenant={host.tenant.pk}&amp;provider={host.provider.pk}&amp;" in page


def test_no_tenant_is_not_a_tenant_to_filter_by(boss: Client, host: Host, other: Host) -> None:
    book(host)
    assert "tenant__isnull" not in text_of(boss.get(LIST))


def test_clients_of_the_chosen_tenant_are_suggested(boss: Client, host: Host, other: Host) -> None:
    book(host, client_name="Kim Here")
    book(other, client_name="Kim Elsewhere")

    def suggested(tenant: Any) -> list[str]:
        found = boss.get(f"{LIST}clients/", {"q": "kim", "tenant": tenant}).json()["clients"]
        return [row["client_name"] for row in found]

    assert suggested(host.tenant.pk) == ["Kim Here"]
    assert suggested(other.tenant.pk) == ["Kim Elsewhere"]
    assert suggested("") == suggested("x") == []


def search(boss: Client, field: str, **asked: Any) -> Any:
    model = "bookingaddon" if field == "addon" else "booking"
    given = {"app_label": "bookings", "model_name": model, "field_name": field, "term": ""}
    return boss.get(f"{DESK}search/", given | asked)


def found(response: Any) -> list[str]:
    return [result["text"] for result in response.json()["results"]]


@pytest.mark.parametrize("field", ["service", "provider", "addon"])
def test_a_search_names_the_tenant_until_one_is_chosen(
    boss: Client, host: Host, other: Host, field: str
) -> None:
    ours, theirs = (str(getattr(one, field)) for one in (host, other))
    names = [f"{ours} ({host.tenant})", f"{theirs} (Elsewhere)"]
    assert sorted(found(search(boss, field))) == sorted(names)
    assert found(search(boss, field, tenant=other.tenant.pk)) == [theirs]
    assert found(search(boss, field, tenant="x")) == []


def test_a_new_booking_asks_for_the_tenant_that_is_chosen_on_its_form(boss: Client) -> None:
    page = text_of(boss.get(f"{DESK}add/"))
    assert page.count(f'data-ajax--url="{DESK}search/"') == 4
    assert "bookings/tenant.js" in page


def test_the_search_boxes_of_a_booking_find_its_tenants_objects(boss: Client, host: Host) -> None:
    page = text_of(boss.get(f"{DESK}{book(host).pk}/change/"))
    assert page.count(f'data-ajax--url="{DESK}search/?tenant={host.tenant.pk}"') == 3


def test_a_search_needs_the_permission_to_view_its_objects(host: Host) -> None:
    client = Client()
    client.force_login(get_user_model().objects.create_user("reception", is_staff=True))
    assert search(client, "service").status_code == 403


def test_the_number_of_queries_does_not_grow_with_what_is_found(boss: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            search(boss, "provider")
        return len(captured)

    make_host()
    few = queries()
    for _n in range(5):
        make_host()
    assert queries() == few


def test_a_tenant_alone_needs_no_choice(boss: Client, host: Host) -> None:
    book(host)
    assert "<option" not in text_of(boss.get(f"{LIST}calendar/", {"day": f"{DAY}"}))
