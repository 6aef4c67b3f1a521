"""Dispute a delivery."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings.exceptions import BookingConflict, InvalidBooking
from bookings.ledger.locked import fresh
from bookings.models import Booking, BookingEvent
from bookings.models.arguments import missing_booking_error, saved_booking
from bookings.rules import validation
from bookings.services import references
from bookings.services.booking_change import (
    Change,
    LockedBooking,
    apply_transition,
    change_booking,
)
from bookings.services.booking_claim import claim_time
from bookings.services.lapsed_holds import retry_claim_of


def dispute_booking(
    booking: Booking,
    *,
    reason: str,
    actor: Any = None,
    now_dt: datetime | None = None,
    expected_version: int | None = None,
) -> Booking:
    """Dispute a delivery: the client says that the service is not done.

    DELIVERED → CONFIRMED, and the booking holds its time again. A disputed booking is returned as
    it is.

    :param booking: the booking to change; it is refreshed and returned.
    :param reason: why, for the provider; it is stored in the history and must not be empty.
    :param actor: the user who makes the change, or ``None``; the history records it.
    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param expected_version: the ``version`` of the booking that the caller has read; ``None``
        accepts any version.
    :returns: the booking that was passed, refreshed.
    :raises InvalidTransition: the booking has another status.
    :raises BookingConflict: the time has been booked since the delivery.
    :raises CapacityExceeded: the seats of the session or shared slot have been booked since the
        delivery.
    :raises BookingError: the session of the seat does not take it any more.
    :raises InvalidBooking: an argument is invalid or cannot be stored, or the reason is empty (code
        ``no_reason``).
    :raises MissingReference: the booking is not saved, or has been deleted.
    :raises NotAllowed: the adapter does not permit the actor to do this.
    :raises StaleBooking: the version of the booking is not ``expected_version``.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    if not validation.validate_text("reason", reason).strip():
        raise InvalidBooking(_("A dispute needs a reason."), "no_reason")
    now = references.resolve_now(now_dt)
    saved_booking(booking)
    using = router.db_for_write(Booking, instance=booking)

    def decide(locked: LockedBooking) -> Change | None:
        row = locked.row
        if row.status == Booking.Status.CONFIRMED and _is_in_dispute(row, using):
            return None
        apply_transition(
            Booking.dispute,
            row,
            _("Only delivered bookings can be disputed; this one is: %(status)s."),
            now_dt=locked.now,
        )
        claim_time(locked)
        return Change(BookingEvent.EventType.DISPUTED, message=reason, data={"reason": reason})

    row = Booking._base_manager.using(using).filter(pk=booking.pk).first()
    if row is None:
        raise missing_booking_error()
    try:
        return retry_claim_of(
            row,
            lambda: change_booking(
                booking,
                decide,
                verb="dispute",
                actor=actor,
                now_dt=now,
                expected_version=expected_version,
            ),
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
    """Return whether a confirmed booking has been disputed."""
    disputes = BookingEvent.objects.using(using).filter(
        booking=row, event_type=BookingEvent.EventType.DISPUTED
    )
    return bool(fresh(disputes).values_list("pk")[:1])
