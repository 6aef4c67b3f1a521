"""Adjust what is to be refunded for a booking, under its lock, as staff decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bookings.adapters import get_adapter
from bookings.contrib.payments.balances import BookingBalance, lock_balances
from bookings.contrib.payments.models import RefundDue
from bookings.contrib.payments.refunds_due import update_refunds_due
from bookings.ledger.locked import fresh
from bookings.models import Booking
from bookings.rules import validation
from bookings.services import references
from bookings.services.booking_change import LockedBooking, with_locked_booking


@dataclass(frozen=True, slots=True)
class LockedRefund:
    """What is to be refunded for a booking, as it is stored."""

    booking: Booking
    balances: Sequence[BookingBalance]
    """The booking's balance; none if it has no payments."""
    due: RefundDue | None
    """``None`` if nothing ever was to be refunded."""
    now: datetime


def adjust_refund_due(
    booking: Booking,
    verb: str,
    adjust: Callable[[LockedRefund], RefundDue],
    *,
    reason: str,
    actor: Any,
    now_dt: datetime | None,
) -> RefundDue:
    """Store the row that ``adjust`` returns, with the reason, and return what is due then.

    ``adjust`` is called under the calendar's lock. It returns the stored row or a new one, in which
    it has set ``granted`` or ``waived``, or raises an error. ``verb`` is what the adapter's
    ``check_permission`` is asked for. An empty reason keeps the one of an earlier call.
    """
    now = references.resolve_now(now_dt)
    actor = references.saved_user(actor, "actor")
    validation.validate_text("reason", reason)

    def write(locked: LockedBooking) -> RefundDue:
        get_adapter().check_permission(actor, verb, locked.row)
        balances = lock_balances({locked.row.pk: locked.row}, using=locked.using)
        stored = fresh(RefundDue.objects.using(locked.using)).filter(booking=locked.row).first()
        row = adjust(LockedRefund(locked.row, balances, stored, now))
        row.reason = reason or row.reason
        row.save(using=locked.using)
        [due] = update_refunds_due(balances, using=locked.using, now=now)
        return due

    return with_locked_booking(booking, write, now=now, actor=actor)
