"""A massage for 100 dollars, with bookings and payments for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.dispatch import Signal

from bookings.conf import app_settings
from bookings.contrib.payments.models import Payment
from bookings.contrib.payments.services import Receipt, record_payment
from bookings.models import Booking
from bookings.services import create_booking
from tests.races.conftest import pool, rounds, rounds_each_way, runner, way  # noqa: F401 - fixtures

NOW: Final = datetime(2131, 3, 5, 8, 0, tzinfo=UTC)
START: Final = datetime(2131, 3, 7, 10, 0, tzinfo=UTC)
"""Fifty hours after ``NOW``."""

Make = Callable[..., Any]
Book = Callable[..., Booking]
Pay = Callable[..., Receipt]


def before_start(*, hours: float) -> datetime:
    return START - timedelta(hours=hours)


def money(amount: Any) -> Decimal:
    return Decimal(str(amount))


@pytest.fixture
def make_service(db: None) -> Make:
    model = apps.get_model(app_settings.SERVICE_MODEL)
    values = {"name": "Massage", "duration_minutes": 60, "price_amount": 100, "currency": "USD"}
    return lambda **more: model._default_manager.create(**(values | more))


@pytest.fixture
def service(make_service: Make) -> Any:
    return make_service()


@pytest.fixture
def provider(db: None) -> Any:
    return apps.get_model(app_settings.PROVIDER_MODEL)._default_manager.create(name="Ada")


@pytest.fixture
def user(db: None) -> Any:
    return get_user_model().objects.create_user("cashier")


@pytest.fixture
def book(service: Any, provider: Any) -> Book:
    def make(**values: Any) -> Booking:
        defaults = {
            "service": service,
            "provider": provider,
            "start_at": START,
            "client_name": "Joan",
            "now_dt": NOW,
        }
        return create_booking(**(defaults | values))

    return make


@pytest.fixture
def hold(book: Book) -> Booking:
    """Return a hold of fifteen minutes."""
    return book(expires_at=NOW + timedelta(minutes=15))


@pytest.fixture
def booking(book: Book) -> Booking:
    return book()


@pytest.fixture
def pay() -> Pay:
    """Return ``record_payment`` with an amount of 100 and other default arguments."""

    def make(booking: Booking, amount: Any = 100, external_id: str = "pay_1", **values: Any) -> Any:
        return record_payment(
            booking, amount=amount, external_id=external_id, **({"now_dt": NOW} | values)
        )

    return make


@pytest.fixture
def paid(booking: Booking, pay: Pay) -> Payment:
    """Return a payment of 100 for a confirmed booking."""
    return pay(booking).payment


@pytest.fixture
def record_signal() -> Iterator[Callable[[Signal], list[dict[str, Any]]]]:
    """Return a function that lists what a signal sends from now on."""
    connected: list[tuple[Signal, Any]] = []

    def record(signal: Signal) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []

        def receive(**kwargs: Any) -> None:
            sent.append(kwargs)

        signal.connect(receive, weak=False)
        connected.append((signal, receive))
        return sent

    yield record
    for signal, receive in connected:
        signal.disconnect(receive)


@pytest.fixture
def addon(db: None) -> Any:
    model = apps.get_model(app_settings.ADDON_MODEL)
    return model._default_manager.create(name="Tea", price_amount=10, currency="USD")
