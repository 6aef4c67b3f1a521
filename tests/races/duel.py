"""Several sides want different things of one booking: sixteen processes, dealt to them in turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from tests.races import entrants, scenes
from tests.races.conftest import RACERS
from tests.races.racer import Outcome, Way
from tests.races.track import Prepare, Result, Track

# What the racer of a number calls, and with what.
Side = Callable[[int], dict[str, Any]]


class Duel:
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


def fight(
    track: Track,
    booking: Any,
    *sides: Side,
    way: Way | None = None,
    entrant: Prepare = entrants.change,
) -> Duel:
    entries = [
        (
            entrants.hear,
            {"entrant": entrant, "booking": booking} | sides[number % len(sides)](number),
        )
        for number in range(RACERS)
    ]
    result = track.race_between(entries, way=way)
    return Duel(sides, result, track.ask(scenes.stories)[booking])


def heard(result: Result) -> Counter[tuple[Any, str]]:
    """Every event that was announced, by its booking and its type, to whoever had caused it."""
    return Counter(event for _result, events in result.winners for event in events)


def assert_heard_once(duel: Duel) -> None:
    """Each event was announced to one process, and nothing was that is not in the history."""
    announced = Counter(
        event for (_booking, event), n in heard(duel.result).items() for _ in range(n)
    )
    assert announced == Counter(duel.story), duel.result
    assert all(len(outcome.result[1]) <= 1 for outcome in duel.result.outcomes if not outcome.error)


def assert_one_side_won(duel: Duel, way: Way, outcomes: dict[Side, tuple[str, str]]) -> None:
    """One event; everybody on its side was told the new status, everybody else that it is late."""
    assert len(duel.story) == 1, duel.result
    for side, (event, status) in outcomes.items():
        if duel.story == [event]:
            assert duel.said(side) == {""}, duel.result
            assert set(duel.won(side)) == {status}
        elif way.inside:
            assert duel.said(side) <= {"InvalidTransition"}, duel.result
        else:
            assert duel.said(side) == {"InvalidTransition"}, duel.result
    assert_heard_once(duel)
