"""Confirm: the provider accepts a request, or a hold becomes a booking."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings import ledger
from bookings.models import Booking, BookingEvent
from bookings.services.changes import Change, Locked, change_booking, check_hold, step


def confirm_booking(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    expected_version: int | None = None,
) -> Booking:
    """PENDING → CONFIRMED. A confirmed booking is returned as it is.

    Raises ``InvalidTransition`` for any other status and for a hold that has run out.
    """

    def decide(at: Locked) -> Change | None:
        row = at.row
        if row.status == Booking.Status.CONFIRMED:
            return None
        check_hold(row, at.now)
        was_hold = row.expires_at is not None
        step(
            Booking.confirm,
            row,
            _("Only pending bookings can be confirmed; this one is: %(status)s."),
            now_dt=at.now,
        )
        if was_hold:
            ledger.keep(row, using=at.using)
        return Change(BookingEvent.EventType.CONFIRMED)

    return change_booking(
        booking,
        decide,
        verb="confirm",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
    )
