"""A small host, and the shortest way to a booking."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection, transaction

from bookings.conf import app_settings
from bookings.ledger import claims, entries, locks
from bookings.models import Booking, BusyInterval, Calendar
from bookings.services import create_booking
from tests.core import engines
from tests.core.moments import NOW, at

Book = Callable[..., Booking]
Take = Callable[..., BusyInterval]


@pytest.fixture
def make_service(db: None) -> Callable[..., Any]:
    model = apps.get_model(app_settings.SERVICE_MODEL)

    def make(**values: Any) -> Any:
        return model.objects.create(**({"name": "Massage", "duration_minutes": 60} | values))

    return make


@pytest.fixture
def service(make_service: Callable[..., Any]) -> Any:
    return make_service()


@pytest.fixture
def group_service(make_service: Callable[..., Any]) -> Any:
    return make_service(name="Yoga", allow_multiple_clients_per_slot=True, capacity=3)


@pytest.fixture
def provider(db: None) -> Any:
    return apps.get_model(app_settings.PROVIDER_MODEL).objects.create(name="Ada")


@pytest.fixture
def other_provider(db: None) -> Any:
    return apps.get_model(app_settings.PROVIDER_MODEL).objects.create(name="Grace")


@pytest.fixture
def addon(db: None) -> Any:
    return apps.get_model(app_settings.ADDON_MODEL).objects.create(
        name="Hot stones", extra_duration_minutes=15, price_amount=10
    )


@pytest.fixture
def user(db: None) -> Any:
    return get_user_model().objects.create_user("client")


@pytest.fixture
def book(service: Any, provider: Any) -> Book:
    """Book an hour with the provider: ``book(at(10))``, any argument of the service on top."""

    def make(start_at: Any = None, **values: Any) -> Booking:
        defaults = {
            "service": service,
            "provider": provider,
            "start_at": at(10) if start_at is None else start_at,
            "client_name": "Joan",
            "now_dt": NOW,
        }
        return create_booking(**(defaults | values))

    return make


@pytest.fixture
def calendar(provider: Any) -> Calendar:
    return Calendar.objects.create(provider=provider)


@pytest.fixture
def other_calendar(other_provider: Any) -> Calendar:
    return Calendar.objects.create(provider=other_provider)


@pytest.fixture
def take(calendar: Calendar) -> Take:
    """Take a stretch of the calendar, by seconds, through the ledger."""

    def make(starts: int, ends: int, **values: Any) -> BusyInterval:
        claim = claims.Claim(starts=starts, ends=ends, **values)
        with transaction.atomic():
            return BusyInterval.objects.get(pk=entries.add(calendar.pk, claim, using="default"))

    return make


@pytest.fixture(params=["as this database does", "as MySQL does"])
def vendor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """MySQL's statements work on every database, so a test of the ledger is run with them too.

    All but one: only MySQL's ``UPDATE`` can be told to remember a number.
    """
    if request.param == "as MySQL does" and connection.vendor != "mysql":
        monkeypatch.setattr(connection, "vendor", "mysql")
        monkeypatch.setattr(locks, "_LOCK_WITH_LAST_INSERT_ID", locks._LOCK_AND_RETURN)
        monkeypatch.setattr(locks, "_last_insert_id", locks._returned_id)
    vendor: str = connection.vendor
    return vendor


@pytest.fixture
def use(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Make this function the host's slot engine."""
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = engines.PATH
    return functools.partial(monkeypatch.setattr, engines, "chosen")


@pytest.fixture
def draft(service: Any, provider: Any) -> Booking:
    return Booking(service=service, provider=provider, start_at=at(10), end_at=at(11))
