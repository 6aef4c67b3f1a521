"""Prices: amounts in one currency that can be paid."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from bookings.exceptions import InvalidBooking
from bookings.rules import money
from bookings.rules.validation import Readable

MAX_DIGITS: Final = 20


def parse_amount(value: Any, name: str) -> Decimal | None:
    """Return an amount of money as a ``Decimal``, from any type in which a host stores it."""
    if value is None:
        return None
    try:
        # From its text, because the binary fraction of a float has 50 digits.
        number = Decimal(str(value))
        # More than a column holds, so that amounts can be added before they are checked.
        if number.is_finite() and number.adjusted() < MAX_DIGITS:
            return number
    except (InvalidOperation, ValueError):
        pass
    raise InvalidBooking(
        _("%(name)s must be an amount of money, not %(value)r."),
        params={"name": name, "value": Readable(value)},
    )


def parse_price(value: Any, name: str) -> Decimal | None:
    """Return an amount that is not below zero; raise ``InvalidBooking`` otherwise."""
    number = parse_amount(value, name)
    if number is not None and number < 0:
        raise InvalidBooking(
            _(
                "%(name)s is %(amount)s, but an amount cannot be below zero. Write 0 or more, or "
                "leave it empty."
            ),
            "negative_amount",
            params={"name": name, "amount": number},
        )
    return number


def currency_of(owner: Any, name: str, *, default: str, of_default: str) -> str:
    """Return the currency of a service or an add-on, or the default if it has none.

    Raises ``InvalidBooking`` (``invalid_currency``) with ``name``, or with ``of_default`` if the
    default is wrong.
    """
    value: Any = getattr(owner, "currency", None)
    is_own = value is not None and value != ""
    if not is_own:
        value, name = default, of_default
    if not money.is_currency_code(value):
        raise InvalidBooking(
            _(
                "%(name)s of %(owner)s is %(value)s. "
                "Write the three letters of ISO 4217, such as EUR."
            )
            if is_own
            else _("%(name)s is %(value)s. Write the three letters of ISO 4217, such as EUR."),
            "invalid_currency",
            params={"name": name, "owner": f"{owner!s:.80}", "value": Readable(value)},
        )
    return str(value)


def check_payable(value: Decimal | None, currency: str, name: str) -> None:
    """Raise ``InvalidBooking`` for an amount with more decimals than its currency has."""
    if value is not None and not money.is_payable(value, currency):
        raise InvalidBooking(
            ngettext_lazy(
                "%(name)s is %(amount)s, but amounts in %(currency)s have at most "
                "%(decimals)d decimal. Round it.",
                "%(name)s is %(amount)s, but amounts in %(currency)s have at most "
                "%(decimals)d decimals. Round it.",
                "decimals",
            ),
            "amount_too_fine",
            params={
                "name": name,
                "amount": value,
                "currency": currency,
                "decimals": money.minor_units(currency),
            },
        )


def total_amount(price: Decimal | None, extras: Iterable[Decimal | None]) -> Decimal | None:
    """Return the sum of the price and the add-ons; ``None`` if nothing has a price."""
    amounts = [amount for amount in (price, *extras) if amount is not None]
    return sum(amounts, Decimal(0)) if amounts else None


def check_currencies(currency: str, others: Iterable[str]) -> None:
    """Raise ``InvalidBooking`` unless all currencies are the same: a booking has one."""
    for other in others:
        if other.upper() != currency.upper():
            raise InvalidBooking(
                _("The add-on is priced in %(other)s and the service in %(currency)s."),
                "currency_mismatch",
                params={"other": other, "currency": currency},
            )
