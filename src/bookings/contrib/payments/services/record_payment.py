"""Record what a payment provider says of a payment, and let the booking follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.adapters import get_adapter
from bookings.contrib.payments import accounts, settling, signals
from bookings.contrib.payments.exceptions import InvalidPayment
from bookings.contrib.payments.models import Payment, RefundDue
from bookings.contrib.payments.services import once
from bookings.contrib.payments.services.inputs import money, processed, same_currency
from bookings.contrib.payments.tiers import ZERO
from bookings.exceptions import BookingBusy, BookingError
from bookings.models import Booking
from bookings.services import confirm_booking, inputs, submit_hold
from bookings.services.changes import Locked, under_lock
from bookings.services.expire import end_hold

TOLD: Final = (Payment.Status.PENDING, Payment.Status.PAID, Payment.Status.FAILED)


class Outcome(StrEnum):
    """What became of a payment, and of its booking by it."""

    PENDING = "PENDING"
    """The payment is not made yet."""
    FAILED = "FAILED"
    """The payment has failed."""
    PARTLY_PAID = "PARTLY_PAID"
    """More has to be paid: for the booking, or of the fee for its end."""
    PAID = "PAID"
    """All is paid, for the booking or of the fee; if it was pending, it is confirmed now."""
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    """It is paid for, and waits for the provider to say yes."""
    NOT_CONFIRMED = "NOT_CONFIRMED"
    """It is paid for and still pending: ``refusal`` says why."""
    REFUND_DUE = "REFUND_DUE"
    """Money has to go back: the booking has ended, or too much was paid."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What :func:`record_payment` returns."""

    payment: Payment
    outcome: Outcome
    refund_due: Decimal
    """What has to go back to the client now; mostly zero."""
    refusal: BookingError | None = None
    """Why a booking that is paid for could not be confirmed."""


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
    """Record a payment by the id that its provider gave it; once, however often it is told.

    ``status`` is PAID, PENDING or FAILED. A later call with the same id moves a pending payment
    on, and a failed one to PAID; nothing takes back a payment that was made, for what goes back is
    a refund. ``currency`` is the booking's, and is compared if given.

    A pending booking that is fully paid is confirmed, unless it needs approval, which money does
    not replace: a hold then becomes a request, which does not run out with the hold. A hold that
    has run out expires, and the money is kept on record as due to go back; so it is with a payment
    for a booking that has ended already. No refusal to confirm undoes the record of a payment.

    Raises ``InvalidPayment``, ``CurrencyMismatch``, ``ExternalIdReused`` (the same id with another
    booking or amount), ``NotAllowed``, ``MissingReference`` or ``BookingBusy``.
    """
    now = inputs.moment(now_dt)
    actor = inputs.user(actor, "actor")
    if status not in TOLD:
        raise InvalidPayment(
            _("A payment is recorded as PENDING, PAID or FAILED, not as %(status)s."),
            "payment_status",
            {"status": status},
        )
    processed_at = processed(processed_at, now)

    def write(at: Locked) -> tuple[Receipt, Booking]:
        get_adapter().check_permission(actor, "record_payment", at.row)
        told = Payment(
            booking=at.row,
            amount=money(amount, same_currency(at.row.currency, currency)),
            currency=at.row.currency,
            status=status,
            method=method,
            external_id=external_id,
            processed_at=None if status == Payment.Status.PENDING else processed_at,
            recorded_by=actor,
        )
        inputs.check_fields(told, ("amount", "currency", "method", "external_id"))
        payment = _store(told, at)
        return _receipt(payment, at), at.row

    receipt, row = under_lock(booking, write, now=now, actor=actor)
    booking.take_over(row)
    receipt.payment.booking = booking
    return receipt


def _store(told: Payment, at: Locked) -> Payment:
    payment = once.find(Payment, told.external_id, using=at.using)
    if payment is None:
        once.store(told, unique="external_id", using=at.using)
        payment = told
    else:
        once.check_same(
            payment,
            external_id=told.external_id,
            booking_id=told.booking_id,
            amount=told.amount,
            currency=told.currency,
        )
        if not _moves_on(payment.status, told.status):
            return payment
        payment.status, payment.processed_at = told.status, told.processed_at
        payment.save(using=at.using, update_fields=["status", "processed_at", "updated_at"])
    signals.announce(
        signals.payment_recorded, Payment, using=at.using, booking=at.row, payment=payment
    )
    return payment


def _moves_on(before: str, after: str) -> bool:
    """Whether it is news. Providers do not promise to tell things in their order."""
    if before == Payment.Status.PENDING:
        return after != Payment.Status.PENDING
    return before == Payment.Status.FAILED and after == Payment.Status.PAID


def _follow(at: Locked) -> BookingError | None:
    """Let a pending booking follow its money; why it could not."""
    row = at.row
    if row.status != Booking.Status.PENDING:
        return None
    try:
        if row.expires_at is not None and row.expires_at <= at.now:
            end_hold(row, now=at.now)
        elif not _account(at).amount_due:
            if row.is_hold:
                submit_hold(row, actor=at.actor, now_dt=at.now)
            elif not row.requires_approval:
                confirm_booking(row, actor=at.actor, now_dt=at.now)
    except BookingBusy:
        raise
    except BookingError as refusal:
        return refusal
    return None


def _account(at: Locked) -> accounts.Account:
    return accounts.lock({at.row.pk: at.row}, using=at.using)[0]


def _receipt(payment: Payment, at: Locked) -> Receipt:
    if not payment.is_made:
        return Receipt(payment, Outcome(payment.status), _on_record(at))
    refusal = _follow(at)
    account = _account(at)
    [due] = settling.settle([account], using=at.using, now=at.now)
    return Receipt(payment, _outcome(account, due, refusal), due.outstanding, refusal)


def _on_record(at: Locked) -> Decimal:
    due = RefundDue.objects.using(at.using).select_for_update().filter(booking=at.row).first()
    return ZERO if due is None else due.outstanding


def _outcome(account: accounts.Account, due: RefundDue, refusal: BookingError | None) -> Outcome:
    if due.outstanding:
        return Outcome.REFUND_DUE
    if refusal is not None:
        return Outcome.NOT_CONFIRMED
    if account.amount_due or account.split().fee_due:
        return Outcome.PARTLY_PAID
    if account.booking.status == Booking.Status.PENDING:
        return Outcome.AWAITING_APPROVAL
    return Outcome.PAID
