"""Decline: the provider refuses a request, and its time is free again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.models import Booking, BookingEvent
from bookings.services import inputs
from bookings.services.changes import Change, Locked, change_booking, step


def decline_booking(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    reason: str = "",
    expected_version: int | None = None,
) -> Booking:
    """PENDING → DECLINED, with a reason for the client. A declined booking is returned as it is."""
    inputs.text("reason", reason)

    def decide(at: Locked) -> Change | None:
        row = at.row
        if row.status == Booking.Status.DECLINED:
            return None
        step(
            Booking.decline,
            row,
            _("Only pending bookings can be declined; this one is: %(status)s."),
            now_dt=at.now,
            actor=at.actor,
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
