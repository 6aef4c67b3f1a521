"""Many processes want different times, of which only the buffers have something in common."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.races import actions, race_database
from tests.races.conftest import RACERS, assert_sound
from tests.races.racer import Way
from tests.races.runner import RaceRunner
from tests.races.test_create import START

HOUR = timedelta(hours=1)
BUFFER = timedelta(minutes=15)


def row_of_slots(runner: RaceRunner, *, apart: timedelta) -> list[dict[str, Any]]:
    """An hour each, with a buffer on both sides."""
    minutes = BUFFER // timedelta(minutes=1)
    host = runner.ask(
        race_database.set_up,
        is_known=True,
        duration_minutes=60,
        buffer_before_minutes=minutes,
        buffer_after_minutes=minutes,
    )
    return [host | {"start_at": START + n * apart} for n in range(RACERS)]


def test_of_two_neighbours_whose_buffers_overlap_one_goes(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        result = runner.race(actions.book, row_of_slots(runner, apart=HOUR), way=way)

        assert_sound(runner, result, way, "BookingConflict")
        went = [not outcome.error for outcome in result.outcomes]
        for number, outcome in enumerate(result.outcomes):
            neighbours = went[max(0, number - 1) : number] + went[number + 1 : number + 2]
            if outcome.error == "BookingConflict":
                assert any(neighbours), result
            elif not outcome.error:
                assert not any(neighbours), result


def test_neighbours_whose_buffers_only_touch_all_go(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        slots = row_of_slots(runner, apart=HOUR + 2 * BUFFER)

        result = runner.race(actions.book, slots, way=way)

        assert_sound(runner, result, way)
        assert way.inside or len(result.winners) == RACERS, result


def test_without_lock_and_constraint_neighbours_share_their_buffers(unguarded: RaceRunner) -> None:
    result = unguarded.race(actions.book_naively, row_of_slots(unguarded, apart=HOUR))

    # Each has the time itself to itself.
    assert unguarded.ask(race_database.problems), result
