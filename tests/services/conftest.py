from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model

from bookings import signals
from bookings.conf import app_settings
from bookings.models import Booking, BookingEvent
from bookings.services import create_booking
from tests.services.clock import NOW, START, minutes

Make = Callable[..., Any]
Book = Callable[..., Booking]


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """Every test here writes bookings."""


def _maker(setting: str, defaults: dict[str, Any]) -> Make:
    def make(**values: Any) -> Any:
        model = apps.get_model(app_settings.model_label(setting))
        return model._default_manager.create(**(defaults | values))

    return make


@pytest.fixture
def make_service() -> Make:
    return _maker("SERVICE_MODEL", {"name": "Massage", "duration_minutes": 60})


@pytest.fixture
def make_provider() -> Make:
    return _maker("PROVIDER_MODEL", {"name": "Ada"})


@pytest.fixture
def make_addon() -> Make:
    return _maker("ADDON_MODEL", {"name": "Hot stones", "extra_duration_minutes": 15})


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
def group(make_service: Make) -> Any:
    """A service whose slots up to three clients share."""
    return make_service(name="Yoga", allow_multiple_clients_per_slot=True, capacity=3)


@pytest.fixture
def user() -> Any:
    return get_user_model().objects.create_user("client")


@pytest.fixture
def staff() -> Any:
    return get_user_model().objects.create_user("staff", is_staff=True)


@pytest.fixture
def book(service: Any, provider: Any) -> Book:
    """``create_booking`` with everything given that a test is not about."""

    def create(**values: Any) -> Booking:
        given = {
            "service": service,
            "provider": provider,
            "start_at": START,
            "client_name": "Mary",
            "now_dt": NOW,
        }
        return create_booking(**(given | values))

    return create


@pytest.fixture
def booking(book: Book) -> Booking:
    """Confirmed, for an hour from ``START``."""
    return book()


@pytest.fixture
def group_booking(book: Book, group: Any) -> Booking:
    """Confirmed, one seat of a slot of three, for an hour from ``START``."""
    return book(service=group)


@pytest.fixture
def pending(book: Book, make_service: Make) -> Booking:
    """Waiting for approval, for an hour from ``START``."""
    return book(service=make_service(name="Surgery", requires_approval=True))


@pytest.fixture
def hold(book: Book) -> Booking:
    """A hold that runs out fifteen minutes after ``NOW``."""
    return book(expires_at=NOW + minutes(15))


@pytest.fixture
def cancelled(service: Any, provider: Any) -> Booking:
    """Imported as cancelled, for an hour from ``START``; it had been confirmed."""
    booking = Booking(
        service=service,
        provider=provider,
        start_at=START,
        end_at=START + minutes(60),
        client_name="Mary",
        status=Booking.Status.CANCELLED,
        confirmed_at=NOW,
    )
    booking.save()
    return booking


SentSignals = list[tuple[str, Booking, BookingEvent, str]]


@pytest.fixture
def sent_signals() -> Iterator[SentSignals]:
    """What the signals say: their event type, the booking, the event and the database's alias."""
    sent: SentSignals = []
    receivers = []
    for name, signal in signals.BY_EVENT.items():

        def receive(
            sender: Any, *, booking: Any, event: Any, using: str, name: str = name, **kwargs: Any
        ) -> None:
            sent.append((name, booking, event, using))

        signal.connect(receive, sender=Booking, weak=False)
        receivers.append((signal, receive))
    yield sent
    for signal, receive in receivers:
        signal.disconnect(receive, sender=Booking)
