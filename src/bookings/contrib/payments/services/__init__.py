"""What can be recorded about money; each call does all of it or nothing.

Errors are :class:`~bookings.exceptions.BookingError`; after one, nothing has changed. No service
talks to a payment provider: call it when the provider has told you what happened.
"""

from bookings.contrib.payments.services.grant_refund import grant_refund
from bookings.contrib.payments.services.record_payment import Outcome, Receipt, record_payment
from bookings.contrib.payments.services.record_refund import record_refund
from bookings.contrib.payments.services.set_refund_policy import set_refund_policy
from bookings.contrib.payments.services.waive_refund import waive_refund

__all__ = [
    "Outcome",
    "Receipt",
    "grant_refund",
    "record_payment",
    "record_refund",
    "set_refund_policy",
    "waive_refund",
]
