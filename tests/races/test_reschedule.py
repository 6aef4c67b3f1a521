"""Many processes move bookings, into one slot, round in circles and to and fro."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain, cycle, islice, pairwise, permutations
from typing import Any

import pytest

from tests.races import actions, moves, race_database
from tests.races.conftest import RACERS, assert_sound
from tests.races.racer import Way
from tests.races.runner import RaceRunner, Result
from tests.races.test_create import IS_SQLITE, START

HOUR = timedelta(hours=1)

Place = tuple[Any, datetime]


def staff(runner: RaceRunner, number: int) -> tuple[Any, list[Any]]:
    """The service and so many providers."""
    host = runner.ask(race_database.set_up, is_known=True, duration_minutes=60)
    return host["service"], [
        host["provider"],
        *runner.ask(race_database.add_providers, number=number - 1),
    ]


def book_at(runner: RaceRunner, service: Any, places: Sequence[Place]) -> list[int]:
    bookings = [
        {"service": service, "provider": provider, "start_at": start_at}
        for provider, start_at in places
    ]
    return list(runner.ask(race_database.book_all, bookings=bookings))


def move(booking: int, place: Place) -> dict[str, Any]:
    provider, start_at = place
    return {
        "verb": "reschedule_booking",
        "booking": booking,
        "new_provider": provider,
        "new_start_at": start_at,
    }


def moved(result: Result) -> list[bool]:
    return [not outcome.error for outcome in result.outcomes]


def assert_moved_or_stayed(
    runner: RaceRunner,
    result: Result,
    bookings: list[int],
    old: Sequence[Place],
    new: Sequence[Place],
) -> None:
    """Each is where its mover was told it is, and every move has left its one event."""
    assert runner.ask(race_database.places_and_times) == {
        booking: after if has_gone else before
        for booking, before, after, has_gone in zip(bookings, old, new, moved(result), strict=True)
    }
    assert runner.ask(race_database.events) == Counter(
        CREATED=len(bookings), RESCHEDULED=len(result.winners)
    )


def test_new_bookings_and_moved_ones_want_one_slot_and_one_gets_it(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    half = RACERS // 2
    for _ in range(rounds_each_way):
        service, (provider,) = staff(runner, 1)
        old = [(provider, START + (n + 1) * HOUR) for n in range(half)]
        bookings = book_at(runner, service, old)
        slot = {"service": service, "provider": provider, "start_at": START}

        result = runner.race_between(
            [(actions.change, move(booking, (provider, START))) for booking in bookings]
            + [(actions.book, slot)] * half,
            way=way,
        )

        assert_sound(runner, result, way, "BookingConflict")
        assert len(result.winners) == 1, result
        starts = [
            start_at for _provider, start_at in runner.ask(race_database.places_and_times).values()
        ]
        assert starts.count(START) == 1
        assert len(starts) == (half if any(moved(result)[:half]) else half + 1)


CIRCLES = [2, 3, 7]


def test_bookings_of_one_provider_that_want_each_other_s_time_all_stay(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    """A time is only free once its booking has gone, and none of them can go first."""
    for _ in range(rounds_each_way):
        service, providers = staff(runner, len(CIRCLES))
        circles = [
            [(provider, START + n * HOUR) for n in range(size)]
            for provider, size in zip(providers, CIRCLES, strict=True)
        ]
        assert_nobody_moves(runner, service, circles, way)


def test_bookings_that_want_each_other_s_provider_all_stay(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        service, providers = staff(runner, max(CIRCLES))
        circles = [
            [(provider, START + n * HOUR) for provider in providers[:size]]
            for n, size in enumerate(CIRCLES)
        ]
        assert_nobody_moves(runner, service, circles, way)


def assert_nobody_moves(
    runner: RaceRunner, service: Any, circles: list[list[Place]], way: Way
) -> None:
    old = [place for circle in circles for place in circle]
    new = [place for circle in circles for place in [*circle[1:], circle[0]]]
    bookings = book_at(runner, service, old)

    result = runner.race(actions.change, list(map(move, bookings, new)), way=way)

    assert_sound(runner, result, way, "BookingConflict")
    assert not result.winners, result
    assert_moved_or_stayed(runner, result, bookings, old, new)


def test_bookings_that_move_up_go_as_far_as_there_is_room(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    """Each needs time that the next one has, all of it or half; behind the last one it is free."""
    for _ in range(rounds_each_way):
        service, providers = staff(runner, 2)
        rows = [row_of(providers[0], by=HOUR), row_of(providers[1], by=HOUR / 2)]
        assert_the_last_ones_move(runner, service, rows, way)


def row_of(provider: Any, *, by: timedelta) -> list[tuple[Place, Place]]:
    starts = [START + n * HOUR for n in range(RACERS // 2)]
    return [((provider, start_at), (provider, start_at + by)) for start_at in starts]


def test_bookings_that_move_up_from_provider_to_provider_go_as_far_as_there_is_room(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        service, providers = staff(runner, RACERS + 1)
        places = [(provider, START) for provider in providers]
        assert_the_last_ones_move(runner, service, [list(pairwise(places))], way)


def assert_the_last_ones_move(
    runner: RaceRunner, service: Any, rows: list[list[tuple[Place, Place]]], way: Way
) -> None:
    old, new = zip(*chain.from_iterable(rows), strict=True)
    bookings = book_at(runner, service, old)

    result = runner.race(actions.change, list(map(move, bookings, new)), way=way)

    assert_sound(runner, result, way, "BookingConflict")
    assert_moved_or_stayed(runner, result, bookings, old, new)
    went = iter(moved(result))
    for row in rows:
        has_gone = list(islice(went, len(row)))
        assert has_gone == sorted(has_gone), result
        # The host's own transaction may have been asked to be run again.
        assert has_gone[-1] or way.inside, result


def test_bookings_that_go_round_and_to_and_fro_between_providers_with_room_all_go(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    """Every move locks two calendars, and together they lock them in every order."""
    for _ in range(rounds_each_way):
        service, providers = staff(runner, 3)
        routes = list(islice(cycle(permutations(providers, 2)), RACERS))
        old = [(route[0], START + n * HOUR) for n, route in enumerate(routes)]
        new = [(route[1], START + n * HOUR) for n, route in enumerate(routes)]
        bookings = book_at(runner, service, old)

        result = runner.race(actions.change, list(map(move, bookings, new)), way=way)

        assert_sound(runner, result, way)
        assert not result.deadlocks, result.retried
        assert way.inside or len(result.winners) == RACERS, result
        assert_moved_or_stayed(runner, result, bookings, old, new)


def test_a_booking_that_everybody_moves_elsewhere_makes_every_move(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    """Whoever has waited for its lock finds it at another provider, whose lock comes first."""
    for _ in range(rounds_each_way):
        service, (home, *providers) = staff(runner, RACERS + 1)
        (booking,) = book_at(runner, service, [(home, START)])
        places = [(provider, START) for provider in providers]

        result = runner.race(actions.change, [move(booking, place) for place in places], way=way)

        assert_sound(runner, result, way)
        assert way.inside or len(result.winners) == RACERS, result
        assert runner.ask(race_database.places_and_times)[booking] in {(home, START), *places}
        assert runner.ask(race_database.count) == {
            "Booking": 1,
            "BookingEvent": 1 + len(result.winners),
            "BusyInterval": 1,
        }


def test_without_lock_and_constraint_moves_and_bookings_share_the_slot(
    unguarded: RaceRunner,
) -> None:
    half = RACERS // 2
    service, (provider,) = staff(unguarded, 1)
    bookings = book_at(
        unguarded, service, [(provider, START + (n + 1) * HOUR) for n in range(half)]
    )
    slot = {"service": service, "provider": provider, "start_at": START}

    result = unguarded.race_between(
        [(moves.move_naively, move(booking, (provider, START))) for booking in bookings]
        + [(actions.book_naively, slot)] * half
    )

    assert len(result.winners) > 1, result
    assert unguarded.ask(race_database.problems)


def test_without_lock_and_constraint_bookings_move_to_time_that_is_taken(
    unguarded: RaceRunner,
) -> None:
    service, (provider,) = staff(unguarded, 1)
    old = [(provider, START + n * HOUR) for n in range(RACERS)]
    bookings = book_at(unguarded, service, old)
    wanted = list(map(move, bookings, [*old[1:], old[0]]))

    result = unguarded.race(moves.move_without_a_look, wanted)

    assert len(result.winners) == RACERS, result


@pytest.mark.skipif(
    IS_SQLITE,
    reason="SQLite locks the whole file at once, so two locks cannot be taken in opposite orders.",
)
def test_without_an_order_of_locks_a_move_to_and_a_move_fro_are_a_deadlock(
    runner: RaceRunner,
) -> None:
    service, (one, other) = staff(runner, 2)
    old, new = [(one, START), (other, START + HOUR)], [(other, START), (one, START + HOUR)]
    wanted = map(move, book_at(runner, service, old), new)

    result = runner.race(
        moves.move_in_no_order,
        [entry | {"first": home} for entry, (home, _start_at) in zip(wanted, old, strict=True)],
    )

    assert result.deadlocks, result
