"""Sixteen processes share the few connections of a PgBouncer in transaction mode."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from tests.pgbouncer import POOL_SIZE
from tests.races import entrants, forgetful, referee, scenes
from tests.races.conftest import POOLED, RACERS, assert_sound
from tests.races.racer import Way
from tests.races.scenes import NOW, START
from tests.races.track import Track

pytestmark = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="PgBouncer speaks PostgreSQL's protocol and no other."
)

# In these tests, every way leads through the pool.
every_way = pytest.mark.parametrize("way", POOLED, ids=str, indirect=True)
one_way = pytest.mark.parametrize("way", POOLED[:1], ids=str, indirect=True)


def one_slot(track: Track) -> list[dict[str, Any]]:
    host = track.ask(referee.set_up, is_known=True, duration_minutes=60)
    return [{**host, "start_at": START, "now_dt": NOW}] * RACERS


@one_way
def test_the_racers_share_the_connections_of_the_pool(track: Track, way: Way) -> None:
    """If they did not, these tests would say nothing."""
    result = track.race(entrants.linger, [{}] * RACERS, way=way)

    assert not result.errors, result
    assert 1 < len(set(result.winners)) <= POOL_SIZE


@every_way
def test_one_of_many_gets_the_slot(track: Track, way: Way, rounds_each_way: int) -> None:
    for _ in range(rounds_each_way):
        result = track.race(entrants.book, one_slot(track), way=way)

        assert_sound(track, result, way, "BookingConflict")
        assert len(result.winners) == 1, result


@every_way
def test_every_note_is_kept(track: Track, way: Way, rounds_each_way: int) -> None:
    for _ in range(rounds_each_way):
        booking = track.ask(scenes.one_booking)["booking"]
        note = {"verb": "add_note", "booking": booking, "message": "Hello", "now_dt": NOW}

        result = track.race(entrants.change, [note] * RACERS, way=way)

        assert_sound(track, result, way)
        notes = ["NOTE_ADDED"] * len(result.winners)
        assert notes
        assert track.ask(scenes.stories) == {booking: ["CREATED", *notes]}


@one_way
def test_the_check_of_the_whole_database_needs_server_side_cursors_to_be_off(
    track: Track, way: Way
) -> None:
    track.ask(scenes.many_holds, number=8, providers=2, expires_at=START)

    checking = {"question": referee.problems, "values": {}}
    result = track.race(referee.answer, [checking] * RACERS, way=way)
    assert result.winners == [[]] * RACERS, result

    result = track.race(forgetful.check_with_cursors, [{}] * RACERS, way=way)
    assert result.errors, result


@one_way
def test_without_lock_and_constraint_a_race_through_it_shows_double_bookings(
    unguarded: Track, way: Way
) -> None:
    result = unguarded.race(entrants.book_naively, one_slot(unguarded), way=way)

    assert len(result.winners) > 1, result
    assert unguarded.ask(referee.problems)
