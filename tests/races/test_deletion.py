"""A provider without bookings is deleted while somebody books it."""

from __future__ import annotations

from itertools import chain
from typing import Any

from tests.races import actions, deletions, race_database
from tests.races.conftest import RACERS, assert_sound
from tests.races.racer import Way
from tests.races.runner import Prepare, RaceRunner, Result
from tests.races.test_create import START

PAIRS = RACERS // 2
# From Django, which has found a booking, or from the database, which finds it a moment later. At
# REPEATABLE READ and above PostgreSQL lets nobody delete what has changed since.
REFUSED_DELETION = {"ProtectedError", "IntegrityError", "OperationalError"}


def staff(runner: RaceRunner) -> tuple[Any, list[Any]]:
    """The service and the providers; every other one is new, and has no calendar yet."""
    service = runner.ask(race_database.set_up, duration_minutes=60)["service"]
    known, new = (
        runner.ask(race_database.add_providers, number=PAIRS // 2, are_known=are_known)
        for are_known in (True, False)
    )
    return service, list(chain.from_iterable(zip(known, new, strict=True)))


def race(
    runner: RaceRunner,
    entries: list[tuple[Prepare, dict[str, Any]]],
    providers: list[Any],
    way: Way,
) -> tuple[Result, Result]:
    """What became of those who want the providers, and of those who delete them.

    To delete, Django asks several questions first. So of those who want a provider the first begin
    with it, and the others later, up to when it is surely gone.
    """
    wanting = [
        (deletions.later, values | {"action": action, "by": 0.4 * (number / PAIRS) ** 2})
        for number, (action, values) in enumerate(entries)
    ]
    deleting = [(deletions.delete, {"provider": provider}) for provider in providers]
    result = runner.race_between([*wanting, *deleting], way=way)
    return Result(result.outcomes[:PAIRS]), Result(result.outcomes[PAIRS:])


def assert_either_or(
    runner: RaceRunner, wanting: Result, deleting: Result, providers: list[Any], way: Way
) -> None:
    """Of each pair one got its way, and the provider is there or has left nothing behind."""
    assert_sound(runner, wanting, way, "MissingReference")
    assert set(deleting.errors) <= REFUSED_DELETION | {"BookingBusy"}, deleting
    assert runner.ask(race_database.broken_references) == []
    left = set(runner.ask(race_database.providers))
    pairs = zip(providers, wanting.outcomes, deleting.outcomes, strict=True)
    for provider, wanted, deleted in pairs:
        assert (provider in left) == bool(deleted.error)
        assert not (deleted.error and wanted.error == "MissingReference"), (wanted, deleted)
        assert deleted.error or wanted.error, (wanted, deleted)


def test_either_the_provider_goes_or_it_is_booked(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        service, providers = staff(runner)
        slots = [
            {"service": service, "provider": provider, "start_at": START} for provider in providers
        ]

        booking, deleting = race(runner, [(actions.book, slot) for slot in slots], providers, way)

        assert_either_or(runner, booking, deleting, providers, way)
        assert runner.ask(race_database.count)["Booking"] == len(booking.winners)


def test_either_the_provider_goes_or_a_booking_moves_there(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        service, providers = staff(runner)
        homes = runner.ask(race_database.add_providers, number=PAIRS)
        slots = [{"service": service, "provider": home, "start_at": START} for home in homes]
        bookings = runner.ask(race_database.book_all, bookings=slots)
        moves = [
            {
                "verb": "reschedule_booking",
                "booking": booking,
                "new_provider": provider,
                "new_start_at": START,
            }
            for booking, provider in zip(bookings, providers, strict=True)
        ]

        moving, deleting = race(runner, [(actions.change, move) for move in moves], providers, way)

        assert_either_or(runner, moving, deleting, providers, way)
        assert runner.ask(race_database.places_and_times) == {
            booking: (home if outcome.error else provider, START)
            for booking, home, provider, outcome in zip(
                bookings, homes, providers, moving.outcomes, strict=True
            )
        }
        assert runner.ask(race_database.events)["RESCHEDULED"] == len(moving.winners)


def test_without_lock_and_foreign_keys_a_booking_is_left_without_its_provider(
    runner: RaceRunner,
) -> None:
    service, providers = staff(runner)
    slots = [
        {"service": service, "provider": provider, "start_at": START} for provider in providers
    ]

    result = runner.race_between(
        [(deletions.book_naively, slot) for slot in slots]
        + [(deletions.delete_naively, {"provider": provider}) for provider in providers]
    )

    assert set(result.errors) <= {"ProtectedError", "MissingReference"}, result
    assert runner.ask(race_database.broken_references)
