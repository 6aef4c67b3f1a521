"""Stored bookings, and the means to damage them behind the ledger's back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

import pytest
from django.db import connection
from django.utils import timezone

from bookings.models import Booking, BusyInterval
from bookings.services import create_booking
from tests.hosts.samples import Host, make_host

Book = Callable[..., Booking]
NO_OVERLAP: Final = "bookings_busy_no_overlap"
SEATS: Final = "bookings_busy_seats_within_capacity"


@pytest.fixture
def host(db: None) -> Host:
    return make_host()


@pytest.fixture
def book(host: Host) -> Book:
    """Books the host's service ``hours`` after tomorrow's full hour."""
    noon = (timezone.now() + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)

    def create(hours: int = 0, **values: Any) -> Booking:
        given = {
            "service": host.service,
            "provider": host.provider,
            "start_at": noon + timedelta(hours=hours),
            "client_name": "Ada",
            "tenant": host.tenant,
        }
        return create_booking(**(given | values))

    return create


def damage(booking: Booking, **values: Any) -> None:
    """Write columns as SQL would, past every guard."""
    Booking._base_manager.filter(pk=booking.pk).update(**values)


def damage_interval(interval_id: int | None, **values: Any) -> None:
    BusyInterval.objects.filter(pk=interval_id).update(**values)


@contextmanager
def overlaps_allowed() -> Iterator[None]:
    """Lift the constraint against overlaps until the test's transaction is rolled back.

    MySQL and MariaDB have none.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            _drop_constraint(cursor, NO_OVERLAP)
        elif connection.vendor == "sqlite":
            cursor.execute(f"DROP TRIGGER {NO_OVERLAP}_insert")
            cursor.execute(f"DROP TRIGGER {NO_OVERLAP}_update")
    yield


@contextmanager
def any_number_of_seats() -> Iterator[None]:
    """Lift the check that no more seats are taken than there are.

    MySQL can only alter the table for it, which commits: there, the test must not run in a
    transaction, and the rows are put right before the check is back.
    """
    table = connection.ops.quote_name(BusyInterval._meta.db_table)
    is_mysql = connection.vendor == "mysql" and not connection.mysql_is_mariadb
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            _drop_constraint(cursor, SEATS)
        elif connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
        elif is_mysql:
            cursor.execute(f"ALTER TABLE {table} ALTER CHECK {SEATS} NOT ENFORCED")
        else:
            cursor.execute("SET check_constraint_checks = OFF")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA ignore_check_constraints = OFF")
            elif is_mysql:
                BusyInterval.objects.update(seats_taken=0)
                cursor.execute(f"ALTER TABLE {table} ALTER CHECK {SEATS} ENFORCED")
            elif connection.vendor == "mysql":
                cursor.execute("SET check_constraint_checks = ON")


def _drop_constraint(cursor: Any, name: str) -> None:
    table = connection.ops.quote_name(BusyInterval._meta.db_table)
    # No table can be altered while the check of a foreign key waits for the commit.
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
