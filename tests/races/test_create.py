"""Many processes want the same time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import pytest
from django.conf import settings

from tests.races import actions, race_database
from tests.races.conftest import RACERS, assert_sound
from tests.races.racer import Way
from tests.races.runner import RaceRunner, Result

START: Final = datetime(2100, 1, 4, 9, 0, tzinfo=UTC)
ENGINE: Final = settings.DATABASES["default"]["ENGINE"]
IS_MYSQL: Final = ENGINE.endswith("mysql")
IS_SQLITE: Final = ENGINE.endswith("sqlite3")


def one_slot(runner: RaceRunner, *, is_known: bool = False) -> list[dict[str, Any]]:
    """The entries of racers who all want one slot.

    The first booking of a provider goes another way than those of one who is known already: the
    calendar that orders them has to be opened first, and by one of them only.
    """
    host = runner.ask(race_database.set_up, is_known=is_known, duration_minutes=60)
    return [host | {"start_at": START, "client_name": f"Racer {n}"} for n in range(RACERS)]


def assert_one_winner(runner: RaceRunner, result: Result) -> None:
    assert result.errors == {"BookingConflict": RACERS - 1}, result
    assert runner.ask(race_database.count) == {"Booking": 1, "BookingEvent": 1, "BusyInterval": 1}
    assert runner.ask(race_database.problems) == []


either_provider = pytest.mark.parametrize(
    "is_known", [False, True], ids=["new provider", "known provider"]
)


@either_provider
def test_one_of_many_gets_the_slot_and_the_others_are_told_so(
    runner: RaceRunner, rounds: int, is_known: bool
) -> None:
    for _ in range(rounds):
        result = runner.race(actions.book, one_slot(runner, is_known=is_known))
        assert_one_winner(runner, result)


@either_provider
def test_so_it_is_at_every_isolation_level_and_inside_a_transaction(
    runner: RaceRunner, rounds_each_way: int, way: Way, is_known: bool
) -> None:
    for _ in range(rounds_each_way):
        result = runner.race(actions.book, one_slot(runner, is_known=is_known), way=way)

        assert_sound(runner, result, way, "BookingConflict")
        assert len(result.winners) == 1, result


@either_provider
def test_overlapping_slots_go_to_one_each(runner: RaceRunner, rounds: int, is_known: bool) -> None:
    """Starts 15 minutes apart: whoever comes first, no two bookings overlap."""
    for _ in range(rounds):
        entries = [
            entry | {"start_at": START + timedelta(minutes=15 * number)}
            for number, entry in enumerate(one_slot(runner, is_known=is_known))
        ]

        result = runner.race(actions.book, entries)

        assert set(result.errors) <= {"BookingConflict"}, result
        assert runner.ask(race_database.problems) == []
        assert_only_the_overlapping_are_refused(result)


def assert_only_the_overlapping_are_refused(result: Result) -> None:
    """An hour each, a quarter of an hour apart: whoever is refused overlaps one who got it."""
    went = [number for number, outcome in enumerate(result.outcomes) if not outcome.error]
    assert went
    assert all(later - earlier >= 4 for earlier, later in pairwise(went)), result
    for number, outcome in enumerate(result.outcomes):
        if outcome.error == "BookingConflict":
            assert any(abs(number - other) < 4 for other in went), result


def test_overlapping_slots_do_so_at_every_isolation_level_and_inside_a_transaction(
    runner: RaceRunner, rounds_each_way: int, way: Way
) -> None:
    for _ in range(rounds_each_way):
        entries = [
            entry | {"start_at": START + timedelta(minutes=15 * number)}
            for number, entry in enumerate(one_slot(runner, is_known=True))
        ]

        result = runner.race(actions.book, entries, way=way)

        assert_sound(runner, result, way, "BookingConflict")
        assert_only_the_overlapping_are_refused(result)


def test_different_slots_all_go(runner: RaceRunner, rounds: int) -> None:
    for _ in range(rounds):
        entries = [
            entry | {"start_at": START + timedelta(hours=number)}
            for number, entry in enumerate(one_slot(runner))
        ]

        result = runner.race(actions.book, entries)

        assert not result.errors, result
        assert len(set(result.winners)) == RACERS
        assert runner.ask(race_database.problems) == []


@either_provider
def test_the_lock_alone_is_enough_among_those_who_take_it(
    unguarded: RaceRunner, rounds: int, is_known: bool
) -> None:
    for _ in range(rounds):
        entries = one_slot(unguarded, is_known=is_known)
        result = unguarded.race(actions.book_with_lock_alone, entries)
        assert_one_winner(unguarded, result)


@pytest.mark.skipif(
    IS_MYSQL,
    reason="MySQL and MariaDB have no constraint on ranges, so the lock is all that is left.",
)
def test_the_constraint_alone_is_enough_against_overlaps(runner: RaceRunner) -> None:
    """It lets one through; the others may also hear that the database is busy."""
    result = runner.race(actions.book_without_lock, one_slot(runner)[:4])

    assert len(result.winners) == 1, result
    assert set(result.errors) <= {"BookingConflict", "BookingBusy"}, result
    assert runner.ask(race_database.problems) == []


def test_without_lock_and_constraint_a_race_shows_double_bookings(unguarded: RaceRunner) -> None:
    """If it did not, none of the tests above would say anything."""
    result = unguarded.race(actions.book_naively, one_slot(unguarded))

    assert len(result.winners) > 1, result
    assert unguarded.ask(race_database.problems)
