"""Sixteen processes tell of the same money, give it back, or end what it was paid for."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from tests.contrib.payments import entrants
from tests.races import entrants as verbs
from tests.races import scenes
from tests.races.conftest import RACERS, assert_sound
from tests.races.racer import Way
from tests.races.scenes import NOW, START
from tests.races.track import Track

TOLD = {"amount": 100, "now_dt": NOW}
LAST_MOMENT = NOW + timedelta(minutes=15)


def test_a_payment_is_recorded_once_however_many_tell_of_it(
    track: Track,
    way: Way,
    rounds_each_way: int,
) -> None:
    for _ in range(rounds_each_way):
        hold = track.ask(entrants.one_hold, expires_at=LAST_MOMENT)

        result = track.race(
            entrants.pay, [hold | TOLD | {"external_id": "pay_1"}] * RACERS, way=way
        )

        assert_sound(track, result, way)
        assert set(result.winners) == {"PAID"}
        money = track.ask(entrants.money)
        assert (money["payments"], money["status"]) == ([("pay_1", "PAID")], ["CONFIRMED"])
        assert money["wrong"] == money["due"] == []
        assert list(track.ask(scenes.stories).values()) == [["CREATED", "CONFIRMED"]]


def test_refunds_never_exceed_the_payment_however_many_give_it_back(
    track: Track,
    way: Way,
    rounds_each_way: int,
) -> None:
    for _ in range(rounds_each_way):
        payment = track.ask(entrants.one_payment)["payment"]

        result = track.race(entrants.refund, _refunds(payment), way=way)

        assert_sound(track, result, way, "RefundExceedsPayment")
        money = track.ask(entrants.money)
        assert money["wrong"] == []
        assert money["refunds"] == len(result.winners)
        assert money["refunded"] == 10 * len(result.winners) <= 100
        if not way.inside:
            assert result.errors == Counter({"RefundExceedsPayment": RACERS - 10})


def test_who_looks_first_and_writes_afterwards_gives_back_more(
    track: Track,
    rounds: int,
) -> None:
    """The control: that the race above is one."""
    for _ in range(rounds):
        payment = track.ask(entrants.one_payment)["payment"]
        track.race(entrants.refund_without_lock, _refunds(payment))
        assert track.ask(entrants.money)["wrong"]


def test_one_id_belongs_to_one_booking_of_many(
    track: Track,
    way: Way,
    rounds_each_way: int,
) -> None:
    for _ in range(rounds_each_way):
        bookings = track.ask(entrants.many_bookings, number=RACERS)

        result = track.race(
            entrants.pay,
            [{"booking": key, "external_id": "pay_1"} | TOLD for key in bookings],
            way=way,
        )

        assert_sound(track, result, way, "ExternalIdReused")
        assert result.winners == ["PAID"]
        assert track.ask(entrants.money)["payments"] == [("pay_1", "PAID")]


def test_a_payment_at_the_last_moment_confirms_the_hold_or_is_due(
    track: Track,
    way: Way,
    rounds_each_way: int,
) -> None:
    for _ in range(rounds_each_way):
        hold = track.ask(entrants.one_hold, expires_at=LAST_MOMENT)
        just_before, just_then = LAST_MOMENT - timedelta(seconds=1), LAST_MOMENT
        sides: list[Any] = [
            (entrants.pay, hold | TOLD | {"external_id": "pay_1", "now_dt": just_before}),
            (entrants.pay, hold | TOLD | {"external_id": "pay_1", "now_dt": just_then}),
            (verbs.change, hold | {"verb": "expire_booking", "now_dt": just_then}),
            (verbs.change, hold | {"verb": "cancel_booking", "now_dt": START}),
        ]

        result = track.race_between([sides[n % 4] for n in range(RACERS)], way=way)

        assert_sound(track, result, way, "InvalidTransition")
        money = track.ask(entrants.money)
        assert money["wrong"] == []
        if not way.inside:
            assert [status for _id, status in money["payments"]] == ["PAID"]
            assert money["status"] == ["CANCELLED"]


@pytest.mark.parametrize("is_default", [False, True])
def test_one_policy_is_left_whole_however_many_lay_it_down(
    track: Track,
    way: Way,
    rounds_each_way: int,
    is_default: bool,
) -> None:
    for _ in range(rounds_each_way):
        service = track.ask(entrants.one_service)
        owner = None if is_default else service

        result = track.race(
            entrants.lay_down,
            [{"service": owner, "percent": number} for number in range(RACERS)],
            way=way,
        )

        assert_sound(track, result, way)
        [tiers] = track.ask(entrants.policies)
        [percent] = {percent for _notice, percent in tiers}
        assert tiers == [(60 * (percent + 1), percent), (percent, percent)]
        assert len(set(result.winners)) == 1


def _refunds(payment: Any) -> list[dict[str, Any]]:
    return [
        {"payment": payment, "amount": 10, "external_id": f"re_{number}", "now_dt": NOW}
        for number in range(RACERS)
    ]
