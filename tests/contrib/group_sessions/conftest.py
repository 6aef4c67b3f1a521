"""A class of three seats, and the shortest way into it."""

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
from tests.races.conftest import pool, rounds, rounds_each_way, track, way  # noqa: F401 - fixtures

NOW: Final = datetime(2131, 3, 5, 8, 0, tzinfo=UTC)
START: Final = datetime(2131, 3, 7, 10, 0, tzinfo=UTC)
HOUR: Final = timedelta(hours=1)

Make = Callable[..., Any]
Schedule = Callable[..., Session]
Sit = Callable[..., Booking]
Wait = Callable[..., WaitlistEntry]


@pytest.fixture
def make_service(db: None) -> Make:
    model = apps.get_model(app_settings.SERVICE_MODEL)
    values = {"name": "Yoga", "duration_minutes": 60, "price_amount": 20, "currency": "USD"}
    return lambda **more: model._default_manager.create(**(values | more))


@pytest.fixture
def service(make_service: Make) -> Any:
    return make_service()


@pytest.fixture
def make_provider(db: None) -> Make:
    model = apps.get_model(app_settings.PROVIDER_MODEL)
    return lambda **values: model._default_manager.create(**({"name": "Ada"} | values))


@pytest.fixture
def provider(make_provider: Make) -> Any:
    return make_provider()


@pytest.fixture
def other_provider(make_provider: Make) -> Any:
    return make_provider(name="Grace")


@pytest.fixture
def user(db: None) -> Any:
    return get_user_model().objects.create_user("mary")


@pytest.fixture
def schedule(service: Any, provider: Any) -> Schedule:
    """``create_session`` with everything given that a test is not about."""

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
def session(schedule: Schedule) -> Session:
    return schedule()


@pytest.fixture
def full(schedule: Schedule, sit: Sit) -> Session:
    """A class of three with a waitlist, whose seats Ann has taken."""
    made = schedule(enable_waitlist=True)
    sit(made, "Ann", 3)
    return made


@pytest.fixture
def sit() -> Sit:
    """Book a seat: ``sit(session, "Ann", 2)``, any argument of the service on top."""

    def make(session: Session, name: str = "Ann", seats: int = 1, **values: Any) -> Booking:
        return book_seat(session, **({"client_name": name, "seats": seats, "now_dt": NOW} | values))

    return make


@pytest.fixture
def wait() -> Wait:
    """Join a waitlist: ``wait(session, "Ann", 2)``, any argument of the service on top."""

    def make(session: Session, name: str = "Ann", party: int = 1, **values: Any) -> WaitlistEntry:
        given = {"client_name": name, "party_size": party, "now_dt": NOW}
        return join_waitlist(session, **(given | values))

    return make


@pytest.fixture
def hear() -> Iterator[Callable[[Signal], list[dict[str, Any]]]]:
    """What is told by a signal from now on."""
    heard: list[tuple[Signal, Any]] = []

    def listen(signal: Signal) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = []

        def receive(**said: Any) -> None:
            told.append(said)

        signal.connect(receive, weak=False)
        heard.append((signal, receive))
        return told

    yield listen
    for signal, receive in heard:
        signal.disconnect(receive)


def stored() -> list[list[dict[str, Any]]]:
    watched = (Booking, BookingEvent, BusyInterval, Session, Seat, WaitlistEntry)
    return [list(model._base_manager.order_by("pk").values()) for model in watched]


@contextmanager
def refused(error: type[BookingError], code: str | None = None) -> Iterator[None]:
    """What is refused with this error and code, with nothing written."""
    before = stored()
    with pytest.raises(error) as refusal:
        yield
    assert type(refusal.value) is error
    assert refusal.value.code == (code or error.default_code)
    assert stored() == before


def again(session: Session) -> Session:
    """The session as it is stored."""
    return Session.objects.with_seats().get(pk=session.pk)


def guests(session: Session) -> dict[str, tuple[int, str]]:
    """Who has a seat: how many, and with which status."""
    rows = Booking.objects.active().filter(seat__session=session).order_by("pk")
    return {row.client_name: (row.party_size, str(row.status)) for row in rows}


def queue(session: Session) -> list[str]:
    """Who waits, in their order."""
    return [entry.client_name for entry in session.waitlist.waiting()]
