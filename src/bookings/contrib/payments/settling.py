"""Write down what has to go back, in the transaction that makes it due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.contrib.payments import accounts, signals
from bookings.contrib.payments.accounts import Account
from bookings.contrib.payments.exceptions import CurrencyMismatch
from bookings.contrib.payments.models import RefundDue
from bookings.contrib.payments.tiers import ZERO
from bookings.models import BookingEvent

WITHOUT_CONSEQUENCE: Final = {BookingEvent.EventType.NOTE_ADDED}


def settle_bookings(
    booking_ids: Sequence[Any], event_type: str, *, using: str, now: datetime
) -> None:
    """What :mod:`bookings.consequences` calls with every change of a booking."""
    if event_type in WITHOUT_CONSEQUENCE:
        return
    changed = accounts.lock_changed(booking_ids, using=using)
    # What was written past the services is not to keep anybody from cancelling it.
    for account in changed if event_type == BookingEvent.EventType.UPDATED else ():
        _check_currency(account)
    settle(changed, using=using, now=now)


def _check_currency(account: Account) -> None:
    """Refuse a booking another currency than it has been paid in: they cannot be added up."""
    for payment in account.payments:
        if payment.currency != account.booking.currency:
            raise CurrencyMismatch(
                _("%(booking)s has been paid in %(paid)s, so its currency has to stay."),
                params={"booking": account.booking, "paid": payment.currency},
            )


def settle(settled: Iterable[Account], *, using: str, now: datetime) -> list[RefundDue]:
    """Bring what is due for these accounts in line with what their bookings' rules say.

    What is due for each is returned, stored or not: where nothing is, nothing needs to be.
    """
    by_booking = {account.booking.pk: account for account in settled}
    rows = RefundDue.objects.using(using).select_for_update()
    stored = {row.booking_id: row for row in rows.filter(booking_id__in=by_booking.keys())}
    dues, made, changed = [], [], []
    for key, account in by_booking.items():
        row = stored.get(key)
        before = ZERO if row is None else row.outstanding
        due = _due(account, row, now)
        dues.append(due)
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
    return dues


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
