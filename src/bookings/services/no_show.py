"""Mark a booking as a no-show."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.models import Booking, BookingEvent
from bookings.services.booking_change import (
    Change,
    LockedBooking,
    apply_transition,
    change_booking,
    check_started,
)


def mark_no_show(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    expected_version: int | None = None,
) -> Booking:
    """Mark a booking as a no-show: the client did not come.

    CONFIRMED → NO_SHOW, at the start at the earliest; COMPLETED → NO_SHOW as a correction. A
    booking that is a no-show already is returned as it is.

    :param booking: the booking to change; it is refreshed and returned.
    :param actor: the user who makes the change, or ``None``; the history records it.
    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
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
    return change_booking(
        booking,
        decide_no_show,
        verb="no_show",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
    )


def decide_no_show(locked: LockedBooking) -> Change | None:
    """Mark the locked row as a no-show; return ``None`` if it is one already."""
    row = locked.row
    if row.status == Booking.Status.NO_SHOW:
        return None
    apply_transition(
        Booking.no_show,
        row,
        _("Only confirmed bookings can be marked as no-show; this one is: %(status)s."),
    )
    check_started(row, locked.now, _("Nobody can miss a booking before it starts."))
    return Change(BookingEvent.EventType.NO_SHOW)
