"""What the processes do: set a scene, make its call and be interrupted, look what is left."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from django.db import close_old_connections, connection, models, transaction
from django.db.utils import Error

from bookings.exceptions import BookingError
from bookings.integrity import find_problems
from bookings.models import Booking, Calendar
from tests.faults.scenes import BY_NAME, Stage, book
from tests.faults.steps import Interruption, Step, Steps, no_transaction
from tests.services.clock import DAY, HOUR, NOW, START
from tests.services.storage import TABLES, Rows, every_row
from tests.stateful.audit import audit


@dataclass(frozen=True)
class Found:
    """What is stored, what is wrong with it, and who can be booked when."""

    rows: Rows
    problems: list[str]
    is_free: dict[tuple[str, datetime], bool]


@dataclass(frozen=True)
class Aftermath:
    """What a call has left, and what the same call did when it was made again.

    ``refusal`` is the ``BookingError`` that this one ended in, if any.
    """

    rows: Rows
    problems: list[str]
    refusal: str
    rows_again: Rows


def set_scene(stage: Stage, name: str) -> Booking | None:
    """Clear the stage and arrange the scene, in one transaction; its booking."""
    with transaction.atomic(), the_same_every_time():
        clear(stage)
        return BY_NAME[name].arrange(stage)


def clear(stage: Stage) -> None:
    """Leave the host's rows, and an empty calendar for each provider."""
    for model in reversed(TABLES):
        rows = models.QuerySet(model)
        rows._raw_delete(rows.db)
    Calendar.objects.bulk_create(Calendar(provider=row) for row in (stage.ana, stage.ben))


def make_the_call(
    stage: Stage,
    name: str,
    *,
    after: int | None = None,
    interrupt: Interruption | None = None,
    is_transaction: bool = True,
) -> list[Step]:
    """Set the scene and make its call, interrupted after so many steps; the steps it took."""
    booking = set_scene(stage, name)
    if connection.vendor == "sqlite":
        # With no room to keep them, changes go to the file before their transaction has ended.
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA cache_size = 1")
    steps = Steps(after, interrupt)
    handicap = nullcontext() if is_transaction else no_transaction()
    with in_a_call(), handicap, steps.watched():
        BY_NAME[name].act(stage, booking)
    return steps.taken


def look(stage: Stage) -> Found:
    return Found(
        numbered(every_row()),
        problems(),
        {
            (provider.name, start_at): can_book(stage, provider=provider, start_at=start_at)
            for provider in (stage.ana, stage.ben)
            for start_at in (START, START + DAY)
        },
    )


def look_and_make_the_call_again(stage: Stage, name: str, reference: str | None) -> Aftermath:
    """What is left of a call, and what the same call does that is made now, of what there is."""
    rows, wrong = numbered(every_row()), problems()
    refusal = ""
    booking = Booking.objects.filter(reference=reference).first()
    try:
        with in_a_call():
            BY_NAME[name].act(stage, booking)
    except BookingError as error:
        refusal = type(error).__name__
    return Aftermath(rows, wrong, refusal, numbered(every_row()))


def lose_the_connection(
    stage: Stage, name: str, reference: str | None, *, after: int, interrupt: Interruption
) -> tuple[str, Aftermath]:
    """Make the call and lose the connection; the error, and what the same process finds then.

    In between, the connection is renewed as Django does it between requests.
    """
    error = make_the_lost_call(stage, name, after=after, interrupt=interrupt)
    close_old_connections()
    return error, look_and_make_the_call_again(stage, name, reference)


def make_the_lost_call(stage: Stage, name: str, **disturbance: Any) -> str:
    """As ``make_the_call``; the name of the database's error that it ends in, if any."""
    try:
        make_the_call(stage, name, **disturbance)
    except Error as error:
        return type(error).__name__
    return ""


def problems() -> list[str]:
    return audit() + [problem.message for problem in find_problems()]


def can_book(stage: Stage, **values: Any) -> bool:
    """Whether somebody else gets this time, who then does without it."""
    with transaction.atomic():
        try:
            book(stage, client_name="Somebody else", **values)
        except BookingError:
            return False
        finally:
            transaction.set_rollback(True)
        return True


def is_free(rows: Rows, stage: Stage) -> dict[tuple[str, datetime], bool]:
    """What ``look`` ought to find, by the bookings alone."""
    taken = [
        row
        for row in rows["Booking"]
        if row["status"] in {"PENDING", "CONFIRMED"}
        and (row["expires_at"] is None or row["expires_at"] > NOW)
    ]
    before, after = timedelta(minutes=5), timedelta(minutes=10)
    return {
        (provider.name, start_at): not any(
            row["provider_id"] == provider.pk
            and row["start_at"] - before < start_at + HOUR + after
            and row["end_at"] + after > start_at - before
            for row in taken
        )
        for provider in (stage.ana, stage.ben)
        for start_at in (START, START + DAY)
    }


def numbered(rows: Rows) -> Rows:
    """The rows with our own keys counted from 1: a database gives a new one at every attempt."""
    numbers = {
        table: {row["id"]: number for number, row in enumerate(found, 1)}
        for table, found in rows.items()
    }
    referring = {
        "Calendar": {"id": "Calendar"},
        "BusyInterval": {"id": "BusyInterval", "calendar_id": "Calendar"},
        "Booking": {"id": "Booking", "busy_interval_id": "BusyInterval"},
        "BookingAddon": {"id": "BookingAddon", "booking_id": "Booking"},
        "BookingEvent": {"id": "BookingEvent", "booking_id": "Booking"},
    }
    return {
        table: [
            row | {name: numbers[other].get(row[name]) for name, other in referring[table].items()}
            for row in found
        ]
        for table, found in rows.items()
    }


def without_revisions(rows: Rows) -> Rows:
    """A calendar that was locked once more counts one more, also when nothing came of it."""
    calendars = [{"provider_id": row["provider_id"]} for row in rows["Calendar"]]
    return rows | {"Calendar": calendars}


def in_a_call() -> AbstractContextManager[None]:
    """A call makes one booking at most: it gets one reference, however often it draws one."""
    return the_same_every_time(seed=8, choose=itemgetter(0))


@contextmanager
def the_same_every_time(
    *, seed: int = 7, choose: Callable[[str], str] | None = None
) -> Iterator[None]:
    """Stop the clock and fix what is random, so that two runs store the same."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return NOW

    dice = random.Random(seed)  # noqa: S311
    with (
        patch("django.utils.timezone.datetime", Clock),
        patch("bookings.models.booking.secrets", SimpleNamespace(choice=choose or dice.choice)),
        patch("os.urandom", dice.randbytes),
    ):
        yield
