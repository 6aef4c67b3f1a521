"""Add a note to a booking's history."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.exceptions import InvalidBooking
from bookings.models import Booking, BookingEvent
from bookings.services import inputs
from bookings.services.changes import Change, Locked, change_booking


def add_note(
    booking: Booking,
    message: str,
    *,
    for_client: bool = False,
    actor: Any = None,
    now_dt: datetime | None = None,
    expected_version: int | None = None,
) -> Booking:
    """Record ``message`` as an event; ``notes_internal`` and ``notes_client`` stay as they are.

    It is for staff alone, unless it is ``for_client``: ``booking.events.notes_for_client()`` has
    those.
    """
    if not inputs.text("message", message).strip():
        raise InvalidBooking(_("A note needs some text."), "empty_note")

    data = {"for_client": True} if for_client else {}

    def decide(at: Locked) -> Change | None:
        return Change(BookingEvent.EventType.NOTE_ADDED, fields=(), message=message, data=data)

    return change_booking(
        booking,
        decide,
        verb="add_note",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
    )
