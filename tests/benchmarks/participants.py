"""The packages that take part: this one, and those of its peers that can be installed."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Final

from django.db import connection

from tests.benchmarks.options import Options
from tests.benchmarks.workers.environments import PEERS, CannotInstallError, python_of
from tests.benchmarks.workers.pool import PROVIDERS, WorkerError, WorkerPool, on_new_database

OURS: Final = "django-bookings"


@dataclass(frozen=True)
class Contender:
    pool: WorkerPool
    way: str


@dataclass
class Participants:
    contenders: dict[str, Contender] = field(default_factory=dict)
    safest: dict[str, Contender] = field(default_factory=dict)
    """One of each pool."""
    notes: list[str] = field(default_factory=list)
    """Why somebody does not take part."""

    @property
    def all(self) -> list[WorkerPool]:
        return [contender.pool for contender in self.safest.values()]


def our_pool(database: str, providers: int = PROVIDERS) -> WorkerPool:
    module = "tests.benchmarks.workers.ours"
    return WorkerPool(OURS, sys.executable, module, _database(database), providers=providers)


@contextmanager
def ours_and_peers(benchmark: str, options: Options, ways: Sequence[str]) -> Iterator[Participants]:
    """Us, by each of the ``ways``, and each peer by each of its own."""
    participants = Participants()
    with ExitStack() as stack:
        ours = stack.enter_context(on_new_database(our_pool(benchmark)))
        participants.contenders = {way: Contender(ours, way) for way in ways}
        participants.safest[OURS] = Contender(ours, "create_booking")
        for number, peer in enumerate(PEERS if options.peers else ()):
            database = _database(f"{benchmark}_peer{number}")
            try:
                python = python_of(peer, options.environments)
                pool = stack.enter_context(
                    on_new_database(WorkerPool(peer.requirement, python, peer.module, database))
                )
                pool.first_workers(1)
            except (CannotInstallError, WorkerError) as error:
                participants.notes.append(f"{peer.requirement} does not take part: {error}")
                continue
            participants.safest[peer.requirement] = Contender(pool, peer.safest)
            for way in peer.ways:
                participants.contenders[f"{peer.requirement}, {way}"] = Contender(pool, way)
        yield participants


def _database(suffix: str) -> str:
    return f"{connection.settings_dict['NAME']}_{suffix}"
