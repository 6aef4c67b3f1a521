"""How many statements a series of sessions takes: a constant number for each 100 starts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import book_seat
from bookings.contrib.series.services import (
    book_session_series,
    cancel_series,
    create_session_series,
    reschedule_series,
    update_series,
)
from bookings.models import Booking, BookingEvent
from bookings.testing import assert_bookings_are_sound
from tests.contrib.group_sessions.test_series import NOW

pytestmark = pytest.mark.django_db

FEW, MANY = 3, 40
FIRST = datetime(2026, 3, 17, 18, 0)  # noqa: DTZ001 - what the clocks show
HOUR, WEEK = timedelta(hours=1), timedelta(days=7)

CALLS: Final[dict[str, Callable[[Any], Any]]] = {
    "book": lambda at: book_session_series(
        at, client_name="Kim", client_email="kim@example.org", seats=2, now_dt=NOW
    ),
    "book the last seats": lambda at: book_session_series(
        at, client_name="Kim", client_email="kim@example.org", seats=4, now_dt=NOW
    ),
    "book with a key": lambda at: book_session_series(
        at, client_name="Kim", idempotency_key="form 7", now_dt=NOW
    ),
    "update": lambda at: update_series(
        at, scope="all", title="Yoga", capacity=8, price_amount=20, now_dt=NOW
    ),
    "cancel": lambda at: cancel_series(at, scope="all", reason="Flood", now_dt=NOW),
    "move by an hour": lambda at: reschedule_series(
        at, new_start_at=FIRST + HOUR, scope="all", now_dt=NOW
    ),
    "move to the next one's time": lambda at: reschedule_series(
        at, new_start_at=FIRST + WEEK, scope="all", now_dt=NOW
    ),
    "move back": lambda at: reschedule_series(
        at, new_start_at=FIRST - WEEK, scope="all", now_dt=NOW
    ),
}


def count(call: Callable[[], Any]) -> int:
    with CaptureQueriesContext(connection) as queries:
        call()
    return len(queries)


def assert_constant(few: int, many: int) -> None:
    # SQLite takes 999 parameters in each, and a booking has more than 40 columns.
    assert few <= many <= few + (9 if connection.vendor == "sqlite" else 0)
    assert many <= 60


def publish(number: int, service: Any, provider: Any) -> Any:
    return create_session_series(
        rrule=f"FREQ=WEEKLY;COUNT={number}",
        timezone="Europe/Berlin",
        start_at=FIRST,
        service=service,
        provider=provider,
        capacity=6,
        now_dt=NOW,
    )


def test_create(service: Any, make_provider: Any) -> None:
    counts = [
        count(lambda: publish(number, service, make_provider(name=str(number))))  # noqa: B023
        for number in (FEW, MANY)
    ]
    assert_constant(*counts)
    assert Session.objects.count() == FEW + MANY


@pytest.mark.parametrize("call", CALLS)
def test_call(service: Any, make_provider: Any, call: str) -> None:
    counts = []
    for number in (FEW, MANY):
        made = publish(number, service, make_provider(name=str(number)))
        for session in made.sessions:
            book_seat(session, client_name="Ann", seats=2, now_dt=NOW)
        at = made.series.occurrences.first()
        counts.append(count(lambda: CALLS[call](at)))  # noqa: B023
    assert_constant(*counts)
    booked = 2 if call.startswith("book") else 1
    assert Booking.objects.count() == booked * (FEW + MANY)
    events = BookingEvent.objects.exclude(event_type="CREATED").count()
    assert events == (0 if call.startswith("book") or call == "update" else FEW + MANY)
    assert_bookings_are_sound()
