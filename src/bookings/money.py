"""Amounts of money: how a currency is written, how many decimals it has, and rounding to them."""

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
"""Decimals of the currencies that have other than two, by ISO 4217 (list one).

Not in it are the units of account with four, CLF and UYW, in which nothing is paid.
"""


HOUR: Final = timedelta(hours=1)
MICROSECOND: Final = timedelta(microseconds=1)


def is_code(currency: Any) -> bool:
    """Whether it has the form of an ISO 4217 code, in either case; not whether there is such a one.

    Which there are changes from year to year, and hosts may know more of it than this package.
    """
    is_text = isinstance(currency, str) and len(currency) == 3
    return is_text and currency.isascii() and currency.isalpha()


def minor_units(currency: str) -> int:
    """How many decimals amounts in this currency have: 0 for JPY, 3 for KWD, else mostly 2."""
    return MINOR_UNITS.get(currency.upper(), 2)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """To the currency's minor unit, half away from zero, as an invoice is."""
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), ROUND_HALF_UP)


def shown(amount: Decimal, currency: str) -> str:
    """For people: with as many decimals as the currency has, as the active language writes it."""
    return number_format(rounded(amount, currency))


def by_the_hour(rate: Decimal, length: timedelta, currency: str) -> Decimal:
    """What so much time costs at a rate per hour, rounded once, at the end."""
    # More digits than a rate and years of microseconds have, so that nothing before it rounds.
    with localcontext(prec=60):
        return rounded(rate * (length // MICROSECOND) / (HOUR // MICROSECOND), currency)


def is_exact(amount: Decimal, currency: str) -> bool:
    """Whether an amount can be paid: it has no more decimals than its currency."""
    return amount == rounded(amount, currency)
