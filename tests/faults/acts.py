"""What the processes do: set a scene, make its call and be interrupted, look what is left.

A scene is arranged once, by the services. For every call its rows are put back as they were.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator
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
from bookings.models import Calendar
from tests.faults.scenes import Scene, Stage, book
from tests.faults.steps import Interruption, Step, Steps, no_transaction
from tests.services.clock import DAY, HOUR, NOW, START
from tests.services.storage import Rows, every_row

Free = dict[tuple[str, datetime], bool]


@dataclass(frozen=True)
class Arranged:
    """What is stored when a scene begins, and the row of it that its call is made on, if any."""

    rows: Rows
    row: Any


@dataclass(frozen=True)
class Found:
    """What is stored, and what is wrong with it."""

    rows: Rows
    problems: list[str]


@dataclass(frozen=True)
class Aftermath:
    """What a call has left, and what the same call did when it was made again.

    ``refusal`` is the ``BookingError`` that this one ended in, if any.
    """

    rows: Rows
    problems: list[str]
    refusal: str
    rows_again: Rows


def set_scene(stage: Stage, scene: Scene) -> Arranged:
    """Clear the stage and arrange the scene, in one transaction."""
    with transaction.atomic(), the_same_every_time():
        clear(stage)
        row = scene.arrange(stage)
    return Arranged(every_row(stage.tables), row)


def clear(stage: Stage) -> None:
    """Leave the host's rows, and an empty calendar for each provider."""
    with in_any_order():
        _empty(stage)
    Calendar.objects.bulk_create(Calendar(provider=row) for row in (stage.ana, stage.ben))


def put_back(stage: Stage, arranged: Arranged) -> None:
    """Store what was stored when the scene began, keys and all, and nothing else."""
    with transaction.atomic(), in_any_order():
        _empty(stage)
        for model in stage.tables:
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


def _empty(stage: Stage) -> None:
    for model in reversed(stage.tables):
        rows = models.QuerySet(model)
        rows._raw_delete(rows.db)


def make_the_call(
    stage: Stage,
    scene: Scene,
    arranged: Arranged,
    *,
    after: int | None = None,
    interrupt: Interruption | None = None,
    is_transaction: bool = True,
) -> list[Step]:
    """Make the scene's call, interrupted after so many steps; the steps it took."""
    put_back(stage, arranged)
    if connection.vendor == "sqlite":
        # With no room to keep them, changes go to the file before their transaction has ended.
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA cache_size = 1")
    steps = Steps(after, interrupt)
    handicap = nullcontext() if is_transaction else no_transaction()
    with in_a_call(scene), handicap, steps.watched():
        scene.act(stage, arranged.row)
    return steps.taken


def look(stage: Stage) -> Found:
    return Found(stored(stage), problems(stage))


def stored(stage: Stage) -> Rows:
    return numbered(every_row(stage.tables), stage)


def look_and_make_the_call_again(
    stage: Stage, scene: Scene, arranged: Arranged, known: Collection[Rows] = ()
) -> Aftermath:
    """What is left of a call, and what the same call does that is made now, of what there is.

    What is wrong depends on what is stored alone, so of what is ``known`` it is not asked again.
    """
    rows = stored(stage)
    wrong = [] if rows in known else problems(stage)
    refusal = ""
    row = arranged.row
    if row is not None:
        # Whoever calls again may not have heard that it is gone.
        row = type(row)._base_manager.filter(pk=row.pk).first() or row
    try:
        with in_a_call(scene):
            scene.act(stage, row)
    except BookingError as error:
        refusal = type(error).__name__
    return Aftermath(rows, wrong, refusal, stored(stage))


def lose_the_connection(
    stage: Stage,
    scene: Scene,
    arranged: Arranged,
    known: Collection[Rows],
    *,
    after: int,
    interrupt: Interruption,
) -> tuple[str, Aftermath]:
    """Make the call and lose the connection; the error, and what the same process finds then.

    In between, the connection is renewed as Django does it between requests.
    """
    error = make_the_lost_call(stage, scene, arranged, after=after, interrupt=interrupt)
    close_old_connections()
    return error, look_and_make_the_call_again(stage, scene, arranged, known)


def make_the_lost_call(stage: Stage, scene: Scene, arranged: Arranged, **disturbance: Any) -> str:
    """As ``make_the_call``; the name of the database's error that it ends in, if any."""
    try:
        make_the_call(stage, scene, arranged, **disturbance)
    except Error as error:
        return type(error).__name__
    return ""


def problems(stage: Stage) -> list[str]:
    said = [problem.message for problem in find_problems()]
    return [*said, *(wrong for audit in stage.audits for wrong in audit())]


def who_is_free(stage: Stage, scene: Scene, arranged: Arranged) -> tuple[Free, Free]:
    """Who can be booked when, before the scene's call and after it."""
    put_back(stage, arranged)
    before = _who_is_free_now(stage)
    make_the_call(stage, scene, arranged)
    return before, _who_is_free_now(stage)


def _who_is_free_now(stage: Stage) -> Free:
    return {
        (provider.name, start_at): can_book(stage, provider=provider, start_at=start_at)
        for provider in (stage.ana, stage.ben)
        for start_at in (START, START + DAY)
    }


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


def is_free(rows: Rows, stage: Stage) -> Free:
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
        for provider in (stage.ana, stage.ben)
        for start_at in (START, START + DAY)
    }


def numbered(rows: Rows, stage: Stage) -> Rows:
    """The rows with our own keys counted from 1: a database gives a new one at every attempt."""
    numbers = {
        table: {row["id"]: number for number, row in enumerate(found, 1)}
        for table, found in rows.items()
    }
    ours = {model.__name__: _own_keys(model, stage) for model in stage.tables}
    return {
        table: [
            row | {name: numbers[other].get(row[name]) for name, other in ours[table].items()}
            for row in found
        ]
        for table, found in rows.items()
    }


def _own_keys(model: type[models.Model], stage: Stage) -> dict[str, str]:
    """The columns that have a key of ours, and whose."""
    referring = {
        field.attname: field.related_model.__name__
        for field in model._meta.concrete_fields
        if field.related_model in stage.tables
    }
    return {"id": model.__name__} | referring


def without_revisions(rows: Rows) -> Rows:
    """A calendar that was locked once more counts one more, also when nothing came of it."""
    calendars = [{"provider_id": row["provider_id"]} for row in rows["Calendar"]]
    return rows | {"Calendar": calendars}


def in_a_call(scene: Scene) -> AbstractContextManager[None]:
    """Where it makes one booking, that gets one reference, however often it draws one."""
    if scene.makes_several:
        return the_same_every_time(seed=8)
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
