"""One process of a race. It sets Django up once, and then runs whatever it is sent."""

from __future__ import annotations

import random
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from typing import Any
from unittest.mock import patch

import django

django.setup()

# The apps have to be ready first.
from django.db import DatabaseError, connection, transaction  # noqa: E402

from bookings.exceptions import BookingBusy, BookingError  # noqa: E402
from bookings.ledger import transactions  # noqa: E402
from bookings.ledger.transactions import translate_error  # noqa: E402
from bookings.models import Booking, BusyInterval  # noqa: E402
from tests import pgbouncer  # noqa: E402

# How the settings connect, which a job may change.
DIRECT = {
    name: connection.settings_dict.get(name)
    for name in ("HOST", "PORT", "OPTIONS", "DISABLE_SERVER_SIDE_CURSORS")
}


LEVELS = ("", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")


@dataclass(frozen=True)
class Way:
    """How a race is run: at which isolation level, and whether inside a transaction of the host's.

    That transaction has read before it calls, so at REPEATABLE READ and above it sees the time as
    it was then, whatever the others have done since.
    """

    isolation: str = ""
    inside: bool = False
    # Told that the database is busy, the host does as it is told: it runs its transaction again.
    patient: bool = False
    # The folder of a PgBouncer's socket; then the level is the one that Django's settings ask for.
    through: str = ""

    @property
    def turn(self) -> int:
        """A number that differs by one between ways that differ in one thing."""
        return LEVELS.index(self.isolation) + self.inside + bool(self.through)

    def __str__(self) -> str:
        level = self.isolation or "default level"
        where = "inside a transaction" if self.inside else "alone"
        again = ", run again" if self.patient else ""
        return f"{level}, {where}{again}{', through PgBouncer' if self.through else ''}"


class RunAgain(Exception):
    """What an action raises to be run again, in another transaction of the host's."""


@dataclass(frozen=True)
class Job:
    """``prepare(**values)`` makes what the race is about; it is called before the start.

    ``prepare`` is a function of a module's top level, so that another process can import it.
    """

    prepare: Callable[..., Callable[[], Any]]
    values: dict[str, Any] = field(default_factory=dict)
    database: str = ""
    way: Way = Way()


@dataclass(frozen=True)
class Outcome:
    """What became of a job: its result, the name of what it was refused with, or a traceback.

    It is refused with a ``BookingError``, or where it goes past the services with what the database
    or Django raises.
    """

    result: Any = None
    error: str = ""
    message: str = ""
    seconds: float = 0.0
    retried: tuple[str, ...] = ()


READY = "ready"
# Between two tries, so that those who want the lock once are not starved by those who ask often.
MAX_PAUSE_SECONDS = 0.05
RETRY_SECONDS = 30


def serve(channel: Connection) -> None:
    """Run jobs until ``None`` comes. The start is an instant, on the clock that all share."""
    while (job := channel.recv()) is not None:
        try:
            _enter(job)
            run = job.prepare(**job.values)
        except Exception:  # noqa: BLE001 - the other end has to hear of it
            run = _raiser(traceback.format_exc())
        channel.send(READY)
        time.sleep(max(0.0, channel.recv() - time.time()))
        if job.way.inside:
            run = partial(inside, run)
        outcome = _run(partial(_again_and_again, run, job.way.patient))
        connection.close()
        channel.send(outcome)


def _enter(job: Job) -> None:
    """A new connection to the race's database, so that every job starts from the same place."""
    connection.close()
    connection.settings_dict.update(DIRECT)
    if job.database:
        connection.settings_dict["NAME"] = job.database
    if job.way.through:
        connection.settings_dict.update(_pooled(job.way))
    elif job.way.isolation:
        subject = "SESSION CHARACTERISTICS AS" if connection.vendor == "postgresql" else "SESSION"
        with connection.cursor() as cursor:
            cursor.execute(f"SET {subject} TRANSACTION ISOLATION LEVEL {job.way.isolation}")


def _pooled(way: Way) -> dict[str, Any]:
    """As Django's documentation says for a pool in transaction mode."""
    from psycopg import IsolationLevel

    level = IsolationLevel[way.isolation.replace(" ", "_")]
    return {
        "HOST": way.through,
        "PORT": str(pgbouncer.PORT),
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": DIRECT["OPTIONS"] | {"isolation_level": level},
    }


def inside(run: Callable[[], Any]) -> Any:
    """As a host does that looks at the diary, and then calls.

    At SERIALIZABLE its own commit may be refused, and that too means to run it again.
    """
    try:
        with transaction.atomic():
            list(BusyInterval.objects.values_list("starts"))
            list(Booking.objects.values_list("status"))
            return run()
    except DatabaseError as error:
        judged = translate_error(error)
        raise (judged if isinstance(judged, BookingBusy) else error) from error


def _again_and_again(run: Callable[[], Any], is_patient: bool) -> Any:
    deadline = time.monotonic() + RETRY_SECONDS
    while True:
        try:
            return run()
        except (RunAgain, BookingBusy) as error:
            if isinstance(error, BookingBusy) and not is_patient:
                raise
            if time.monotonic() > deadline:
                raise
        time.sleep(random.uniform(0, MAX_PAUSE_SECONDS))  # noqa: S311


def _run(run: Callable[[], Any]) -> Outcome:
    asked: list[str] = []

    def listen(error: DatabaseError, **options: Any) -> Any:
        judged = translate_error(error, **options)
        if isinstance(judged, BookingBusy):
            asked.append(code_of(error))
        return judged

    began = time.perf_counter()
    result, error, message = None, "", ""
    try:
        with patch.object(transactions, "translate_error", listen):
            result = run()
    except (BookingError, DatabaseError) as refusal:
        error, message = type(refusal).__name__, str(refusal)
    except Exception:  # noqa: BLE001 - a race has to show whatever comes out
        error = traceback.format_exc()
    return Outcome(result, error, message, time.perf_counter() - began, tuple(asked))


def code_of(error: DatabaseError) -> str:
    """The database's own code: an SQLSTATE, or a number of MySQL's or SQLite's."""
    number = error.args[0] if error.args else None
    if isinstance(number, int):
        # MySQL's drivers know an SQLSTATE too, which is one for all.
        return str(number)
    cause: Any = error.__cause__
    return str(getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None))


def _raiser(error: str) -> Callable[[], Any]:
    def fail() -> None:
        raise RuntimeError(error)

    return fail
