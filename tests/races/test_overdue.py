"""Bookings that nobody has closed: several processes sweep them, and somebody closes some."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.races import actions, missing_guards, scenarios
from tests.races.conftest import ENGINE, assert_sound
from tests.races.contest import heard
from tests.races.racer import Way
from tests.races.runner import Prepare, RaceRunner, Result
from tests.races.scenarios import START

PROVIDERS: Final = 6
BOOKINGS: Final = 24
EACH: Final = 4
OVERDUE: Final = START + timedelta(hours=BOOKINGS) + timedelta(days=1)


def quiet(runner: RaceRunner) -> list[Any]:
    """Their keys, provider by provider in turn."""
    rows = runner.ask(scenarios.many_holds, number=BOOKINGS, providers=PROVIDERS, expires_at=None)
    return [row["booking"] for row in rows]


def test_several_sweeps_beside_other_verbs_end_every_booking_once(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    """Some are completed, some cancelled, some marked as no-show, while four sweep."""
    verbs = ("complete_booking", "cancel_booking", "mark_no_show")
    for _ in range(rounds_each_way):
        keys = quiet(runner)
        closing = [
            {"action": actions.change, "verb": verb, "now_dt": OVERDUE, "booking": keys[number]}
            | ({"override_policy": True} if verb == "cancel_booking" else {})
            for number, verb in enumerate(verb for verb in verbs for _ in range(EACH))
        ]
        sweep = {"action": actions.cancel_overdue, "now_dt": OVERDUE, "chunk_size": 5}

        result = runner.race(actions.with_signals, [*closing, *[sweep] * EACH], way=way)

        assert_sound(runner, result, way, "InvalidTransition")
        stories = runner.ask(scenarios.stories)
        for number, key in enumerate(keys):
            created, *end = stories[key]
            assert created == "CREATED"
            may_end = [["AUTO_CANCELLED"]]
            if number < EACH:
                # It is completed in time, or afterwards as a correction.
                may_end = [["COMPLETED"], ["AUTO_CANCELLED", "COMPLETED"]]
            elif number < 2 * EACH:
                may_end = [["AUTO_CANCELLED"], ["CANCELLED"]]
            elif number < 3 * EACH:
                may_end = [["NO_SHOW"], ["AUTO_CANCELLED", "NO_SHOW"]]
            assert end in may_end or way.inside, stories
        new = Counter((key, event) for key, story in stories.items() for event in story[1:])
        assert heard(result) == new, result


def shares(runner: RaceRunner, sweep: Prepare) -> Result:
    """Two sweeps, of which each chunk of a provider's takes a tenth of a second."""
    keys = quiet(runner)
    result = runner.race(sweep, [{"now_dt": OVERDUE, "chunk_size": BOOKINGS // PROVIDERS}] * 2)
    assert not result.errors, result
    assert sum(result.winners) == len(keys)
    assert set(map(tuple, runner.ask(scenarios.stories).values())) == {
        ("CREATED", "AUTO_CANCELLED")
    }
    return result


@pytest.mark.skipif(
    ENGINE.endswith("sqlite3"), reason="SQLite locks the database, and has nothing to skip."
)
def test_two_sweeps_share_the_work(runner: RaceRunner, rounds: int) -> None:
    for _ in range(rounds):
        result = shares(runner, missing_guards.sweep_slowly)
        assert min(result.winners) >= BOOKINGS // PROVIDERS * 2, result


def test_who_waits_for_what_is_locked_leaves_the_work_to_the_other(
    runner: RaceRunner, rounds: int
) -> None:
    """The control."""
    for _ in range(rounds):
        result = shares(runner, missing_guards.sweep_in_line)
        assert result.slowest >= (PROVIDERS - 1) * actions.LATE, result
