"""How much is refunded, and which fee is owed, by how early a booking is cancelled.

Pure functions: no ORM, no clock, no settings. Amounts are exact decimals of one currency. Each
percentage of an amount is rounded once, half up, to the currency's minor unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.contrib.payments.exceptions import InvalidRefundPolicy
from bookings.rules import prices, validation
from bookings.rules.durations import format_minutes
from bookings.rules.money import round_amount

ZERO: Final = Decimal(0)
HUNDRED: Final = Decimal(100)
PERCENT_DECIMALS: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """What follows from a cancellation at least ``notice_minutes`` before the start.

    :param notice_minutes: the notice, in minutes.
    :param refund_percent: the percentage of the payments that is refunded.
    :param fee_percent: the percentage of the booking's total that is owed, whatever was paid. It is
        retained from the payments as far as they suffice.
    """

    notice_minutes: int
    refund_percent: Decimal
    fee_percent: Decimal = ZERO

    def to_json(self) -> dict[str, Any]:
        return {
            "notice_minutes": self.notice_minutes,
            "refund_percent": str(self.refund_percent),
            "fee_percent": str(self.fee_percent),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Tier:
        return cls(
            notice_minutes=data["notice_minutes"],
            refund_percent=Decimal(data["refund_percent"]),
            fee_percent=Decimal(data["fee_percent"]),
        )


FULL_REFUND: Final = Tier(notice_minutes=0, refund_percent=HUNDRED)
NO_REFUND: Final = Tier(notice_minutes=0, refund_percent=ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRules:
    """A refund policy as a booking keeps it: its tiers, the longest notice first.

    ``no_show`` is the tier of a client who did not come; its notice is not used. With
    ``count_from_first_start``, the notice counts to the start that the booking had before the
    client moved it for the first time.
    """

    tiers: tuple[Tier, ...]
    no_show: Tier = NO_REFUND
    count_from_first_start: bool = False

    def tier_at(self, notice: timedelta) -> Tier:
        """Return the tier of a cancellation that long before the start.

        After the start, the notice counts as zero.
        """
        notice = max(notice, timedelta(0))
        for tier in self.tiers:
            if notice >= timedelta(minutes=tier.notice_minutes):
                return tier
        return NO_REFUND

    def to_json(self) -> dict[str, Any]:
        return {
            "tiers": [tier.to_json() for tier in self.tiers],
            "no_show": self.no_show.to_json(),
            "count_from_first_start": self.count_from_first_start,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> RefundRules:
        return cls(
            tiers=tuple(map(Tier.from_json, data["tiers"])),
            no_show=Tier.from_json(data["no_show"]),
            count_from_first_start=data.get("count_from_first_start", False),
        )


DEFAULT_RULES: Final = RefundRules(
    tiers=(
        Tier(notice_minutes=24 * 60, refund_percent=HUNDRED),
        Tier(notice_minutes=6 * 60, refund_percent=Decimal(50)),
    )
)
"""Everything up to 24 hours before the start, half up to 6 hours before, then nothing."""


@dataclass(frozen=True, slots=True)
class RefundAndFee:
    """How the payments of a booking are divided."""

    refund: Decimal
    """What is to be refunded in all."""
    fee_due: Decimal
    """The part of the fee that the payments do not cover."""


def divide_payments(
    tier: Tier,
    *,
    paid: Decimal,
    total: Decimal | None,
    currency: str,
    paid_late: Decimal = ZERO,
    charge: Decimal = ZERO,
) -> RefundAndFee:
    """Divide the payments of a booking by a tier.

    :param tier: what follows from the way in which the booking ended.
    :param paid: what was paid before the booking ended. What exceeds the total is refunded, except
        for a fee that is still owed.
    :param total: the booking's total; without one there is no fee.
    :param currency: the currency of all amounts.
    :param paid_late: what was paid after the booking had ended. It is refunded, except for a fee
        that is still owed.
    :param charge: what is owed for parts that were given up before, beside the total. It is
        retained first, and what the payments do not cover of it is a part of the fee.
    :returns: the refund and the fee.
    """
    charge_paid = min(paid, charge)
    rest = paid - charge_paid
    up_to_total = rest if total is None else min(rest, total)
    fee = ZERO if total is None else percentage_of(total, tier.fee_percent, currency)
    not_refunded = up_to_total - percentage_of(up_to_total, tier.refund_percent, currency)
    retained = max(not_refunded, min(up_to_total, fee))
    owed = max(fee - retained, ZERO) + charge - charge_paid
    paid_of_owed = min(rest - up_to_total + paid_late, owed)
    return RefundAndFee(
        refund=rest + paid_late - retained - paid_of_owed, fee_due=owed - paid_of_owed
    )


def charge_for_part(tier: Tier, *, amount: Decimal, paid: Decimal, currency: str) -> Decimal:
    """Return what a client owes for a part of a booking that was given up.

    :param tier: the tier of the moment in which it was given up.
    :param amount: by how much it has lowered the booking's total.
    :param paid: how much of the amount had been paid.
    :param currency: the currency of the amounts.
    """
    retained = paid - percentage_of(paid, tier.refund_percent, currency)
    return max(retained, percentage_of(amount, tier.fee_percent, currency))


def percentage_of(amount: Decimal, percent: Decimal, currency: str) -> Decimal:
    """Return ``percent`` of an amount, rounded half up."""
    return round_amount(amount * percent / HUNDRED, currency)


def validate_rules(tiers: Iterable[Tier], no_show: Tier) -> RefundRules:
    """Return the rules with their numbers as integers and decimals.

    Raise ``InvalidRefundPolicy`` unless percentages are from 0 to 100 with up to two decimals, and
    each tier has a shorter notice than the one before, no higher refund and no lower fee. Later
    than the last tier no fee is owed, so a tier with a fee needs one with a notice of 0 after it.
    """
    rules = RefundRules(tiers=tuple(map(_validate_tier, tiers)), no_show=_validate_tier(no_show))
    reaches_start = not rules.tiers or not rules.tiers[-1].notice_minutes
    for earlier, later in pairwise(rules.tiers if reaches_start else (*rules.tiers, NO_REFUND)):
        if later.notice_minutes >= earlier.notice_minutes:
            raise InvalidRefundPolicy(
                _("The tiers are out of order: the longest notice comes first, each notice once."),
                "tiers_out_of_order",
            )
        has_no_higher_refund = later.refund_percent <= earlier.refund_percent
        if not has_no_higher_refund or later.fee_percent < earlier.fee_percent:
            raise InvalidRefundPolicy(
                _(
                    "With a notice of %(later)s, more would go back than with %(earlier)s. "
                    "Lower the refund, or raise the fee."
                ),
                "tiers_out_of_order",
                {
                    "later": format_minutes(later.notice_minutes),
                    "earlier": format_minutes(earlier.notice_minutes),
                },
            )
    return rules


def _validate_tier(tier: Any) -> Tier:
    if not isinstance(tier, Tier):
        raise InvalidRefundPolicy(
            _(
                "A tier is a Tier(notice_minutes=…, refund_percent=…) of bookings.contrib.payments."
                "refund_rules, not %(type)s."
            ),
            "no_tier",
            {"type": type(tier).__name__},
        )
    return Tier(
        notice_minutes=validation.whole_number(
            tier.notice_minutes, "notice_minutes", at_least=0, at_most=validation.MAX_MINUTES
        ),
        refund_percent=_parse_percentage(tier.refund_percent, "refund_percent"),
        fee_percent=_parse_percentage(tier.fee_percent, "fee_percent"),
    )


def _parse_percentage(value: Any, name: str) -> Decimal:
    number = prices.parse_amount(value, name)
    if number is None or not ZERO <= number <= HUNDRED or number != round(number, PERCENT_DECIMALS):
        raise InvalidRefundPolicy(
            _("%(name)s must be from 0 to 100, with two decimals at most, not %(value)s."),
            "invalid_percentage",
            {"name": name, "value": value},
        )
    return number
