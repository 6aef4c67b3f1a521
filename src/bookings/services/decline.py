"""Decline a request and release its time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.models import Booking, BookingEvent
from bookings.rules import validation
from bookings.services.booking_change import Change, LockedBooking, apply_transition, change_booking


def decline_booking(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    reason: str = "",
    expected_version: int | None = None,
) -> Booking:
    """Decline a request and release its time.

    PENDING → DECLINED. A declined booking is returned as it is.

    :param booking: the booking to change; it is refreshed and returned.
    :param actor: the user who makes the change, or ``None``; the history records it.
    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param reason: why, for the client; it is stored on the booking and in the history.
    :param expected_version: the ``version`` of the booking that the caller has read; ``None``
        accepts any version.
    :returns: the booking that was passed, refreshed.
    :raises InvalidTransition: the booking has another status.
    :raises InvalidBooking: an argument is invalid or cannot be stored.
    :raises MissingReference: the booking is not saved, or has been deleted.
    :raises NotAllowed: the adapter does not permit the actor to do this.
    :raises StaleBooking: the version of the booking is not ``expected_version``.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    validation.validate_text("reason", reason)

    def decide(locked: LockedBooking) -> Change | None:
        row = locked.row
        if row.status == Booking.Status.DECLINED:
            return None
        apply_transition(
            Booking.decline,
            row,
            _("Only pending bookings can be declined; this one is: %(status)s."),
            now_dt=locked.now,
            actor=locked.actor,
            reason=reason,
        )
        return Change(BookingEvent.EventType.DECLINED, message=reason, data={"reason": reason})

    return change_booking(
        booking,
        decide,
        verb="decline",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
    )
