"""Several sides call different verbs on one booking: sixteen processes, dealt to them in turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from tests.races import actions, scenarios
from tests.races.conftest import RACERS
from tests.races.racer import Outcome, Way
from tests.races.runner import Prepare, RaceRunner, Result

# What the racer of a number calls, and with what.
Side = Callable[[int], dict[str, Any]]


class Contest:
    """What became of it: each side's outcomes, and the booking's history since."""

    def __init__(self, sides: Sequence[Side], result: Result, told: list[str]) -> None:
        self.sides = sides
        self.result = result
        self.story = told[1:]

    def outcomes(self, side: Side) -> list[Outcome]:
        return self.result.outcomes[self.sides.index(side) :: len(self.sides)]

    def said(self, side: Side) -> set[str]:
        """What its racers heard, ``""`` for those who got their way; being busy says nothing."""
        return {outcome.error for outcome in self.outcomes(side)} - {"BookingBusy"}

    def won(self, side: Side) -> list[Any]:
        """What the verb returned to those of its racers who got their way."""
        return [outcome.result[0] for outcome in self.outcomes(side) if not outcome.error]


def run_contest(
    runner: RaceRunner,
    booking: Any,
    *sides: Side,
    way: Way | None = None,
    action: Prepare = actions.change,
) -> Contest:
    entries = [
        (
            actions.with_signals,
            {"action": action, "booking": booking} | sides[number % len(sides)](number),
        )
        for number in range(RACERS)
    ]
    result = runner.race_between(entries, way=way)
    return Contest(sides, result, runner.ask(scenarios.stories)[booking])


def heard(result: Result) -> Counter[tuple[Any, str]]:
    """Every event that was announced, by its booking and its type, to whoever had caused it."""
    return Counter(event for _result, events in result.winners for event in events)


def assert_heard_once(contest: Contest) -> None:
    """Each event was announced to one process, and nothing was that is not in the history."""
    announced = Counter(
        event for (_booking, event), n in heard(contest.result).items() for _ in range(n)
    )
    assert announced == Counter(contest.story), contest.result
    assert all(
        len(outcome.result[1]) <= 1 for outcome in contest.result.outcomes if not outcome.error
    )


def assert_one_side_won(contest: Contest, way: Way, outcomes: dict[Side, tuple[str, str]]) -> None:
    """One event; everybody on its side was told the new status, everybody else that it is late."""
    assert len(contest.story) == 1, contest.result
    for side, (event, status) in outcomes.items():
        if contest.story == [event]:
            assert contest.said(side) == {""}, contest.result
            assert set(contest.won(side)) == {status}
        elif way.inside:
            assert contest.said(side) <= {"InvalidTransition"}, contest.result
        else:
            assert contest.said(side) == {"InvalidTransition"}, contest.result
    assert_heard_once(contest)
