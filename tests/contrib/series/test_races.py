"""Sixteen processes want series of the same time, or change one of them at the same moment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.contrib.series import race_actions
from tests.contrib.series.race_actions import STARTS
from tests.races.conftest import (  # noqa: F401 - fixtures
    RACERS,
    assert_sound,
    pool,
    rounds,
    rounds_each_way,
    runner,
    way,
)
from tests.races.racer import Way
from tests.races.runner import RaceRunner
from tests.races.scenarios import START

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_series_that_overlap_are_whole_or_not_at_all(
    runner: RaceRunner,  # noqa: F811
    way: Way,  # noqa: F811
    rounds_each_way: int,  # noqa: F811
) -> None:
    """Each a day after another: only every fourth can be."""
    for _ in range(rounds_each_way):
        scene = runner.ask(race_actions.nothing)
        entries = [scene | {"start_at": START + number % 7 * DAY} for number in range(RACERS)]

        result = runner.race(race_actions.repeat, entries, way=way)

        assert_sound(runner, result, way, "SeriesConflict")
        outcome = runner.ask(race_actions.outcome)
        assert outcome["following"]
        assert 1 <= outcome["series"] <= 2
        assert outcome["bookings"] == STARTS * outcome["series"]
        assert result.winners == [STARTS] * outcome["series"]


def test_who_skips_gets_what_is_left(
    runner: RaceRunner,  # noqa: F811
    way: Way,  # noqa: F811
    rounds_each_way: int,  # noqa: F811
) -> None:
    for _ in range(rounds_each_way):
        scene = runner.ask(race_actions.nothing) | {"on_conflict": "skip"}
        entries = [scene | {"start_at": START + number % 4 * DAY} for number in range(RACERS)]

        result = runner.race(race_actions.repeat, entries, way=way)

        assert_sound(runner, result, way, "SeriesConflict")
        outcome = runner.ask(race_actions.outcome)
        assert outcome["following"]
        assert sum(result.winners) == outcome["bookings"] == len(set(outcome["starts"]))
        if not way.inside:
            assert outcome["bookings"] == 7


def test_one_key_makes_one_series_however_often_it_is_sent(
    runner: RaceRunner,  # noqa: F811
    way: Way,  # noqa: F811
    rounds_each_way: int,  # noqa: F811
) -> None:
    for _ in range(rounds_each_way):
        scene = runner.ask(race_actions.nothing) | {"idempotency_key": "form"}

        result = runner.race(race_actions.repeat, [scene] * RACERS, way=way)

        assert_sound(runner, result, way)
        assert set(result.winners) == {STARTS}
        outcome = runner.ask(race_actions.outcome)
        assert (outcome["series"], outcome["bookings"]) == (1, STARTS)


def test_a_series_that_many_change_at_once_stays_one_that_its_rules_say(
    runner: RaceRunner,  # noqa: F811
    way: Way,  # noqa: F811
    rounds_each_way: int,  # noqa: F811
) -> None:
    for _ in range(rounds_each_way):
        keys = runner.ask(race_actions.one_series)
        sides: list[Any] = [
            (
                race_actions.move,
                {"occurrence": keys[1], "new_start_at": START + DAY + HOUR, "scope": "following"},
            ),
            (
                race_actions.move,
                {"occurrence": keys[2], "new_start_at": START + 3 * DAY, "scope": "all"},
            ),
            (
                race_actions.move,
                {"occurrence": keys[0], "new_start_at": START + 5 * HOUR, "scope": "one"},
            ),
            (race_actions.cancel, {"occurrence": keys[3], "scope": "following"}),
        ]

        result = runner.race_between([sides[n % 4] for n in range(RACERS)], way=way)

        assert_sound(runner, result, way, "SeriesConflict", "BookingConflict", "InvalidTransition")
        outcome = runner.ask(race_actions.outcome)
        assert outcome["following"]
        assert outcome["bookings"] == STARTS - ("cancelled" in result.winners)
