"""The errors of payments, beside those of the core."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from bookings.exceptions import BookingError, InvalidBooking


class InvalidPayment(InvalidBooking):
    """An amount, a status or an instant is wrong; the message says which and why."""

    default_code = "invalid_payment"


class CurrencyMismatch(InvalidPayment):
    """The money is in another currency than the booking. Refund it at the payment provider."""

    default_code = "payment_currency"

    expected: str
    """The currency of the booking, or of the payments that it has already."""

    def __init__(
        self,
        message: Any,
        code: str | None = None,
        params: dict[str, Any] | None = None,
        *,
        expected: str = "",
    ) -> None:
        self.expected = expected
        super().__init__(message, code, {"expected": expected, **(params or {})})


class ExternalIdReused(BookingError):
    """The id belongs to another payment or refund, or to another amount. Look it up there."""

    default_code = "external_id_reused"

    external_id: str
    """The id that was used again."""

    def __init__(
        self,
        message: Any,
        code: str | None = None,
        params: dict[str, Any] | None = None,
        *,
        external_id: str = "",
    ) -> None:
        self.external_id = external_id
        super().__init__(message, code, {"external_id": external_id, **(params or {})})


class PaymentNotMade(BookingError):
    """The payment is pending or has failed, so there is no money to refund."""

    default_code = "payment_not_made"


class _AmountExceedsRest(BookingError):
    default_field = "amount"

    remaining: Decimal
    """The largest amount that is possible."""
    currency: str

    def __init__(
        self,
        message: Any,
        code: str | None = None,
        params: dict[str, Any] | None = None,
        *,
        remaining: Decimal = Decimal(0),
        currency: str = "",
    ) -> None:
        self.remaining = remaining
        self.currency = currency
        params = {"remaining": remaining, "currency": currency, **(params or {})}
        super().__init__(message, code, params)


class RefundExceedsPayment(_AmountExceedsRest):
    """The refund is higher than what is left of the payment."""

    default_code = "refund_exceeds_payment"


class WaiverExceedsRefund(_AmountExceedsRest):
    """More is waived than is still to be refunded."""

    default_code = "waiver_exceeds_refund"


class InvalidRefundPolicy(InvalidBooking):
    """The tiers of a refund policy are invalid or out of order."""

    default_code = "invalid_refund_policy"
