"""Grant a refund that the policy does not give."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.contrib.payments.exceptions import PaymentNotMade, RefundExceedsPayment
from bookings.contrib.payments.models import RefundDue
from bookings.contrib.payments.refunds_due import new_refund_due
from bookings.contrib.payments.services.refund_adjustment import LockedRefund, adjust_refund_due
from bookings.contrib.payments.services.validation import parse_payable_amount
from bookings.models import Booking
from bookings.rules.money import round_amount


def grant_refund(
    booking: Booking,
    *,
    amount: Decimal | None = None,
    reason: str = "",
    actor: Any = None,
    now_dt: datetime | None = None,
) -> RefundDue:
    """Grant a refund, whatever the refund policy says: the provider fell ill, say.

    It raises what is to be refunded, and never lowers it; :func:`waive_refund` lowers it.

    :param booking: the booking whose payments are refunded.
    :param amount: how much is to be refunded at least, earlier refunds included, in the booking's
        currency; the default is everything that was paid.
    :param reason: why, for staff to read; the default keeps the reason of an earlier grant.
    :param actor: the user who grants it; ``None`` for nobody.
    :param now_dt: the instant of the grant; the default is now.
    :returns: what is due now.
    :raises PaymentNotMade: nothing was paid for the booking.
    :raises RefundExceedsPayment: the amount is higher than what was paid.
    :raises InvalidPayment: the amount is not positive, or has more decimals than its currency.
    :raises InvalidBooking: another argument is invalid.
    :raises NotAllowed: the adapter forbids it.
    :raises MissingReference: the booking is not saved, or has been deleted.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    """

    def grant(refund: LockedRefund) -> RefundDue:
        if not any(balance.made for balance in refund.balances):
            raise PaymentNotMade(
                _("Nothing was paid for this booking, so nothing can be refunded.")
            )
        [balance] = refund.balances
        currency = balance.currency
        granted = balance.paid if amount is None else parse_payable_amount(amount, currency)
        if granted > balance.paid:
            raise RefundExceedsPayment(
                _("Only %(remaining)s %(currency)s were paid."),
                remaining=round_amount(balance.paid, currency),
                currency=currency,
            )
        row = refund.due or new_refund_due(balance, refund.now)
        row.granted = max(row.granted, granted)
        return row

    return adjust_refund_due(
        booking, "grant_refund", grant, reason=reason, actor=actor, now_dt=now_dt
    )
