"""Whether a verb takes longer when there is more history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

from tests.benchmarks.contest import Result, in_milliseconds, take_turns
from tests.benchmarks.desks.house import PROVIDERS, opened
from tests.benchmarks.houses import our_house
from tests.benchmarks.options import Options

AHEAD: Final = 30 * PROVIDERS
VERBS: Final = ("create_booking", "reschedule_booking", "cancel_booking", "get_busy_intervals")


def run(options: Options) -> Iterator[Result]:
    """A database for each size, so that the sizes can take turns; in each, booking after booking
    is made, moved and cancelled.
    """
    sizes = sorted(options.history)
    with ExitStack() as stack:
        houses = {size: stack.enter_context(opened(our_house(f"growth_{size}"))) for size in sizes}
        for size, house in houses.items():
            house.ask("fill", past=size, ahead=AHEAD)
        turns = {(verb, size): house.turn(verb) for verb in VERBS for size, house in houses.items()}
        taken = take_turns(turns, rounds=options.rounds)
    for verb in VERBS:
        yield Result(
            "growth",
            f"{PROVIDERS} providers with {AHEAD:,} bookings ahead of them",
            "ms",
            in_milliseconds({f"{size:,} in the past": taken[verb, size] for size in sizes}),
            at=verb,
        )
