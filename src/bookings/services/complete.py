"""Mark a booking as completed."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.exceptions import InvalidTransition
from bookings.models import Booking, BookingEvent
from bookings.services.booking_change import (
    Change,
    LockedBooking,
    apply_transition,
    change_booking,
    check_started,
)


def complete_booking(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    override_policy: bool = False,
    expected_version: int | None = None,
) -> Booking:
    """Mark a booking as completed: the service took place.

    CONFIRMED or DELIVERED → COMPLETED, at the start at the earliest; NO_SHOW → COMPLETED as a
    correction. A completed booking is returned as it is. If the booking has
    ``two_sided_completion``, it must be DELIVERED first; ``override_policy`` lifts that.

    :param booking: the booking to change; it is refreshed and returned.
    :param actor: the user who makes the change, or ``None``; the history records it.
    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param override_policy: staff only; lift the rules that the description names.
    :param expected_version: the ``version`` of the booking that the caller has read; ``None``
        accepts any version.
    :returns: the booking that was passed, refreshed.
    :raises InvalidTransition: the booking has another status, has not been delivered (code
        ``not_delivered``), or has not started (code ``too_early``).
    :raises InvalidBooking: an argument is invalid or cannot be stored.
    :raises MissingReference: the booking is not saved, or has been deleted.
    :raises NotAllowed: the adapter does not permit the actor to do this.
    :raises StaleBooking: the version of the booking is not ``expected_version``.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    return change_booking(
        booking,
        partial(decide_completion, override_policy=override_policy),
        verb="complete",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
    )


def decide_completion(locked: LockedBooking, *, override_policy: bool = False) -> Change | None:
    """Complete the locked row; return ``None`` if it is completed already."""
    row = locked.row
    if row.status == Booking.Status.COMPLETED:
        return None
    if row.status == Booking.Status.CONFIRMED and not override_policy:
        _check_delivery(row)
    apply_transition(
        Booking.complete,
        row,
        _("Only confirmed or delivered bookings can be completed; this one is: %(status)s."),
        now_dt=locked.now,
    )
    check_started(row, locked.now, _("A booking cannot be completed before it starts."))
    return Change(BookingEvent.EventType.COMPLETED)


def _check_delivery(row: Booking) -> None:
    if row.two_sided_completion:
        raise InvalidTransition(
            _("The provider has to deliver this booking before it can be completed."),
            "not_delivered",
        )
