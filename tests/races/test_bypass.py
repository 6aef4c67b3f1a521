"""Some go through the services, and some write beside them: by ``save()``, and by SQL.

Whoever saves a booking takes the lock and is judged, as the services are. Who writes into the
ledger by SQL takes no lock. On PostgreSQL and SQLite the database judges that too.

On MariaDB and MySQL nobody does: they have no constraint for ranges of time, and SQL that has
claimed a time while a service was claiming it, or before, stays. ``check_bookings`` finds it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.races import actions, bypasses, race_database, scenarios
from tests.races.conftest import RACERS, assert_sound
from tests.races.racer import Way
from tests.races.runner import Prepare, RaceRunner, Result
from tests.races.test_create import IS_MYSQL, START
from tests.races.test_seats import group_slot

HOUR = timedelta(hours=1)
QUARTER = RACERS // 4

Entry = tuple[Prepare, dict[str, Any]]


def start_of(number: int) -> datetime:
    """Those that are there already are neither at START nor at the same time."""
    return START + (number + 1) * HOUR


def services(runner: RaceRunner, host: dict[str, Any]) -> list[Entry]:
    """Half of the racers, who create bookings at START or move some there."""
    slots = [host | {"start_at": start_of(number)} for number in range(QUARTER)]
    moves = [
        {"verb": "reschedule_booking", "booking": booking, "new_start_at": START}
        for booking in runner.ask(race_database.book_all, bookings=slots)
    ]
    create = (actions.book, host | {"start_at": START})
    return [create] * QUARTER + [(actions.change, move) for move in moves]


def saves(
    runner: RaceRunner,
    host: dict[str, Any],
    save_new: Callable[..., Any] = bypasses.save_new,
    save_moved: Callable[..., Any] = bypasses.save_moved,
) -> list[Entry]:
    slots = [host | {"start_at": start_of(QUARTER + number)} for number in range(QUARTER)]
    moved = [
        {"booking": booking, "start_at": START}
        for booking in runner.ask(race_database.book_all, bookings=slots)
    ]
    new = (save_new, host | {"start_at": START})
    return [new] * QUARTER + [(save_moved, values) for values in moved]


def statements(runner: RaceRunner, host: dict[str, Any]) -> list[Entry]:
    provider = host["provider"]
    starts = [start_of(QUARTER + number) for number in range(QUARTER)]
    off = runner.ask(race_database.add_external_time, provider=provider, starts=starts)
    insert = (bypasses.insert, {"provider": provider, "start_at": START})
    updates = [(bypasses.update, {"interval": key, "start_at": START}) for key in off]
    return [insert] * QUARTER + updates


def set_up(runner: RaceRunner) -> dict[str, Any]:
    return dict(runner.ask(race_database.set_up, is_known=True, duration_minutes=60))


def test_a_slot_goes_to_one_of_those_who_book_and_those_who_save(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        host = set_up(runner)

        result = runner.race_between(services(runner, host) + saves(runner, host), way=way)

        assert_sound(runner, result, way, "BookingConflict")
        assert len(result.winners) == 1, result
        assert runner.ask(race_database.claims, at=START) == 1


def saves_of_one(runner: RaceRunner) -> tuple[int, list[dict[str, Any]]]:
    """A booking that everybody has read already, and saves under a name of its own."""
    (booking,) = runner.ask(race_database.book_all, bookings=[set_up(runner) | {"start_at": START}])
    return booking, [
        {"booking": booking, "client_name": f"Name {number}"} for number in range(RACERS)
    ]


def test_of_many_who_save_what_they_have_read_one_is_not_too_late(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        booking, entries = saves_of_one(runner)

        result = runner.race(bypasses.save_renamed, entries, way=way)

        assert_sound(runner, result, way, "StaleBooking")
        assert result.winners == [2], result
        assert runner.ask(scenarios.stories) == {booking: ["CREATED", "UPDATED"]}


def test_who_does_not_ask_whether_it_is_stale_saves_over_the_others(runner: RaceRunner) -> None:
    booking, entries = saves_of_one(runner)

    result = runner.race(bypasses.save_renamed_as_read, entries)

    assert len(result.winners) == RACERS, result
    assert runner.ask(scenarios.stories) == {booking: ["CREATED", *["UPDATED"] * RACERS]}


@pytest.mark.skipif(
    IS_MYSQL,
    reason="MySQL and MariaDB have no constraint on ranges, so SQL gets past the services.",
)
def test_a_slot_goes_to_one_of_those_who_book_and_those_who_write_sql(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    """SQL that takes no lock may meet a service in a deadlock; only the SQL then hears of it."""
    for _ in range(rounds_each_way):
        host = set_up(runner)
        booking = services(runner, host)

        result = runner.race_between(booking + statements(runner, host), way=way)

        by_service = Result(result.outcomes[: len(booking)])
        by_sql = Result(result.outcomes[len(booking) :])
        busy = {"BookingBusy"} if way.inside else set()
        assert set(by_service.errors) <= {"BookingConflict"} | busy, by_service
        assert set(by_sql.errors) <= {"IntegrityError", "OperationalError"} | busy, by_sql
        assert len(result.winners) == 1, result
        assert runner.ask(race_database.claims, at=START) == 1
        assert runner.ask(race_database.problems) == []


def test_seats_that_are_taken_by_sql_end_with_the_capacity_on_every_database(
    runner: RaceRunner,
) -> None:
    """The services see what is taken, and the database refuses more; nobody sits there, though."""
    capacity = RACERS // 2
    slot = group_slot(runner, capacity, [1])
    half = RACERS // 2

    result = runner.race_between(
        [(actions.book, slot)] * half + [(bypasses.take_a_seat, {})] * half
    )

    refusals = {"CapacityExceeded", "IntegrityError", "OperationalError"}
    assert set(result.errors) <= refusals, result
    assert len(result.winners) == capacity - 1
    assert runner.ask(race_database.seats) == [(capacity, capacity)]
    assert len(runner.ask(race_database.problems)) > 0


def test_without_lock_and_constraint_a_slot_goes_to_many_who_save(unguarded: RaceRunner) -> None:
    host = set_up(unguarded)
    naive = saves(unguarded, host, bypasses.save_new_naively, bypasses.save_moved_naively)

    result = unguarded.race_between(naive)

    assert len(result.winners) > 1, result
    assert unguarded.ask(race_database.problems)


def test_without_a_constraint_a_slot_goes_to_all_who_write_sql(unguarded: RaceRunner) -> None:
    """So it is on MySQL and MariaDB always; what is stored then is found."""
    host = set_up(unguarded)

    result = unguarded.race_between(statements(unguarded, host))

    assert len(result.winners) == RACERS // 2, result
    assert unguarded.ask(race_database.problems)
