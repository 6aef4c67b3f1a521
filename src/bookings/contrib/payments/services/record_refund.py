"""Record what a payment provider reports of a refund."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings.adapters import get_adapter
from bookings.contrib.payments import signals
from bookings.contrib.payments.balances import lock_balances
from bookings.contrib.payments.exceptions import PaymentNotMade, RefundExceedsPayment
from bookings.contrib.payments.models import Payment, Refund
from bookings.contrib.payments.refunds_due import update_refunds_due
from bookings.contrib.payments.services import unique_rows
from bookings.contrib.payments.services.validation import (
    check_currency,
    parse_payable_amount,
    parse_processed_at,
)
from bookings.exceptions import MissingReference
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import send_on_commit
from bookings.models import field_validation
from bookings.models.arguments import is_saved
from bookings.models.read_alias import reading_from
from bookings.rules.money import round_amount
from bookings.services import references
from bookings.services.booking_change import LockedBooking, with_locked_booking


def record_refund(
    payment: Payment,
    *,
    amount: Any,
    external_id: str,
    currency: str | None = None,
    reason: str = "",
    processed_at: datetime | None = None,
    actor: Any = None,
    now_dt: datetime | None = None,
) -> Refund:
    """Record a refund by the id that its provider gave it: once, however often it is reported.

    It may be more than was due, but all refunds of a payment together never exceed the payment.
    Record a chargeback in the same way.

    :param payment: the payment that was refunded, in part or in full. It is refreshed.
    :param amount: the amount in the main unit of the payment's currency.
    :param external_id: the id of the refund at its provider, unique among refunds.
    :param currency: the currency of the amount, which is compared with the payment's; ``None`` for
        the payment's.
    :param reason: why, for staff to read.
    :param processed_at: when it was refunded by the provider's clock, which may be up to five
        minutes ahead; the default is ``now_dt``.
    :param actor: the user who records it; ``None`` for nobody, as in a webhook.
    :param now_dt: the instant of the call; the default is now.
    :returns: the refund.
    :raises RefundExceedsPayment: the amount is higher than what is left of the payment.
    :raises PaymentNotMade: the payment is pending or has failed.
    :raises InvalidPayment: the amount or ``processed_at`` is invalid.
    :raises CurrencyMismatch: the currency is not the payment's.
    :raises ExternalIdReused: the id is recorded already, with another payment or amount.
    :raises InvalidBooking: another argument is invalid.
    :raises NotAllowed: the adapter forbids it.
    :raises MissingReference: the payment is not saved, or its booking has been deleted.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    """
    now = references.resolve_now(now_dt)
    actor = references.saved_user(actor, "actor")
    if not is_saved(payment, Payment):
        raise MissingReference(_("The payment is not saved. Record it first."))
    processed_at = parse_processed_at(processed_at, now)

    def write(locked: LockedBooking) -> tuple[Refund, Payment]:
        get_adapter().check_permission(actor, "record_refund", locked.row)
        row = fresh(Payment.objects.using(locked.using)).get(pk=payment.pk)
        check_currency(currency, expected=row.currency)
        reported = Refund(
            payment=row,
            amount=parse_payable_amount(amount, row.currency),
            external_id=external_id,
            reason=reason,
            processed_at=processed_at,
            recorded_by=actor,
        )
        field_validation.clean_fields(reported, ("amount", "external_id", "reason"))
        stored = unique_rows.find_by_external_id(Refund, reported.external_id, using=locked.using)
        if stored is not None:
            unique_rows.check_same_values(
                stored,
                external_id=reported.external_id,
                payment_id=reported.payment_id,
                amount=reported.amount,
            )
            return stored, row
        _apply_refund(row, reported)
        unique_rows.insert_unique(reported, using=locked.using)
        row.save(using=locked.using, update_fields=["amount_refunded", "status", "updated_at"])
        balances = lock_balances({locked.row.pk: locked.row}, using=locked.using)
        update_refunds_due(balances, using=locked.using, now=now)
        send_on_commit(
            signals.refund_recorded, Refund, using=locked.using, booking=locked.row, refund=reported
        )
        return reported, row

    with reading_from(router.db_for_write(Payment, instance=payment)):
        booking = payment.booking
    refund, row = with_locked_booking(booking, write, now=now, actor=actor)
    for name in ("amount_refunded", "status", "updated_at"):
        setattr(payment, name, getattr(row, name))
    refund.payment = payment
    return refund


def _apply_refund(payment: Payment, refund: Refund) -> None:
    """Add a refund to its payment, without saving it; raise if the payment does not cover it."""
    if not payment.is_made:
        raise PaymentNotMade(
            _("The payment brought no money, it is: %(status)s."),
            params={"status": payment.get_status_display()},
        )
    if refund.amount > payment.amount_remaining:
        raise RefundExceedsPayment(
            _("Only %(remaining)s %(currency)s of the payment can still be refunded."),
            remaining=round_amount(payment.amount_remaining, payment.currency),
            currency=payment.currency,
        )
    payment.amount_refunded += refund.amount
    is_refunded = payment.amount_refunded == payment.amount
    payment.status = Payment.Status.REFUNDED if is_refunded else Payment.Status.PARTIALLY_REFUNDED
