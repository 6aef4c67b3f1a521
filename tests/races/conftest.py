from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import pytest
from django.conf import settings

from tests import pgbouncer
from tests.races import race_database, scenarios
from tests.races.racer import Way
from tests.races.runner import RaceRunner, Result

RACERS = 16

ENGINE = settings.DATABASES["default"]["ENGINE"]
# SQLite has one isolation level, the strictest. MySQL's SERIALIZABLE only makes reads lock.
LEVELS = {
    "sqlite3": [""],
    "mysql": ["READ COMMITTED", "REPEATABLE READ"],
    "postgresql": ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"],
}[ENGINE.rpartition(".")[2]]
WAYS = [Way(level, inside) for level in LEVELS for inside in (False, True)]
# Every race takes one of the ways through a pool, the one on which a call's transactions meet
# different connections; test_pgbouncer.py takes the others.
POOLED = [Way(level, inside, through="a pool") for level in LEVELS for inside in (False, True)]
if ENGINE.endswith("postgresql"):
    WAYS.append(POOLED[0])


@pytest.fixture(params=WAYS, ids=str)
def way(request: pytest.FixtureRequest) -> Way:
    """Every isolation level, each alone and inside a transaction of the host's."""
    chosen: Way = request.param
    if not chosen.through:
        return chosen
    return replace(chosen, through=request.getfixturevalue("pool"))


@pytest.fixture(scope="session")
def pool(runner: RaceRunner) -> Iterator[str]:
    """A PgBouncer, which ends before the race's database does, for it stays connected to that."""
    if pgbouncer.PROGRAM is None:
        pytest.skip(pgbouncer.MISSING)
    with pgbouncer.running(settings.DATABASES["default"]) as folder:
        yield folder


def assert_sound(runner: RaceRunner, result: Result, way: Way, *refusals: str) -> None:
    """Whatever happened, it happened whole, and each was told in a word that says what to do.

    ``refusals`` are the errors that the race may end in. That the database is busy is for the one
    to hear who has opened the transaction; where it is ours, nobody hears of it.
    """
    may_be_said = {*refusals, *(["BookingBusy"] if way.inside else [])}
    assert set(result.errors) <= may_be_said, result
    # One order of locking for all: nobody waits in a circle.
    assert "40P01" not in result.retried, result.retried
    assert runner.ask(race_database.problems) == []


RUNNER: Final = pytest.StashKey[RaceRunner]()


@pytest.fixture(scope="session")
def rounds(pytestconfig: pytest.Config) -> int:
    """How often each race is run: once, or as ``--rounds`` says."""
    number: int = pytestconfig.getoption("rounds")
    return number


@pytest.fixture(scope="session")
def rounds_each_way(rounds: int) -> int:
    """How often a race is run each way; a quick run has enough of ways."""
    return max(1, rounds // 2)


@pytest.fixture(scope="session")
def runner(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Iterator[RaceRunner]:
    """Sixteen processes and a database that nobody else uses.

    The same for all folders: each that imports this fixture has a fixture of its own.
    """
    if RUNNER in pytestconfig.stash:
        yield pytestconfig.stash[RUNNER]
        return
    database = settings.DATABASES["default"]
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if database["ENGINE"].endswith("sqlite3"):
        name = str(tmp_path_factory.mktemp("races") / "races.sqlite3")
    else:
        name = f"{database['NAME']}_races{worker}"
    with RaceRunner(name, RACERS) as opened:
        pytestconfig.stash[RUNNER] = opened
        yield opened


@pytest.fixture
def unguarded(runner: RaceRunner) -> Iterator[RaceRunner]:
    """The same without the database's own guard against overlaps."""
    runner.ask(race_database.drop_constraint)
    yield runner
    runner.ask(race_database.restore_constraint)


@pytest.fixture
def any_key(runner: RaceRunner) -> Iterator[RaceRunner]:
    """The same without the database's own guard against a key that is used twice."""
    runner.ask(scenarios.drop_key_guard)
    yield runner
    runner.ask(scenarios.restore_key_guard)
