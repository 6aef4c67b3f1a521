"""Many processes want the rooms and practitioners of one pool."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.races import actions, race_database, resources, time_off
from tests.races.conftest import RACERS, assert_sound
from tests.races.racer import Way
from tests.races.runner import RaceRunner
from tests.races.scenarios import START

HOUR = timedelta(hours=1)
POOL = 4


def host_with(runner: RaceRunner, providers: int) -> tuple[Any, list[Any]]:
    """The service, and so many providers."""
    host = runner.ask(race_database.set_up, is_known=True, duration_minutes=60)
    others = runner.ask(race_database.add_providers, number=providers - 1)
    return host["service"], [host["provider"], *others]


@pytest.mark.parametrize("strategy", ["first", "least_busy", "round_robin"])
def test_a_pool_of_four_rooms_and_their_practitioners_takes_four(
    runner: RaceRunner, rounds_each_way: int, way: Way, strategy: str
) -> None:
    for _ in range(rounds_each_way):
        service, providers = host_with(runner, 2 * POOL)
        people, rooms = providers[:POOL], providers[POOL:]
        wanted = {
            "service": service,
            "provider": people,
            "resources": [rooms],
            "start_at": START,
            "strategy": strategy,
        }

        result = runner.race(resources.book, [wanted] * RACERS, way=way)

        assert_sound(runner, result, way, "PoolExhausted")
        if not way.inside:
            assert len(result.winners) == POOL, result
        assert len(result.winners) <= POOL
        who = [provider for provider, _rooms in result.winners]
        where = [room for _provider, [room] in result.winners]
        assert len(set(who)) == len(set(where)) == len(result.winners)
        assert runner.ask(resources.chosen) == sorted(where, key=str)


def test_two_resources_in_opposite_orders_are_no_deadlock(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    """Each at another time, so all of them go."""
    for _ in range(rounds_each_way):
        service, (one, two, *people) = host_with(runner, RACERS + 2)
        entries = [
            {
                "service": service,
                "provider": provider,
                "resources": [one, two] if number % 2 else [two, one],
                "start_at": START + number * HOUR,
            }
            for number, provider in enumerate(people)
        ]

        result = runner.race(resources.book, entries, way=way)

        assert_sound(runner, result, way)
        assert not result.deadlocks, result.retried
        assert way.inside or len(result.winners) == RACERS, result


def test_of_those_who_want_the_same_two_resources_one_gets_both(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        service, (one, two, *people) = host_with(runner, RACERS + 2)
        entries = [
            {
                "service": service,
                "provider": provider,
                "resources": [one, two] if number % 2 else [two, one],
                "start_at": START,
            }
            for number, provider in enumerate(people)
        ]

        result = runner.race(resources.book, entries, way=way)

        assert_sound(runner, result, way, "ResourceTaken")
        assert len(result.winners) == 1, result
        assert len(runner.ask(resources.chosen)) == 2


def test_bookings_that_move_into_a_pool_get_one_room_each(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        service, providers = host_with(runner, RACERS + POOL)
        people, rooms = providers[:RACERS], providers[RACERS:]
        bookings = [
            runner.ask(
                resources.make,
                service=service,
                provider=provider,
                resources=[rooms],
                start_at=START + (1 + number // POOL) * HOUR,
            )
            for number, provider in enumerate(people)
        ]

        result = runner.race(
            resources.move,
            [{"booking": booking, "new_start_at": START} for booking in bookings],
            way=way,
        )

        assert_sound(runner, result, way, "PoolExhausted", "ResourceTaken")
        if not way.inside:
            assert len(result.winners) == POOL, result
        moved = [room for [room] in result.winners]
        assert len(set(moved)) == len(moved)


def test_a_room_that_is_given_up_goes_to_one_of_those_who_ask(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        service, (room, *people) = host_with(runner, RACERS + 1)
        first = {"service": service, "resources": [room], "start_at": START}
        booking = runner.ask(resources.make, provider=people[0], **first)

        result = runner.race_between(
            [
                (actions.change, {"verb": "cancel_booking", "booking": booking}),
                *((resources.book, {**first, "provider": person}) for person in people[1:]),
            ],
            way=way,
        )

        assert_sound(runner, result, way, "ResourceTaken")
        assert len(runner.ask(resources.chosen)) <= 1


def test_time_off_of_a_room_or_a_booking_in_it_and_not_both(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        service, (room, *people) = host_with(runner, RACERS)
        off = {"provider": room, "start_at": START, "end_at": START + 2 * HOUR}
        wanted = {"service": service, "resources": [room], "start_at": START + HOUR}

        result = runner.race_between(
            [
                entry
                for person in people[: RACERS // 2]
                for entry in (
                    (time_off.take, off),
                    (resources.book, {**wanted, "provider": person}),
                )
            ],
            way=way,
        )

        assert_sound(runner, result, way, "ResourceTaken", "TimeOffConflict", "BookingConflict")
        stored = runner.ask(race_database.count)
        assert stored["Booking"] + runner.ask(time_off.count)["claims"] == 1, result


def test_without_locks_and_constraint_a_room_is_booked_twice(unguarded: RaceRunner) -> None:
    """If it were not, none of the tests above would say anything."""
    service, (room, *people) = host_with(unguarded, RACERS + 1)

    result = unguarded.race(
        resources.book_naively,
        [
            {"service": service, "provider": person, "resources": [room], "start_at": START}
            for person in people
        ],
    )

    assert len(result.winners) > 1, result
    assert unguarded.ask(race_database.problems)
