"""Stored bookings, and the means to damage them behind the ledger's back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from bookings.models import Booking, BusyInterval
from bookings.services import create_booking
from tests.hosts.samples import Host, make_host

Book = Callable[..., Booking]


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
def unguarded() -> Iterator[None]:
    """Lift the ledger's constraints until the test's transaction is rolled back."""
    table = connection.ops.quote_name(BusyInterval._meta.db_table)
    names = [constraint.name for constraint in BusyInterval._meta.constraints]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # No table can be altered while the check of a foreign key waits for the commit.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            for name in names:
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        elif connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER bookings_busy_no_overlap_insert")
            cursor.execute("DROP TRIGGER bookings_busy_no_overlap_update")
            cursor.execute("PRAGMA ignore_check_constraints = ON")
        else:
            cursor.execute("SET check_constraint_checks = OFF")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA ignore_check_constraints = OFF")
            elif connection.vendor == "mysql":
                cursor.execute("SET check_constraint_checks = ON")
