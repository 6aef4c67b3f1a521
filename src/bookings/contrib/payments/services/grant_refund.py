"""Promise a refund that the policy does not give: the provider fell ill, the client was unlucky."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.adapters import get_adapter
from bookings.contrib.payments import accounts, settling
from bookings.contrib.payments.exceptions import PaymentNotMade, RefundExceedsPayment
from bookings.contrib.payments.models import RefundDue
from bookings.contrib.payments.services.inputs import money, remaining
from bookings.contrib.payments.tiers import ZERO
from bookings.models import Booking
from bookings.services import inputs
from bookings.services.changes import Locked, under_lock


def grant_refund(
    booking: Booking,
    *,
    amount: Decimal | None = None,
    reason: str = "",
    actor: Any = None,
    now_dt: datetime | None = None,
) -> RefundDue:
    """Let at least ``amount`` of a booking's payments go back in all; without it, everything.

    What went back before counts. It never lowers what is due already. Raises ``PaymentNotMade``,
    ``RefundExceedsPayment``, ``InvalidPayment``, ``NotAllowed``, ``MissingReference`` or
    ``BookingBusy``.
    """
    now = inputs.moment(now_dt)
    actor = inputs.user(actor, "actor")
    inputs.text("reason", reason)

    def write(at: Locked) -> RefundDue:
        get_adapter().check_permission(actor, "grant_refund", at.row)
        paid_for = accounts.lock({at.row.pk: at.row}, using=at.using)
        if not paid_for:
            raise PaymentNotMade(_("Nothing was paid for this booking, so nothing can go back."))
        account = paid_for[0]
        granted = account.paid if amount is None else money(amount, at.row.currency)
        if granted > account.paid:
            raise RefundExceedsPayment(
                _("Only %(remaining)s %(currency)s were paid."),
                params=remaining(account.paid, at.row.currency),
            )
        row, _is_new = (
            RefundDue.objects.using(at.using)
            .select_for_update()
            .get_or_create(
                booking=at.row,
                defaults={
                    "amount": ZERO,
                    "outstanding": ZERO,
                    "currency": at.row.currency,
                    "due_since": now,
                },
            )
        )
        row.granted = max(row.granted, granted)
        row.reason = reason or row.reason
        row.save(using=at.using, update_fields=["granted", "reason"])
        [due] = settling.settle([account], using=at.using, now=now)
        return due

    return under_lock(booking, write, now=now, actor=actor)
