"""Dispute: the client says that what was delivered is not done."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings import claims
from bookings.exceptions import BookingConflict, InvalidBooking
from bookings.models import Booking, BookingEvent
from bookings.services import inputs
from bookings.services.changes import Change, Locked, change_booking, check_saved, gone, step
from bookings.services.expire import past_stale_holds
from bookings.services.recheck import take_time


def dispute_booking(
    booking: Booking,
    *,
    reason: str,
    actor: Any = None,
    now_dt: datetime | None = None,
    expected_version: int | None = None,
) -> Booking:
    """DELIVERED → CONFIRMED, with a reason for the provider. A booking in dispute is returned as
    it is.

    It holds its time again. Raises ``InvalidTransition`` for what is not delivered, and
    ``BookingConflict`` (or ``CapacityExceeded``) if somebody else has booked the time since the
    delivery.
    """
    if not inputs.text("reason", reason).strip():
        raise InvalidBooking(_("A dispute needs a reason."), "no_reason")
    now = inputs.moment(now_dt)
    check_saved(booking)
    using = router.db_for_write(Booking, instance=booking)

    def decide(at: Locked) -> Change | None:
        row = at.row
        if row.status == Booking.Status.CONFIRMED and _is_in_dispute(row, using):
            return None
        step(
            Booking.dispute,
            row,
            _("Only delivered bookings can be disputed; this one is: %(status)s."),
            now_dt=at.now,
        )
        take_time(at)
        return Change(BookingEvent.EventType.DISPUTED, message=reason, data={"reason": reason})

    row = Booking._base_manager.using(using).filter(pk=booking.pk).first()
    if row is None:
        raise gone()
    try:
        return past_stale_holds(
            lambda: change_booking(
                booking,
                decide,
                verb="dispute",
                actor=actor,
                now_dt=now,
                expected_version=expected_version,
            ),
            row.provider_id,
            claims.window_of(row),
            now=now,
            using=using,
        )
    except BookingConflict as conflict:
        raise BookingConflict(
            _(
                "The time has been booked by somebody else since it was delivered, so the booking "
                "cannot hold it again. Agree on another time, and complete this one."
            )
        ) from conflict


def _is_in_dispute(row: Booking, using: str) -> bool:
    """Whether it is confirmed because it was disputed, and not for want of a delivery."""
    disputes = BookingEvent.objects.using(using).filter(
        booking=row, event_type=BookingEvent.EventType.DISPUTED
    )
    # With a lock, because a snapshot may be older than the row.
    return bool(disputes.select_for_update().values_list("pk")[:1])
