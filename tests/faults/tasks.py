"""What the forked processes run: arrange a scenario, make its call and be interrupted, read what is
left.

A scenario is arranged once, by the services. For every call its rows are put back as they were.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from django.db import close_old_connections, connection, models, transaction
from django.db.utils import Error

from bookings.contrib.schedule.models import BusinessHours, DateOverride, Schedule
from bookings.exceptions import BookingError
from bookings.integrity import find_problems
from bookings.models import Calendar
from tests.faults.scenarios import HostRows, Scenario, book
from tests.faults.steps import Interruption, Step, Steps, no_transaction
from tests.races.race_database import tables_to_clear
from tests.services.clock import DAY, HOUR, NOW, START
from tests.services.storage import Rows, every_row

Free = dict[tuple[str, datetime], bool]

# What the host rows of the bundled apps include.
HOURS = (Schedule, BusinessHours, DateOverride)


@dataclass(frozen=True)
class Arranged:
    """What is stored when a scenario begins, and the row of it that its call is made on, if any."""

    rows: Rows
    row: Any


@dataclass(frozen=True)
class StoredState:
    """What is stored, and what is wrong with it."""

    rows: Rows
    problems: list[str]


@dataclass(frozen=True)
class CallOutcome:
    """What a call has left, and what the same call did when it was made again.

    ``refusal`` is the ``BookingError`` that this one ended in, if any.
    """

    rows: Rows
    problems: list[str]
    refusal: str
    rows_again: Rows


def arrange(host_rows: HostRows, scenario: Scenario) -> Arranged:
    """Delete what other scenarios have left and arrange this one, in one transaction."""
    with transaction.atomic(), the_same_every_time():
        clear(host_rows)
        row = scenario.arrange(host_rows)
    return Arranged(every_row(host_rows.tables), row)


def clear(host_rows: HostRows) -> None:
    """Leave the host's rows, and an empty calendar for each provider."""
    with in_any_order():
        _empty()
    Calendar.objects.bulk_create(Calendar(provider=row) for row in (host_rows.ana, host_rows.ben))


def put_back(host_rows: HostRows, arranged: Arranged) -> None:
    """Store what was stored when the scenario began, keys and all, and nothing else."""
    with transaction.atomic(), in_any_order():
        _empty()
        for model in host_rows.tables:
            rows = models.QuerySet(model)
            made = [model(**values) for values in arranged.rows[model.__name__]]
            if made:
                # As fixtures are: no field is to have its own idea of the moment.
                rows._insert(made, model._meta.concrete_fields, raw=True, using=rows.db)


def in_any_order() -> AbstractContextManager[None]:
    """The rows of one table may refer to each other, which MySQL alone minds in between."""
    if connection.vendor == "mysql":
        return connection.constraint_checks_disabled()
    return nullcontext()


def _empty() -> None:
    """Leave nothing but hours: scenarios of all apps share the database."""
    for model in tables_to_clear(with_hosts=False):
        if model not in HOURS:
            rows = models.QuerySet(model)
            rows._raw_delete(rows.db)


def make_call(
    host_rows: HostRows,
    scenario: Scenario,
    arranged: Arranged,
    *,
    after: int | None = None,
    interrupt: Interruption | None = None,
    is_transaction: bool = True,
) -> list[Step]:
    """Make the scenario's call, interrupted after so many steps; the steps it took."""
    put_back(host_rows, arranged)
    if connection.vendor == "sqlite":
        # With no room to keep them, changes go to the file before their transaction has ended.
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA cache_size = 1")
    steps = Steps(after, interrupt)
    atomicity = nullcontext() if is_transaction else no_transaction()
    with in_a_call(scenario), atomicity, steps.watched():
        scenario.call(host_rows, arranged.row)
    return steps.taken


def read_state(host_rows: HostRows) -> StoredState:
    return StoredState(stored(host_rows), problems(host_rows))


def stored(host_rows: HostRows) -> Rows:
    return numbered(every_row(host_rows.tables), host_rows)


def read_state_and_call_again(
    host_rows: HostRows, scenario: Scenario, arranged: Arranged, known: Collection[Rows] = ()
) -> CallOutcome:
    """What is left of a call, and what the same call does that is made now, of what there is.

    What is wrong depends on what is stored alone, so of what is ``known`` it is not asked again.
    """
    rows = stored(host_rows)
    wrong = [] if rows in known else problems(host_rows)
    refusal = ""
    row = arranged.row
    if row is not None:
        # Whoever calls again may not have heard that it is gone.
        row = type(row)._base_manager.filter(pk=row.pk).first() or row
    try:
        with in_a_call(scenario):
            scenario.call(host_rows, row)
    except BookingError as error:
        refusal = type(error).__name__
    return CallOutcome(rows, wrong, refusal, stored(host_rows))


def lose_the_connection(
    host_rows: HostRows,
    scenario: Scenario,
    arranged: Arranged,
    known: Collection[Rows],
    *,
    after: int,
    interrupt: Interruption,
) -> tuple[str, CallOutcome]:
    """Make the call and lose the connection; the error, and what the same process finds then.

    In between, the connection is renewed as Django does it between requests.
    """
    error = make_lost_call(host_rows, scenario, arranged, after=after, interrupt=interrupt)
    close_old_connections()
    return error, read_state_and_call_again(host_rows, scenario, arranged, known)


def make_lost_call(
    host_rows: HostRows, scenario: Scenario, arranged: Arranged, **disturbance: Any
) -> str:
    """As ``make_call``; the name of the database's error that it ends in, if any."""
    try:
        make_call(host_rows, scenario, arranged, **disturbance)
    except Error as error:
        return type(error).__name__
    return ""


def problems(host_rows: HostRows) -> list[str]:
    said = [problem.message for problem in find_problems()]
    return [*said, *(wrong for audit in host_rows.audits for wrong in audit())]


def who_is_free(host_rows: HostRows, scenario: Scenario, arranged: Arranged) -> tuple[Free, Free]:
    """Who can be booked when, before the scenario's call and after it."""
    put_back(host_rows, arranged)
    before = _who_is_free_now(host_rows)
    make_call(host_rows, scenario, arranged)
    return before, _who_is_free_now(host_rows)


def _who_is_free_now(host_rows: HostRows) -> Free:
    return {
        (provider.name, start_at): can_book(host_rows, provider=provider, start_at=start_at)
        for provider in (host_rows.ana, host_rows.ben)
        for start_at in (START, START + DAY)
    }


def can_book(host_rows: HostRows, **values: Any) -> bool:
    """Whether somebody else gets this time, who then does without it."""
    with transaction.atomic():
        try:
            book(host_rows, client_name="Somebody else", **values)
        except BookingError:
            return False
        finally:
            transaction.set_rollback(True)
        return True


def is_free(rows: Rows, host_rows: HostRows) -> Free:
    """What ``who_is_free`` ought to find, by the bookings alone."""
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
        for provider in (host_rows.ana, host_rows.ben)
        for start_at in (START, START + DAY)
    }


def numbered(rows: Rows, host_rows: HostRows) -> Rows:
    """The rows with our own keys counted from 1: a database gives a new one at every attempt."""
    numbers = {
        table: {row["id"]: number for number, row in enumerate(found, 1)}
        for table, found in rows.items()
    }
    ours = {model.__name__: _own_keys(model, host_rows) for model in host_rows.tables}
    return {
        table: [
            row | {name: numbers[other].get(row[name]) for name, other in ours[table].items()}
            for row in found
        ]
        for table, found in rows.items()
    }


def _own_keys(model: type[models.Model], host_rows: HostRows) -> dict[str, str]:
    """The columns that have a key of ours, and whose."""
    referring = {
        field.attname: field.related_model.__name__
        for field in model._meta.concrete_fields
        if field.related_model in host_rows.tables
    }
    return {"id": model.__name__} | referring


def without_revisions(rows: Rows) -> Rows:
    """A calendar that was locked once more counts one more, also when nothing came of it."""
    calendars = [{"provider_id": row["provider_id"]} for row in rows["Calendar"]]
    return rows | {"Calendar": calendars}


def in_a_call(scenario: Scenario) -> AbstractContextManager[None]:
    """Where it makes one booking, that gets one reference, however often it draws one."""
    if scenario.makes_several:
        return the_same_every_time(seed=8)
    return the_same_every_time(seed=8, randbits=lambda _bits: 0)


@contextmanager
def the_same_every_time(
    *, seed: int = 7, randbits: Callable[[int], int] | None = None
) -> Iterator[None]:
    """Stop the clock and fix what is random, so that two runs store the same."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return NOW

    dice = random.Random(seed)  # noqa: S311
    with (
        patch("django.utils.timezone.datetime", Clock),
        patch("bookings.models.booking.secrets.randbits", randbits or dice.getrandbits),
        patch("os.urandom", dice.randbytes),
    ):
        yield
