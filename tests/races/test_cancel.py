"""Many processes cancel a booking, move it, or wait for its time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.races import entrants, forgetful, referee, scenes
from tests.races.conftest import RACERS, assert_sound
from tests.races.duel import Side, assert_heard_once, fight
from tests.races.racer import Way
from tests.races.scenes import NOW, START
from tests.races.track import Prepare, Result, Track


def cancel(number: int) -> dict[str, Any]:
    return {"verb": "cancel_booking", "now_dt": NOW, "reason": f"Reason {number}"}


def move(number: int) -> dict[str, Any]:
    """Each to a time of its own."""
    new_start_at = START + timedelta(hours=1 + number)
    return {"verb": "reschedule_booking", "now_dt": NOW, "new_start_at": new_start_at}


def cancel_and_follow(track: Track, follow: Prepare, way: Way | None = None) -> Result:
    """One cancels a booking whose time all the others want."""
    scene = track.ask(scenes.one_booking)
    follower = {**scene, "start_at": START, "now_dt": NOW}
    cancelling = {"entrant": entrants.change, "booking": scene["booking"]} | cancel(0)
    following = [(follow, follower | {"client_name": f"Racer {n}"}) for n in range(1, RACERS)]
    return track.race_between([(entrants.hear, cancelling), *following], way=way)


def test_exactly_one_of_those_who_wait_for_it_follows_a_cancelled_booking(
    track: Track, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        result = cancel_and_follow(track, entrants.follow, way)

        assert_sound(track, result, way, "BookingConflict")
        cancelled, *followers = result.outcomes
        stories = list(track.ask(scenes.stories).values())
        if cancelled.error:  # the host's to try again, and the time stays taken
            assert stories == [["CREATED"]]
            continue
        assert stories == [["CREATED", "CANCELLED"], ["CREATED"]]
        assert [not outcome.error for outcome in followers].count(True) == 1, result


def test_a_booking_is_cancelled_once_however_many_cancel_it(
    track: Track, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = track.ask(scenes.one_booking)["booking"]

        duel = fight(track, booking, cancel, way=way)

        assert_sound(track, duel.result, way)
        assert duel.story == ["CANCELLED"]
        assert set(duel.won(cancel)) == {"CANCELLED"}
        assert_heard_once(duel)


def test_what_is_cancelled_is_not_moved_any_more(
    track: Track, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = track.ask(scenes.one_booking)["booking"]

        duel = fight(track, booking, cancel, move, way=way)

        assert_sound(track, duel.result, way, "InvalidTransition")
        moves = len(duel.won(move))
        assert duel.said(cancel) <= {""}
        assert duel.story == ["RESCHEDULED"] * moves + ["CANCELLED"] * bool(duel.won(cancel))
        assert duel.story
        assert_heard_once(duel)


@pytest.mark.parametrize("sides", [(cancel,), (cancel, move)], ids=["cancel", "cancel and move"])
def test_who_believes_what_he_read_before_the_lock_cancels_again_and_moves_the_cancelled(
    track: Track, rounds: int, sides: tuple[Side, ...]
) -> None:
    """If he did not, the two tests above would say nothing."""
    for _ in range(rounds):
        booking = track.ask(scenes.one_booking)["booking"]

        duel = fight(track, booking, *sides, entrant=forgetful.change_as_read)

        assert duel.story.count("CANCELLED") == RACERS // len(sides), duel.result
        assert track.ask(referee.problems)


def test_those_who_look_first_follow_a_cancelled_booking_together(
    unguarded: Track, rounds: int
) -> None:
    for _ in range(rounds):
        result = cancel_and_follow(unguarded, forgetful.follow_naively)

        assert len(result.winners) > 2, result
        assert unguarded.ask(referee.problems)
