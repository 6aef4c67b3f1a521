"""Many processes book for one client, or one provider, of whom there is a limit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from django.conf import settings

from tests.races import actions, limits, race_database
from tests.races.conftest import RACERS, assert_sound
from tests.races.racer import Way
from tests.races.runner import RaceRunner, Result

START: Final = datetime(2100, 1, 4, 9, 0, tzinfo=UTC)
DAY: Final = timedelta(days=1)
MOST: Final = 3
ACTIVE: Final = {"BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT": MOST}
PER_DAY: Final = {"BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY": MOST}
OVERLAP: Final = {"BOOKINGS_PREVENT_CLIENT_OVERLAP": True}

IS_SQLITE: Final = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")


def one_client(runner: RaceRunner, **values: Any) -> list[dict[str, Any]]:
    """The entries of racers who book for one client, each with a provider of its own.

    The client is known by the e-mail address, which everybody writes in a way of their own.
    """
    host = runner.ask(race_database.set_up, duration_minutes=60)
    runner.ask(limits.forget_clients)
    hired = runner.ask(race_database.add_providers, number=RACERS)
    return [
        {
            "action": actions.book,
            "service": host["service"],
            "provider": provider,
            "start_at": START,
            "client_name": f"Racer {number}",
            "client_email": ["mary@example.com", "Mary@Example.COM"][number % 2],
            **values,
        }
        for number, provider in enumerate(hired)
    ]


def assert_held(runner: RaceRunner, result: Result, way: Way, most: int) -> None:
    assert_sound(runner, result, way, "LimitReached")
    assert 1 <= len(result.winners) <= most, result
    if not way.inside:
        assert len(result.winners) == most, result


def test_a_client_gets_as_many_bookings_as_there_may_be(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        result = runner.race(limits.limited, one_client(runner, limits=ACTIVE), way=way)

        assert_held(runner, result, way, MOST)
        assert runner.ask(race_database.count)["Booking"] == len(result.winners)


def test_a_client_is_in_one_place_at_a_time(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        result = runner.race(limits.limited, one_client(runner, limits=OVERLAP), way=way)

        assert_held(runner, result, way, 1)


def test_a_day_takes_as_many_of_a_client_s_moved_bookings_as_there_may_be(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        entries = one_client(runner)
        bookings = [
            {name: value for name, value in entry.items() if name != "action"}
            | {"start_at": START + (number + 1) * DAY}
            for number, entry in enumerate(entries)
        ]
        moves = [
            {
                "action": actions.change,
                "verb": "reschedule_booking",
                "booking": key,
                "new_start_at": START,
                "limits": PER_DAY,
            }
            for key in runner.ask(race_database.book_all, bookings=bookings)
        ]

        result = runner.race(limits.limited, moves, way=way)

        assert_held(runner, result, way, MOST)


def test_a_client_keeps_as_many_of_the_holds_as_there_may_be(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    """Nobody is known to hold them until they are submitted."""
    for _ in range(rounds_each_way):
        entries = one_client(runner)
        holds = [
            {name: entry[name] for name in ("service", "provider", "start_at")}
            | {"client_name": "", "expires_at": START - DAY}
            for entry in entries
        ]
        submissions = [
            {
                "action": actions.change,
                "verb": "submit_hold",
                "booking": key,
                "limits": ACTIVE,
                **{name: entry[name] for name in ("client_name", "client_email")},
            }
            for key, entry in zip(
                runner.ask(race_database.book_all, bookings=holds), entries, strict=True
            )
        ]

        result = runner.race(limits.limited, submissions, way=way)

        assert_held(runner, result, way, MOST)


def test_a_provider_takes_as_many_bookings_a_day_as_there_may_be(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        host = runner.ask(race_database.set_up, duration_minutes=30)
        runner.ask(limits.limit_providers, most=MOST)
        entries = [
            host
            | {
                "start_at": START + timedelta(minutes=30 * number),
                "client_name": f"Racer {number}",
            }
            for number in range(RACERS)
        ]

        result = runner.race(actions.book, entries, way=way)

        assert_held(runner, result, way, MOST)


@pytest.mark.skipif(
    IS_SQLITE,
    reason="SQLite has one writer at a time, so a calendar's lock is every client's too.",
)
@pytest.mark.parametrize("chosen", [ACTIVE, OVERLAP], ids=["active", "overlap"])
def test_without_the_client_s_lock_a_race_shows_one_too_many(
    runner: RaceRunner, chosen: dict[str, Any]
) -> None:
    """If it did not, none of the tests above would say anything."""
    entries = one_client(runner, limits=chosen)

    result = runner.race(limits.limited_naively, entries, way=Way("READ COMMITTED"))

    assert len(result.winners) > MOST, result
