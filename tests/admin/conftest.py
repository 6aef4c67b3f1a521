"""A host, its staff, and a browser for each of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from bookings.conf import app_settings
from bookings.models import Booking
from bookings.services import create_booking
from tests.admin.page import FormData, form_values

ADD = "/admin/bookings/booking/add/"
LIST = "/admin/bookings/booking/"

Book = Callable[..., Booking]
Make = Callable[..., Any]


def page_of(booking: Booking) -> str:
    return f"/admin/bookings/booking/{booking.pk}/change/"


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """A page reads from the database, if only who has logged in."""


def _maker(setting: str, defaults: dict[str, Any]) -> Make:
    def make(**values: Any) -> Any:
        model = apps.get_model(app_settings.model_label(setting))
        return model._default_manager.create(**(defaults | values))

    return make


@pytest.fixture
def make_service() -> Make:
    defaults = {"name": "Massage", "duration_minutes": 60, "price_amount": 80, "currency": "EUR"}
    return _maker("SERVICE_MODEL", defaults)


@pytest.fixture
def make_provider() -> Make:
    return _maker("PROVIDER_MODEL", {"name": "Ada"})


@pytest.fixture
def service(make_service: Make) -> Any:
    return make_service()


@pytest.fixture
def provider(make_provider: Make) -> Any:
    return make_provider()


@pytest.fixture
def other_provider(make_provider: Make) -> Any:
    return make_provider(name="Grace")


@pytest.fixture
def addon() -> Any:
    return _maker("ADDON_MODEL", {"name": "Hot stones"})(
        extra_duration_minutes=15, price_amount=20, currency="EUR"
    )


@pytest.fixture
def start() -> datetime:
    """Ten in the morning, the day after tomorrow."""
    day = timezone.now() + timedelta(days=2)
    return day.replace(hour=10, minute=0, second=0, microsecond=0)


@pytest.fixture
def book(service: Any, provider: Any, start: datetime) -> Book:
    def make(**values: Any) -> Booking:
        given = {"service": service, "provider": provider, "start_at": start, "client_name": "Mary"}
        return create_booking(**(given | values))

    return make


@pytest.fixture
def booking(book: Book) -> Booking:
    return book(client_email="mary@example.org")


@pytest.fixture
def pending(book: Book, make_service: Make) -> Booking:
    return book(service=make_service(name="Surgery", requires_approval=True))


@pytest.fixture
def past(book: Book, start: datetime) -> Booking:
    """Confirmed, and begun a week ago."""
    return book(start_at=start - timedelta(days=9), allow_past=True)


def _browser(name: str, *permissions: str, **values: Any) -> Client:
    user = get_user_model().objects.create_user(name, is_staff=True, **values)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def boss() -> Client:
    return _browser("boss", is_superuser=True)


@pytest.fixture
def receptionist() -> Client:
    """May add and change bookings, and nothing else."""
    return _browser("reception", "view_booking", "add_booking", "change_booking")


@pytest.fixture
def viewer() -> Client:
    return _browser("viewer", "view_booking")


@pytest.fixture
def stranger() -> Client:
    """Staff who have nothing to do with bookings."""
    return _browser("stranger")


Add = Callable[..., Any]


@pytest.fixture
def form(service: Any, provider: Any, start: datetime) -> Callable[..., FormData]:
    """The add form, opened in a browser and filled in."""

    def fill(client: Client, **values: Any) -> FormData:
        given = {
            "service": service.pk,
            "provider": provider.pk,
            "start_at_0": f"{start:%Y-%m-%d}",
            "start_at_1": "10:00",
            "client_name": "Mary",
        }
        return form_values(client.get(ADD)) | given | values

    return fill
