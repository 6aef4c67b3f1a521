"""Processes fill the same hours with sessions, while clients book in them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from tests.contrib.group_sessions import generate_race_actions
from tests.contrib.group_sessions.generate_race_actions import SLOTS
from tests.contrib.group_sessions.test_races import hosted
from tests.races import actions as verbs
from tests.races import race_database
from tests.races.conftest import assert_sound, unguarded
from tests.races.racer import Way
from tests.races.runner import RaceRunner
from tests.races.scenarios import START

__all__ = ["hosted", "unguarded"]

RACERS: Final = 8


def test_who_generates_the_same_sessions_at_once_makes_each_of_them_once(
    runner: RaceRunner,
    hosted: Way,
    rounds_each_way: int,
) -> None:
    for _ in range(rounds_each_way):
        scene = runner.ask(generate_race_actions.set_up, providers=2)
        # Who opens one transaction around several locks has to keep to one order.
        turned = scene if hosted.inside else scene | {"providers": scene["providers"][::-1]}

        result = runner.race(
            generate_race_actions.generate_in_small_chunks,
            [scene, turned] * (RACERS // 2),
            way=hosted,
        )

        assert_sound(runner, result, hosted)
        assert len(result.winners) == RACERS
        assert sum(created for created, _existing, _conflicts in result.winners) == 2 * SLOTS
        told = runner.ask(generate_race_actions.situation)
        assert told == dict.fromkeys(told, 2 * SLOTS)


def test_what_is_moved_away_meanwhile_is_not_made_anew(
    runner: RaceRunner, hosted: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        scene = runner.ask(generate_race_actions.set_up)

        result = runner.race_between(
            [
                entry
                for number in range(RACERS // 2)
                for entry in (
                    (generate_race_actions.generate_and_move_one_away, scene | {"number": number}),
                    (generate_race_actions.generate_in_small_chunks, scene),
                )
            ],
            way=hosted,
        )

        assert_sound(runner, result, hosted)
        told = runner.ask(generate_race_actions.situation)
        assert told == dict.fromkeys(told, SLOTS)


def test_sessions_and_bookings_share_the_time_between_them(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        scene = runner.ask(generate_race_actions.set_up)
        host = {"service": scene["service"], "provider": scene["providers"][0]}
        starts = [START + timedelta(days=1, hours=hour, minutes=30) for hour in range(4)]

        result = runner.race_between(
            [
                entry
                for start in starts
                for entry in (
                    (generate_race_actions.generate_in_small_chunks, scene),
                    (verbs.book, host | {"start_at": start}),
                )
            ],
            way=way,
        )

        assert_sound(runner, result, way, "BookingConflict")
        told = runner.ask(generate_race_actions.situation)
        assert told["sessions"] == told["starts"] == told["claims"]
        # A booking at half past takes the time of two sessions.
        booked = told["all claims"] - told["claims"]
        assert told["sessions"] >= SLOTS - 2 * booked or result.errors["BookingBusy"]


def test_without_lock_and_guard_they_are_made_twice(
    unguarded: RaceRunner,
) -> None:
    """The control: if they were not, the tests above would say nothing."""
    scene = unguarded.ask(generate_race_actions.set_up)

    result = unguarded.race(generate_race_actions.generate_by_what_was_read, [scene] * RACERS)

    told = unguarded.ask(generate_race_actions.situation)
    if unguarded.ask(generate_race_actions.keys_are_returned):
        assert told["sessions"] > told["starts"] == SLOTS, result
    else:
        # MySQL: who reads the keys of what they inserted finds the others' rows, of which each has
        # a session already.
        assert result.errors["IntegrityError"], result
    unguarded.ask(race_database.clear)
