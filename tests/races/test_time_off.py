"""Time off and bookings want the same time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest

from tests.races import actions, race_database, time_off
from tests.races.conftest import RACERS, assert_sound
from tests.races.racer import Way
from tests.races.runner import Prepare, RaceRunner
from tests.races.scenarios import START

AN_HOUR: Final = timedelta(hours=1)
SIDE: Final = RACERS // 2


def two_sides(runner: RaceRunner, is_known: bool = True) -> list[tuple[Prepare, dict[str, Any]]]:
    """Eight who book the hour, and eight who want two hours off around its end, each for a reason.

    Time off may overlap time off, so all eight get theirs, or none does.
    """
    host = runner.ask(race_database.set_up, is_known=is_known, duration_minutes=60)
    book = host | {"start_at": START}
    off = {
        "provider": host["provider"],
        "start_at": START + AN_HOUR / 2,
        "end_at": START + AN_HOUR * 5 / 2,
    }
    return [
        entry
        for number in range(SIDE)
        for entry in ((actions.book, book), (time_off.take, off | {"reason": f"{number}"}))
    ]


@pytest.mark.parametrize("is_known", [False, True], ids=["new provider", "known provider"])
def test_either_one_who_books_or_those_who_take_time_off_get_it(
    runner: RaceRunner, way: Way, rounds_each_way: int, is_known: bool
) -> None:
    for _ in range(rounds_each_way):
        result = runner.race_between(two_sides(runner, is_known), way=way)

        assert_sound(runner, result, way, "BookingConflict", "TimeOffConflict")
        stored = runner.ask(race_database.count)
        off = runner.ask(time_off.count)
        assert stored["Booking"] + off["rows"] == len(result.winners), result
        assert stored["Booking"] + off["claims"] == stored["BusyInterval"] == 1
        assert off["claims"] == off["claims of rows"] == min(off["rows"], 1)


def test_time_off_that_moves_and_goes_lets_bookings_in_or_keeps_them_out(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        host = runner.ask(race_database.set_up, duration_minutes=60)
        provider = host["provider"]
        keys = [
            runner.ask(
                time_off.taken,
                provider=provider,
                start_at=START + hour * AN_HOUR,
                end_at=START + (hour + 1) * AN_HOUR,
            )
            for hour in range(2)
        ]
        moved = {
            "key": keys[0],
            "start_at": START + 2 * AN_HOUR,
            "end_at": START + 3 * AN_HOUR,
        }
        entries: list[tuple[Prepare, dict[str, Any]]] = [
            (time_off.move, moved),
            (time_off.cancel, {"key": keys[1]}),
            (time_off.cancel, {"key": keys[1]}),
            *[
                (actions.book, host | {"start_at": START + hour * AN_HOUR})
                for hour in range(3)
                for _ in range(3)
            ],
        ]

        result = runner.race_between(entries, way=way)

        assert_sound(runner, result, way, "BookingConflict", "TimeOffConflict")
        off = runner.ask(time_off.count)
        assert off["rows"] == off["claims"] == off["claims of rows"]


def hours(first: int, last: int) -> dict[str, Any]:
    return {"start_at": START + first * AN_HOUR, "end_at": START + last * AN_HOUR}


def test_time_off_that_comes_moves_and_goes_shares_its_intervals(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        host = runner.ask(race_database.set_up, duration_minutes=60)
        provider = host["provider"]
        before = [tuple(hours(*pair).values()) for pair in ((0, 2), (1, 4), (3, 6), (8, 10))]
        keys = runner.ask(time_off.taken_in_a_row, provider=provider, hours=before)
        same = {"provider": provider, "reason": "Leave", **hours(1, 9)}
        entries: list[tuple[Prepare, dict[str, Any]]] = [
            *[(time_off.take, same)] * 3,
            (time_off.take, {"provider": provider, "reason": "Flu", **hours(5, 7)}),
            (time_off.take, {"provider": provider, "reason": "Dentist", **hours(2, 3)}),
            (time_off.move, {"key": keys[1], **hours(9, 11)}),
            (time_off.move, {"key": keys[2], **hours(0, 1)}),
            (time_off.move, {"key": keys[2], **hours(6, 9)}),
            *[(time_off.cancel, {"key": key}) for key in (keys[0], keys[0], keys[3])],
            *[
                (actions.book, host | {"start_at": START + hour * AN_HOUR})
                for hour in (0, 4, 7, 9, 10)
            ],
        ]

        result = runner.race_between(entries, way=way)

        assert_sound(runner, result, way, "BookingConflict", "TimeOffConflict")
        leaves = [outcome.result for outcome in result.outcomes[:3] if not outcome.error]
        assert len(set(leaves)) <= 1
        off = runner.ask(time_off.count)
        assert off["claims"] == off["claims of rows"]


def test_who_give_their_bookings_to_each_other_do_not_wait_in_a_circle(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    """Each of a ring of providers takes time off and gives the booking to the next one."""
    for _ in range(rounds_each_way):
        host = runner.ask(race_database.set_up, duration_minutes=60)
        ring = runner.ask(race_database.add_providers, number=RACERS)
        bookings = [host | {"provider": provider, "start_at": START} for provider in ring]
        keys = runner.ask(race_database.book_all, bookings=bookings)
        colleagues = [*ring[1:], ring[0]]
        result = runner.race_between(
            [
                (time_off.give_away, {"key": key, "colleague": colleague, **hours(0, 1)})
                for key, colleague in zip(keys, colleagues, strict=True)
            ],
            way=way,
        )

        # Whoever is first gives to somebody who is busy, or off by then.
        assert_sound(runner, result, way, "BookingChangesRefused")
        stored, off = runner.ask(race_database.count), runner.ask(time_off.count)
        assert stored["Booking"] == RACERS
        assert off["rows"] == off["claims"] == len(result.winners)


def test_without_lock_and_guard_time_off_shares_no_interval(unguarded: RaceRunner) -> None:
    """If it did, the test above would say nothing."""
    off = [values for action, values in two_sides(unguarded) if action is time_off.take]

    result = unguarded.race_between([(time_off.take_naively, values) for values in off])

    assert len(result.winners) > 1, result
    assert unguarded.ask(race_database.problems)


def test_without_lock_and_guard_a_booking_lies_in_time_off(unguarded: RaceRunner) -> None:
    """If it did not, the tests above would say nothing."""
    naive = {actions.book: actions.book_naively, time_off.take: time_off.take_naively}
    entries = [(naive[action], values) for action, values in two_sides(unguarded)]

    result = unguarded.race_between(entries)

    assert len(result.winners) > 1, result
    assert unguarded.ask(race_database.problems)
