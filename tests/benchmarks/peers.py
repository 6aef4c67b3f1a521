"""The race that this package passes, run by its peers: how often there are two winners."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from tests.benchmarks.contest import Result
from tests.benchmarks.houses import Contender, ours_and_peers
from tests.benchmarks.options import Options

RACERS: Final = 16
MOST_ROUNDS: Final = 50


def run(options: Options) -> Iterator[Result]:
    rounds = min(options.rounds, MOST_ROUNDS)
    with ours_and_peers("peers", options, ["create_booking"]) as houses:
        said = {name: Counter[str]() for name in houses.safest}
        for _ in range(rounds):
            for name, contender in houses.safest.items():
                said[name].update(_race(contender))
        doubled = {name: each.house.ask("doubled") for name, each in houses.safest.items()}
        yield Result(
            "peers",
            f"Slots that are booked twice or more, of {rounds} that {RACERS} processes want",
            "slots",
            doubled,
            notes=[
                *houses.notes,
                *(
                    f"{name}: {', '.join(f'{n} {what}' for what, n in each.most_common())}"
                    for name, each in said.items()
                ),
            ],
            compared=False,
        )


def _race(contender: Contender) -> Counter[str]:
    task = contender.house.next_task()
    return contender.house.all_at_once(contender.way, [[task]] * RACERS).outcomes
