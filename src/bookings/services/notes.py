"""Add a note to a booking's history."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.exceptions import InvalidBooking
from bookings.models import Booking, BookingEvent
from bookings.rules import validation
from bookings.services.booking_change import Change, LockedBooking, change_booking


def add_note(
    booking: Booking,
    message: str,
    *,
    for_client: bool = False,
    actor: Any = None,
    now_dt: datetime | None = None,
    expected_version: int | None = None,
) -> Booking:
    """Add a note to a booking's history.

    It records a NOTE_ADDED event. The status stays, and so do ``notes_internal`` and
    ``notes_client``. ``booking.events.notes_for_client()`` returns the notes that clients may read.

    :param booking: the booking to change; it is refreshed and returned.
    :param message: the text of the note; it must not be empty.
    :param for_client: whether the client may read the note, and not only staff.
    :param actor: the user who makes the change, or ``None``; the history records it.
    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param expected_version: the ``version`` of the booking that the caller has read; ``None``
        accepts any version.
    :returns: the booking that was passed, refreshed.
    :raises InvalidBooking: an argument is invalid or cannot be stored, or the message is empty
        (code ``empty_note``).
    :raises MissingReference: the booking is not saved, or has been deleted.
    :raises NotAllowed: the adapter does not permit the actor to do this.
    :raises StaleBooking: the version of the booking is not ``expected_version``.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    if not validation.validate_text("message", message).strip():
        raise InvalidBooking(_("A note needs some text."), "empty_note")

    data = {"for_client": True} if for_client else {}

    def decide(locked: LockedBooking) -> Change | None:
        return Change(BookingEvent.EventType.NOTE_ADDED, fields=(), message=message, data=data)

    return change_booking(
        booking,
        decide,
        verb="add_note",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
    )
