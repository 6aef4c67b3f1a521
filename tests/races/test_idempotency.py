"""Many processes send one idempotency key: a client tries again, or a key is used twice."""

from __future__ import annotations

from typing import Any, Final

from tests.races import actions, missing_guards, race_database, scenarios
from tests.races.conftest import RACERS, assert_sound
from tests.races.racer import Way
from tests.races.runner import RaceRunner
from tests.races.scenarios import NOW, START

KEY: Final = {"start_at": START, "now_dt": NOW, "idempotency_key": "order-1"}


def one_provider(runner: RaceRunner, *, is_known: bool = True) -> list[dict[str, Any]]:
    host = runner.ask(race_database.set_up, is_known=is_known, duration_minutes=60)
    return [{**host, **KEY} for _ in range(RACERS)]


def a_provider_each(runner: RaceRunner) -> list[dict[str, Any]]:
    """Whose locks are others, so that it is not a lock that orders them."""
    host = runner.ask(race_database.set_up, duration_minutes=60)
    providers = runner.ask(race_database.add_providers, number=RACERS)
    return [{**host, **KEY, "provider": provider} for provider in providers]


def assert_booked_once(runner: RaceRunner) -> None:
    assert runner.ask(race_database.count) == {"Booking": 1, "BookingEvent": 1, "BusyInterval": 1}


def test_all_who_send_one_key_get_the_same_booking(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for number in range(rounds_each_way):
        entries = one_provider(runner, is_known=number % 2 == 0)

        result = runner.race(actions.book, entries, way=way)

        assert_sound(runner, result, way)
        assert_booked_once(runner)
        assert len(set(result.winners)) == 1, result


def test_a_retry_while_the_first_is_still_running_waits_for_its_booking(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        first, *retries = one_provider(runner)

        result = runner.race_between(
            [
                (actions.book_slowly, first),
                *[
                    (actions.after_the_others, {"action": actions.book} | retry)
                    for retry in retries
                ],
            ],
            way=way,
        )

        assert_sound(runner, result, way)
        assert_booked_once(runner)
        assert len(set(result.winners)) == 1, result
        # On a busy machine the first may come last, and at REPEATABLE READ with an old snapshot.
        assert way.inside or not result.outcomes[0].error, result


def test_one_key_makes_one_booking_whichever_providers_it_is_sent_to(
    runner: RaceRunner, way: Way, rounds_each_way: int
) -> None:
    for _ in range(rounds_each_way):
        result = runner.race(actions.book, a_provider_each(runner), way=way)

        assert_sound(runner, result, way, "IdempotencyKeyReused")
        assert_booked_once(runner)
        assert len(result.winners) == 1, result


def test_who_does_not_look_for_the_key_under_the_lock_hears_of_a_conflict_with_his_own_booking(
    runner: RaceRunner, rounds: int
) -> None:
    for _ in range(rounds):
        result = runner.race(missing_guards.book_without_replay, one_provider(runner))

        assert result.errors == {"BookingConflict": RACERS - 1}, result


def test_without_a_guard_of_the_key_it_makes_a_booking_for_each_who_sends_it(
    any_key: RaceRunner, rounds: int
) -> None:
    """If it did not, the tests above would say nothing."""
    for _ in range(rounds):
        result = any_key.race(missing_guards.book_without_replay, a_provider_each(any_key))

        assert any_key.ask(scenarios.keys) == {KEY["idempotency_key"]: RACERS}, result
