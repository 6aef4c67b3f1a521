"""Validate what callers pass about money."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.contrib.payments.exceptions import CurrencyMismatch, InvalidPayment
from bookings.rules import instants, prices
from bookings.rules.money import is_payable, minor_units

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far the payment provider's clock may be ahead of ours."""


def parse_payable_amount(value: Any, currency: str) -> Decimal:
    """Return a positive amount with no more decimals than its currency has."""
    number = prices.parse_amount(value, "amount")
    if number is None or number <= 0:
        raise InvalidPayment(
            _("amount must be above zero, not %(value)s."),
            "amount_not_positive",
            {"value": value},
            field="amount",
        )
    if not is_payable(number, currency):
        raise InvalidPayment(
            _("%(amount)s has more than the %(decimals)d decimals of %(currency)s."),
            "amount_too_fine",
            {"amount": number, "decimals": minor_units(currency), "currency": currency},
            field="amount",
        )
    return number


def check_currency(currency: str | None, *, expected: str) -> None:
    """Raise ``CurrencyMismatch`` unless the currency is the expected one, in any case, or none."""
    if currency is not None and str(currency).upper() != expected.upper():
        raise CurrencyMismatch(
            _("The booking is priced in %(expected)s, and the money is in %(currency)s."),
            params={"currency": currency},
            expected=expected,
        )


def parse_processed_at(value: datetime | None, now: datetime) -> datetime:
    """Return the instant at which a payment or refund was made; the default is now."""
    if value is None:
        return now
    processed_at = instants.aware_utc(value, "processed_at")
    if processed_at > now + CLOCK_SKEW:
        raise InvalidPayment(
            _("processed_at, %(processed_at)s, is later than now, %(now)s. Pass when it happened."),
            "processed_in_future",
            {"processed_at": processed_at, "now": now},
        )
    return processed_at
