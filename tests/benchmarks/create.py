"""``create_booking`` against the statements it stands for, sent raw, and against its peers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from tests.benchmarks.options import Options
from tests.benchmarks.participants import Contender, Participants, ours_and_peers
from tests.benchmarks.timing import Result, in_milliseconds, take_turns
from tests.benchmarks.workers.pool import PROVIDERS

WORKERS: Final = 8
EACH: Final = 25
OURS: Final = (
    "the same statements, raw",
    "one statement by hand, raw",
    "create_booking",
    "create_booking, in steps",
)


def run(options: Options) -> Iterator[Result]:
    with ours_and_peers("create", options, OURS) as participants:
        for stored in sorted(options.stored):
            ahead = stored // 20
            for pool in participants.all:
                pool.ask("fill", past=stored - ahead, ahead=ahead)
            yield alone(participants, stored, options.rounds)
            for same in (True, False):
                yield crowded(
                    participants, stored, max(3, options.rounds // 50), same_provider=same
                )


def alone(participants: Participants, stored: int, rounds: int) -> Result:
    turns = {name: each.pool.turn(each.way) for name, each in participants.contenders.items()}
    return Result(
        "create",
        "A booking",
        "ms",
        in_milliseconds(take_turns(turns, rounds=rounds)),
        at=f"{stored:,} stored",
        notes=participants.notes,
    )


def crowded(participants: Participants, stored: int, rounds: int, *, same_provider: bool) -> Result:
    whom = "one provider" if same_provider else "many providers"
    refused: list[str] = []
    turns = {
        name: partial(_run_in_parallel, name, each, same_provider, refused)
        for name, each in participants.contenders.items()
    }
    taken = take_turns(turns, rounds=rounds, warm_up=1)
    return Result(
        "create",
        f"{WORKERS} processes that book {whom}",
        "bookings/s",
        {name: WORKERS * EACH / seconds for name, seconds in taken.items()},
        at=f"{stored:,} stored",
        notes=[*participants.notes, *refused],
    )


def _run_in_parallel(
    name: str, contender: Contender, same_provider: bool, refused: list[str]
) -> float:
    """As many slots as there are bookings to be made, so that everybody can be served."""
    pool = contender.pool
    first, _slot = pool.next_task()
    tasks = [
        [
            ((first + (0 if same_provider else worker)) % PROVIDERS, pool.next_task()[1])
            for _ in range(EACH)
        ]
        for worker in range(WORKERS)
    ]
    run = pool.all_at_once(contender.way, tasks)
    refused += [
        f"{name}: {count} times {outcome}"
        for outcome, count in run.outcomes.items()
        if outcome != "booked"
    ]
    return run.seconds
