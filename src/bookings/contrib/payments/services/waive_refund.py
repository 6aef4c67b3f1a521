"""Waive a refund that is due."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.contrib.payments.exceptions import WaiverExceedsRefund
from bookings.contrib.payments.models import RefundDue
from bookings.contrib.payments.refund_rules import ZERO
from bookings.contrib.payments.services.refund_adjustment import LockedRefund, adjust_refund_due
from bookings.contrib.payments.services.validation import parse_payable_amount
from bookings.models import Booking
from bookings.rules.money import round_amount


def waive_refund(
    booking: Booking,
    *,
    amount: Decimal | None = None,
    reason: str = "",
    actor: Any = None,
    now_dt: datetime | None = None,
) -> RefundDue:
    """Waive a refund that is due: the client takes a voucher instead, say, or wants nothing back.

    What becomes due later is due all the same, and :func:`grant_refund` can grant it again. Record
    what you pay out in cash with :func:`record_refund` instead.

    :param booking: the booking whose refund is waived.
    :param amount: how much of what is still to be refunded is waived, in the currency of the
        payments; the default is all of it. The default changes nothing once nothing is outstanding.
    :param reason: why, for staff to read; the default keeps the reason of an earlier call.
    :param actor: the user who records it; ``None`` for nobody.
    :param now_dt: the instant of the call; the default is now.
    :returns: what is due now.
    :raises WaiverExceedsRefund: so much is not to be refunded, or nothing ever was.
    :raises InvalidPayment: the amount is not positive, or has more decimals than its currency.
    :raises InvalidBooking: another argument is invalid.
    :raises NotAllowed: the adapter forbids it.
    :raises MissingReference: the booking is not saved, or has been deleted.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    """

    def waive(refund: LockedRefund) -> RefundDue:
        row = refund.due
        currency = refund.booking.currency if row is None else row.currency
        outstanding = ZERO if row is None else row.outstanding
        waived = outstanding if amount is None else parse_payable_amount(amount, currency)
        if row is None or waived > outstanding:
            raise WaiverExceedsRefund(
                _("Only %(remaining)s %(currency)s are still to be refunded."),
                remaining=round_amount(outstanding, currency),
                currency=currency,
            )
        [balance] = refund.balances
        left = row.amount - waived
        row.granted = min(row.granted, left)
        row.waived = max(row.waived, balance.refund_and_fee().refund - left)
        return row

    return adjust_refund_due(
        booking, "waive_refund", waive, reason=reason, actor=actor, now_dt=now_dt
    )
