"""Record what a payment provider reports of a payment, and confirm the booking if it is paid."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.adapters import get_adapter
from bookings.contrib.payments import signals
from bookings.contrib.payments.balances import BookingBalance
from bookings.contrib.payments.exceptions import InvalidPayment
from bookings.contrib.payments.models import Payment, RefundDue
from bookings.contrib.payments.refund_rules import ZERO
from bookings.contrib.payments.refunds_due import update_refunds_due
from bookings.contrib.payments.services import unique_rows
from bookings.contrib.payments.services.booking_progress import (
    advance_booking,
    find_confirm_refusal,
    lock_balance,
)
from bookings.contrib.payments.services.validation import (
    check_currency,
    parse_payable_amount,
    parse_processed_at,
)
from bookings.exceptions import BookingError
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import send_on_commit
from bookings.models import Booking, field_validation
from bookings.services import references
from bookings.services.booking_change import LockedBooking, with_locked_booking

RECORDABLE_STATUSES: Final = (
    Payment.Status.PENDING,
    Payment.Status.PAID,
    Payment.Status.FAILED,
)


class Outcome(StrEnum):
    """What became of a payment and of its booking."""

    PENDING = "PENDING"
    """The payment is not made yet."""
    FAILED = "FAILED"
    """The payment has failed."""
    PARTLY_PAID = "PARTLY_PAID"
    """More has to be paid: of the booking's total, or of the fee for a cancellation or no-show."""
    PAID = "PAID"
    """All is paid, of the total or of the fee. A booking that was pending is confirmed now."""
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    """The total is paid, and the provider has to approve the booking."""
    NOT_CONFIRMED = "NOT_CONFIRMED"
    """The total is paid, and the booking is still pending: ``Receipt.refusal`` says why."""
    REFUND_DUE = "REFUND_DUE"
    """Money has to be refunded: the booking has ended, or too much was paid."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What :func:`record_payment` returns."""

    payment: Payment
    outcome: Outcome
    refund_due: Decimal
    """What is to be refunded to the client now; mostly zero."""
    refusal: BookingError | None = None
    """Why a paid booking could not be confirmed."""
    is_replay: bool = field(default=False, compare=False)
    """Whether the payment was recorded before as it is reported, so that it was not written now."""


def record_payment(
    booking: Booking,
    *,
    amount: Any,
    external_id: str,
    currency: str | None = None,
    method: str = "",
    status: str = Payment.Status.PAID,
    processed_at: datetime | None = None,
    actor: Any = None,
    now_dt: datetime | None = None,
) -> Receipt:
    """Record a payment by the id that its provider gave it: once, however often it is reported.

    A later call with the same id takes a pending payment to PAID or FAILED, and a failed one to
    PAID. A payment that was made stays made: record what is returned as a refund.

    A pending booking whose total is paid is confirmed. If it needs approval, it waits for that; a
    hold then becomes a request, which does not expire with the hold. A hold that has expired is
    confirmed in the same way if its total was paid before (``processed_at``) and its time is free.
    Otherwise it is cancelled, and what was paid for it is to be refunded, as is what is paid for
    any booking that has ended. The payment is recorded even if the booking cannot be confirmed.

    :param booking: the booking that was paid for. It is refreshed.
    :param amount: the amount in the main unit of the booking's currency (``10.50``, not ``1050``).
    :param external_id: the id of the payment at its provider, unique in the whole project.
    :param currency: the currency of the amount, which is compared with the booking's; ``None`` for
        the booking's.
    :param method: how it was paid, as ``card`` or ``cash``; any text.
    :param status: ``PAID``, ``PENDING`` or ``FAILED``.
    :param processed_at: when it was paid or failed by the provider's clock, which may be up to five
        minutes ahead; the default is ``now_dt``.
    :param actor: the user who records it; ``None`` for nobody, as in a webhook.
    :param now_dt: the instant of the call; the default is now.
    :returns: the payment, what became of the booking, and what is to be refunded.
    :raises InvalidPayment: the amount, the status or ``processed_at`` is invalid.
    :raises CurrencyMismatch: the currency is not the booking's.
    :raises ExternalIdReused: the id is recorded already, with another booking or amount.
    :raises InvalidBooking: another argument is invalid.
    :raises NotAllowed: the adapter forbids it.
    :raises MissingReference: the booking is not saved, or has been deleted.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    """
    now = references.resolve_now(now_dt)
    actor = references.saved_user(actor, "actor")
    if status not in RECORDABLE_STATUSES:
        raise InvalidPayment(
            _("A payment is recorded as PENDING, PAID or FAILED, not as %(status)s."),
            "payment_status",
            {"status": status},
        )
    processed_at = parse_processed_at(processed_at, now)

    # The slot engine may be slow, so it is asked before the lock.
    is_paid = status == Payment.Status.PAID
    confirm_refusal = find_confirm_refusal(booking, actor=actor, now=now) if is_paid else None

    def write(locked: LockedBooking) -> tuple[Receipt, Booking]:
        get_adapter().check_permission(actor, "record_payment", locked.row)
        reported = Payment(
            booking=locked.row,
            status=status,
            method=method,
            external_id=external_id,
            processed_at=None if status == Payment.Status.PENDING else processed_at,
            recorded_by=actor,
        )
        field_validation.clean_fields(reported, ("method", "external_id"))
        stored = unique_rows.find_by_external_id(Payment, reported.external_id, using=locked.using)
        # A payment keeps its currency, whatever was done to the booking's since.
        is_own = stored is not None and stored.booking_id == reported.booking_id
        own = stored if is_own else None
        reported.currency = locked.row.currency if own is None else own.currency
        check_currency(currency, expected=reported.currency)
        reported.amount = parse_payable_amount(amount, reported.currency)
        field_validation.clean_fields(reported, ("amount", "currency"))
        is_replay = stored is not None and not _is_later_status(reported.status, stored.status)
        payment = _save_payment(reported, stored, locked)
        receipt = _process_payment(payment, locked, confirm_refusal)
        return replace(receipt, is_replay=is_replay), locked.row

    receipt, row = with_locked_booking(booking, write, now=now, actor=actor)
    booking.copy_from(row)
    receipt.payment.booking = booking
    return receipt


def _save_payment(reported: Payment, payment: Payment | None, locked: LockedBooking) -> Payment:
    """Insert a payment, or update the status of the one that has its id; return what is stored."""
    if payment is None:
        unique_rows.insert_unique(reported, using=locked.using)
        payment = reported
    else:
        unique_rows.check_same_values(
            payment,
            external_id=reported.external_id,
            booking_id=reported.booking_id,
            amount=reported.amount,
            currency=reported.currency,
        )
        if not _is_later_status(reported.status, payment.status):
            return payment
        payment.status, payment.processed_at = reported.status, reported.processed_at
        payment.save(using=locked.using, update_fields=["status", "processed_at", "updated_at"])
    send_on_commit(
        signals.payment_recorded, Payment, using=locked.using, booking=locked.row, payment=payment
    )
    return payment


def _is_later_status(reported: str, stored: str) -> bool:
    """Return whether the reported status replaces the stored one.

    Providers do not promise to report changes in their order.
    """
    if stored == Payment.Status.PENDING:
        return reported != Payment.Status.PENDING
    return stored == Payment.Status.FAILED and reported == Payment.Status.PAID


def _process_payment(
    payment: Payment, locked: LockedBooking, confirm_refusal: BookingError | None
) -> Receipt:
    """Advance the booking and update what is due, unless the payment brought no money."""
    if not payment.is_made:
        return Receipt(payment, Outcome(payment.status), _stored_refund_due(locked))
    refusal = advance_booking(locked, confirm_refusal)
    balance = lock_balance(locked)
    [due] = update_refunds_due([balance], using=locked.using, now=locked.now)
    return Receipt(payment, _outcome_of(balance, due, refusal), due.outstanding, refusal)


def _stored_refund_due(locked: LockedBooking) -> Decimal:
    row = fresh(RefundDue.objects.using(locked.using)).filter(booking=locked.row).first()
    return ZERO if row is None else row.outstanding


def _outcome_of(balance: BookingBalance, due: RefundDue, refusal: BookingError | None) -> Outcome:
    if due.outstanding:
        return Outcome.REFUND_DUE
    if refusal is not None:
        return Outcome.NOT_CONFIRMED
    if balance.amount_due or balance.refund_and_fee().fee_due:
        return Outcome.PARTLY_PAID
    if balance.booking.status == Booking.Status.PENDING:
        return Outcome.AWAITING_APPROVAL
    return Outcome.PAID
