"""Sixteen processes tell of the same money, give it back, or end what it was paid for."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from tests.contrib.payments import race_actions
from tests.races import actions as verbs
from tests.races import scenarios
from tests.races.conftest import RACERS, assert_sound
from tests.races.racer import Way
from tests.races.runner import RaceRunner
from tests.races.scenarios import NOW

NOTIFICATION = {"amount": 100, "now_dt": NOW}
LAST_MOMENT = NOW + timedelta(minutes=15)


def test_a_payment_is_recorded_once_however_many_tell_of_it(
    runner: RaceRunner,
    way: Way,
    rounds_each_way: int,
) -> None:
    for _ in range(rounds_each_way):
        hold = runner.ask(race_actions.one_hold, expires_at=LAST_MOMENT)

        result = runner.race(
            race_actions.pay, [hold | NOTIFICATION | {"external_id": "pay_1"}] * RACERS, way=way
        )

        assert_sound(runner, result, way)
        assert set(result.winners) == {"PAID"}
        money = runner.ask(race_actions.stored_amounts)
        assert (money["payments"], money["status"]) == ([("pay_1", "PAID")], ["CONFIRMED"])
        assert money["wrong"] == money["due"] == []
        assert list(runner.ask(scenarios.stories).values()) == [["CREATED", "CONFIRMED"]]


def test_refunds_never_exceed_the_payment_however_many_give_it_back(
    runner: RaceRunner,
    way: Way,
    rounds_each_way: int,
) -> None:
    for _ in range(rounds_each_way):
        payment = runner.ask(race_actions.one_payment)["payment"]

        result = runner.race(race_actions.refund, _refunds(payment), way=way)

        assert_sound(runner, result, way, "RefundExceedsPayment")
        money = runner.ask(race_actions.stored_amounts)
        assert money["wrong"] == []
        assert money["refunds"] == len(result.winners)
        assert money["refunded"] == 10 * len(result.winners) <= 100
        if not way.inside:
            assert result.errors == Counter({"RefundExceedsPayment": RACERS - 10})


def test_who_looks_first_and_writes_afterwards_gives_back_more(
    runner: RaceRunner,
    rounds: int,
) -> None:
    """The control: that the race above is one."""
    for _ in range(rounds):
        payment = runner.ask(race_actions.one_payment)["payment"]
        runner.race(race_actions.refund_without_lock, _refunds(payment))
        assert runner.ask(race_actions.stored_amounts)["wrong"]


def test_one_id_belongs_to_one_booking_of_many(
    runner: RaceRunner,
    way: Way,
    rounds_each_way: int,
) -> None:
    for _ in range(rounds_each_way):
        bookings = runner.ask(race_actions.many_bookings, number=RACERS)

        result = runner.race(
            race_actions.pay,
            [{"booking": key, "external_id": "pay_1"} | NOTIFICATION for key in bookings],
            way=way,
        )

        assert_sound(runner, result, way, "ExternalIdReused")
        assert result.winners == ["PAID"]
        assert runner.ask(race_actions.stored_amounts)["payments"] == [("pay_1", "PAID")]


def test_a_payment_at_the_last_moment_confirms_the_hold_or_is_due(
    runner: RaceRunner,
    way: Way,
    rounds_each_way: int,
) -> None:
    for _ in range(rounds_each_way):
        hold = runner.ask(race_actions.one_hold, expires_at=LAST_MOMENT)
        just_before, just_then = LAST_MOMENT - timedelta(seconds=1), LAST_MOMENT
        sides: list[Any] = [
            (
                race_actions.pay,
                hold | NOTIFICATION | {"external_id": "pay_1", "now_dt": just_before},
            ),
            (race_actions.pay, hold | NOTIFICATION | {"external_id": "pay_1", "now_dt": just_then}),
            (verbs.change, hold | {"verb": "expire_booking", "now_dt": just_then}),
            (verbs.change, hold | {"verb": "cancel_booking", "now_dt": just_then}),
        ]

        result = runner.race_between([sides[n % 4] for n in range(RACERS)], way=way)

        assert_sound(runner, result, way, "InvalidTransition")
        money = runner.ask(race_actions.stored_amounts)
        assert money["wrong"] == []
        if not way.inside:
            assert [status for _id, status in money["payments"]] == ["PAID"]
            # Confirmed, if all others came before the report of what was paid in time.
            assert money["status"] in (["CANCELLED"], ["CONFIRMED"])


def test_a_payment_that_is_told_late_confirms_the_hold_or_is_due(
    runner: RaceRunner,
    way: Way,
    rounds_each_way: int,
) -> None:
    """Of the hold and the bookings that others make of its time, one has it in the end."""
    for _ in range(rounds_each_way):
        scene = runner.ask(race_actions.one_hold_and_its_time, expires_at=LAST_MOMENT)
        hold, now = scene["hold"], {"now_dt": LAST_MOMENT + timedelta(minutes=1)}
        told = {"external_id": "pay_1", "processed_at": LAST_MOMENT - timedelta(seconds=1)}
        sides: list[Any] = [
            (race_actions.pay, hold | NOTIFICATION | told | now),
            (verbs.change, hold | {"verb": "expire_booking"} | now),
            (verbs.book, scene["time"] | now),
        ]

        result = runner.race_between([sides[n % 3] for n in range(RACERS)], way=way)

        assert_sound(runner, result, way, "InvalidTransition", "BookingConflict")
        money = runner.ask(race_actions.stored_amounts)
        assert money["wrong"] == []
        if not way.inside:
            assert money["status"].count("CONFIRMED") == 1
            is_kept = money["status"][0] == "CONFIRMED"
            assert money["due"] == ([] if is_kept else [100])


@pytest.mark.parametrize("is_default", [False, True])
def test_one_policy_is_left_whole_however_many_lay_it_down(
    runner: RaceRunner,
    way: Way,
    rounds_each_way: int,
    is_default: bool,
) -> None:
    for _ in range(rounds_each_way):
        service = runner.ask(race_actions.one_service)
        owner = None if is_default else service

        result = runner.race(
            race_actions.set_policy,
            [{"service": owner, "percent": number} for number in range(RACERS)],
            way=way,
        )

        assert_sound(runner, result, way)
        [tiers] = runner.ask(race_actions.policies)
        [percent] = {percent for _notice, percent in tiers}
        assert tiers == [(60 * (percent + 1), percent), (percent, percent)]
        assert len(set(result.winners)) == 1


def _refunds(payment: Any) -> list[dict[str, Any]]:
    return [
        {"payment": payment, "amount": 10, "external_id": f"re_{number}", "now_dt": NOW}
        for number in range(RACERS)
    ]
