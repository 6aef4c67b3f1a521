"""What follows from a change is written with it, or neither is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from django.db import connection

from bookings import extensions
from bookings.exceptions import NotAllowed
from bookings.models import Booking
from bookings.services import (
    add_note,
    cancel_booking,
    confirm_booking,
    expire_bookings,
    reschedule_booking,
)
from tests.core.conftest import Book
from tests.core.moments import NOW, at
from tests.extensions import extension, unregister_all

pytestmark = pytest.mark.django_db


class Witness:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, list[str]]] = []

    def __call__(
        self, booking_ids: Sequence[Any], event_type: str, *, using: str, now: datetime
    ) -> None:
        assert connection.in_atomic_block
        assert using == "default"
        bookings = Booking.objects.filter(pk__in=booking_ids)
        for booking in bookings:
            assert booking.version == booking.events.count()
            assert booking.events.latest("id").event_type == event_type
        self.told.append((event_type, [booking.client_name for booking in bookings]))


@pytest.fixture(autouse=True)
def witness(monkeypatch: pytest.MonkeyPatch) -> Witness:
    unregister_all(monkeypatch)
    witness = Witness()
    extensions.register(extension("witness", after_event=witness))
    return witness


def test_every_change_is_told_but_the_creation(book: Book, witness: Witness) -> None:
    booking = book(expires_at=at(9))
    assert witness.told == []
    confirm_booking(booking, now_dt=NOW)
    reschedule_booking(booking, new_start_at=at(14), now_dt=NOW)
    add_note(booking, "Called.", now_dt=NOW)
    booking.client_phone = "555"
    booking.save()
    cancel_booking(booking, now_dt=NOW)
    assert [event for event, _names in witness.told] == [
        "CONFIRMED",
        "RESCHEDULED",
        "NOTE_ADDED",
        "UPDATED",
        "CANCELLED",
    ]


def test_what_changes_nothing_tells_nothing(book: Book, witness: Witness) -> None:
    booking = book()
    cancel_booking(booking, now_dt=NOW)
    cancel_booking(booking, now_dt=NOW)
    assert len(witness.told) == 1


def test_swept_bookings_are_told_together(book: Book, witness: Witness) -> None:
    for hour, name in enumerate(("Ada", "Bob", "Cy"), 10):
        book(at(hour), client_name=name, expires_at=at(9))
    expire_bookings(now_dt=at(9))
    assert witness.told == [("EXPIRED", ["Ada", "Bob", "Cy"])]


def test_what_it_raises_undoes_the_change(book: Book) -> None:
    def refuse(*args: Any, **kwargs: Any) -> None:
        raise NotAllowed("The till is closed.")

    extensions.register(extension("till", after_event=refuse))
    booking = book()
    with pytest.raises(NotAllowed, match="The till is closed"):
        cancel_booking(booking, now_dt=NOW)
    booking.refresh_from_db()
    assert booking.status == Booking.Status.CONFIRMED
    assert booking.busy_interval is not None
    assert booking.events.count() == booking.version == 1
