"""Money is rounded once, half up, to what its currency can be paid in."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from bookings.rules.money import hourly_price, is_payable, minor_units, round_amount


@pytest.mark.parametrize(
    ("currency", "decimals"),
    [("EUR", 2), ("USD", 2), ("JPY", 0), ("jpy", 0), ("KWD", 3), ("ISK", 0), ("XYZ", 2)],
)
def test_a_currency_has_its_decimals(currency: str, decimals: int) -> None:
    assert minor_units(currency) == decimals


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("0.005", "EUR", "0.01"),
        ("0.004999", "EUR", "0.00"),
        ("1.015", "USD", "1.02"),
        ("-0.005", "EUR", "-0.01"),
        ("0.5", "JPY", "1"),
        ("1.5", "JPY", "2"),
        ("2.5", "JPY", "3"),
        ("0.0005", "KWD", "0.001"),
        ("33.333333", "KWD", "33.333"),
    ],
)
def test_an_amount_is_rounded_half_up(amount: str, currency: str, expected: str) -> None:
    assert str(round_amount(Decimal(amount), currency)) == expected


@pytest.mark.parametrize(
    ("rate", "minutes", "currency", "expected"),
    [
        ("60", 1, "EUR", "1.00"),
        ("40.00", 90, "EUR", "60.00"),
        ("10.00", 20, "EUR", "3.33"),
        ("0.30", 1, "EUR", "0.01"),
        ("0.299", 1, "EUR", "0.00"),
        ("1000", 50, "JPY", "833"),
        ("-10.00", 45, "EUR", "-7.50"),
        ("99999999.999", 60 * 24 * 366 * 10, "KWD", "8783999999912.160"),
        ("9" * 20, 60 * 24 * 366 * 10, "KWD", "8783999999999999999912160.000"),
    ],
)
def test_an_hourly_rate_is_rounded_once(
    rate: str, minutes: int, currency: str, expected: str
) -> None:
    assert str(hourly_price(Decimal(rate), timedelta(minutes=minutes), currency)) == expected


@pytest.mark.parametrize(
    ("amount", "currency", "exact"),
    [
        ("10", "EUR", True),
        ("10.00", "JPY", True),
        ("10.5", "JPY", False),
        ("10.005", "EUR", False),
        ("10.005", "KWD", True),
    ],
)
def test_an_amount_can_be_paid_in_its_currency(amount: str, currency: str, exact: bool) -> None:
    assert is_payable(Decimal(amount), currency) is exact
