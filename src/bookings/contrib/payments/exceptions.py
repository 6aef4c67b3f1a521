"""What cannot be recorded about money, beside what the core refuses."""

from __future__ import annotations

from bookings.exceptions import BookingError, InvalidBooking


class InvalidPayment(InvalidBooking):
    """An amount, a currency or an id makes no sense; the message says which and why."""

    default_code = "invalid_payment"


class CurrencyMismatch(InvalidPayment):
    """The money is in another currency than the booking. Refund it at the payment provider."""

    default_code = "payment_currency"


class ExternalIdReused(BookingError):
    """The id belongs to another payment or refund, or to another amount. Look it up there."""

    default_code = "external_id_reused"


class PaymentNotMade(BookingError):
    """A payment that is pending or has failed brought no money that could go back."""

    default_code = "payment_not_made"


class RefundExceedsPayment(BookingError):
    """More would go back than was paid; ``params["remaining"]`` says how much is left."""

    default_code = "refund_exceeds_payment"


class InvalidRefundPolicy(InvalidBooking):
    """The tiers of a refund policy make no sense, or are out of order."""

    default_code = "invalid_refund_policy"
