"""The tables: payments, refunds, refunds that are due, and refund policies."""

from bookings.contrib.payments.models.payment import Payment
from bookings.contrib.payments.models.policy import RefundPolicy, RefundTier
from bookings.contrib.payments.models.refund import Refund
from bookings.contrib.payments.models.refund_due import RefundDue

__all__ = ["Payment", "Refund", "RefundDue", "RefundPolicy", "RefundTier"]
