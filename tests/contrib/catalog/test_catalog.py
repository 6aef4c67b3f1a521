"""The bundled models work as a host's own ones do."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from bookings.contrib.catalog.admin import ServiceAdmin
from bookings.contrib.catalog.models import Provider, Service, ServiceAddon
from bookings.exceptions import InvalidBooking
from bookings.models import Booking
from bookings.services import create_booking

pytestmark = pytest.mark.django_db


@pytest.fixture
def details() -> dict[str, Any]:
    return {
        "service": Service.objects.create(
            name="Haircut", duration_minutes=30, price_amount=Decimal(40)
        ),
        "provider": Provider.objects.create(name="Ada"),
        "start_at": timezone.now() + datetime.timedelta(days=1),
        "client_name": "Grace",
    }


def test_a_booking_refers_to_the_models(details: dict[str, Any]) -> None:
    booking = create_booking(**details)
    booking.refresh_from_db()
    assert booking.service == details["service"]
    assert booking.provider == details["provider"]
    assert booking.price_amount == Decimal(40)
    assert booking.currency == "USD"


@pytest.mark.parametrize("own", [True, False])
def test_an_addon_belongs_to_one_service_or_to_all(details: dict[str, Any], own: bool) -> None:
    addon = ServiceAddon.objects.create(
        name="Wash",
        service=details["service"] if own else None,
        extra_duration_minutes=10,
    )
    booking = create_booking(**details, addon_ids=[addon.pk])
    assert booking.end_at - booking.start_at == datetime.timedelta(minutes=40)


def test_another_services_addon_is_refused(details: dict[str, Any]) -> None:
    addon = ServiceAddon.objects.create(name="Wash", service=Service.objects.create(name="Colour"))
    with pytest.raises(InvalidBooking, match="belongs to another service"):
        create_booking(**details, addon_ids=[addon.pk])
    assert not Booking.objects.exists()


def test_str_is_the_name(details: dict[str, Any]) -> None:
    assert str(details["service"]) == "Haircut"
    assert str(details["provider"]) == "Ada"
    assert str(ServiceAddon(name="Wash")) == "Wash"


@pytest.mark.parametrize("model", [Service, Provider, ServiceAddon])
@pytest.mark.parametrize("page", ["changelist", "add"])
def test_the_admin_shows_them(
    admin_client: Client, details: dict[str, Any], model: type, page: str
) -> None:
    assert admin.site.is_registered(model)
    ServiceAddon.objects.create(name="Wash", service=details["service"])
    url = reverse(f"admin:bookings_catalog_{model.__name__.lower()}_{page}")
    assert admin_client.get(url).status_code == 200


def test_the_admin_has_a_place_for_every_field_of_a_service() -> None:
    fieldsets = ServiceAdmin(Service, admin.site).fieldsets
    assert fieldsets is not None
    concrete: list[Any] = [field for field in Service._meta.get_fields() if field.concrete]
    fields = {field.name for field in concrete if field.editable}
    assert set(flatten_fieldsets(fieldsets)) == fields - {"id"}


@pytest.fixture
def viewer() -> Client:
    """May see services and add-ons, and change neither."""
    user = get_user_model().objects.create_user("viewer", is_staff=True)
    codes = ("view_service", "view_serviceaddon")
    user.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize(("currency", "text"), [("USD", "40.00"), ("JPY", "40"), ("KWD", "40.000")])
@pytest.mark.parametrize("page", ["changelist", "change"])
@pytest.mark.parametrize("model", [Service, ServiceAddon])
def test_prices_have_the_decimals_of_their_currency(
    viewer: Client, model: Any, page: str, currency: str, text: str
) -> None:
    row = model.objects.create(name="Priced", price_amount=40, currency=currency)
    args = [row.pk] if page == "change" else []
    url = reverse(f"admin:bookings_catalog_{model.__name__.lower()}_{page}", args=args)
    shown = viewer.get(url).content.decode()
    assert f">{text}<" in shown
    assert all(f">{other}<" not in shown for other in {"40", "40.00", "40.000"} - {text})


def test_the_prices_of_a_services_add_ons_too(viewer: Client, details: dict[str, Any]) -> None:
    service = details["service"]
    ServiceAddon.objects.create(name="Wash", service=service, price_amount=12, currency="JPY")
    ServiceAddon.objects.create(name="Dry", service=service)
    url = reverse("admin:bookings_catalog_service_change", args=[service.pk])
    shown = viewer.get(url).content.decode()
    assert "<p>12</p>" in shown
    assert "<p>–</p>" in shown


def test_who_may_add_may_enter_a_price(viewer: Client, details: dict[str, Any]) -> None:
    user = get_user_model().objects.get(username="viewer")
    codes = ("add_service", "change_service", "add_serviceaddon")
    user.user_permissions.add(*Permission.objects.filter(codename__in=codes))
    url = reverse("admin:bookings_catalog_service_add")
    assert 'name="price_amount"' in viewer.get(url).content.decode()
    url = reverse("admin:bookings_catalog_service_change", args=[details["service"].pk])
    assert 'name="addons-__prefix__-price_amount"' in viewer.get(url).content.decode()


def test_who_may_change_may_change_a_price(admin_client: Client, details: dict[str, Any]) -> None:
    url = reverse("admin:bookings_catalog_service_change", args=[details["service"].pk])
    assert 'name="price_amount"' in admin_client.get(url).content.decode()
