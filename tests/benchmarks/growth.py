"""Whether a verb or a page takes longer when there is more history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final

from tests.benchmarks.options import Options
from tests.benchmarks.participants import our_pool
from tests.benchmarks.timing import Result, in_milliseconds, take_turns
from tests.benchmarks.workers.pool import on_new_database

PROVIDERS: Final = 1_000
AHEAD: Final = 30 * PROVIDERS
WRITES: Final = ("create_booking", "reschedule_booking", "cancel_booking")
READS: Final = ("get_busy_intervals", "upcoming, of a provider", "upcoming, of a client")
PAGES: Final = ("day calendar, tomorrow", "day calendar, halfway back")
GIBIBYTE: Final = 2**30


def run(options: Options) -> Iterator[Result]:
    """A database for each size, so that the sizes can take turns; in each, booking after booking
    is made, moved and cancelled, and then read.
    """
    sizes = sorted(options.history)
    with ExitStack() as stack:
        pools = {
            size: stack.enter_context(on_new_database(our_pool(f"growth_{size}", PROVIDERS)))
            for size in sizes
        }
        disk = {}
        for size, pool in pools.items():
            pool.ask("store_history", past=size, ahead=AHEAD)
            disk[size] = pool.ask("bytes_on_disk")
        taken = {}
        # A page of 8,000 bookings takes as long as a hundred bookings.
        for verbs, share in ((WRITES, 1), (READS, 1), (PAGES, 10)):
            turns = {
                (verb, size): pool.turn(verb) for verb in verbs for size, pool in pools.items()
            }
            taken |= take_turns(turns, rounds=max(1, options.rounds // share))
    notes = [
        f"{size:,} in the past: {tables / GIBIBYTE:.2f} GiB in tables, "
        f"{indexes / GIBIBYTE:.2f} GiB in indexes"
        for size, (tables, indexes) in (
            (size, (held["tables"], held["indexes"])) for size, held in disk.items()
        )
    ]
    for verb in (*WRITES, *READS, *PAGES):
        yield Result(
            "growth",
            f"{PROVIDERS:,} providers with {AHEAD:,} bookings ahead of them",
            "ms",
            in_milliseconds({f"{size:,} in the past": taken[verb, size] for size in sizes}),
            at=verb,
            notes=notes if verb == WRITES[0] else [],
        )
