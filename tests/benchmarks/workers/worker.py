"""What all workers have in common: they answer requests over a pipe, and time themselves."""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Final

from django.db import connection

FIRST_DAY: Final = datetime(2100, 1, 4, tzinfo=UTC)
SLOTS_A_DAY: Final = 8
DURATION: Final = timedelta(hours=1)

Way = Callable[[int, datetime], Any]
"""Books the provider with this number from this instant; ``False`` says that it is taken."""


def start_of(slot: int) -> datetime:
    """Every second hour from 8 to 22 o'clock, so that a booking ends on the day it begins."""
    day, place = divmod(slot, SLOTS_A_DAY)
    return FIRST_DAY + timedelta(days=day, hours=8 + 2 * place)


class Worker(ABC):
    refusals: ClassVar[tuple[type[Exception], ...]]
    """What the package raises when the time is taken."""
    tables: ClassVar[list[str]]
    """Where it stores a booking."""
    ways: dict[str, Way]
    past = ahead = 0
    """How many bookings of each kind a fill has stored."""

    @abstractmethod
    def create_tables(self, *, providers: int) -> None:
        """Make the tables, and what is booked."""

    @abstractmethod
    def connect(self) -> None:
        """Read the rows of tables that exist, as every worker does before its first booking."""

    @abstractmethod
    def store(self, *, past: range, ahead: range) -> None:
        """Store the bookings with these numbers, as the database can: over, and still to come."""

    @abstractmethod
    def doubled(self) -> int:
        """In how many slots there is more than one booking."""

    def fill(self, *, past: int, ahead: int) -> None:
        """Go on storing until so many are over, and so many still to come."""
        self.store(past=range(self.past, past), ahead=range(self.ahead, ahead))
        self.past, self.ahead = past, ahead
        # What the database would do about it some time later, it does now.
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")

    def book(self, *, way: str, tasks: list[tuple[int, int]], at: float = 0) -> dict[str, Any]:
        """Book (provider, slot) after (provider, slot), from the instant ``at`` on."""
        book = self.ways[way]
        calls = [partial(book, provider, start_of(slot)) for provider, slot in tasks]
        time.sleep(max(0.0, at - time.time()))
        seconds: list[float] = []
        outcomes: Counter[str] = Counter()
        for call in calls:
            began = time.perf_counter()
            outcomes[self._outcome(call)] += 1
            seconds.append(time.perf_counter() - began)
        return {"seconds": seconds, "outcomes": outcomes, "ended": time.time()}

    def _outcome(self, call: Callable[[], Any]) -> str:
        try:
            return "refused" if call() is False else "booked"
        except self.refusals:
            return "refused"
        except Exception as error:  # noqa: BLE001 - a race has to show whatever comes out
            return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"

    def statements(self, *, way: str, provider: int, slot: int) -> int:
        """How many statements a booking takes, transaction control aside."""
        sent: list[str] = []

        def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            sent.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(note):
            self.ways[way](provider, start_of(slot))
        return len([sql for sql in sent if not sql.startswith(("SAVEPOINT", "RELEASE"))])

    def bytes_on_disk(self) -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT sum(pg_table_size(name::regclass)), sum(pg_indexes_size(name::regclass)) "
                "FROM unnest(%s::text[]) AS name",
                [self.tables],
            )
            table, index = cursor.fetchone()
        return {"tables": int(table), "indexes": int(index)}


def database() -> dict[str, Any]:
    """The ``DATABASES["default"]`` of this worker."""
    settings: dict[str, Any] = json.loads(os.environ["BOOKINGS_BENCH_DATABASE"])
    return settings


def count_doubled(table: str, provider: str, *start: str) -> int:
    columns = ", ".join((provider, *start))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {table} GROUP BY {columns} "
            f"HAVING count(*) > 1) AS doubled"
        )
        (number,) = cursor.fetchone()
    return int(number)


def serve(make: Callable[[], Worker]) -> None:
    """Do what is asked, a line of JSON each, until nobody asks any more."""
    # A package that prints must not print into the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    worker: Worker | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            worker = worker or make()
            answer = {"answer": getattr(worker, request["do"])(**request["with"])}
        except Exception:  # noqa: BLE001 - the other end has to hear of it
            answer = {"error": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
