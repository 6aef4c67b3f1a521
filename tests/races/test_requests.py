"""Holds that are submitted, extended and swept at once, disputes of time that is wanted, and
metadata that everybody writes.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.races import actions, missing_guards, race_database, scenarios
from tests.races.conftest import RACERS, assert_sound
from tests.races.contest import Side, assert_heard_once, assert_one_side_won, run_contest
from tests.races.racer import Way
from tests.races.runner import RaceRunner
from tests.races.scenarios import LAST_SECOND, NOW, START

EXPIRES: Final = NOW + timedelta(minutes=15)
LATER: Final = START + timedelta(minutes=30)

HOLD: Final = {"expires_at": EXPIRES}
HOLD_TO_APPROVE: Final = {"expires_at": EXPIRES, "requires_approval": True}


def submit(_number: int) -> dict[str, Any]:
    return {"verb": "submit_hold", "client_name": "Mary", "now_dt": EXPIRES - LAST_SECOND}


def extend(_number: int) -> dict[str, Any]:
    until = EXPIRES + timedelta(minutes=15)
    return {"verb": "extend_hold", "expires_at": until, "now_dt": EXPIRES - LAST_SECOND}


def expire(_number: int) -> dict[str, Any]:
    return {"verb": "expire_booking", "now_dt": EXPIRES}


def merge(number: int) -> dict[str, Any]:
    return {"verb": "merge_metadata", "patch": {f"key {number}": number}, "now_dt": NOW}


def dispute(_number: int) -> dict[str, Any]:
    return {"verb": "dispute_booking", "reason": "Left out.", "now_dt": LATER}


@pytest.mark.parametrize(
    ("scene", "event", "status"),
    [
        pytest.param(HOLD, "CONFIRMED", "CONFIRMED", id="confirmed"),
        pytest.param(HOLD_TO_APPROVE, "UPDATED", "PENDING", id="requested"),
    ],
)
def test_a_hold_that_is_submitted_by_many_is_submitted_once(
    runner: RaceRunner,
    way: Way,
    rounds_each_way: int,
    scene: dict[str, Any],
    event: str,
    status: str,
) -> None:
    for _ in range(rounds_each_way):
        booking = runner.ask(scenarios.one_booking, **scene)["booking"]

        contest = run_contest(runner, booking, submit, way=way)

        assert_sound(runner, contest.result, way)
        assert contest.story == [event]
        assert contest.said(submit) == {""}
        assert set(contest.won(submit)) == {status}
        assert_heard_once(contest)


@pytest.mark.parametrize("scene", [HOLD, HOLD_TO_APPROVE], ids=["confirmed", "requested"])
def test_a_hold_is_submitted_in_its_last_second_or_expires(
    runner: RaceRunner, way: Way, rounds_each_way: int, scene: dict[str, Any]
) -> None:
    submitted = ("UPDATED", "PENDING") if len(scene) == 2 else ("CONFIRMED", "CONFIRMED")
    for _ in range(rounds_each_way):
        booking = runner.ask(scenarios.one_booking, **scene)["booking"]

        contest = run_contest(runner, booking, submit, expire, way=way)

        assert_sound(runner, contest.result, way, "InvalidTransition")
        assert_one_side_won(contest, way, {submit: submitted, expire: ("EXPIRED", "CANCELLED")})


def test_a_hold_is_extended_in_its_last_second_or_expires(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = runner.ask(scenarios.one_booking, **HOLD)["booking"]

        contest = run_contest(runner, booking, extend, expire, way=way)

        assert_sound(runner, contest.result, way, "InvalidTransition")
        outcomes: dict[Side, tuple[str, str]] = {
            extend: ("UPDATED", "PENDING"),
            expire: ("EXPIRED", "CANCELLED"),
        }
        assert_one_side_won(contest, way, outcomes)


def test_whoever_writes_metadata_leaves_the_others_theirs(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = runner.ask(scenarios.one_booking)["booking"]

        contest = run_contest(runner, booking, merge, way=way)

        assert_sound(runner, contest.result, way)
        written = {
            f"key {number}": number
            for number, outcome in enumerate(contest.result.outcomes)
            if not outcome.error
        }
        assert runner.ask(scenarios.metadata, booking=booking) == written
        assert contest.story == ["UPDATED"] * len(written)
        assert_heard_once(contest)


def test_a_dispute_or_somebody_else_has_the_time(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        scene = runner.ask(scenarios.delivered, now_dt=LATER)
        booking = scene.pop("booking")
        wanted = {**scene, "start_at": LATER, "now_dt": LATER, "allow_past": True}
        disputes = [
            (actions.change, {"booking": booking, **dispute(number)})
            for number in range(RACERS // 2)
        ]
        others = [(actions.book, wanted)] * (RACERS // 2)

        result = runner.race_between([*disputes, *others], way=way)

        assert_sound(runner, result, way, "BookingConflict")
        disputed, booked = (
            Counter(outcome.error for outcome in outcomes)
            for outcomes in (result.outcomes[: RACERS // 2], result.outcomes[RACERS // 2 :])
        )
        story = runner.ask(scenarios.stories)[booking]
        assert (story[-1] == "DISPUTED") == bool(disputed[""]), result
        # One of the two, unless all of the hosts were told to try again.
        assert booked[""] == (not disputed[""]) or (way.inside and not booked[""]), result
        assert story.count("DISPUTED") <= 1


def test_a_booking_is_reopened_or_somebody_else_has_the_time(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        scene = runner.ask(scenarios.cancelled)
        booking = scene.pop("booking")
        reopening = (actions.change, {"booking": booking, "verb": "reopen_booking"})
        other = (actions.book, {**scene, "start_at": scenarios.START})

        result = runner.race_between(
            [*[reopening] * (RACERS // 2), *[other] * (RACERS // 2)], way=way
        )

        assert_sound(runner, result, way, "BookingConflict")
        reopened, booked = (
            Counter(outcome.error for outcome in outcomes)
            for outcomes in (result.outcomes[: RACERS // 2], result.outcomes[RACERS // 2 :])
        )
        story = runner.ask(scenarios.stories)[booking]
        assert (story[-1] == "REOPENED") == bool(reopened[""]), result
        assert booked[""] == (not reopened[""]) or (way.inside and not booked[""]), result
        assert story.count("REOPENED") <= 1


@pytest.mark.parametrize(
    ("scene", "sides"),
    [
        pytest.param(HOLD_TO_APPROVE, (submit,), id="submit"),
        pytest.param(HOLD, (extend, expire), id="extend and expire"),
    ],
)
def test_who_believes_what_he_read_before_the_lock_does_it_again(
    runner: RaceRunner, rounds: int, scene: dict[str, Any], sides: tuple[Side, ...]
) -> None:
    """If he did not, the tests of submitting and extending would not say anything."""
    for _ in range(rounds):
        booking = runner.ask(scenarios.one_booking, **scene)["booking"]

        contest = run_contest(runner, booking, *sides, action=missing_guards.change_as_read)

        assert len(contest.story) > 1, contest.result
        assert runner.ask(race_database.problems)


def test_who_merges_into_what_he_read_before_the_lock_forgets_the_others(
    runner: RaceRunner, rounds: int
) -> None:
    for _ in range(rounds):
        booking = runner.ask(scenarios.one_booking)["booking"]

        contest = run_contest(runner, booking, merge, action=missing_guards.change_as_read)

        assert len(runner.ask(scenarios.metadata, booking=booking)) < len(contest.won(merge))
