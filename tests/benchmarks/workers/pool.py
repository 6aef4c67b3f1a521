"""Start the worker processes of one package on a new database, and send them requests."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connection

from tests import databases
from tests.benchmarks.timing import Turn
from tests.new_database import administer

PROVIDERS: Final = 100
HEADSTART: Final = 0.05


class WorkerError(Exception):
    """A worker could not do what it was asked."""


@dataclass
class WorkerPool:
    """The workers of one package. It deals out slots, so that no two bookings want the same one
    unless they should.
    """

    name: str
    python: str
    module: str
    database: str
    workers: list[_WorkerProcess] = field(default_factory=list)
    slot: int = 0
    providers: int = PROVIDERS

    def ask(self, do: str, **values: Any) -> Any:
        return self.first_workers(1)[0].ask(do, **values)

    def first_workers(self, number: int) -> list[_WorkerProcess]:
        """The first so many workers, started as needed; the very first makes the tables."""
        while len(self.workers) < number:
            worker = _WorkerProcess(self)
            self.workers.append(worker)
            if len(self.workers) == 1:
                worker.ask("create_tables", providers=self.providers)
            worker.ask("connect")
        return self.workers[:number]

    def next_task(self) -> tuple[int, int]:
        """A slot that is free, of one provider after the other."""
        self.slot += 1
        return self.slot % self.providers, self.slot

    def turn(self, way: str) -> Turn:
        def book() -> float:
            answer = self.ask("book", way=way, tasks=[self.next_task()])
            if answer["outcomes"] != {"booked": 1}:
                raise WorkerError(f"{self.name}, {way}: {answer['outcomes']}")
            return float(answer["seconds"][0])

        return book

    def all_at_once(self, way: str, tasks: Sequence[Sequence[tuple[int, int]]]) -> ParallelRun:
        """Give each list of tasks to a worker of its own; all start at one instant."""
        workers = self.first_workers(len(tasks))
        at = time.time() + HEADSTART
        for worker, own in zip(workers, tasks, strict=True):
            worker.send("book", way=way, tasks=own, at=at)
        answers = [worker.receive() for worker in workers]
        outcomes: Counter[str] = Counter()
        for answer in answers:
            outcomes.update(answer["outcomes"])
        return ParallelRun(max(answer["ended"] for answer in answers) - at, outcomes)

    def close(self) -> None:
        for worker in self.workers:
            worker.close()


@dataclass(frozen=True)
class ParallelRun:
    seconds: float
    outcomes: Counter[str]


class _WorkerProcess:
    def __init__(self, pool: WorkerPool) -> None:
        self._name = pool.name
        settings = connection.settings_dict
        kept = ("ENGINE", "HOST", "PORT", "USER", "PASSWORD")
        environment = dict(os.environ)
        if pool.python != sys.executable:
            # What is on our path has no business in an environment of a peer's own.
            environment.pop("PYTHONPATH", None)
        environment["BOOKINGS_BENCH_DATABASE"] = json.dumps(
            {name: settings[name] for name in kept} | {"NAME": pool.database}
        )
        environment[databases.NAME] = pool.database
        self._process = subprocess.Popen(
            [pool.python, "-m", pool.module],
            cwd=databases.ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, do: str, **values: Any) -> Any:
        self.send(do, **values)
        return self.receive()

    def send(self, do: str, **values: Any) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"do": do, "with": values}) + "\n")
        self._process.stdin.flush()

    def receive(self) -> Any:
        assert self._process.stdout
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": "it has ended without an answer."}
        if "error" in answer:
            raise WorkerError(f"{self._name}: {answer['error']}")
        return answer["answer"]

    def close(self) -> None:
        with self._process:
            assert self._process.stdin
            self._process.stdin.close()


@contextmanager
def on_new_database(pool: WorkerPool) -> Iterator[WorkerPool]:
    quoted = connection.ops.quote_name(pool.database)
    administer(f"DROP DATABASE IF EXISTS {quoted}", f"CREATE DATABASE {quoted}")
    try:
        yield pool
    finally:
        pool.close()
        administer(f"DROP DATABASE {quoted}")
