"""Whether a verb takes longer when there is more history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

from tests.benchmarks.options import Options
from tests.benchmarks.participants import our_pool
from tests.benchmarks.timing import Result, in_milliseconds, take_turns
from tests.benchmarks.workers.pool import PROVIDERS, on_new_database

AHEAD: Final = 30 * PROVIDERS
VERBS: Final = ("create_booking", "reschedule_booking", "cancel_booking", "get_busy_intervals")


def run(options: Options) -> Iterator[Result]:
    """A database for each size, so that the sizes can take turns; in each, booking after booking
    is made, moved and cancelled.
    """
    sizes = sorted(options.history)
    with ExitStack() as stack:
        pools = {
            size: stack.enter_context(on_new_database(our_pool(f"growth_{size}"))) for size in sizes
        }
        for size, pool in pools.items():
            pool.ask("fill", past=size, ahead=AHEAD)
        turns = {(verb, size): pool.turn(verb) for verb in VERBS for size, pool in pools.items()}
        taken = take_turns(turns, rounds=options.rounds)
    for verb in VERBS:
        yield Result(
            "growth",
            f"{PROVIDERS} providers with {AHEAD:,} bookings ahead of them",
            "ms",
            in_milliseconds({f"{size:,} in the past": taken[verb, size] for size in sizes}),
            at=verb,
        )
