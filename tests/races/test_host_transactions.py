"""Hosts that book inside a transaction of their own, and run it again when they are told to."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from tests.races import actions, missing_guards, race_database, scenarios
from tests.races.conftest import LEVELS, RACERS, assert_sound
from tests.races.racer import Way
from tests.races.runner import RaceRunner
from tests.races.scenarios import NOW, START

every_level = pytest.mark.parametrize(
    "way", [Way(level, inside=True, patient=True) for level in LEVELS], ids=str
)


def orders(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"order": f"Order {number}"} | entry for number, entry in enumerate(entries)]


def one_slot(runner: RaceRunner) -> list[dict[str, Any]]:
    host = runner.ask(race_database.set_up, is_known=True, duration_minutes=60)
    return [{**host, "start_at": START, "now_dt": NOW}] * RACERS


@every_level
def test_one_gets_the_slot_and_the_others_hear_that_it_is_taken_not_that_it_is_busy(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = [{"action": actions.book} | entry for entry in one_slot(runner)]

        result = runner.race(actions.place_order, orders(booking), way=way)

        assert_sound(runner, result, Way(way.isolation), "BookingConflict")
        assert result.errors == {"BookingConflict": RACERS - 1}, result
        # What the others had written themselves is gone with their transactions.
        (winner,) = [n for n, outcome in enumerate(result.outcomes) if not outcome.error]
        assert runner.ask(scenarios.placed_orders) == [f"Order {winner}"]


@every_level
def test_every_host_gets_through_that_cancels_and_writes_its_own(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = runner.ask(scenarios.one_booking)["booking"]
        entry = {"action": actions.change, "verb": "cancel_booking", "now_dt": NOW}

        result = runner.race(
            actions.place_order, orders([entry | {"booking": booking}] * RACERS), way=way
        )

        assert_sound(runner, result, Way(way.isolation))
        assert not result.errors, result
        assert runner.ask(scenarios.stories) == {booking: ["CREATED", "CANCELLED"]}
        assert len(runner.ask(scenarios.placed_orders)) == RACERS


@every_level
def test_every_note_of_every_host_is_kept(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = runner.ask(scenarios.one_booking)["booking"]
        entry = {"action": actions.change, "verb": "add_note", "message": "Hello", "now_dt": NOW}

        result = runner.race(
            actions.place_order, orders([entry | {"booking": booking}] * RACERS), way=way
        )

        assert_sound(runner, result, Way(way.isolation))
        assert not result.errors, result
        assert runner.ask(scenarios.stories) == {booking: ["CREATED", *["NOTE_ADDED"] * RACERS]}
        assert len(runner.ask(scenarios.placed_orders)) == RACERS


@pytest.mark.skipif(
    connection.vendor != "postgresql",
    reason="Only PostgreSQL refuses a row's lock for good when it has changed since the snapshot.",
)
@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_who_calls_again_inside_the_same_transaction_is_told_the_same_again(
    runner: RaceRunner, rounds: int, level: str
) -> None:
    """So it is the transaction that has to be run again, and not the call."""
    for _ in range(rounds):
        result = runner.race(
            missing_guards.book_with_retries, one_slot(runner), way=Way(level, inside=True)
        )

        assert result.errors["BookingBusy"] > 0, result
        assert result.errors.keys() <= {"BookingBusy", "BookingConflict"}, result
