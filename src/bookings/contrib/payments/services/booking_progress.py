"""Advance a booking by what was paid for it: confirm it, make it a request, or let it expire."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from bookings.contrib.payments.balances import BookingBalance, lock_balances
from bookings.contrib.payments.models import RefundDue
from bookings.contrib.payments.refund_rules import ZERO
from bookings.contrib.payments.services.validation import check_currency
from bookings.exceptions import BookingBusy, BookingError
from bookings.ledger.locked import fresh
from bookings.models import Booking
from bookings.models.arguments import saved_booking
from bookings.models.lifecycle import was_expired_hold
from bookings.services import submit_hold
from bookings.services.booking_change import LockedBooking, has_lapsed
from bookings.services.client_details import ClientDetails
from bookings.services.confirm import confirm_revalidated
from bookings.services.expire import expire_hold
from bookings.services.hold_submission import submit_expired_hold
from bookings.services.pending_revalidation import read_request, revalidate_request

T = TypeVar("T")


def find_confirm_refusal(booking: Booking, *, actor: Any, now: datetime) -> BookingError | None:
    """Return what refuses to confirm a request that needs no approval any more, else ``None``.

    It asks the adapter and the slot engine, so call it before the lock.
    """
    saved_booking(booking)
    request = read_request(booking, now=now)
    if request is None or request.requires_approval:
        return None
    return _attempt(partial(revalidate_request, actor=actor, now=now), request)


def advance_booking(
    locked: LockedBooking, confirm_refusal: BookingError | None
) -> BookingError | None:
    """Expire, submit or confirm a pending booking; return why it could not be done.

    A hold that has expired is submitted all the same if it was paid in time and its time is free.
    ``confirm_refusal`` is the result of :func:`find_confirm_refusal`.
    """
    row = locked.row
    is_expired = has_lapsed(row, locked.now) or was_expired_hold(row)
    refusal = None
    if not is_expired and row.status == Booking.Status.PENDING:
        advance = partial(_submit_or_confirm, confirm_refusal=confirm_refusal)
        refusal = _attempt(advance, locked)
    elif is_expired and _was_paid_in_time(locked):
        refusal = _attempt(_submit_expired, locked)
    if has_lapsed(row, locked.now):
        expire_hold(row, now=locked.now)
    return refusal


def _attempt(act: Callable[[T], None], subject: T) -> BookingError | None:
    """Return the refusal that the call raises; a busy database is raised."""
    try:
        act(subject)
    except BookingBusy:
        raise
    except BookingError as refusal:
        return refusal
    return None


def _submit_or_confirm(locked: LockedBooking, *, confirm_refusal: BookingError | None) -> None:
    row = locked.row
    if lock_balance(locked).amount_due:
        return
    _check_paid_in_currency(locked)
    if row.is_hold:
        submit_hold(row, actor=locked.actor, now_dt=locked.now)
    elif not row.requires_approval:
        if confirm_refusal is not None:
            raise confirm_refusal
        confirm_revalidated(row, ClientDetails(), actor=locked.actor, now=locked.now)


def _submit_expired(locked: LockedBooking) -> None:
    _check_paid_in_currency(locked)
    submit_expired_hold(locked.row, actor=locked.actor, now=locked.now)


def _was_paid_in_time(locked: LockedBooking) -> bool:
    """Return whether a hold was paid before it expired, and no refund is due or recorded."""
    row, balance = locked.row, lock_balance(locked)
    if row.requested_at is not None or row.expires_at is None:
        return False
    paid_in_time = sum(
        payment.amount
        for payment in balance.made
        if payment.processed_at is not None and payment.processed_at < row.expires_at
    )
    is_paid = bool(paid_in_time) and paid_in_time >= (balance.total or ZERO)
    dues = fresh(RefundDue.objects.using(locked.using)).filter(booking=row)
    return is_paid and not balance.refunded and not any(due.outstanding for due in dues)


def _check_paid_in_currency(locked: LockedBooking) -> None:
    """Raise ``CurrencyMismatch`` if something was paid in another currency than the booking's.

    Only code that bypasses the services can give a booking with payments another currency.
    """
    for payment in lock_balance(locked).made:
        check_currency(payment.currency, expected=locked.row.currency)


def lock_balance(locked: LockedBooking) -> BookingBalance:
    """Return the balance of the locked booking, with its payments locked."""
    [balance] = lock_balances({locked.row.pk: locked.row}, using=locked.using)
    return balance
