"""What a caller passes about money, or what is wrong with it."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings import policies, prices
from bookings.contrib.payments.exceptions import CurrencyMismatch, InvalidPayment
from bookings.money import is_exact, minor_units, rounded

CLOCK_SKEW: Final = timedelta(minutes=5)
"""How far a payment provider's clock may be ahead of ours."""


def money(value: Any, currency: str) -> Decimal:
    """A positive amount that can be paid in the currency."""
    number = prices.amount(value, "amount")
    if number is None or number <= 0:
        raise InvalidPayment(
            _("amount must be above zero, not %(value)s."),
            "amount_not_positive",
            {"value": value},
        )
    if not is_exact(number, currency):
        raise InvalidPayment(
            _("%(amount)s has more than the %(decimals)d decimals of %(currency)s."),
            "amount_too_fine",
            {"amount": number, "decimals": minor_units(currency), "currency": currency},
        )
    return number


def remaining(amount: Decimal, currency: str) -> dict[str, Any]:
    """Of the error that says how much is left, which the database keeps with more decimals."""
    return {"remaining": rounded(amount, currency), "currency": currency}


def same_currency(expected: str, currency: str | None) -> str:
    """The currency that is expected, if it is what the caller means too."""
    if currency is not None and str(currency).upper() != expected.upper():
        raise CurrencyMismatch(
            _("The booking is priced in %(expected)s, and the money is in %(currency)s."),
            params={"expected": expected, "currency": currency},
        )
    return expected


def processed(value: datetime | None, now: datetime) -> datetime:
    """When it happened: now, or as the payment provider's clock says."""
    if value is None:
        return now
    told = policies.instant(value, "processed_at")
    if told > now + CLOCK_SKEW:
        raise InvalidPayment(
            _("processed_at, %(told)s, is later than now, %(now)s. Pass when it happened."),
            "processed_in_future",
            {"told": told, "now": now},
        )
    return told
