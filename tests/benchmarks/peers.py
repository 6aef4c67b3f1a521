"""The race that this package passes, run by its peers: how often there are two winners."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from tests.benchmarks.options import Options
from tests.benchmarks.participants import Contender, ours_and_peers
from tests.benchmarks.timing import Result

RACERS: Final = 16
MOST_ROUNDS: Final = 50


def run(options: Options) -> Iterator[Result]:
    rounds = min(options.rounds, MOST_ROUNDS)
    with ours_and_peers("peers", options, ["create_booking"]) as participants:
        said = {name: Counter[str]() for name in participants.safest}
        for _ in range(rounds):
            for name, contender in participants.safest.items():
                said[name].update(_race(contender))
        doubled = {name: each.pool.ask("doubled") for name, each in participants.safest.items()}
        yield Result(
            "peers",
            f"Slots that are booked twice or more, of {rounds} that {RACERS} processes want",
            "slots",
            doubled,
            notes=[
                *participants.notes,
                *(
                    f"{name}: {', '.join(f'{n} {what}' for what, n in each.most_common())}"
                    for name, each in said.items()
                ),
            ],
            compared=False,
        )


def _race(contender: Contender) -> Counter[str]:
    task = contender.pool.next_task()
    return contender.pool.all_at_once(contender.way, [[task]] * RACERS).outcomes
