"""Which providers offer a service of the catalogue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from bookings.adapters import get_adapter
from bookings.contrib.catalog.models import Provider, Service
from bookings.exceptions import ProviderNotOffered
from bookings.services import create_booking
from tests.admin.page import form_values

NOW = datetime(2030, 1, 7, 9, 0, tzinfo=UTC)
START = NOW + timedelta(days=1)
DESK = "/admin/bookings/booking/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def service() -> Service:
    return Service.objects.create(name="Massage", duration_minutes=60)


@pytest.fixture
def ana() -> Provider:
    return Provider.objects.create(name="Ana")


@pytest.fixture
def zoe() -> Provider:
    return Provider.objects.create(name="Zoe")


def book(service: Service, provider: Provider, **values: Any) -> Any:
    given = {"start_at": START, "client_name": "Kim", "now_dt": NOW}
    return create_booking(service=service, provider=provider, **(given | values))


def test_everybody_offers_a_service_until_somebody_is_named(
    service: Service, ana: Provider, zoe: Provider
) -> None:
    assert book(service, ana)
    service.providers.add(zoe)
    with pytest.raises(ProviderNotOffered, match="Ana does not offer Massage"):
        book(service, ana, start_at=START + timedelta(days=1))
    assert book(service, zoe)
    assert list(get_adapter().providers_of(service)) == [zoe]
    zoe.services.clear()
    service.refresh_from_db()
    assert set(get_adapter().providers_of(service)) == {ana, zoe}
    assert book(service, ana, start_at=START + timedelta(days=1))


def test_a_service_knows_whether_somebody_is_named(service: Service, ana: Provider) -> None:
    assert not service.has_providers
    service.providers.add(ana)
    assert service.has_providers
    ana.delete()
    service.refresh_from_db()
    assert not service.has_providers


def test_a_booking_of_a_service_that_everybody_offers_makes_no_query_for_them(
    service: Service, ana: Provider
) -> None:
    def queries(start: datetime) -> int:
        with CaptureQueriesContext(connection) as captured:
            book(service, ana, start_at=start)
        return len(captured)

    queries(START)
    before = queries(START + timedelta(days=1))
    service.providers.add(ana)
    assert queries(START + timedelta(days=2)) == before + 1


def test_staff_choose_who_offers_a_service(
    admin_client: Client, service: Service, ana: Provider
) -> None:
    url = reverse("admin:bookings_catalog_service_change", args=[service.pk])
    values = form_values(admin_client.get(url), "service_form")
    response = admin_client.post(url, values | {"providers": [ana.pk]})
    assert response.status_code == 302
    service.refresh_from_db()
    assert list(service.providers.all()) == [ana]


def results(client: Client, **values: Any) -> list[str]:
    given = {
        "app_label": "bookings",
        "model_name": "booking",
        "field_name": "provider",
        "of_service": 1,
    }
    response = client.get(f"{DESK}search/", given | values)
    assert response.status_code == 200
    return [result["text"] for result in response.json()["results"]]


def test_the_search_for_a_provider_says_who_does_not_offer_the_service(
    admin_client: Client, service: Service, ana: Provider, zoe: Provider
) -> None:
    assert results(admin_client, service=service.pk) == ["Ana", "Zoe"]
    service.providers.add(zoe)
    named = ["Zoe", "Ana – does not offer this service"]
    assert results(admin_client, service=service.pk) == named
    assert results(admin_client, service=service.pk, term="an") == named[1:]
    for unknown in ("", "x", 10**30):
        assert results(admin_client, service=unknown) == ["Ana", "Zoe"]


def test_the_search_box_of_a_booking_asks_for_its_service(
    admin_client: Client, service: Service, ana: Provider
) -> None:
    new = admin_client.get(f"{DESK}add/").content.decode()
    assert new.count(f'data-ajax--url="{DESK}search/?of_service=1"') == 1
    assert "bookings/tenant.js" in new
    page = admin_client.get(f"{DESK}{book(service, ana).pk}/change/").content.decode()
    assert f'data-ajax--url="{DESK}search/?of_service=1&amp;service={service.pk}"' in page


def test_staff_may_choose_another_one_by_lifting_the_rules(
    admin_client: Client, service: Service, ana: Provider, zoe: Provider
) -> None:
    booking = book(service, ana)
    service.providers.add(ana)
    url = f"{DESK}{booking.pk}/change/"
    values = form_values(admin_client.get(url)) | {"provider": zoe.pk}

    response = admin_client.post(url, values)
    assert "Zoe does not offer Massage" in response.content.decode()
    assert admin_client.post(url, values | {"override_policy": "on"}).status_code == 302
    booking.refresh_from_db()
    assert booking.provider == zoe


def test_a_provider_with_an_account_sees_their_own_bookings(
    service: Service, ana: Provider, zoe: Provider
) -> None:
    user = get_user_model().objects.create_user("ana", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_booking"))
    client = Client()
    client.force_login(user)
    own, other = book(service, ana), book(service, zoe)

    def seen() -> set[Any]:
        return {*client.get(DESK).context["cl"].result_list}

    assert seen() == {own, other}
    ana.user = user
    ana.save()
    assert seen() == {own}
    assert not get_adapter().own_providers(AnonymousUser()).exists()
    user.delete()
    ana.refresh_from_db()
    assert ana.user is None
