"""Factories of sessions, seats and waitlist entries, and what is stored of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.dispatch import Signal

from bookings.conf import app_settings
from bookings.contrib.group_sessions.models import Seat, Session, WaitlistEntry
from bookings.contrib.group_sessions.services import book_seat, create_session, join_waitlist
from bookings.exceptions import BookingError
from bookings.models import Booking, BookingEvent, BusyInterval
from tests.races.conftest import (  # noqa: F401 - fixtures
    pool,
    rounds,
    rounds_each_way,
    runner,
    unguarded,
    way,
)

NOW: Final = datetime(2131, 3, 5, 8, 0, tzinfo=UTC)
START: Final = datetime(2131, 3, 7, 10, 0, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)

Factory = Callable[..., Any]
MakeSession = Callable[..., Session]
MakeBooking = Callable[..., Booking]
MakeEntry = Callable[..., WaitlistEntry]


@pytest.fixture
def make_service(db: None) -> Factory:
    model = apps.get_model(app_settings.SERVICE_MODEL)
    values = {"name": "Yoga", "duration_minutes": 60, "price_amount": 20, "currency": "USD"}
    return lambda **more: model._default_manager.create(**(values | more))


@pytest.fixture
def service(make_service: Factory) -> Any:
    return make_service()


@pytest.fixture
def make_provider(db: None) -> Factory:
    model = apps.get_model(app_settings.PROVIDER_MODEL)
    return lambda **values: model._default_manager.create(**({"name": "Ada"} | values))


@pytest.fixture
def provider(make_provider: Factory) -> Any:
    return make_provider()


@pytest.fixture
def other_provider(make_provider: Factory) -> Any:
    return make_provider(name="Grace")


@pytest.fixture
def user(db: None) -> Any:
    return get_user_model().objects.create_user("mary")


@pytest.fixture
def make_session(service: Any, provider: Any) -> MakeSession:
    """Publish a session of three seats; any argument of the service can be given."""

    def make(**values: Any) -> Session:
        given = {
            "service": service,
            "provider": provider,
            "start_at": START,
            "capacity": 3,
            "now_dt": NOW,
        }
        return create_session(**(given | values))

    return make


@pytest.fixture
def session(make_session: MakeSession) -> Session:
    return make_session()


@pytest.fixture
def full_session(make_session: MakeSession, make_booking: MakeBooking) -> Session:
    """A session of three seats with a waitlist; Ann has booked all seats."""
    made = make_session(enable_waitlist=True)
    make_booking(made, "Ann", 3)
    return made


@pytest.fixture
def make_booking() -> MakeBooking:
    """Book seats: ``make_booking(session, "Ann", 2)``; any argument of the service can be added."""

    def make(session: Session, name: str = "Ann", seats: int = 1, **values: Any) -> Booking:
        return book_seat(session, **({"client_name": name, "seats": seats, "now_dt": NOW} | values))

    return make


@pytest.fixture
def make_entry() -> MakeEntry:
    """Join a waitlist: ``make_entry(session, "Ann", 2)``; any argument can be added."""

    def make(session: Session, name: str = "Ann", party: int = 1, **values: Any) -> WaitlistEntry:
        given = {"client_name": name, "party_size": party, "now_dt": NOW}
        return join_waitlist(session, **(given | values))

    return make


@pytest.fixture
def record_signal() -> Iterator[Callable[[Signal], list[dict[str, Any]]]]:
    """Return a list that gets the arguments of a signal each time it is sent."""
    connected: list[tuple[Signal, Any]] = []

    def record(signal: Signal) -> list[dict[str, Any]]:
        sent: list[dict[str, Any]] = []

        def receive(**arguments: Any) -> None:
            sent.append(arguments)

        signal.connect(receive, weak=False)
        connected.append((signal, receive))
        return sent

    yield record
    for signal, receive in connected:
        signal.disconnect(receive)


def stored_rows() -> list[list[dict[str, Any]]]:
    models = (Booking, BookingEvent, BusyInterval, Session, Seat, WaitlistEntry)
    return [list(model._base_manager.order_by("pk").values()) for model in models]


@contextmanager
def refused(error: type[BookingError], code: str | None = None) -> Iterator[None]:
    """Assert that the block raises exactly this error with this code, and writes nothing."""
    before = stored_rows()
    with pytest.raises(error) as refusal:
        yield
    assert type(refusal.value) is error
    assert refusal.value.code == (code or error.default_code)
    assert stored_rows() == before


def reloaded(session: Session) -> Session:
    """Return the session as it is stored."""
    return Session.objects.with_seats().get(pk=session.pk)


def booked_clients(session: Session) -> dict[str, tuple[int, str]]:
    """Return how many seats each client has, and the status of the booking."""
    rows = Booking.objects.active().filter(seat__session=session).order_by("pk")
    return {row.client_name: (row.party_size, str(row.status)) for row in rows}


def waiting_clients(session: Session) -> list[str]:
    """Return the clients who wait, in their order."""
    return [entry.client_name for entry in session.waitlist.waiting()]
