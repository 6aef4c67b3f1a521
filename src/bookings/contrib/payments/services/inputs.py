"""What a caller passes about money, or what is wrong with it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings import policies
from bookings.contrib.payments.exceptions import CurrencyMismatch, InvalidPayment
from bookings.money import is_exact, minor_units


def money(value: Any, currency: str) -> Decimal:
    """A positive amount that can be paid in the currency."""
    number = policies.amount(value, "amount")
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


def same_currency(expected: str, currency: str | None) -> str:
    """The currency that is expected, if it is what the caller means too."""
    if currency is not None and str(currency).upper() != expected.upper():
        raise CurrencyMismatch(
            _("The booking is priced in %(expected)s, and the money is in %(currency)s."),
            params={"expected": expected, "currency": currency},
        )
    return expected


def processed(value: datetime | None, now: datetime) -> datetime:
    return now if value is None else policies.instant(value, "processed_at")
