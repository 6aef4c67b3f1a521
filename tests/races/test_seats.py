"""Many processes want the seats of one shared slot."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import cycle, islice
from typing import Any

import pytest

from tests.races import entrants, referee, seats
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


def test_exactly_as_many_seats_are_sold_as_there_are(
    track: Track, rounds_each_way: int, way: Way
) -> None:
    for capacity in islice(cycle([7, 1]), rounds_each_way):
        slot = group_slot(track, capacity)
        entry = slot | {"parties": [1] * (capacity + 1), "hosted": way.inside}

        result = track.race(
            seats.take_until_refused, [entry] * RACERS, way=replace(way, inside=False)
        )

        assert_sound(track, result, replace(way, inside=False))
        assert sold(result) == capacity
        assert [asked.remaining for asked in refused(result)] == [0] * RACERS
        assert_counted(track, capacity, capacity)
        assert track.ask(referee.events) == {"CREATED": capacity}


def test_more_than_a_thousand_want_a_thousand_seats(track: Track, rounds: int, way: Way) -> None:
    """All of them where there is time to sell them, else the last 60."""
    # A host's own transactions are asked to be run again and again, which takes its time.
    tries, left = (80, THOUSAND) if rounds > 2 and not way.inside else (4, 60)
    already = [THOUSAND - left] if left < THOUSAND else []
    slot = group_slot(track, THOUSAND, already)
    entry = slot | {"parties": [1] * tries, "hosted": way.inside}

    result = track.race(seats.take, [entry] * RACERS, way=replace(way, inside=False))

    assert_sound(track, result, replace(way, inside=False))
    assert sum(already) + sold(result) == THOUSAND
    assert {asked.remaining for asked in refused(result)} == {0}
    assert_counted(track, THOUSAND, THOUSAND)


def test_parties_are_refused_only_where_too_few_seats_are_left(
    track: Track, rounds_each_way: int, way: Way
) -> None:
    # Even parties and an odd capacity: a seat remains, and "none" would be told by guessing.
    capacity = 51
    for _ in range(rounds_each_way):
        slot = group_slot(track, capacity) | {"hosted": way.inside}
        # Each racer's own mixture of two to eight.
        entries = [
            slot | {"parties": [2 * (1 + (number * step) % 4) for step in range(1, 5)]}
            for number in range(RACERS)
        ]

        result = track.race(seats.take, entries, way=replace(way, inside=False))

        assert_sound(track, result, replace(way, inside=False))
        assert_counted(track, capacity, sold(result))
        free = capacity - sold(result)
        assert free > 0
        for asked in refused(result):
            assert asked.remaining is not None
            # No seat comes back, so there never were fewer than in the end.
            assert free <= asked.remaining < asked.party


def test_nobody_is_refused_where_there_are_seats_for_all(
    track: Track, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        sizes = [1 + number % 5 for number in range(RACERS)]
        slot = group_slot(track, sum(sizes)) | {"hosted": way.inside}

        result = track.race(
            seats.take,
            [slot | {"parties": [size]} for size in sizes],
            way=replace(way, inside=False),
        )

        assert_sound(track, result, replace(way, inside=False))
        assert not refused(result)
        assert_counted(track, sum(sizes), sum(sizes))


def test_every_seat_that_is_given_back_is_taken_by_one_who_waits(
    track: Track, rounds_each_way: int, way: Way
) -> None:
    """Whoever gives back the last one takes the slot away, and the next one makes it again."""
    half = RACERS // 2
    for number, capacity in islice(cycle([(half, 1), (1, half)]), rounds_each_way):
        slot = group_slot(track, capacity)
        starts = [START + timedelta(hours=n) for n in range(number) for _ in range(capacity)]
        wanted = [slot | {"start_at": start_at} for start_at in starts]
        booked = track.ask(referee.book_all, bookings=wanted)
        give_back = [{"verb": "cancel_booking", "booking": booking} for booking in booked]

        result = track.race_between(
            [(seats.take_when_given_back, entry) for entry in wanted]
            + [(entrants.change, entry) for entry in give_back],
            way=replace(way, patient=True),
        )

        assert_sound(track, result, replace(way, inside=False))
        assert track.ask(referee.seats) == [(capacity, capacity)] * number
        assert track.ask(referee.events) == {"CREATED": 2 * half, "CANCELLED": half}


@pytest.mark.parametrize("capacity", [1, 7])
def test_seats_that_are_counted_before_the_lock_are_sold_twice(track: Track, capacity: int) -> None:
    """Who writes the number that was read, with one's own added, forgets those of the others."""
    slot = group_slot(track, capacity + 1, [1])
    entry = slot | {"parties": [1]}

    result = track.race(seats.take_by_what_was_read, [entry] * RACERS)

    assert sold(result) > capacity
    assert track.ask(referee.problems)
