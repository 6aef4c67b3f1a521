"""What a quick run takes of the tests that have no natural end, and what it leaves out.

These are random sequences of calls, races that can be run in several ways, and on a server the
cases of parametrised tests. Every commit gets a quick run. ``BOOKINGS_TEST_EXAMPLES`` and
``--rounds`` ask for more.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final, TypeVar
from zlib import crc32

import pytest
from django.db import connection
from hypothesis import HealthCheck, settings

EXAMPLES = "BOOKINGS_TEST_EXAMPLES"
EVERY_CASE_ON_SERVERS: Final = (
    "contrib/test_host_code.py",
    "contrib/test_host_errors.py",
    "contrib/test_selector_arguments.py",
    "core/test_bulk_rows.py",
    "core/test_constraints.py",
    "core/test_exact_text.py",
    "core/test_ledger_*.py",
    "core/test_no_overlap_database.py",
    "core/test_translate_error.py",
    "integrity/*.py",
    "migrations/*.py",
)
"""The parametrised tests whose every case asks the database something else.

In most parametrised tests the cases differ in what they give to the same statements. On SQLite, a
quick run takes them all.
"""

CASES_ON_SERVERS: Final = {"faults/*.py": 6, "faults/contrib/*.py": 6}
"""How many cases of a parametrised test a server takes, where one is too few."""

T = TypeVar("T")


def disable_deadlines() -> None:
    """Let no test of Hypothesis fail because the machine is busy."""
    settings.register_profile(
        "without deadlines", deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("without deadlines")


def examples(usual: int) -> int:
    """The number of examples: ``usual`` on SQLite, a third of it on a server."""
    if os.environ.get(EXAMPLES):
        return int(os.environ[EXAMPLES])
    return usual if connection.vendor == "sqlite" else -(-usual // 3)


def one_in(number: int, values: Sequence[T]) -> Sequence[T]:
    """One of each ``number`` of many similar values; all, if more examples are asked for."""
    return values if os.environ.get(EXAMPLES) else values[::number]


def values_of_a_test(values: Mapping[str, T], test: str) -> dict[str, T]:
    """The values, by their labels, that this one of many similar tests tries: a third of them.

    Which third depends on the test's name, so that all tests together try every value.
    """
    first = crc32(test.encode()) % 3
    step = 1 if os.environ.get(EXAMPLES) else 3
    return dict(list(values.items())[first % step :: step])


def sequences(*, steps: int) -> settings:
    """The settings for random sequences of ``steps`` calls that together take some seconds."""
    return settings(
        max_examples=examples(8),
        stateful_step_count=steps,
        # What a failure prints is enough to repeat it, so nothing has to be kept in a folder.
        print_blob=True,
        database=None,
        # A step is two dozen queries, so a slow one is no failure.
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def deselected(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """The tests that a quick run leaves out: ways of a race, and on a server cases of a test.

    Of a race it keeps the first way and one of the others; of a test, PostgreSQL takes the first
    case and MariaDB one of the others. Which one depends on the name, so the choice does not change
    when a test is added. All races together cover every way.
    """
    from tests.races.racer import Way

    races: dict[str, dict[pytest.Item, Way]] = defaultdict(dict)
    cases: list[pytest.Item] = []
    for item in items:
        callspec = getattr(item, "callspec", None)
        if callspec and isinstance(way := callspec.params.get("way"), Way):
            races[_test_of(item)][item] = way
        elif connection.vendor != "sqlite" and not _runs_every_case(item):
            cases.append(item)
    left_out = _surplus(cases)
    for name, race in races.items():
        ways = sorted(set(race.values()), key=lambda way: (way.turn, str(way)))
        kept = {ways[0], _one_of(ways[1:] or ways, name)}
        left_out |= {item for item, way in race.items() if way not in kept}
    return left_out


def _surplus(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """The cases of each parametrised test but one, or as many as ``CASES_ON_SERVERS`` says."""
    tests: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if hasattr(item, "callspec"):
            tests[_test_of(item)].append(item)
    surplus: set[pytest.Item] = set()
    for name, cases in tests.items():
        number = _cases_on_servers(cases[0])
        if number == 1:
            others = cases[1:] if connection.vendor == "mysql" else []
            surplus |= set(cases) - {_one_of(others, name) if others else cases[0]}
            continue
        # The first, and one of each part of the others.
        parts = _parts(cases[1:], number - 1)
        surplus |= set(cases) - {cases[0], *(_one_of(part, name) for part in parts)}
    return surplus


def _parts(values: Sequence[T], number: int) -> list[Sequence[T]]:
    """Divide the values into so many parts of about the same length; no part is empty."""
    bounds = [len(values) * part // number for part in range(number + 1)]
    return [values[start:end] for start, end in pairwise(bounds) if start < end]


def _cases_on_servers(item: pytest.Item) -> int:
    return next((n for pattern, n in CASES_ON_SERVERS.items() if _fits(item, pattern)), 1)


def _test_of(item: pytest.Item) -> str:
    return item.nodeid.partition("[")[0]


def _one_of(choices: Sequence[T], name: str) -> T:
    return choices[crc32(name.encode()) % len(choices)]


def _runs_every_case(item: pytest.Item) -> bool:
    return any(_fits(item, pattern) for pattern in EVERY_CASE_ON_SERVERS)


def _fits(item: pytest.Item, pattern: str) -> bool:
    return item.path.match(f"tests/{pattern}")
