"""The arithmetic of refunds and fees, by examples and by properties."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookings.contrib.payments.exceptions import InvalidRefundPolicy
from bookings.contrib.payments.refund_rules import (
    DEFAULT_RULES,
    FULL_REFUND,
    NO_REFUND,
    RefundRules,
    Tier,
    divide_payments,
    validate_rules,
)
from bookings.exceptions import InvalidBooking
from bookings.rules.money import is_payable
from tests.contrib.payments.conftest import money


def tier(refund: Any, fee: Any = 0, *, notice: int = 0) -> Tier:
    return Tier(notice_minutes=notice, refund_percent=money(refund), fee_percent=money(fee))


@pytest.mark.parametrize(
    ("notice", "percent"),
    [
        (timedelta(days=30), 100),
        (timedelta(hours=24), 100),
        (timedelta(hours=24) - timedelta(microseconds=1), 50),
        (timedelta(hours=6), 50),
        (timedelta(hours=6) - timedelta(microseconds=1), 0),
        (timedelta(0), 0),
        (timedelta(days=-1), 0),
    ],
)
def test_the_default_rules_give_all_then_half_then_nothing(notice: timedelta, percent: int) -> None:
    assert DEFAULT_RULES.tier_at(notice).refund_percent == percent
    assert DEFAULT_RULES.tier_at(notice).fee_percent == 0


def test_after_the_start_the_notice_is_zero() -> None:
    rules = RefundRules(tiers=(tier(80, 20),))
    assert rules.tier_at(timedelta(hours=-5)) == tier(80, 20)


def test_rules_survive_json() -> None:
    rules = RefundRules(
        tiers=(tier("99.99", notice=60), tier("33.3", "12.5")), no_show=tier(0, 100)
    )
    assert RefundRules.from_json(rules.to_json()) == rules
    assert RefundRules.from_json(DEFAULT_RULES.to_json()) == DEFAULT_RULES


@pytest.mark.parametrize(
    ("by", "paid", "total", "refund", "fee_due"),
    [
        (tier(50), 100, 100, 50, 0),
        (tier(50), 20, 100, 10, 0),
        (tier(0), 100, 100, 0, 0),
        (tier(0), 150, 100, 50, 0),
        (tier(50), 100, None, 50, 0),
        (tier(0, 30), 100, None, 0, 0),
        (tier(100, 20), 100, 100, 80, 0),
        (tier(100, 20), 0, 100, 0, 20),
        (tier(100, 20), 15, 100, 0, 5),
        (tier(50, 20), 100, 100, 50, 0),
        (tier(50, 80), 100, 100, 20, 0),
        (tier(0, 100), 20, 100, 0, 80),
        (tier(50), "0.01", 100, "0.01", 0),
        (tier("33.33"), "10.01", 100, "3.34", 0),
        (tier(100), 0, 100, 0, 0),
    ],
)
def test_payments_are_divided_into_refund_and_fee(
    by: Tier, paid: Any, total: Any, refund: Any, fee_due: Any
) -> None:
    total = None if total is None else money(total)
    divided = divide_payments(by, paid=money(paid), total=total, currency="USD")
    assert (divided.refund, divided.fee_due) == (money(refund), money(fee_due))


@pytest.mark.parametrize(
    ("by", "paid", "afterwards", "refund", "fee_due"),
    [
        (tier(0), 0, 100, 100, 0),
        (tier(0), 100, 100, 100, 0),
        (tier(100, 20), 0, 100, 80, 0),
        (tier(100, 20), 0, 15, 0, 5),
        (tier(100, 20), 15, 10, 5, 0),
    ],
)
def test_only_the_fee_is_kept_of_late_payments(
    by: Tier, paid: int, afterwards: int, refund: int, fee_due: int
) -> None:
    divided = divide_payments(
        by,
        paid=money(paid),
        total=money(100),
        currency="USD",
        paid_late=money(afterwards),
    )
    assert (divided.refund, divided.fee_due) == (refund, fee_due)


@pytest.mark.parametrize(
    ("currency", "paid", "percent", "refund"),
    [
        ("JPY", "999", "50", "500"),
        ("JPY", "1", "50", "1"),
        ("JPY", "1", "49.99", "0"),
        ("KWD", "0.125", "50", "0.063"),
        ("KWD", "10", "33.33", "3.333"),
        ("EUR", "0.125", "50", "0.06"),
        ("EUR", "10.01", "50", "5.01"),
    ],
)
def test_a_percentage_is_rounded_once_and_half_up(
    currency: str, paid: str, percent: str, refund: str
) -> None:
    divided = divide_payments(tier(percent), paid=money(paid), total=None, currency=currency)
    assert divided.refund == money(refund)


CURRENCIES = {"JPY": 0, "EUR": 2, "KWD": 3}
PERCENT = st.decimals(0, 100, places=2)


@given(st.data())
def test_refund_and_fee_are_consistent_with_the_payments(data: st.DataObject) -> None:
    currency = data.draw(st.sampled_from(sorted(CURRENCIES)))
    amounts = st.decimals(0, 100_000, places=CURRENCIES[currency])
    paid, late, total = (data.draw(amounts, label=name) for name in ("paid", "late", "total"))
    refund, fee = data.draw(PERCENT, label="refund %"), data.draw(PERCENT, label="fee %")

    def by(refund: Decimal, fee: Decimal) -> Any:
        chosen = Tier(notice_minutes=0, refund_percent=refund, fee_percent=fee)
        return divide_payments(chosen, paid=paid, total=total, currency=currency, paid_late=late)

    divided = by(refund, fee)
    kept = paid + late - divided.refund
    assert 0 <= divided.refund <= paid + late
    assert is_payable(divided.refund, currency)
    assert is_payable(divided.fee_due, currency)
    # Overpayments and late payments are refunded, except for the fee.
    assert kept <= total
    assert divided.fee_due == 0 or kept + divided.fee_due <= total
    # A fee is due only if nothing is refunded.
    assert not (divided.fee_due and divided.refund)
    # A higher refund percentage never refunds less, and a higher fee never refunds more.
    more = data.draw(st.decimals(refund, 100, places=2), label="a higher refund %")
    assert by(more, fee).refund >= divided.refund
    assert by(refund, Decimal(100)).refund <= divided.refund


def test_full_refund_and_no_refund() -> None:
    values: dict[str, Any] = {"paid": money(70), "total": money(100), "currency": "USD"}
    assert divide_payments(FULL_REFUND, **values).refund == 70
    assert divide_payments(NO_REFUND, **values).refund == 0


# Bad input


@pytest.mark.parametrize(
    "tiers",
    [
        [tier(50, notice=60), tier(100, notice=1440)],
        [tier(50, notice=60), tier(40, notice=60)],
        [tier(50, notice=60), tier(60)],
        [tier(50, 10, notice=60), tier(50, 5)],
        [tier(50, 10, notice=60)],
    ],
    ids=[
        "the shortest first",
        "a notice twice",
        "more for later",
        "a lower fee for later",
        "no fee at last",
    ],
)
def test_tiers_out_of_order_are_refused(tiers: list[Tier]) -> None:
    with pytest.raises(InvalidRefundPolicy) as caught:
        validate_rules(tiers, NO_REFUND)
    assert caught.value.code == "tiers_out_of_order"
    assert str(caught.value)


@pytest.mark.parametrize("percent", [-1, "100.01", "33.333", None])
def test_a_percentage_is_from_0_to_100_with_two_decimals(percent: Any) -> None:
    with pytest.raises(InvalidRefundPolicy, match="from 0 to 100"):
        validate_rules([Tier(notice_minutes=0, refund_percent=percent)], NO_REFUND)
    with pytest.raises(InvalidRefundPolicy, match="fee_percent"):
        validate_rules([], Tier(notice_minutes=0, refund_percent=Decimal(0), fee_percent=percent))


@pytest.mark.parametrize("notice", [-1, 1.5, None, True, 10**9])
def test_a_notice_is_a_whole_number_of_minutes(notice: Any) -> None:
    with pytest.raises(InvalidBooking, match="notice_minutes"):
        validate_rules([Tier(notice_minutes=notice, refund_percent=Decimal(0))], NO_REFUND)


def test_whole_numbers_become_decimals() -> None:
    given: Any = Tier(notice_minutes=0, refund_percent=50, fee_percent=10)  # type: ignore[arg-type]
    assert validate_rules([given], NO_REFUND).tiers == (tier(50, 10),)


def test_rules_without_tiers_are_valid() -> None:
    assert validate_rules([], NO_REFUND).tier_at(timedelta(days=9)) == NO_REFUND


def test_a_tier_is_no_tuple() -> None:
    with pytest.raises(InvalidRefundPolicy, match="A tier is a Tier") as refusal:
        validate_rules([(60, 50)], Tier(notice_minutes=0, refund_percent=0))  # type: ignore[list-item]
    assert refusal.value.code == "no_tier"
