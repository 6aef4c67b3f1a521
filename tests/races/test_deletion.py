"""A provider without bookings is deleted while somebody books it."""

from __future__ import annotations

from itertools import chain
from typing import Any

from tests.races import deletions, entrants, referee
from tests.races.conftest import RACERS, assert_sound
from tests.races.racer import Way
from tests.races.test_create import START
from tests.races.track import Prepare, Result, Track

PAIRS = RACERS // 2
# From Django, which has found a booking, or from the database, which finds it a moment later. At
# REPEATABLE READ and above PostgreSQL lets nobody delete what has changed since.
REFUSED_DELETION = {"ProtectedError", "IntegrityError", "OperationalError"}


def staff(track: Track) -> tuple[Any, list[Any]]:
    """The service and the providers; every other one is new, and has no calendar yet."""
    service = track.ask(referee.set_up, duration_minutes=60)["service"]
    known, new = (
        track.ask(referee.hire, number=PAIRS // 2, are_known=are_known)
        for are_known in (True, False)
    )
    return service, list(chain.from_iterable(zip(known, new, strict=True)))


def race(
    track: Track,
    entries: list[tuple[Prepare, dict[str, Any]]],
    providers: list[Any],
    way: Way,
) -> tuple[Result, Result]:
    """What became of those who want the providers, and of those who delete them.

    To delete, Django asks several questions first. So of those who want a provider the first begin
    with it, and the others later, up to when it is surely gone.
    """
    wanting = [
        (deletions.later, values | {"entrant": entrant, "by": 0.4 * (number / PAIRS) ** 2})
        for number, (entrant, values) in enumerate(entries)
    ]
    deleting = [(deletions.delete, {"provider": provider}) for provider in providers]
    result = track.race_between([*wanting, *deleting], way=way)
    return Result(result.outcomes[:PAIRS]), Result(result.outcomes[PAIRS:])


def assert_either_or(
    track: Track, wanting: Result, deleting: Result, providers: list[Any], way: Way
) -> None:
    """Of each pair one got its way, and the provider is there or has left nothing behind."""
    assert_sound(track, wanting, way, "MissingReference")
    assert set(deleting.errors) <= REFUSED_DELETION | {"BookingBusy"}, deleting
    assert track.ask(referee.dangling) == []
    left = set(track.ask(referee.providers))
    pairs = zip(providers, wanting.outcomes, deleting.outcomes, strict=True)
    for provider, wanted, deleted in pairs:
        assert (provider in left) == bool(deleted.error)
        assert not (deleted.error and wanted.error == "MissingReference"), (wanted, deleted)
        assert deleted.error or wanted.error, (wanted, deleted)


def test_either_the_provider_goes_or_it_is_booked(
    track: Track, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        service, providers = staff(track)
        slots = [
            {"service": service, "provider": provider, "start_at": START} for provider in providers
        ]

        booking, deleting = race(track, [(entrants.book, slot) for slot in slots], providers, way)

        assert_either_or(track, booking, deleting, providers, way)
        assert track.ask(referee.count)["Booking"] == len(booking.winners)


def test_either_the_provider_goes_or_a_booking_moves_there(
    track: Track, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        service, providers = staff(track)
        homes = track.ask(referee.hire, number=PAIRS)
        slots = [{"service": service, "provider": home, "start_at": START} for home in homes]
        bookings = track.ask(referee.book_all, bookings=slots)
        moves = [
            {
                "verb": "reschedule_booking",
                "booking": booking,
                "new_provider": provider,
                "new_start_at": START,
            }
            for booking, provider in zip(bookings, providers, strict=True)
        ]

        moving, deleting = race(track, [(entrants.change, move) for move in moves], providers, way)

        assert_either_or(track, moving, deleting, providers, way)
        assert track.ask(referee.whereabouts) == {
            booking: (home if outcome.error else provider, START)
            for booking, home, provider, outcome in zip(
                bookings, homes, providers, moving.outcomes, strict=True
            )
        }
        assert track.ask(referee.events)["RESCHEDULED"] == len(moving.winners)


def test_without_lock_and_foreign_keys_a_booking_is_left_without_its_provider(
    track: Track,
) -> None:
    service, providers = staff(track)
    slots = [
        {"service": service, "provider": provider, "start_at": START} for provider in providers
    ]

    result = track.race_between(
        [(deletions.book_naively, slot) for slot in slots]
        + [(deletions.delete_naively, {"provider": provider}) for provider in providers]
    )

    assert set(result.errors) <= {"ProtectedError", "MissingReference"}, result
    assert track.ask(referee.dangling)
