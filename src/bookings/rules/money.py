"""Money: currency codes, their decimals, and rounding to them."""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any, Final

from django.utils.formats import number_format

MINOR_UNITS: Final = {
    **dict.fromkeys(
        (
            *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
            *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
        ),
        0,
    ),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""The decimals of currencies that do not have two, by ISO 4217 (list one).

The units of account with four decimals, CLF and UYW, are left out: nothing is paid in them.
"""


HOUR: Final = timedelta(hours=1)
MICROSECOND: Final = timedelta(microseconds=1)


def is_currency_code(currency: Any) -> bool:
    """Return whether a value has the form of an ISO 4217 code, in either case.

    Whether the code exists is not checked, because the list changes from year to year.
    """
    is_text = isinstance(currency, str) and len(currency) == 3
    return is_text and currency.isascii() and currency.isalpha()


def minor_units(currency: str) -> int:
    """Return how many decimals amounts in a currency have: 0 for JPY, 3 for KWD, 2 for most."""
    return MINOR_UNITS.get(currency.upper(), 2)


def round_amount(amount: Decimal, currency: str) -> Decimal:
    """Round to the minor unit of a currency, half away from zero, as on an invoice."""
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), ROUND_HALF_UP)


def format_amount(amount: Decimal, currency: str) -> str:
    """Return an amount as text, with the decimals of its currency, in the active language."""
    return number_format(round_amount(amount, currency))


def hourly_price(rate: Decimal, length: timedelta, currency: str) -> Decimal:
    """Return the price of a length of time at a rate per hour, rounded once, at the end."""
    # More digits than a rate and years of microseconds have, so that only the result is rounded.
    with localcontext(prec=60):
        return round_amount(rate * (length // MICROSECOND) / (HOUR // MICROSECOND), currency)


def is_payable(amount: Decimal, currency: str) -> bool:
    """Return whether an amount has no more decimals than its currency."""
    return amount == round_amount(amount, currency)
