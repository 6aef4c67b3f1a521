"""Two verbs want to change the status of one booking, and only one order of events can be true."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

import pytest

from tests.races import forgetful, referee, scenes
from tests.races.conftest import RACERS, assert_sound
from tests.races.duel import Side, assert_heard_once, assert_one_side_won, fight
from tests.races.racer import Way
from tests.races.scenes import LAST_SECOND, NOW, START
from tests.races.track import Track

EXPIRES: Final = NOW + timedelta(minutes=15)
LATER: Final = START + timedelta(minutes=30)


def confirm(_number: int) -> dict[str, Any]:
    return {"verb": "confirm_booking", "now_dt": EXPIRES - LAST_SECOND}


def expire(_number: int) -> dict[str, Any]:
    return {"verb": "expire_booking", "now_dt": EXPIRES}


def decline(_number: int) -> dict[str, Any]:
    return {"verb": "decline_booking", "now_dt": NOW}


def deliver(_number: int) -> dict[str, Any]:
    return {"verb": "deliver_booking", "now_dt": LATER}


def complete(_number: int) -> dict[str, Any]:
    return {"verb": "complete_booking", "now_dt": LATER}


def miss(_number: int) -> dict[str, Any]:
    return {"verb": "mark_no_show", "now_dt": LATER}


def note(number: int) -> dict[str, Any]:
    return {"verb": "add_note", "message": f"Note {number}", "now_dt": NOW}


def update(number: int) -> dict[str, Any]:
    return {"verb": "update_booking", "client_name": f"Client {number}", "now_dt": NOW}


HOLD: Final = {"expires_at": EXPIRES}
REQUEST: Final = {"requires_approval": True}


def test_a_hold_is_confirmed_in_its_last_second_or_expires(
    track: Track, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = track.ask(scenes.one_booking, **HOLD)["booking"]

        duel = fight(track, booking, confirm, expire, way=way)

        assert_sound(track, duel.result, way, "InvalidTransition")
        assert_one_side_won(
            duel,
            way,
            {confirm: ("CONFIRMED", "CONFIRMED"), expire: ("EXPIRED", "CANCELLED")},
        )


def test_a_request_is_confirmed_or_declined(track: Track, way: Way, rounds_each_way: int) -> None:
    for _ in range(rounds_each_way):
        booking = track.ask(scenes.one_booking, **REQUEST)["booking"]

        duel = fight(track, booking, confirm, decline, way=way)

        assert_sound(track, duel.result, way, "InvalidTransition")
        assert_one_side_won(
            duel,
            way,
            {confirm: ("CONFIRMED", "CONFIRMED"), decline: ("DECLINED", "DECLINED")},
        )


def test_complete_and_no_show_correct_each_other_in_turns(
    track: Track, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = track.ask(scenes.one_booking)["booking"]

        duel = fight(track, booking, complete, miss, way=way)

        assert_sound(track, duel.result, way)
        assert duel.said(complete) <= {""}
        assert duel.said(miss) <= {""}
        assert set(duel.won(complete)) <= {"COMPLETED"}
        assert set(duel.won(miss)) <= {"NO_SHOW"}
        assert 1 <= len(duel.story) <= RACERS
        assert set(duel.story) <= {"COMPLETED", "NO_SHOW"}
        assert all(one != other for one, other in pairwise(duel.story)), duel.story
        assert_heard_once(duel)


def test_a_booking_is_delivered_before_it_is_completed_or_not_at_all(
    track: Track, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = track.ask(scenes.one_booking)["booking"]

        duel = fight(track, booking, deliver, complete, way=way)

        assert_sound(track, duel.result, way, "InvalidTransition")
        assert duel.story in (
            ["COMPLETED"],
            ["DELIVERED", "COMPLETED"],
            # Where every host that wanted to complete it was told that the database is busy.
            *([["DELIVERED"]] if way.inside else []),
        )
        assert bool(duel.won(deliver)) == ("DELIVERED" in duel.story)
        assert bool(duel.won(complete)) == ("COMPLETED" in duel.story)
        assert duel.said(complete) <= {""}
        assert_heard_once(duel)


def test_notes_and_corrections_beside_them_are_all_kept(
    track: Track, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = track.ask(scenes.one_booking, **REQUEST)["booking"]

        duel = fight(track, booking, confirm, note, decline, update, way=way)

        assert_sound(track, duel.result, way, "InvalidTransition")
        assert duel.said(note) | duel.said(update) <= {""}
        assert duel.story.count("NOTE_ADDED") == len(duel.won(note))
        assert duel.story.count("UPDATED") == len(duel.won(update))
        steps = [event for event in duel.story if event in {"CONFIRMED", "DECLINED"}]
        assert len(steps) == bool(duel.won(confirm) + duel.won(decline))
        assert not (duel.won(confirm) and duel.won(decline)), duel.result
        assert_heard_once(duel)


@pytest.mark.parametrize(
    ("scene", "sides"),
    [
        pytest.param(HOLD, (confirm, expire), id="confirm and expire"),
        pytest.param(REQUEST, (confirm, decline), id="confirm and decline"),
        pytest.param({}, (complete, miss), id="complete and no-show"),
        pytest.param({}, (deliver, complete), id="deliver and complete"),
        pytest.param(REQUEST, (confirm, note, decline, update), id="with notes and corrections"),
    ],
)
def test_who_believes_what_he_read_before_the_lock_overwrites_what_happened(
    track: Track, rounds: int, scene: dict[str, Any], sides: tuple[Side, ...]
) -> None:
    """If he did not, none of the tests above would say anything."""
    for _ in range(rounds):
        booking = track.ask(scenes.one_booking, **scene)["booking"]

        duel = fight(track, booking, *sides, entrant=forgetful.change_as_read)

        # Some stumble over the claim that another has released; the others all have their way.
        assert len(duel.story) >= RACERS // len(sides), duel.result
        assert track.ask(referee.problems)
