"""Write down what has to go back, in the transaction that makes it due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from bookings.contrib.payments import accounts, signals
from bookings.contrib.payments.accounts import Account
from bookings.contrib.payments.models import Payment, RefundDue
from bookings.contrib.payments.tiers import ZERO
from bookings.models import Booking, BookingEvent

WITHOUT_CONSEQUENCE: Final = {BookingEvent.EventType.NOTE_ADDED}


def settle_bookings(
    booking_ids: Sequence[Any], event_type: str, *, using: str, now: datetime
) -> None:
    """What :mod:`bookings.consequences` calls with every change of a booking."""
    if event_type in WITHOUT_CONSEQUENCE:
        return
    payments = Payment.objects.using(using).made().select_for_update()
    keys = set(payments.filter(booking_id__in=booking_ids).values_list("booking_id", flat=True))
    if keys:
        bookings = Booking._base_manager.using(using).in_bulk(keys)
        settle(accounts.lock(bookings, using=using), using=using, now=now)


def settle(settled: Iterable[Account], *, using: str, now: datetime) -> None:
    """Bring what is due for these accounts in line with what their bookings' rules say."""
    by_booking = {account.booking.pk: account for account in settled}
    rows = RefundDue.objects.using(using).select_for_update()
    stored = {row.booking_id: row for row in rows.filter(booking_id__in=by_booking.keys())}
    made, changed = [], []
    for key, account in by_booking.items():
        row = stored.get(key)
        before = ZERO if row is None else row.outstanding
        due = _due(account, row, now)
        if row is not None:
            changed.append(due)
        elif due.outstanding:
            made.append(due)
        if due.outstanding > before:
            signals.announce(
                signals.refund_due,
                RefundDue,
                using=using,
                booking=account.booking,
                refund_due=due,
            )
    RefundDue.objects.using(using).bulk_create(made)
    RefundDue.objects.using(using).bulk_update(changed, ["amount", "outstanding", "due_since"])


def _due(account: Account, row: RefundDue | None, now: datetime) -> RefundDue:
    due = row or RefundDue(
        booking=account.booking,
        outstanding=ZERO,
        currency=account.booking.currency,
        due_since=now,
    )
    if not due.outstanding:
        due.due_since = now
    due.amount = account.owed_back(due.granted)
    due.outstanding = max(due.amount - account.refunded, ZERO)
    return due
