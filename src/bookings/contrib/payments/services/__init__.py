"""What can be recorded about money, each all or nothing.

Errors are :class:`~bookings.exceptions.BookingError`; after one, nothing has changed. Nothing here
talks to a payment provider: call these when it has told you what happened.
"""

from bookings.contrib.payments.services.grant_refund import grant_refund
from bookings.contrib.payments.services.record_payment import Outcome, Receipt, record_payment
from bookings.contrib.payments.services.record_refund import record_refund
from bookings.contrib.payments.services.set_refund_policy import set_refund_policy

__all__ = [
    "Outcome",
    "Receipt",
    "grant_refund",
    "record_payment",
    "record_refund",
    "set_refund_policy",
]
