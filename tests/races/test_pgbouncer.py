"""Sixteen processes share the few connections of a PgBouncer in transaction mode."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from tests.pgbouncer import POOL_SIZE
from tests.races import actions, missing_guards, race_database, scenarios
from tests.races.conftest import POOLED, RACERS, assert_sound
from tests.races.racer import Way
from tests.races.runner import RaceRunner
from tests.races.scenarios import NOW, START

pytestmark = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="PgBouncer speaks PostgreSQL's protocol and no other."
)

# In these tests, every way leads through the pool.
every_way = pytest.mark.parametrize("way", POOLED, ids=str, indirect=True)
one_way = pytest.mark.parametrize("way", POOLED[:1], ids=str, indirect=True)


def one_slot(runner: RaceRunner) -> list[dict[str, Any]]:
    host = runner.ask(race_database.set_up, is_known=True, duration_minutes=60)
    return [{**host, "start_at": START, "now_dt": NOW}] * RACERS


@one_way
def test_the_racers_share_the_connections_of_the_pool(runner: RaceRunner, way: Way) -> None:
    """If they did not, these tests would say nothing."""
    result = runner.race(actions.keep_server_busy, [{}] * RACERS, way=way)

    assert not result.errors, result
    assert 1 < len(set(result.winners)) <= POOL_SIZE


@every_way
def test_one_of_many_gets_the_slot(runner: RaceRunner, way: Way, rounds_each_way: int) -> None:
    for _ in range(rounds_each_way):
        result = runner.race(actions.book, one_slot(runner), way=way)

        assert_sound(runner, result, way, "BookingConflict")
        assert len(result.winners) == 1, result


@every_way
def test_every_note_is_kept(runner: RaceRunner, way: Way, rounds_each_way: int) -> None:
    for _ in range(rounds_each_way):
        booking = runner.ask(scenarios.one_booking)["booking"]
        note = {"verb": "add_note", "booking": booking, "message": "Hello", "now_dt": NOW}

        result = runner.race(actions.change, [note] * RACERS, way=way)

        assert_sound(runner, result, way)
        notes = ["NOTE_ADDED"] * len(result.winners)
        assert notes
        assert runner.ask(scenarios.stories) == {booking: ["CREATED", *notes]}


@one_way
def test_the_check_of_the_whole_database_needs_server_side_cursors_to_be_off(
    runner: RaceRunner, way: Way
) -> None:
    runner.ask(scenarios.many_holds, number=8, providers=2, expires_at=START)

    checking = {"question": race_database.problems, "values": {}}
    result = runner.race(race_database.answer, [checking] * RACERS, way=way)
    assert result.winners == [[]] * RACERS, result

    result = runner.race(missing_guards.check_with_cursors, [{}] * RACERS, way=way)
    assert result.errors, result


@one_way
def test_without_lock_and_constraint_a_race_through_it_shows_double_bookings(
    unguarded: RaceRunner, way: Way
) -> None:
    result = unguarded.race(actions.book_naively, one_slot(unguarded), way=way)

    assert len(result.winners) > 1, result
    assert unguarded.ask(race_database.problems)
