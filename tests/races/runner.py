"""Where processes race: real ones, each with a connection of its own, started at one instant."""

from __future__ import annotations

import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from tests.races import race_database, racer
from tests.races.racer import Job, Outcome, Way

# From a server that has loaded Django once, a racer is made in no time. Where there is none, every
# racer is a new interpreter.
METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
Prepare = Callable[..., Callable[[], Any]]
TIMEOUT_SECONDS = 60
HEADSTART = 0.05


class RaceRunner:
    """A database of its own, a process that makes and reads it, and up to ``racers`` processes.

    The test's own process never connects to that database, so it does not matter to a race which
    connection, transaction or in-memory database the test has.
    """

    def __init__(self, name: str, racers: int) -> None:
        context = multiprocessing.get_context(METHOD)
        if METHOD == "forkserver":
            context.set_forkserver_preload([racer.__name__])
        self._processes = [_RacerProcess(context) for _ in range(racers + 1)]
        self._name = name
        self.database = ""

    def __enter__(self) -> Self:
        try:
            self.database = self.ask(race_database.make_database, name=self._name)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        try:
            self.ask(race_database.drop_database)
        finally:
            self._close()

    def _close(self) -> None:
        for process in self._processes:
            process.close()

    def ask(self, question: Callable[..., Any], **values: Any) -> Any:
        """What a function of :mod:`tests.races.race_database` answers in the race's database."""
        (outcome,) = self._start(
            self._processes[-1:],
            [Job(race_database.answer, {"question": question, "values": values})],
        )
        if outcome.error:
            raise AssertionError(outcome.error)
        return outcome.result

    def race(
        self,
        prepare: Prepare,
        entries: Sequence[dict[str, Any]],
        *,
        way: Way | None = None,
    ) -> Result:
        """Start one process for each entry, all at once; what became of each."""
        return self.race_between([(prepare, values) for values in entries], way=way)

    def race_between(
        self, entries: Sequence[tuple[Prepare, dict[str, Any]]], *, way: Way | None = None
    ) -> Result:
        """A race in which each entry has an action of its own: one verb against another."""
        assert len(entries) < len(self._processes), "More entries than racers."
        jobs = [Job(prepare, values, self.database, way or Way()) for prepare, values in entries]
        return Result(self._start(self._processes[: len(jobs)], jobs))

    def _start(self, processes: list[_RacerProcess], jobs: list[Job]) -> list[Outcome]:
        for process, job in zip(processes, jobs, strict=True):
            process.send(job)
        for process in processes:
            assert process.receive() == racer.READY
        instant = time.time() + HEADSTART
        for process in processes:
            process.send(instant)
        return [process.receive() for process in processes]


class Result:
    """What became of every racer."""

    def __init__(self, outcomes: list[Outcome]) -> None:
        self.outcomes = outcomes
        self.errors = Counter(outcome.error for outcome in outcomes if outcome.error)
        self._messages = Counter(outcome.message for outcome in outcomes if outcome.message)
        self.winners = [outcome.result for outcome in outcomes if not outcome.error]
        # What the database asked to be tried again, whether or not the caller ever heard of it.
        self.retried = Counter(code for outcome in outcomes for code in outcome.retried)

    @property
    def deadlocks(self) -> int:
        """How often the database has ended one, in PostgreSQL's word or in MySQL's."""
        return self.retried["40P01"] + self.retried["1213"]

    @property
    def slowest(self) -> float:
        return max(outcome.seconds for outcome in self.outcomes)

    def __repr__(self) -> str:
        told = self.errors + self._messages
        said = "".join(f"\n{count} of {error}" for error, count in told.items())
        return f"<{len(self.winners)} won, the slowest in {self.slowest:.2f} s{said}>"


class _RacerProcess:
    def __init__(self, context: Any) -> None:
        self._channel, other = context.Pipe()
        self._process = context.Process(target=racer.serve, args=(other,), daemon=True)
        self._process.start()
        other.close()

    def send(self, message: Any) -> None:
        self._channel.send(message)

    def receive(self) -> Any:
        if not self._channel.poll(TIMEOUT_SECONDS):
            self._process.kill()
            raise AssertionError(f"A racer has said nothing for {TIMEOUT_SECONDS} seconds.")
        return self._channel.recv()

    def close(self) -> None:
        if self._process.is_alive():
            self._channel.send(None)
            self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()
        self._channel.close()
