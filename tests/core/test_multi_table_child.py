"""A host's model that inherits from ``Booking`` and has a table of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import models
from django.test.utils import isolate_apps

from bookings.models import Booking
from bookings.services import (
    add_note,
    cancel_booking,
    complete_booking,
    reschedule_booking,
    update_booking,
)
from tests.core.conftest import Book
from tests.core.moments import NOW, at


@pytest.fixture
def child(book: Book) -> Any:
    """A booking as the host has read it; the services leave its table alone."""
    with isolate_apps("bookings"):

        class TableBooking(Booking):
            table = models.CharField(max_length=10)

            class Meta:
                app_label = "bookings"

    booking = book()
    row = TableBooking(booking_ptr_id=booking.pk, table="7")
    row.__dict__.update(
        {name: booking.__dict__[name] for name in booking.__dict__ if name[0] != "_"}
    )
    row._state.adding, row._state.db = False, "default"
    return row


CHANGES: dict[str, Callable[[Any], Any]] = {
    "CANCELLED": lambda row: cancel_booking(row, now_dt=NOW),
    "COMPLETED": lambda row: complete_booking(row, now_dt=at(10)),
    "RESCHEDULED": lambda row: reschedule_booking(row, new_start_at=at(15), now_dt=NOW),
    "UPDATED": lambda row: update_booking(row, client_name="Ann", now_dt=NOW),
    "NOTE_ADDED": lambda row: add_note(row, "Rang.", now_dt=NOW),
}


@pytest.mark.parametrize("event", CHANGES)
def test_a_service_refreshes_what_it_knows_of_it(child: Any, event: str) -> None:
    assert str(child.provider) == "Ada"

    assert CHANGES[event](child) is child

    stored = Booking.objects.get(pk=child.pk)
    assert stored.events.first().event_type == event  # type: ignore[union-attr]
    assert (child.table, child.version) == ("7", 2)
    for field in Booking._meta.concrete_fields:
        assert getattr(child, field.attname) == getattr(stored, field.attname)
