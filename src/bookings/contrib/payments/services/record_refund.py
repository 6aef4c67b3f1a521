"""Record that money went back."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.adapters import get_adapter
from bookings.contrib.payments import accounts, settling, signals
from bookings.contrib.payments.exceptions import PaymentNotMade, RefundExceedsPayment
from bookings.contrib.payments.models import Payment, Refund
from bookings.contrib.payments.services import once
from bookings.contrib.payments.services.inputs import money, processed, remaining, same_currency
from bookings.exceptions import MissingReference
from bookings.services import inputs
from bookings.services.changes import Locked, under_lock


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
    """Record a refund by the id that its provider gave it; once, however often it is told.

    It may be more than was due, but all refunds of a payment together never exceed it. A
    chargeback is one too. ``payment`` is refreshed.

    Raises ``RefundExceedsPayment``, ``PaymentNotMade``, ``ExternalIdReused``, ``InvalidPayment``,
    ``CurrencyMismatch``, ``NotAllowed``, ``MissingReference`` or ``BookingBusy``.
    """
    now = inputs.moment(now_dt)
    actor = inputs.user(actor, "actor")
    if not isinstance(payment, Payment) or payment._state.adding:
        raise MissingReference(_("The payment is not saved. Record it first."))
    processed_at = processed(processed_at, now)

    def write(at: Locked) -> tuple[Refund, Payment]:
        get_adapter().check_permission(actor, "record_refund", at.row)
        paid = Payment.objects.using(at.using).select_for_update().get(pk=payment.pk)
        told = Refund(
            payment=paid,
            amount=money(amount, same_currency(paid.currency, currency)),
            external_id=external_id,
            reason=reason,
            processed_at=processed_at,
            recorded_by=actor,
        )
        inputs.check_fields(told, ("amount", "external_id", "reason"))
        refund = once.find(Refund, told.external_id, using=at.using)
        if refund is not None:
            once.check_same(
                refund,
                external_id=told.external_id,
                payment_id=told.payment_id,
                amount=told.amount,
            )
            return refund, paid
        _take(paid, told)
        once.store(told, unique="external_id", using=at.using)
        paid.save(using=at.using, update_fields=["amount_refunded", "status", "updated_at"])
        settling.settle(accounts.lock({at.row.pk: at.row}, using=at.using), using=at.using, now=now)
        signals.announce(
            signals.refund_recorded, Refund, using=at.using, booking=at.row, refund=told
        )
        return told, paid

    refund, stored = under_lock(payment.booking, write, now=now, actor=actor)
    for name in ("amount_refunded", "status", "updated_at"):
        setattr(payment, name, getattr(stored, name))
    refund.payment = payment
    return refund


def _take(paid: Payment, refund: Refund) -> None:
    if not paid.is_made:
        raise PaymentNotMade(
            _("The payment brought no money, it is: %(status)s."),
            params={"status": paid.get_status_display()},
        )
    if refund.amount > paid.amount_remaining:
        raise RefundExceedsPayment(
            _("Only %(remaining)s %(currency)s of the payment are left to go back."),
            params=remaining(paid.amount_remaining, paid.currency),
        )
    paid.amount_refunded += refund.amount
    is_all = paid.amount_refunded == paid.amount
    paid.status = Payment.Status.REFUNDED if is_all else Payment.Status.PARTIALLY_REFUNDED
