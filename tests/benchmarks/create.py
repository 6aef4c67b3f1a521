"""``create_booking`` against the statements it stands for, sent raw, and against its peers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.benchmarks.contest import Result, in_milliseconds, take_turns
from tests.benchmarks.desks.house import PROVIDERS
from tests.benchmarks.houses import Contender, Houses, ours_and_peers
from tests.benchmarks.options import Options

DESKS: Final = 8
EACH: Final = 25
OURS: Final = (
    "the same statements, raw",
    "one statement by hand, raw",
    "create_booking",
    "create_booking, in steps",
)


def run(options: Options) -> Iterator[Result]:
    with ours_and_peers("create", options, OURS) as houses:
        for stored in sorted(options.stored):
            ahead = stored // 20
            for house in houses.all:
                house.ask("fill", past=stored - ahead, ahead=ahead)
            yield alone(houses, stored, options.rounds)
            for same in (True, False):
                yield crowded(houses, stored, max(3, options.rounds // 50), same_provider=same)


def alone(houses: Houses, stored: int, rounds: int) -> Result:
    turns = {name: each.house.turn(each.way) for name, each in houses.contenders.items()}
    return Result(
        "create",
        "A booking",
        "ms",
        in_milliseconds(take_turns(turns, rounds=rounds)),
        at=f"{stored:,} stored",
        notes=houses.notes,
    )


def crowded(houses: Houses, stored: int, rounds: int, *, same_provider: bool) -> Result:
    whom = "one provider" if same_provider else "many providers"
    refused: list[str] = []
    turns = {
        name: partial(_crowd, name, each, same_provider, refused)
        for name, each in houses.contenders.items()
    }
    taken = take_turns(turns, rounds=rounds, warm_up=1)
    return Result(
        "create",
        f"{DESKS} processes that book {whom}",
        "bookings/s",
        {name: DESKS * EACH / seconds for name, seconds in taken.items()},
        at=f"{stored:,} stored",
        notes=[*houses.notes, *refused],
    )


def _crowd(name: str, contender: Contender, same_provider: bool, refused: list[str]) -> float:
    """As many slots as there are bookings to be made, so that everybody can be served."""
    house = contender.house
    first, _slot = house.next_task()
    tasks = [
        [
            ((first + (0 if same_provider else desk)) % PROVIDERS, house.next_task()[1])
            for _ in range(EACH)
        ]
        for desk in range(DESKS)
    ]
    crowd = house.all_at_once(contender.way, tasks)
    refused += [
        f"{name}: {count} times {outcome}"
        for outcome, count in crowd.outcomes.items()
        if outcome != "booked"
    ]
    return crowd.seconds
