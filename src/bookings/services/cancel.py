"""Cancel: the booking does not take place, and its time is free again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from bookings import policies
from bookings.exceptions import InvalidTransition, NotAllowed, NoticeWindow
from bookings.models import Booking, BookingEvent
from bookings.services import inputs
from bookings.services.changes import Change, Locked, change_booking, step


def cancel_booking(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    reason: str = "",
    override_policy: bool = False,
    expected_version: int | None = None,
) -> Booking:
    """PENDING or CONFIRMED → CANCELLED. A cancelled booking is returned as it is.

    Raises ``InvalidTransition`` for other statuses, ``NotAllowed`` where the booking's rules forbid
    cancelling and ``NoticeWindow`` when it is too late; ``override_policy`` is for staff, and lifts
    the last two.
    """
    inputs.text("reason", reason)

    def decide(at: Locked) -> Change | None:
        row = at.row
        if row.status == Booking.Status.CANCELLED:
            return None
        if not row.holds_time:
            raise InvalidTransition(_("Only pending or confirmed bookings can be cancelled."))
        if not override_policy:
            check_cancellable(row, at.now)
        step(Booking.cancel, row, "", now_dt=at.now, actor=at.actor, reason=reason)
        return Change(BookingEvent.EventType.CANCELLED, message=reason, data={"reason": reason})

    return change_booking(
        booking,
        decide,
        verb="cancel",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
    )


def check_cancellable(row: Booking, now: datetime) -> None:
    if not row.cancellation_allowed:
        raise NotAllowed(_("Cancellations are not allowed for this booking."))
    minutes = row.cancellation_notice_minutes
    if policies.within_notice(row.start_at, now=now, notice_minutes=minutes):
        raise NoticeWindow(
            ngettext_lazy(
                "Cannot cancel within the notice window (%(minutes)d minute).",
                "Cannot cancel within the notice window (%(minutes)d minutes).",
                minutes,
            ),
            params={"minutes": minutes},
        )
