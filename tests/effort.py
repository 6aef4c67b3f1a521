"""How much a run puts into what could go on for ever: random sequences of calls, ways of a race.

A quick run, as CI has it on every commit, takes enough for a mistake to be found in the end. What
it leaves out is for ``BOOKINGS_TEST_EXAMPLES`` and ``--rounds``.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from zlib import crc32

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings

EXAMPLES = "BOOKINGS_TEST_EXAMPLES"


def take_your_time() -> None:
    """Let no test of Hypothesis fail because the machine is busy."""
    settings.register_profile(
        "unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("unhurried")


def examples(usual: int) -> int:
    """So many where the database is quickest, and elsewhere a third: the calls are the same."""
    if os.environ.get(EXAMPLES):
        return int(os.environ[EXAMPLES])
    return usual if connection.vendor == "sqlite" else -(-usual // 3)


def sequences(*, steps: int) -> settings:
    """Some seconds' worth of random sequences of so many calls."""
    return settings(
        max_examples=examples(20),
        stateful_step_count=steps,
        # What a failure prints is enough to repeat it, so nothing has to be kept in a folder.
        print_blob=True,
        database=None,
        # A step is two dozen queries, so that it is slow says nothing.
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def left_out(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """What a quick run leaves out of the races that can be run several ways: about half of each.

    It takes the default level alone, as most hosts do. Of the other ways it takes the next level
    inside a transaction of the host's, the one after that alone, and so on, or the other way round.
    Which of the two is told by the race's name, so that it stays the same whatever is added;
    together, the races take every way.
    """
    from tests.races.racer import Way

    races = defaultdict(dict)
    for item in items:
        callspec = getattr(item, "callspec", None)
        if callspec and isinstance(way := callspec.params.get("way"), Way):
            races[item.nodeid.partition("[")[0]][item] = way
    return {
        item
        for name, race in races.items()
        for item, way in race.items()
        if len(set(race.values())) > 2 and way.turn > 1 and way.turn % 2 != crc32(name.encode()) % 2
    }
