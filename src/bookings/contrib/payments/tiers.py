"""How much goes back, and what is owed, by how early a booking was cancelled.

Pure functions: no ORM, no clock, no settings. Amounts are exact decimals of one currency, and each
share is rounded once, half up, to its minor unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings import policies, prices
from bookings.contrib.payments.exceptions import InvalidRefundPolicy
from bookings.money import rounded

ZERO: Final = Decimal(0)
ALL: Final = Decimal(100)
PERCENT_DECIMALS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What follows from a cancellation that comes ``notice_minutes`` or more before the start.

    ``refund_percent`` of what was paid goes back. ``fee_percent`` of the booking's total is owed,
    whatever was paid; it is kept from the payments as far as they go.
    """

    notice_minutes: int
    refund_percent: Decimal
    fee_percent: Decimal = ZERO

    def as_json(self) -> dict[str, Any]:
        return {
            "notice_minutes": self.notice_minutes,
            "refund_percent": str(self.refund_percent),
            "fee_percent": str(self.fee_percent),
        }

    @classmethod
    def of_json(cls, said: dict[str, Any]) -> Tier:
        return cls(
            notice_minutes=said["notice_minutes"],
            refund_percent=Decimal(said["refund_percent"]),
            fee_percent=Decimal(said["fee_percent"]),
        )


FULL: Final = Tier(notice_minutes=0, refund_percent=ALL)
NOTHING: Final = Tier(notice_minutes=0, refund_percent=ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRules:
    """A refund policy as it was when a booking was made: tiers, the longest notice first.

    ``no_show`` is the tier of a client who did not come; its notice does not count.
    """

    tiers: tuple[Tier, ...]
    no_show: Tier = NOTHING

    def tier_at(self, notice: timedelta) -> Tier:
        """The tier of a cancellation so long before the start; after it, as at the start."""
        notice = max(notice, timedelta(0))
        for tier in self.tiers:
            if notice >= timedelta(minutes=tier.notice_minutes):
                return tier
        return NOTHING

    def as_json(self) -> dict[str, Any]:
        return {
            "tiers": [tier.as_json() for tier in self.tiers],
            "no_show": self.no_show.as_json(),
        }

    @classmethod
    def of_json(cls, said: dict[str, Any]) -> RefundRules:
        return cls(
            tiers=tuple(map(Tier.of_json, said["tiers"])),
            no_show=Tier.of_json(said["no_show"]),
        )


DEFAULT: Final = RefundRules(
    tiers=(
        Tier(notice_minutes=24 * 60, refund_percent=ALL),
        Tier(notice_minutes=6 * 60, refund_percent=Decimal(50)),
    )
)
"""All of it up to 24 hours before the start, half up to 6 hours before, then nothing."""


@dataclass(frozen=True, slots=True)
class Split:
    """What becomes of the money: what goes back, and what is owed beyond what is kept."""

    refund: Decimal
    fee_due: Decimal


def split(
    tier: Tier,
    *,
    paid: Decimal,
    total: Decimal | None,
    currency: str,
    paid_afterwards: Decimal = ZERO,
) -> Split:
    """Divide the payments by a tier.

    What was paid above the total goes back in any case, and so does what was paid when the booking
    had ended already, but for the fee. Without a total there is no fee.
    """
    most = paid if total is None else min(paid, total)
    fee = ZERO if total is None else share(total, tier.fee_percent, currency)
    kept = max(most - share(most, tier.refund_percent, currency), min(most, fee))
    fee_left = max(fee - kept, ZERO)
    kept += min(paid - most + paid_afterwards, fee_left)
    return Split(refund=paid + paid_afterwards - kept, fee_due=max(fee - kept, ZERO))


def share(amount: Decimal, percent: Decimal, currency: str) -> Decimal:
    """``percent`` of an amount, rounded half up."""
    return rounded(amount * percent / ALL, currency)


def check_rules(tiers: Iterable[Tier], no_show: Tier) -> RefundRules:
    """Tiers as a host gives them, if they make sense; else ``InvalidRefundPolicy``.

    Percentages are from 0 to 100 with up to two decimals. From one tier to the next, the notice
    shrinks, and so does the refund or it stays; the fee grows or stays. Later than the last tier no
    fee is owed, so one with a fee has to be followed by one with a notice of 0.
    """
    rules = RefundRules(tiers=tuple(map(_checked, tiers)), no_show=_checked(no_show))
    reaches_start = not rules.tiers or not rules.tiers[-1].notice_minutes
    for earlier, later in pairwise(rules.tiers if reaches_start else (*rules.tiers, NOTHING)):
        if later.notice_minutes >= earlier.notice_minutes:
            raise InvalidRefundPolicy(
                _("The tiers are out of order: the longest notice comes first, each notice once."),
                "tiers_out_of_order",
            )
        worse = later.refund_percent <= earlier.refund_percent
        if not worse or later.fee_percent < earlier.fee_percent:
            raise InvalidRefundPolicy(
                _(
                    "With a notice of %(later)d min, more would go back than with %(earlier)d min. "
                    "Lower the refund, or raise the fee."
                ),
                "tiers_out_of_order",
                {"later": later.notice_minutes, "earlier": earlier.notice_minutes},
            )
    return rules


def _checked(tier: Any) -> Tier:
    if not isinstance(tier, Tier):
        raise InvalidRefundPolicy(
            _(
                "A tier is a Tier(notice_minutes=…, refund_percent=…) of bookings.contrib.payments."
                "tiers, not %(type)s."
            ),
            "no_tier",
            {"type": type(tier).__name__},
        )
    return Tier(
        notice_minutes=policies.whole_number(
            tier.notice_minutes, "notice_minutes", at_least=0, at_most=policies.MAX_MINUTES
        ),
        refund_percent=_percentage(tier.refund_percent, "refund_percent"),
        fee_percent=_percentage(tier.fee_percent, "fee_percent"),
    )


def _percentage(value: Any, name: str) -> Decimal:
    number = prices.amount(value, name)
    if number is None or not ZERO <= number <= ALL or number != round(number, PERCENT_DECIMALS):
        raise InvalidRefundPolicy(
            _("%(name)s must be from 0 to 100, with two decimals at most, not %(value)s."),
            "invalid_percentage",
            {"name": name, "value": value},
        )
    return number
