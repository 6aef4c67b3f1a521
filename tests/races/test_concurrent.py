"""Many processes want desks of one room, from different instants on and for different times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import cycle, islice
from typing import Any

import pytest

from tests.races import actions, concurrent, race_database, seats
from tests.races.conftest import RACERS, assert_sound
from tests.races.racer import Way
from tests.races.runner import RaceRunner, Result
from tests.races.seats import SeatRequest
from tests.races.test_create import IS_MYSQL, START
from tests.races.test_seats import refused, sold

QUARTER = timedelta(minutes=15)
LENGTH = timedelta(minutes=60)


def room(runner: RaceRunner, capacity: int) -> dict[str, Any]:
    """So many desks, by the hour."""
    host = runner.ask(
        race_database.set_up,
        is_known=True,
        duration_minutes=60,
        capacity=capacity,
        capacity_mode="CONCURRENT",
    )
    return host | {"start_at": START, "client_name": "Racer"}


def most(parties: Sequence[tuple[datetime, datetime, int]], start_at: datetime) -> int:
    """How many people there are at the fullest instant of the hour from ``start_at``."""
    instants = {start_at, *(starts for starts, _ends, _party in parties)}
    return max(
        sum(party for starts, ends, party in parties if starts <= instant < ends)
        for instant in instants
        if start_at <= instant < start_at + LENGTH
    )


def test_no_more_desks_are_sold_than_there_are_at_any_instant(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    """And nobody is refused for whom there was one: none is given back."""
    for capacity in islice(cycle([3, 1, 8]), rounds_each_way):
        desks = room(runner, capacity) | {"parties": [1, 1], "hosted": way.inside}
        starts = [START + number * QUARTER for number in range(RACERS)]

        result = runner.race(
            seats.take,
            [desks | {"start_at": start_at} for start_at in starts],
            way=replace(way, inside=False),
        )

        assert_sound(runner, result, replace(way, inside=False))
        parties = runner.ask(race_database.parties)
        assert len(parties) == sold(result)
        assert refused(result)
        for start_at, outcome in zip(starts, result.outcomes, strict=True):
            requests: list[SeatRequest] = outcome.result
            if any(request.booking is None for request in requests):
                assert most(parties, start_at) == capacity


def test_all_change_their_bookings_at_once(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        desks = room(runner, 4)
        starts = [START + number * QUARTER for number in range(RACERS // 2)]
        booked = runner.ask(
            race_database.book_all, bookings=[desks | {"start_at": at} for at in starts[::2]]
        )
        changes: list[dict[str, Any]] = [
            {"verb": "cancel_booking", "booking": booked[0]},
            {"verb": "reschedule_booking", "booking": booked[1], "new_start_at": START},
            {"verb": "change_party_size", "booking": booked[2], "seats": 3},
            {"verb": "reschedule_booking", "booking": booked[3], "new_start_at": starts[3]},
        ]
        entries: list[Any] = [(actions.change, entry) for entry in changes]
        entries += [
            (actions.book, desks | {"start_at": at, "party_size": 1 + number % 2})
            for number, at in enumerate(starts)
        ]

        result = runner.race_between(entries, way=way)

        assert_sound(runner, result, way, "CapacityExceeded")


def test_who_wants_the_room_alone_and_who_wants_a_desk_do_not_meet(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        desks = room(runner, RACERS)
        alone = desks | {"service": runner.ask(concurrent.add_exclusive_service)}
        entries = [
            (desks if number % 2 else alone) | {"start_at": START + number * QUARTER}
            for number in range(RACERS)
        ]

        result = runner.race(actions.book, entries, way=way)

        assert_sound(runner, result, way, "BookingConflict")
        assert runner.ask(concurrent.meetings) == []
        assert result.winners


@pytest.mark.skipif(IS_MYSQL, reason="MySQL and MariaDB have no constraint on ranges.")
def test_without_the_lock_the_database_refuses_too_many(runner: RaceRunner, rounds: int) -> None:
    for _ in range(rounds):
        desks = room(runner, 3)
        entries = [desks | {"start_at": START + (number % 6) * QUARTER} for number in range(RACERS)]

        result = runner.race(concurrent.book_without_lock, entries)

        assert runner.ask(race_database.problems) == []
        assert set(result.errors) <= {"CapacityExceeded", "BookingConflict", "BookingBusy"}
        assert result.winners


@pytest.mark.parametrize("capacity", [1, 7])
def test_desks_that_are_counted_before_the_lock_are_sold_twice(
    runner: RaceRunner, capacity: int
) -> None:
    """The control: whoever writes what was computed from an old count forgets the others."""
    desks = room(runner, capacity + 1)
    runner.ask(race_database.book_all, bookings=[desks])

    result: Result = runner.race(concurrent.book_by_what_was_read, [desks] * RACERS)

    assert len(result.winners) > capacity
    assert runner.ask(race_database.problems)
