"""Racers who delete a provider that has no bookings, as a host does: by Django's own means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any

from django.db import connection
from django.db.models.deletion import Collector

from tests.races import actions
from tests.races.actions import Run, no_lock, stored, without_guards


def delete(*, provider: Any) -> Run:
    row = stored("PROVIDER_MODEL", provider)
    return lambda: row.delete()[0]


def later(*, by: float, action: Callable[..., Run], **values: Any) -> Run:
    """As ``action``, so many seconds after the start."""
    run = action(**values)

    def wait() -> Any:
        sleep(by)
        return run()

    return wait


def delete_naively(*, provider: Any) -> Run:
    """Look whether there are bookings, and delete afterwards, without foreign keys."""
    row = stored("PROVIDER_MODEL", provider)

    def check_then_run() -> Any:
        collector = Collector(using=connection.alias, origin=row)
        collector.collect([row])
        # For the others, who are booking now.
        sleep(0.4)
        return collector.delete()[0]

    return without_guards(check_then_run, no_foreign_keys)


def book_naively(**values: Any) -> Run:
    """Book when the others have looked, with neither lock nor foreign keys."""
    run = later(by=0.2, action=actions.book, **values)
    return without_guards(run, no_lock, no_foreign_keys)


@contextmanager
def no_foreign_keys() -> Iterator[None]:
    """For the session, which ends with the job."""
    with connection.cursor() as cursor:
        cursor.execute(
            {
                "postgresql": "SET session_replication_role = replica",
                "mysql": "SET foreign_key_checks = 0",
                "sqlite": "PRAGMA foreign_keys = OFF",
            }[connection.vendor]
        )
    yield
