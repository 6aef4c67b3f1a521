"""One process of a race. It sets Django up once, and then runs whatever it is sent."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import django

django.setup()

from django.db import connection  # noqa: E402 - the apps have to be ready first

from bookings.exceptions import BookingError  # noqa: E402


@dataclass(frozen=True)
class Job:
    """``prepare(**values)`` makes what the race is about; it is called before the start.

    ``prepare`` is a function of a module's top level, so that another process can import it.
    """

    prepare: Callable[..., Callable[[], Any]]
    values: dict[str, Any] = field(default_factory=dict)
    database: str = ""
    isolation: str = ""


@dataclass(frozen=True)
class Outcome:
    """What became of a job: its result, the name of its ``BookingError``, or a traceback."""

    result: Any = None
    error: str = ""
    seconds: float = 0.0


READY = "ready"


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
        outcome = _run(run)
        connection.close()
        channel.send(outcome)


def _enter(job: Job) -> None:
    """A new connection to the race's database, so that every job starts from the same place."""
    connection.close()
    if job.database:
        connection.settings_dict["NAME"] = job.database
    if job.isolation:
        subject = "SESSION CHARACTERISTICS AS" if connection.vendor == "postgresql" else "SESSION"
        with connection.cursor() as cursor:
            cursor.execute(f"SET {subject} TRANSACTION ISOLATION LEVEL {job.isolation}")


def _run(run: Callable[[], Any]) -> Outcome:
    began = time.perf_counter()
    result, error = None, ""
    try:
        result = run()
    except BookingError as refusal:
        error = type(refusal).__name__
    except Exception:  # noqa: BLE001 - a race has to show whatever comes out
        error = traceback.format_exc()
    return Outcome(result, error, time.perf_counter() - began)


def _raiser(error: str) -> Callable[[], Any]:
    def fail() -> None:
        raise RuntimeError(error)

    return fail
