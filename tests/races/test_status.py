"""Two verbs want to change the status of one booking, and only one order of events can be true."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

import pytest

from tests.races import missing_guards, race_database, scenarios
from tests.races.conftest import RACERS, assert_sound
from tests.races.contest import Side, assert_heard_once, assert_one_side_won, run_contest
from tests.races.racer import Way
from tests.races.runner import RaceRunner
from tests.races.scenarios import LAST_SECOND, NOW, START

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
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = runner.ask(scenarios.one_booking, **HOLD)["booking"]

        contest = run_contest(runner, booking, confirm, expire, way=way)

        assert_sound(runner, contest.result, way, "InvalidTransition")
        assert_one_side_won(
            contest,
            way,
            {confirm: ("CONFIRMED", "CONFIRMED"), expire: ("EXPIRED", "CANCELLED")},
        )


def test_a_request_is_confirmed_or_declined(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = runner.ask(scenarios.one_booking, **REQUEST)["booking"]

        contest = run_contest(runner, booking, confirm, decline, way=way)

        assert_sound(runner, contest.result, way, "InvalidTransition")
        assert_one_side_won(
            contest,
            way,
            {confirm: ("CONFIRMED", "CONFIRMED"), decline: ("DECLINED", "DECLINED")},
        )


def test_complete_and_no_show_correct_each_other_in_turns(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = runner.ask(scenarios.one_booking)["booking"]

        contest = run_contest(runner, booking, complete, miss, way=way)

        assert_sound(runner, contest.result, way)
        assert contest.said(complete) <= {""}
        assert contest.said(miss) <= {""}
        assert set(contest.won(complete)) <= {"COMPLETED"}
        assert set(contest.won(miss)) <= {"NO_SHOW"}
        assert 1 <= len(contest.story) <= RACERS
        assert set(contest.story) <= {"COMPLETED", "NO_SHOW"}
        assert all(one != other for one, other in pairwise(contest.story)), contest.story
        assert_heard_once(contest)


def test_a_booking_is_delivered_before_it_is_completed_or_not_at_all(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = runner.ask(scenarios.one_booking)["booking"]

        contest = run_contest(runner, booking, deliver, complete, way=way)

        assert_sound(runner, contest.result, way, "InvalidTransition")
        assert contest.story in (
            ["COMPLETED"],
            ["DELIVERED", "COMPLETED"],
            # Where every host that wanted to complete it was told that the database is busy.
            *([["DELIVERED"]] if way.inside else []),
        )
        assert bool(contest.won(deliver)) == ("DELIVERED" in contest.story)
        assert bool(contest.won(complete)) == ("COMPLETED" in contest.story)
        assert contest.said(complete) <= {""}
        assert_heard_once(contest)


def test_notes_and_corrections_beside_them_are_all_kept(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        booking = runner.ask(scenarios.one_booking, **REQUEST)["booking"]

        contest = run_contest(runner, booking, confirm, note, decline, update, way=way)

        assert_sound(runner, contest.result, way, "InvalidTransition")
        assert contest.said(note) | contest.said(update) <= {""}
        assert contest.story.count("NOTE_ADDED") == len(contest.won(note))
        assert contest.story.count("UPDATED") == len(contest.won(update))
        steps = [event for event in contest.story if event in {"CONFIRMED", "DECLINED"}]
        assert len(steps) == bool(contest.won(confirm) + contest.won(decline))
        assert not (contest.won(confirm) and contest.won(decline)), contest.result
        assert_heard_once(contest)


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
    runner: RaceRunner, rounds: int, scene: dict[str, Any], sides: tuple[Side, ...]
) -> None:
    """If he did not, none of the tests above would say anything."""
    for _ in range(rounds):
        booking = runner.ask(scenarios.one_booking, **scene)["booking"]

        contest = run_contest(runner, booking, *sides, action=missing_guards.change_as_read)

        # Some stumble over the claim that another has released; the others all have their way.
        assert len(contest.story) >= RACERS // len(sides), contest.result
        assert runner.ask(race_database.problems)
