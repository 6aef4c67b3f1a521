"""The other end of the pipe: desks of one package, on a database that is made for them."""

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
from tests.benchmarks.contest import Turn
from tests.migrations.walk import administer

PROVIDERS: Final = 100
HEADSTART: Final = 0.05


class DeskError(Exception):
    """A desk could not do what it was asked."""


@dataclass
class House:
    """Numbers its bookings, so that no two of them want the same slot unless they should."""

    name: str
    python: str
    module: str
    database: str
    desks: list[_Desk] = field(default_factory=list)
    slot: int = 0

    def ask(self, do: str, **values: Any) -> Any:
        return self.staff(1)[0].ask(do, **values)

    def staff(self, number: int) -> list[_Desk]:
        """So many desks, of which the first opens the house."""
        while len(self.desks) < number:
            desk = _Desk(self)
            self.desks.append(desk)
            if len(self.desks) == 1:
                desk.ask("open", providers=PROVIDERS)
            desk.ask("join")
        return self.desks[:number]

    def next_task(self) -> tuple[int, int]:
        """A slot that is free, of one provider after the other."""
        self.slot += 1
        return self.slot % PROVIDERS, self.slot

    def turn(self, way: str) -> Turn:
        def book() -> float:
            answer = self.ask("book", way=way, tasks=[self.next_task()])
            if answer["outcomes"] != {"booked": 1}:
                raise DeskError(f"{self.name}, {way}: {answer['outcomes']}")
            return float(answer["seconds"][0])

        return book

    def all_at_once(self, way: str, tasks: Sequence[Sequence[tuple[int, int]]]) -> Crowd:
        """Each of as many desks as there are lists of tasks works on its own, from one instant."""
        desks = self.staff(len(tasks))
        at = time.time() + HEADSTART
        for desk, own in zip(desks, tasks, strict=True):
            desk.send("book", way=way, tasks=own, at=at)
        answers = [desk.receive() for desk in desks]
        outcomes: Counter[str] = Counter()
        for answer in answers:
            outcomes.update(answer["outcomes"])
        return Crowd(max(answer["ended"] for answer in answers) - at, outcomes)

    def close(self) -> None:
        for desk in self.desks:
            desk.close()


@dataclass(frozen=True)
class Crowd:
    seconds: float
    outcomes: Counter[str]


class _Desk:
    def __init__(self, house: House) -> None:
        self._name = house.name
        settings = connection.settings_dict
        kept = ("ENGINE", "HOST", "PORT", "USER", "PASSWORD")
        environment = dict(os.environ)
        if house.python != sys.executable:
            # What is on our path has no business in an environment of a peer's own.
            environment.pop("PYTHONPATH", None)
        environment["BOOKINGS_BENCH_DATABASE"] = json.dumps(
            {name: settings[name] for name in kept} | {"NAME": house.database}
        )
        environment[databases.NAME] = house.database
        self._process = subprocess.Popen(
            [house.python, "-m", house.module],
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
            raise DeskError(f"{self._name}: {answer['error']}")
        return answer["answer"]

    def close(self) -> None:
        with self._process:
            assert self._process.stdin
            self._process.stdin.close()


@contextmanager
def opened(house: House) -> Iterator[House]:
    quoted = connection.ops.quote_name(house.database)
    administer(f"DROP DATABASE IF EXISTS {quoted}", f"CREATE DATABASE {quoted}")
    try:
        yield house
    finally:
        house.close()
        administer(f"DROP DATABASE {quoted}")
