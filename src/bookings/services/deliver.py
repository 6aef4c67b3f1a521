"""Mark a booking as delivered by the provider."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.models import Booking, BookingEvent
from bookings.rules import validation
from bookings.services.booking_change import (
    Change,
    LockedBooking,
    apply_transition,
    change_booking,
    check_started,
)
from bookings.services.metadata import merge_metadata_into


def deliver_booking(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    message: str = "",
    metadata: dict[str, Any] | None = None,
    expected_version: int | None = None,
) -> Booking:
    """Mark a booking as delivered: the provider says that the service is done.

    CONFIRMED → DELIVERED, at the start at the earliest. A delivered booking is returned as it is.
    The client then confirms with :func:`complete_booking` or objects with :func:`dispute_booking`.

    :param booking: the booking to change; it is refreshed and returned.
    :param actor: the user who makes the change, or ``None``; the history records it.
    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param message: a message for the client, stored in the history.
    :param metadata: a JSON Merge Patch for ``metadata``, as for :func:`merge_metadata`; ``None``
        changes nothing.
    :param expected_version: the ``version`` of the booking that the caller has read; ``None``
        accepts any version.
    :returns: the booking that was passed, refreshed.
    :raises InvalidTransition: the booking has another status, or has not started (code
        ``too_early``).
    :raises InvalidBooking: an argument is invalid or cannot be stored.
    :raises MissingReference: the booking is not saved, or has been deleted.
    :raises NotAllowed: the adapter does not permit the actor to do this.
    :raises StaleBooking: the version of the booking is not ``expected_version``.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    validation.validate_text("message", message)
    patch = {} if metadata is None else validation.validate_document("metadata", metadata)

    def decide(locked: LockedBooking) -> Change | None:
        row = locked.row
        if row.status == Booking.Status.DELIVERED:
            return None
        apply_transition(
            Booking.deliver,
            row,
            _("Only confirmed bookings can be delivered; this one is: %(status)s."),
            now_dt=locked.now,
        )
        check_started(row, locked.now, _("A booking cannot be delivered before it starts."))
        data = merge_metadata_into(row, patch)
        return Change(BookingEvent.EventType.DELIVERED, message=message, data=data)

    return change_booking(
        booking,
        decide,
        verb="deliver",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
    )
