"""Holds that have run out: their time is wanted, and several processes sweep them at once."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any, Final

from tests.races import actions, missing_guards, race_database, scenarios
from tests.races.conftest import RACERS, assert_sound
from tests.races.contest import heard
from tests.races.racer import Way
from tests.races.runner import Prepare, RaceRunner, Result
from tests.races.scenarios import LAST_SECOND, NOW, START

EXPIRES: Final = NOW + timedelta(minutes=15)
PROVIDERS: Final = 4
HOLDS: Final = 24
# Of each verb beside the sweeps: confirm, cancel and create, each of holds of their own.
EACH: Final = 4


def want_its_time(runner: RaceRunner, action: Prepare, way: Way | None = None) -> Result:
    scene = runner.ask(scenarios.one_booking, expires_at=EXPIRES)
    del scene["booking"]
    wanted = {**scene, "start_at": START, "now_dt": EXPIRES}
    entries = [{**wanted, "client_name": f"Racer {number}"} for number in range(RACERS)]
    return runner.race(action, entries, way=way)


def test_one_of_many_gets_the_time_of_an_abandoned_hold_which_expires_once(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        result = want_its_time(runner, actions.book, way)

        assert_sound(runner, result, way, "BookingConflict")
        assert len(result.winners) == 1, result
        assert list(runner.ask(scenarios.stories).values()) == [["CREATED", "EXPIRED"], ["CREATED"]]


def test_who_does_not_expire_it_leaves_the_time_to_nobody(runner: RaceRunner, rounds: int) -> None:
    for _ in range(rounds):
        result = want_its_time(runner, missing_guards.book_beside_holds)

        assert result.errors == {"BookingConflict": RACERS}, result


def test_who_believes_what_he_read_before_the_lock_expires_it_again(
    runner: RaceRunner, rounds: int
) -> None:
    for _ in range(rounds):
        result = want_its_time(runner, missing_guards.book_past_holds_as_read)

        stories = runner.ask(scenarios.stories)
        assert stories[min(stories)].count("EXPIRED") > 1, result
        assert runner.ask(race_database.problems)


def test_several_sweeps_beside_other_verbs_end_every_hold_once(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        holds = runner.ask(
            scenarios.many_holds, number=HOLDS, providers=PROVIDERS, expires_at=EXPIRES
        )
        keys = [hold.pop("booking") for hold in holds]

        confirm = {"action": actions.change, "verb": "confirm_booking"}
        cancel = {"action": actions.change, "verb": "cancel_booking"}
        sweep = {"action": actions.sweep, "now_dt": EXPIRES, "chunk_size": 5}
        in_time = {"now_dt": EXPIRES - LAST_SECOND}
        too_late = {"now_dt": EXPIRES}
        confirmed, cancelled, taken = (
            slice(number * EACH, (number + 1) * EACH) for number in range(3)
        )
        result = runner.race(
            actions.with_signals,
            [
                *[confirm | in_time | {"booking": key} for key in keys[confirmed]],
                *[cancel | too_late | {"booking": key} for key in keys[cancelled]],
                *[{"action": actions.book} | too_late | hold for hold in holds[taken]],
                *[sweep for _ in range(EACH)],
            ],
            way=way,
        )

        assert_sound(runner, result, way, "InvalidTransition")
        assert {outcome.error for outcome in result.outcomes[EACH:]} <= {"", "BookingBusy"}
        stories = runner.ask(scenarios.stories)
        assert_ended_once(stories, keys, result, way)
        new = Counter(
            (key, event) for key, story in stories.items() for event in story[key in keys :]
        )
        assert heard(result) == new, result
        assert_told_how_many(result)


def assert_ended_once(
    stories: dict[Any, list[str]], keys: list[Any], result: Result, way: Way
) -> None:
    for number, key in enumerate(keys):
        ends = {"EXPIRED"}
        if number < EACH:
            # Whoever confirmed it was told whether it is his.
            won = not result.outcomes[number].error
            ends = {"CONFIRMED"} if won else {"EXPIRED"}
        elif number < 2 * EACH:
            ends = {"EXPIRED", "CANCELLED"}
        created, *end = stories[key]
        assert created == "CREATED"
        # Where the sweeps are hosts' that were told to try again, some holds are left for later.
        assert (len(end) == 1 and set(end) <= ends) or (way.inside and not end), stories[key]


def assert_told_how_many(result: Result) -> None:
    for outcome in result.outcomes[-EACH:]:
        if not outcome.error:
            number, events = outcome.result
            assert [event for _booking, event in events] == ["EXPIRED"] * number


def test_sweeps_that_believe_what_they_read_before_the_lock_end_holds_again(
    runner: RaceRunner, rounds: int
) -> None:
    for _ in range(rounds):
        runner.ask(scenarios.many_holds, number=EACH, providers=1, expires_at=EXPIRES)

        result = runner.race(missing_guards.sweep_as_read, [{"now_dt": EXPIRES}] * RACERS)

        assert sum(result.winners) > EACH, result
        assert runner.ask(race_database.problems)
