"""Time off and bookings want the same time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest

from tests.races import entrants, referee, time_off
from tests.races.conftest import RACERS, assert_sound
from tests.races.racer import Way
from tests.races.scenes import START
from tests.races.track import Prepare, Track

AN_HOUR: Final = timedelta(hours=1)
SIDE: Final = RACERS // 2


def two_sides(track: Track, is_known: bool = True) -> list[tuple[Prepare, dict[str, Any]]]:
    """Eight who book the hour, and eight who want two hours off around its end."""
    host = track.ask(referee.set_up, is_known=is_known, duration_minutes=60)
    book = host | {"start_at": START}
    off = {
        "provider": host["provider"],
        "start_at": START + AN_HOUR / 2,
        "end_at": START + AN_HOUR * 5 / 2,
    }
    return [entry for _ in range(SIDE) for entry in ((entrants.book, book), (time_off.take, off))]


@pytest.mark.parametrize("is_known", [False, True], ids=["new provider", "known provider"])
def test_one_of_those_who_book_and_those_who_take_time_off_gets_it(
    track: Track, way: Way, rounds_each_way: int, is_known: bool
) -> None:
    for _ in range(rounds_each_way):
        result = track.race_between(two_sides(track, is_known), way=way)

        assert_sound(track, result, way, "BookingConflict", "TimeOffConflict")
        assert len(result.winners) == 1, result
        stored = track.ask(referee.count)
        off = track.ask(time_off.count)
        assert stored["Booking"] + off["rows"] == stored["BusyInterval"] == 1
        assert off["rows"] == off["claims"] == off["claims of rows"]


def test_time_off_that_moves_and_goes_lets_bookings_in_or_keeps_them_out(
    track: Track, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        host = track.ask(referee.set_up, duration_minutes=60)
        provider = host["provider"]
        keys = [
            track.ask(
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
                (entrants.book, host | {"start_at": START + hour * AN_HOUR})
                for hour in range(3)
                for _ in range(3)
            ],
        ]

        result = track.race_between(entries, way=way)

        assert_sound(track, result, way, "BookingConflict", "TimeOffConflict")
        off = track.ask(time_off.count)
        assert off["rows"] == off["claims"] == off["claims of rows"]


def test_without_lock_and_guard_a_booking_lies_in_time_off(unguarded: Track) -> None:
    """If it did not, the tests above would say nothing."""
    naive = {entrants.book: entrants.book_naively, time_off.take: time_off.take_naively}
    entries = [(naive[entrant], values) for entrant, values in two_sides(unguarded)]

    result = unguarded.race_between(entries)

    assert len(result.winners) > 1, result
    assert unguarded.ask(referee.problems)
