"""Many processes want the seats of one shared slot."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import cycle, islice
from typing import Any

import pytest

from tests.races import actions, race_database, seats
from tests.races.conftest import RACERS, assert_sound
from tests.races.racer import Way
from tests.races.runner import RaceRunner, Result
from tests.races.seats import SeatRequest
from tests.races.test_create import START

THOUSAND = 1000


def group_slot(runner: RaceRunner, capacity: int, taken: list[int] | None = None) -> dict[str, Any]:
    """A slot with so many seats, of which parties of these sizes have some already."""
    host = runner.ask(
        race_database.set_up,
        is_known=True,
        duration_minutes=60,
        allow_multiple_clients_per_slot=True,
        capacity=capacity,
    )
    slot = host | {"start_at": START, "client_name": "Racer"}
    runner.ask(
        race_database.book_all, bookings=[slot | {"party_size": party} for party in taken or []]
    )
    return slot


def seat_requests(result: Result) -> list[SeatRequest]:
    return [request for turns in result.winners for request in turns]


def sold(result: Result) -> int:
    return sum(request.party for request in seat_requests(result) if request.booking is not None)


def refused(result: Result) -> list[SeatRequest]:
    return [request for request in seat_requests(result) if request.booking is None]


def assert_counted(runner: RaceRunner, capacity: int, taken: int) -> None:
    assert runner.ask(race_database.seats) == [(capacity, taken)]


def test_exactly_as_many_seats_are_sold_as_there_are(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for capacity in islice(cycle([7, 1]), rounds_each_way):
        slot = group_slot(runner, capacity)
        entry = slot | {"parties": [1] * (capacity + 1), "hosted": way.inside}

        result = runner.race(
            seats.take_until_refused, [entry] * RACERS, way=replace(way, inside=False)
        )

        assert_sound(runner, result, replace(way, inside=False))
        assert sold(result) == capacity
        assert [request.remaining for request in refused(result)] == [0] * RACERS
        assert_counted(runner, capacity, capacity)
        assert runner.ask(race_database.events) == {"CREATED": capacity}


def test_more_than_a_thousand_want_a_thousand_seats(
    runner: RaceRunner, rounds: int, way: Way
) -> None:
    """All of them where there is time to sell them, else the last 60."""
    # A host's own transactions are request to be run again and again, which takes its time.
    tries, left = (80, THOUSAND) if rounds > 2 and not way.inside else (4, 60)
    already = [THOUSAND - left] if left < THOUSAND else []
    slot = group_slot(runner, THOUSAND, already)
    entry = slot | {"parties": [1] * tries, "hosted": way.inside}

    result = runner.race(seats.take, [entry] * RACERS, way=replace(way, inside=False))

    assert_sound(runner, result, replace(way, inside=False))
    assert sum(already) + sold(result) == THOUSAND
    assert {request.remaining for request in refused(result)} == {0}
    assert_counted(runner, THOUSAND, THOUSAND)


def test_parties_are_refused_only_where_too_few_seats_are_left(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    # Even parties and an odd capacity: a seat remains, and "none" would be told by guessing.
    capacity = 51
    for _ in range(rounds_each_way):
        slot = group_slot(runner, capacity) | {"hosted": way.inside}
        # Each racer's own mixture of two to eight.
        entries = [
            slot | {"parties": [2 * (1 + (number * step) % 4) for step in range(1, 5)]}
            for number in range(RACERS)
        ]

        result = runner.race(seats.take, entries, way=replace(way, inside=False))

        assert_sound(runner, result, replace(way, inside=False))
        assert_counted(runner, capacity, sold(result))
        free = capacity - sold(result)
        assert free > 0
        for request in refused(result):
            assert request.remaining is not None
            # No seat comes back, so there never were fewer than in the end.
            assert free <= request.remaining < request.party


def test_nobody_is_refused_where_there_are_seats_for_all(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        sizes = [1 + number % 5 for number in range(RACERS)]
        slot = group_slot(runner, sum(sizes)) | {"hosted": way.inside}

        result = runner.race(
            seats.take,
            [slot | {"parties": [size]} for size in sizes],
            way=replace(way, inside=False),
        )

        assert_sound(runner, result, replace(way, inside=False))
        assert not refused(result)
        assert_counted(runner, sum(sizes), sum(sizes))


def test_every_seat_that_is_given_back_is_taken_by_one_who_waits(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    """Whoever gives back the last one takes the slot away, and the next one makes it again."""
    half = RACERS // 2
    for number, capacity in islice(cycle([(half, 1), (1, half)]), rounds_each_way):
        slot = group_slot(runner, capacity)
        starts = [START + timedelta(hours=n) for n in range(number) for _ in range(capacity)]
        wanted = [slot | {"start_at": start_at} for start_at in starts]
        booked = runner.ask(race_database.book_all, bookings=wanted)
        give_back = [{"verb": "cancel_booking", "booking": booking} for booking in booked]

        result = runner.race_between(
            [(seats.take_when_given_back, entry) for entry in wanted]
            + [(actions.change, entry) for entry in give_back],
            way=replace(way, patient=True),
        )

        assert_sound(runner, result, replace(way, inside=False))
        assert runner.ask(race_database.seats) == [(capacity, capacity)] * number
        assert runner.ask(race_database.events) == {"CREATED": 2 * half, "CANCELLED": half}


@pytest.mark.parametrize("capacity", [1, 7])
def test_seats_that_are_counted_before_the_lock_are_sold_twice(
    runner: RaceRunner, capacity: int
) -> None:
    """Who writes the number that was read, with one's own added, forgets those of the others."""
    slot = group_slot(runner, capacity + 1, [1])
    entry = slot | {"parties": [1]}

    result = runner.race(seats.take_by_what_was_read, [entry] * RACERS)

    assert sold(result) > capacity
    assert runner.ask(race_database.problems)
