"""Many processes cancel a booking, move it, or wait for its time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.races import actions, missing_guards, race_database, scenarios
from tests.races.conftest import RACERS, assert_sound
from tests.races.contest import Side, assert_heard_once, run_contest
from tests.races.racer import Way
from tests.races.runner import Prepare, RaceRunner, Result
from tests.races.scenarios import NOW, START


def cancel(number: int) -> dict[str, Any]:
    return {"verb": "cancel_booking", "now_dt": NOW, "reason": f"Reason {number}"}


def move(number: int) -> dict[str, Any]:
    """Each to a time of its own."""
    new_start_at = START + timedelta(hours=1 + number)
    return {"verb": "reschedule_booking", "now_dt": NOW, "new_start_at": new_start_at}


def cancel_and_follow(
    runner: RaceRunner, book_freed_time: Prepare, way: Way | None = None
) -> Result:
    """One cancels a booking whose time all the others want."""
    scene = runner.ask(scenarios.one_booking)
    follower = {**scene, "start_at": START, "now_dt": NOW}
    cancelling = {"action": actions.change, "booking": scene["booking"]} | cancel(0)
    following = [
        (book_freed_time, follower | {"client_name": f"Racer {n}"}) for n in range(1, RACERS)
    ]
    return runner.race_between([(actions.with_signals, cancelling), *following], way=way)


def test_exactly_one_of_those_who_wait_for_it_follows_a_cancelled_booking(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        result = cancel_and_follow(runner, actions.book_freed_time, way)

        assert_sound(runner, result, way, "BookingConflict")
        cancelled, *followers = result.outcomes
        stories = list(runner.ask(scenarios.stories).values())
        if cancelled.error:  # the host's to try again, and the time stays taken
            assert stories == [["CREATED"]]
            continue
        assert stories == [["CREATED", "CANCELLED"], ["CREATED"]]
        assert [not outcome.error for outcome in followers].count(True) == 1, result


def test_a_booking_is_cancelled_once_however_many_cancel_it(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = runner.ask(scenarios.one_booking)["booking"]

        contest = run_contest(runner, booking, cancel, way=way)

        assert_sound(runner, contest.result, way)
        assert contest.story == ["CANCELLED"]
        assert set(contest.won(cancel)) == {"CANCELLED"}
        assert_heard_once(contest)


def test_what_is_cancelled_is_not_moved_any_more(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = runner.ask(scenarios.one_booking)["booking"]

        contest = run_contest(runner, booking, cancel, move, way=way)

        assert_sound(runner, contest.result, way, "InvalidTransition")
        moves = len(contest.won(move))
        assert contest.said(cancel) <= {""}
        assert contest.story == ["RESCHEDULED"] * moves + ["CANCELLED"] * bool(contest.won(cancel))
        assert contest.story
        assert_heard_once(contest)


@pytest.mark.parametrize("sides", [(cancel,), (cancel, move)], ids=["cancel", "cancel and move"])
def test_who_believes_what_he_read_before_the_lock_cancels_again_and_moves_the_cancelled(
    runner: RaceRunner, rounds: int, sides: tuple[Side, ...]
) -> None:
    """If he did not, the two tests above would say nothing."""
    for _ in range(rounds):
        booking = runner.ask(scenarios.one_booking)["booking"]

        contest = run_contest(runner, booking, *sides, action=missing_guards.change_as_read)

        assert contest.story.count("CANCELLED") == RACERS // len(sides), contest.result
        assert runner.ask(race_database.problems)


def test_those_who_look_first_follow_a_cancelled_booking_together(
    unguarded: RaceRunner, rounds: int
) -> None:
    for _ in range(rounds):
        result = cancel_and_follow(unguarded, missing_guards.book_freed_time_naively)

        assert len(result.winners) > 2, result
        assert unguarded.ask(race_database.problems)
