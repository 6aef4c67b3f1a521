"""What is charged, as pure functions: amounts, in one currency, that can be paid."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from bookings import money
from bookings.exceptions import InvalidBooking

MAX_DIGITS: Final = 20


def amount(value: Any, name: str) -> Decimal | None:
    """An amount of money as a ``Decimal``, from any type that a host may keep it in."""
    if value is None:
        return None
    try:
        # By way of its text, for the binary fraction that a float really is has 50 digits.
        number = Decimal(str(value))
        # Far beyond what a column holds, so that amounts can be added before they are checked.
        if number.is_finite() and number.adjusted() < MAX_DIGITS:
            return number
    except InvalidOperation:
        pass
    raise InvalidBooking(
        _("%(name)s must be an amount of money, not %(value)r."),
        params={"name": name, "value": value},
    )


def price(value: Any, name: str) -> Decimal | None:
    """An amount that something costs, which is never less than nothing."""
    number = amount(value, name)
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


def currency(owner: Any, name: str, *, default: str, of_default: str) -> str:
    """The currency of a service or an add-on, by its three letters; the default where it has none.

    Raises ``InvalidBooking`` (``invalid_currency``), which says by these names whose it is.
    """
    value: Any = getattr(owner, "currency", None)
    is_own = value is not None and value != ""
    if not is_own:
        value, name = default, of_default
    if not money.is_code(value):
        raise InvalidBooking(
            _(
                "%(name)s of %(owner)s is %(value)s. "
                "Write the three letters of ISO 4217, such as EUR."
            )
            if is_own
            else _("%(name)s is %(value)s. Write the three letters of ISO 4217, such as EUR."),
            "invalid_currency",
            params={"name": name, "owner": f"{owner!s:.80}", "value": f"{value!r:.80}"},
        )
    return str(value)


def check_payable(value: Decimal | None, currency: str, name: str) -> None:
    """Refuse an amount with more decimals than its currency has, which nobody could pay."""
    if value is not None and not money.is_exact(value, currency):
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
    """The price and the add-ons; ``None`` when nothing has a price."""
    amounts = [amount for amount in (price, *extras) if amount is not None]
    return sum(amounts, Decimal(0)) if amounts else None


def check_currencies(currency: str, others: Iterable[str]) -> None:
    """One booking has one currency: amounts in two cannot be added up."""
    for other in others:
        if other.upper() != currency.upper():
            raise InvalidBooking(
                _("The add-on is priced in %(other)s and the service in %(currency)s."),
                "currency_mismatch",
                params={"other": other, "currency": currency},
            )
