"""Sixteen processes want series of the same time, or change one of them at the same moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.contrib.series import entrants
from tests.contrib.series.entrants import STARTS
from tests.races.conftest import (  # noqa: F401 - fixtures
    RACERS,
    assert_sound,
    pool,
    rounds,
    rounds_each_way,
    track,
    way,
)
from tests.races.racer import Way
from tests.races.scenes import START
from tests.races.track import Track

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_series_that_overlap_are_whole_or_not_at_all(
    track: Track,  # noqa: F811
    way: Way,  # noqa: F811
    rounds_each_way: int,  # noqa: F811
) -> None:
    """Each a day after another: only every fourth can be."""
    for _ in range(rounds_each_way):
        scene = track.ask(entrants.nothing)
        entries = [scene | {"start_at": START + number % 7 * DAY} for number in range(RACERS)]

        result = track.race(entrants.repeat, entries, way=way)

        assert_sound(track, result, way, "SeriesConflict")
        outcome = track.ask(entrants.outcome)
        assert outcome["following"]
        assert 1 <= outcome["series"] <= 2
        assert outcome["bookings"] == STARTS * outcome["series"]
        assert result.winners == [STARTS] * outcome["series"]


def test_who_skips_gets_what_is_left(
    track: Track,  # noqa: F811
    way: Way,  # noqa: F811
    rounds_each_way: int,  # noqa: F811
) -> None:
    for _ in range(rounds_each_way):
        scene = track.ask(entrants.nothing) | {"on_conflict": "skip"}
        entries = [scene | {"start_at": START + number % 4 * DAY} for number in range(RACERS)]

        result = track.race(entrants.repeat, entries, way=way)

        assert_sound(track, result, way, "SeriesConflict")
        outcome = track.ask(entrants.outcome)
        assert outcome["following"]
        assert sum(result.winners) == outcome["bookings"] == len(set(outcome["starts"]))
        if not way.inside:
            assert outcome["bookings"] == 7


def test_one_key_makes_one_series_however_often_it_is_sent(
    track: Track,  # noqa: F811
    way: Way,  # noqa: F811
    rounds_each_way: int,  # noqa: F811
) -> None:
    for _ in range(rounds_each_way):
        scene = track.ask(entrants.nothing) | {"idempotency_key": "form"}

        result = track.race(entrants.repeat, [scene] * RACERS, way=way)

        assert_sound(track, result, way)
        assert set(result.winners) == {STARTS}
        outcome = track.ask(entrants.outcome)
        assert (outcome["series"], outcome["bookings"]) == (1, STARTS)


def test_a_series_that_many_change_at_once_stays_one_that_its_rules_say(
    track: Track,  # noqa: F811
    way: Way,  # noqa: F811
    rounds_each_way: int,  # noqa: F811
) -> None:
    for _ in range(rounds_each_way):
        keys = track.ask(entrants.one_series)
        sides: list[Any] = [
            (
                entrants.move,
                {"occurrence": keys[1], "new_start_at": START + DAY + HOUR, "scope": "following"},
            ),
            (
                entrants.move,
                {"occurrence": keys[2], "new_start_at": START + 3 * DAY, "scope": "all"},
            ),
            (
                entrants.move,
                {"occurrence": keys[0], "new_start_at": START + 5 * HOUR, "scope": "one"},
            ),
            (entrants.cancel, {"occurrence": keys[3], "scope": "following"}),
        ]

        result = track.race_between([sides[n % 4] for n in range(RACERS)], way=way)

        assert_sound(track, result, way, "SeriesConflict", "BookingConflict", "InvalidTransition")
        outcome = track.ask(entrants.outcome)
        assert outcome["following"]
        assert outcome["bookings"] == STARTS - ("cancelled" in result.winners)
