"""No-show: the client did not come."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.models import Booking, BookingEvent
from bookings.services.changes import Change, Locked, change_booking, not_before_start, step


def mark_no_show(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    expected_version: int | None = None,
) -> Booking:
    """CONFIRMED → NO_SHOW, not before the start; COMPLETED → NO_SHOW as a correction.

    A booking that is marked already is returned as it is. Raises ``InvalidTransition``.
    """
    return change_booking(
        booking,
        decide,
        verb="no_show",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
    )


def decide(at: Locked) -> Change | None:
    row = at.row
    if row.status == Booking.Status.NO_SHOW:
        return None
    step(
        Booking.no_show,
        row,
        _("Only confirmed bookings can be marked as no-show; this one is: %(status)s."),
    )
    not_before_start(row, at.now, _("Nobody can miss a booking before it starts."))
    return Change(BookingEvent.EventType.NO_SHOW)
