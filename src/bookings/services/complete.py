"""Complete: the service took place."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.models import Booking, BookingEvent
from bookings.services.changes import Change, Locked, change_booking, not_before_start, step


def complete_booking(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    expected_version: int | None = None,
) -> Booking:
    """CONFIRMED or DELIVERED → COMPLETED, not before the start; NO_SHOW → COMPLETED as a
    correction.

    A completed booking is returned as it is. Raises ``InvalidTransition``.
    """
    return change_booking(
        booking,
        _complete,
        verb="complete",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
    )


def _complete(at: Locked) -> Change | None:
    row = at.row
    if row.status == Booking.Status.COMPLETED:
        return None
    step(
        Booking.complete,
        row,
        _("Only confirmed or delivered bookings can be completed; this one is: %(status)s."),
        now_dt=at.now,
    )
    not_before_start(row, at.now, _("A booking cannot be completed before it starts."))
    return Change(BookingEvent.EventType.COMPLETED)
