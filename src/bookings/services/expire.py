"""Expire one hold or request that has expired."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.conf import app_settings
from bookings.exceptions import InvalidTransition
from bookings.models import Booking, BookingEvent
from bookings.models.lifecycle import EXPIRED_REASON, has_expired
from bookings.services.booking_change import (
    Change,
    LockedBooking,
    apply_transition,
    change_booking,
    has_lapsed,
)


def expire_booking(
    booking: Booking,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    expected_version: int | None = None,
) -> Booking:
    """Cancel a hold or request that has expired, and release its time.

    PENDING, once ``expires_at`` has passed, → CANCELLED. It sets ``auto_cancelled`` and records an
    EXPIRED event. A booking that has expired is returned as it is.

    :param booking: the booking to change; it is refreshed and returned.
    :param actor: the user who makes the change, or ``None``; the history records it.
    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param expected_version: the ``version`` of the booking that the caller has read; ``None``
        accepts any version.
    :returns: the booking that was passed, refreshed.
    :raises InvalidTransition: the booking has not expired (code ``not_due``).
    :raises InvalidBooking: an argument is invalid or cannot be stored.
    :raises MissingReference: the booking is not saved, or has been deleted.
    :raises NotAllowed: the adapter does not permit the actor to do this.
    :raises StaleBooking: the version of the booking is not ``expected_version``.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    return change_booking(
        booking,
        decide_expiry,
        verb="expire",
        actor=actor,
        now_dt=now_dt,
        expected_version=expected_version,
    )


def expire_hold(booking: Booking, *, now: datetime) -> Booking:
    """Expire a hold or request that has expired, without asking for anybody's permission."""
    return change_booking(booking, decide_expiry, verb=None, now_dt=now)


def decide_expiry(locked: LockedBooking) -> Change | None:
    """Expire the locked row; raise ``InvalidTransition`` if it is not due."""
    row = locked.row
    if has_expired(row):
        return None
    if not has_lapsed(row, locked.now):
        raise InvalidTransition(_("Only a hold or request that has run out can expire."), "not_due")
    apply_transition(Booking.expire, row, "", now_dt=locked.now)
    data = {"reason": EXPIRED_REASON, "notify": should_notify(row.requested_at)}
    return Change(BookingEvent.EventType.EXPIRED, data=data)


def should_notify(requested_at: datetime | None) -> bool:
    """Return whether client and provider are to be notified: of an expired request.

    An expired hold is an abandoned checkout, of which nobody is notified.
    """
    return app_settings.AUTO_CANCEL_NOTIFY and requested_at is not None
