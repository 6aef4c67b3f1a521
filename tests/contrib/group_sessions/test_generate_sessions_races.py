"""Processes fill the same hours with sessions, while clients book in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

import pytest

from tests.contrib.group_sessions import generators
from tests.contrib.group_sessions.generators import SLOTS
from tests.contrib.group_sessions.test_races import hosted
from tests.races import entrants as verbs
from tests.races.conftest import assert_sound, unguarded
from tests.races.racer import Way
from tests.races.scenes import START
from tests.races.track import Track

__all__ = ["hosted", "unguarded"]

RACERS: Final = 8


@pytest.fixture(autouse=True)
def _swept(track: Track) -> Iterator[None]:
    yield
    track.ask(generators.clear)


def test_who_generates_the_same_sessions_at_once_makes_each_of_them_once(
    track: Track,
    hosted: Way,
    rounds_each_way: int,
) -> None:
    for _ in range(rounds_each_way):
        scene = track.ask(generators.set_up, providers=2)
        # Who opens one transaction around several locks has to keep to one order.
        turned = scene if hosted.inside else scene | {"providers": scene["providers"][::-1]}

        result = track.race(
            generators.generate_in_small_chunks, [scene, turned] * (RACERS // 2), way=hosted
        )

        assert_sound(track, result, hosted)
        assert len(result.winners) == RACERS
        assert sum(created for created, _existing, _conflicts in result.winners) == 2 * SLOTS
        told = track.ask(generators.situation)
        assert told == dict.fromkeys(told, 2 * SLOTS)


def test_what_is_moved_away_meanwhile_is_not_made_anew(
    track: Track, hosted: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        scene = track.ask(generators.set_up)

        result = track.race_between(
            [
                entry
                for number in range(RACERS // 2)
                for entry in (
                    (generators.generate_and_move_one_away, scene | {"number": number}),
                    (generators.generate_in_small_chunks, scene),
                )
            ],
            way=hosted,
        )

        assert_sound(track, result, hosted)
        told = track.ask(generators.situation)
        assert told == dict.fromkeys(told, SLOTS)


def test_sessions_and_bookings_share_the_time_between_them(
    track: Track, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        scene = track.ask(generators.set_up)
        host = {"service": scene["service"], "provider": scene["providers"][0]}
        starts = [START + timedelta(days=1, hours=hour, minutes=30) for hour in range(4)]

        result = track.race_between(
            [
                entry
                for start in starts
                for entry in (
                    (generators.generate_in_small_chunks, scene),
                    (verbs.book, host | {"start_at": start}),
                )
            ],
            way=way,
        )

        assert_sound(track, result, way, "BookingConflict")
        told = track.ask(generators.situation)
        assert told["sessions"] == told["starts"] == told["claims"]
        # A booking at half past takes the time of two sessions.
        booked = told["all claims"] - told["claims"]
        assert told["sessions"] >= SLOTS - 2 * booked or result.errors["BookingBusy"]


def test_without_lock_and_guard_they_are_made_twice(
    unguarded: Track,
) -> None:
    """The control: if they were not, the tests above would say nothing."""
    scene = unguarded.ask(generators.set_up)

    result = unguarded.race(generators.generate_by_what_was_read, [scene] * RACERS)

    told = unguarded.ask(generators.situation)
    assert told["sessions"] > told["starts"] == SLOTS, result
    unguarded.ask(generators.clear)
