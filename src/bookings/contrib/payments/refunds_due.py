"""Keep ``RefundDue`` in step with its booking, in the transaction that changes either."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.contrib.payments import balances, signals
from bookings.contrib.payments.balances import BookingBalance
from bookings.contrib.payments.exceptions import CurrencyMismatch
from bookings.contrib.payments.models import Payment, RefundDue
from bookings.contrib.payments.refund_rules import ZERO
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import send_on_commit
from bookings.models import BookingEvent

IGNORED_EVENTS: Final = {BookingEvent.EventType.NOTE_ADDED}


def update_after_event(
    booking_ids: Sequence[Any], event_type: str, *, using: str, now: datetime
) -> None:
    """Update what is due after an event of each of these bookings.

    Raise ``CurrencyMismatch`` if the event has given a booking with payments another currency.
    """
    if event_type in IGNORED_EVENTS:
        return
    changed = balances.lock_balances_by_key(booking_ids, using=using)
    for balance in changed:
        _check_currency(balance, event_type, using=using)
    update_refunds_due(changed, using=using, now=now)


def _check_currency(balance: BookingBalance, event_type: str, *, using: str) -> None:
    """Refuse another currency for a booking with payments: two cannot be added.

    A pending payment counts too, because it may still be made. A currency that was written past the
    services must not keep anybody from changing the booking otherwise.
    """
    booking = balance.booking
    others = [
        row
        for row in balance.payments
        if row.status != Payment.Status.FAILED and row.currency != booking.currency
    ]
    if not others:
        return
    events = BookingEvent.objects.using(using).filter(booking=booking, event_type=event_type)
    if "new_currency" in events.order_by("-pk")[0].data:
        raise CurrencyMismatch(
            _("%(booking)s has been paid in %(expected)s, so its currency cannot change.")
            if others[0].is_made
            else _(
                "A payment of %(booking)s in %(expected)s may still be made, so its currency "
                "cannot change."
            ),
            params={"booking": booking},
            expected=others[0].currency,
        )


def update_refunds_due(
    paid: Iterable[BookingBalance], *, using: str, now: datetime
) -> list[RefundDue]:
    """Store what is due for these balances, and send ``refund_due`` where it has grown.

    Return one ``RefundDue`` for each balance. Where nothing is or was due, it is not stored.
    """
    by_booking = {balance.booking.pk: balance for balance in paid}
    rows = fresh(RefundDue.objects.using(using)).filter(booking_id__in=by_booking.keys())
    stored = {row.booking_id: row for row in rows}
    dues, created, changed = [], [], []
    for key, balance in by_booking.items():
        row = stored.get(key)
        before = ZERO if row is None else row.outstanding
        due = _calculate(balance, row, now)
        dues.append(due)
        if row is not None:
            changed.append(due)
        elif due.outstanding:
            created.append(due)
        if due.outstanding > before:
            send_on_commit(
                signals.refund_due,
                RefundDue,
                using=using,
                booking=balance.booking,
                refund_due=due,
            )
    RefundDue.objects.using(using).bulk_create(created)
    RefundDue.objects.using(using).bulk_update(changed, ["amount", "outstanding", "due_since"])
    return dues


def _calculate(balance: BookingBalance, row: RefundDue | None, now: datetime) -> RefundDue:
    """Return the stored row, or a new one, with what is due now; nothing is saved."""
    due = row or new_refund_due(balance, now)
    if not due.outstanding:
        due.due_since = now
    due.amount = balance.total_refund(due)
    due.outstanding = max(due.amount - balance.refunded, ZERO)
    return due


def new_refund_due(balance: BookingBalance, now: datetime) -> RefundDue:
    """Return an unsaved row of which nothing is outstanding yet."""
    due = RefundDue(
        booking_id=balance.booking.pk,
        amount=ZERO,
        outstanding=ZERO,
        currency=balance.currency,
        due_since=now,
    )
    # Not by assignment: the booking's own ``refund_due`` would be this row, which may never be
    # stored.
    RefundDue._meta.get_field("booking").set_cached_value(due, balance.booking)
    return due
