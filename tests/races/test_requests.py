"""Holds that are submitted, extended and swept at once, disputes of time that is wanted, and
metadata that everybody writes.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.races import entrants, forgetful, referee, scenes
from tests.races.conftest import RACERS, assert_sound
from tests.races.duel import Side, assert_heard_once, assert_one_side_won, fight
from tests.races.racer import Way
from tests.races.scenes import LAST_SECOND, NOW, START
from tests.races.track import Track

EXPIRES: Final = NOW + timedelta(minutes=15)
LATER: Final = START + timedelta(minutes=30)

HOLD: Final = {"expires_at": EXPIRES}
HOLD_TO_APPROVE: Final = {"expires_at": EXPIRES, "requires_approval": True}


def submit(_number: int) -> dict[str, Any]:
    return {"verb": "submit_hold", "client_name": "Mary", "now_dt": EXPIRES - LAST_SECOND}


def extend(_number: int) -> dict[str, Any]:
    until = EXPIRES + timedelta(minutes=15)
    return {"verb": "extend_hold", "expires_at": until, "now_dt": EXPIRES - LAST_SECOND}


def expire(_number: int) -> dict[str, Any]:
    return {"verb": "expire_booking", "now_dt": EXPIRES}


def merge(number: int) -> dict[str, Any]:
    return {"verb": "merge_metadata", "patch": {f"key {number}": number}, "now_dt": NOW}


def dispute(_number: int) -> dict[str, Any]:
    return {"verb": "dispute_booking", "reason": "Left out.", "now_dt": LATER}


@pytest.mark.parametrize(
    ("scene", "event", "status"),
    [
        pytest.param(HOLD, "CONFIRMED", "CONFIRMED", id="confirmed"),
        pytest.param(HOLD_TO_APPROVE, "UPDATED", "PENDING", id="requested"),
    ],
)
def test_a_hold_that_is_submitted_by_many_is_submitted_once(
    track: Track, way: Way, rounds_each_way: int, scene: dict[str, Any], event: str, status: str
) -> None:
    for _ in range(rounds_each_way):
        booking = track.ask(scenes.one_booking, **scene)["booking"]

        duel = fight(track, booking, submit, way=way)

        assert_sound(track, duel.result, way)
        assert duel.story == [event]
        assert duel.said(submit) == {""}
        assert set(duel.won(submit)) == {status}
        assert_heard_once(duel)


@pytest.mark.parametrize("scene", [HOLD, HOLD_TO_APPROVE], ids=["confirmed", "requested"])
def test_a_hold_is_submitted_in_its_last_second_or_expires(
    track: Track, way: Way, rounds_each_way: int, scene: dict[str, Any]
) -> None:
    submitted = ("UPDATED", "PENDING") if len(scene) == 2 else ("CONFIRMED", "CONFIRMED")
    for _ in range(rounds_each_way):
        booking = track.ask(scenes.one_booking, **scene)["booking"]

        duel = fight(track, booking, submit, expire, way=way)

        assert_sound(track, duel.result, way, "InvalidTransition")
        assert_one_side_won(duel, way, {submit: submitted, expire: ("EXPIRED", "CANCELLED")})


def test_a_hold_is_extended_in_its_last_second_or_expires(
    track: Track, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = track.ask(scenes.one_booking, **HOLD)["booking"]

        duel = fight(track, booking, extend, expire, way=way)

        assert_sound(track, duel.result, way, "InvalidTransition")
        outcomes: dict[Side, tuple[str, str]] = {
            extend: ("UPDATED", "PENDING"),
            expire: ("EXPIRED", "CANCELLED"),
        }
        assert_one_side_won(duel, way, outcomes)


def test_whoever_writes_metadata_leaves_the_others_theirs(
    track: Track, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = track.ask(scenes.one_booking)["booking"]

        duel = fight(track, booking, merge, way=way)

        assert_sound(track, duel.result, way)
        written = {
            f"key {number}": number
            for number, outcome in enumerate(duel.result.outcomes)
            if not outcome.error
        }
        assert track.ask(scenes.metadata, booking=booking) == written
        assert duel.story == ["UPDATED"] * len(written)
        assert_heard_once(duel)


def test_a_dispute_or_somebody_else_has_the_time(
    track: Track, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        scene = track.ask(scenes.delivered, now_dt=LATER)
        booking = scene.pop("booking")
        wanted = {**scene, "start_at": LATER, "now_dt": LATER, "allow_past": True}
        disputes = [
            (entrants.change, {"booking": booking, **dispute(number)})
            for number in range(RACERS // 2)
        ]
        others = [(entrants.book, wanted)] * (RACERS // 2)

        result = track.race_between([*disputes, *others], way=way)

        assert_sound(track, result, way, "BookingConflict")
        disputed, booked = (
            Counter(outcome.error for outcome in outcomes)
            for outcomes in (result.outcomes[: RACERS // 2], result.outcomes[RACERS // 2 :])
        )
        story = track.ask(scenes.stories)[booking]
        assert (story[-1] == "DISPUTED") == bool(disputed[""]), result
        # One of the two, unless all of the hosts were told to try again.
        assert booked[""] == (not disputed[""]) or (way.inside and not booked[""]), result
        assert story.count("DISPUTED") <= 1


@pytest.mark.parametrize(
    ("scene", "sides"),
    [
        pytest.param(HOLD_TO_APPROVE, (submit,), id="submit"),
        pytest.param(HOLD, (extend, expire), id="extend and expire"),
    ],
)
def test_who_believes_what_he_read_before_the_lock_does_it_again(
    track: Track, rounds: int, scene: dict[str, Any], sides: tuple[Side, ...]
) -> None:
    """If he did not, the tests of submitting and extending would not say anything."""
    for _ in range(rounds):
        booking = track.ask(scenes.one_booking, **scene)["booking"]

        duel = fight(track, booking, *sides, entrant=forgetful.change_as_read)

        assert len(duel.story) > 1, duel.result
        assert track.ask(referee.problems)


def test_who_merges_into_what_he_read_before_the_lock_forgets_the_others(
    track: Track, rounds: int
) -> None:
    for _ in range(rounds):
        booking = track.ask(scenes.one_booking)["booking"]

        duel = fight(track, booking, merge, entrant=forgetful.change_as_read)

        assert len(track.ask(scenes.metadata, booking=booking)) < len(duel.won(merge))
