"""Many processes want the seats of one shared slot."""

from __future__ import annotations

from typing import Any

import pytest

from tests.races import referee, seats
from tests.races.conftest import RACERS, assert_sound
from tests.races.racer import Way
from tests.races.seats import Asked
from tests.races.test_create import START
from tests.races.track import Result, Track

THOUSAND = 1000


def group_slot(track: Track, capacity: int, taken: list[int] | None = None) -> dict[str, Any]:
    """A slot with so many seats, of which parties of these sizes have some already."""
    host = track.ask(
        referee.set_up,
        is_known=True,
        duration_minutes=60,
        allow_multiple_clients_per_slot=True,
        capacity=capacity,
    )
    slot = host | {"start_at": START, "client_name": "Racer"}
    track.ask(referee.book_all, bookings=[slot | {"party_size": party} for party in taken or []])
    return slot


def told(result: Result) -> list[Asked]:
    return [asked for turns in result.winners for asked in turns]


def sold(result: Result) -> int:
    return sum(asked.party for asked in told(result) if asked.booking is not None)


def refused(result: Result) -> list[Asked]:
    return [asked for asked in told(result) if asked.booking is None]


def assert_counted(track: Track, capacity: int, taken: int) -> None:
    assert track.ask(referee.seats) == [(capacity, taken)]


@pytest.mark.parametrize("capacity", [1, 7])
def test_exactly_as_many_seats_are_sold_as_there_are(
    track: Track, rounds_each_way: int, way: Way, capacity: int
) -> None:
    for _ in range(rounds_each_way):
        slot = group_slot(track, capacity)
        entry = slot | {"parties": [1] * (capacity + 1), "hosted": way.inside}

        result = track.race(seats.take_until_refused, [entry] * RACERS, way=Way(way.isolation))

        assert_sound(track, result, Way(way.isolation))
        assert sold(result) == capacity
        assert [asked.remaining for asked in refused(result)] == [0] * RACERS
        assert_counted(track, capacity, capacity)
        assert track.ask(referee.events) == {"CREATED": capacity}


def test_more_than_a_thousand_want_a_thousand_seats(track: Track, rounds: int, way: Way) -> None:
    """All the seats where there is time to sell them, else the last 90."""
    already, tries = ([], 80) if rounds > 2 else ([THOUSAND - 90], 6)
    slot = group_slot(track, THOUSAND, already)
    entry = slot | {"parties": [1] * tries, "hosted": way.inside}

    result = track.race(seats.take, [entry] * RACERS, way=Way(way.isolation))

    assert_sound(track, result, Way(way.isolation))
    assert sum(already) + sold(result) == THOUSAND
    assert {asked.remaining for asked in refused(result)} == {0}
    assert_counted(track, THOUSAND, THOUSAND)
