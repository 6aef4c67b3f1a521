"""A client is found by an index, in whatever case the address is written."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.writer import MigrationWriter
from django.utils import timezone

from bookings.models import Booking
from bookings.models.indexes import CaseInsensitiveIndex
from tests.core.conftest import Book

INDEXES = {index.name: index for index in Booking._meta.indexes}


@pytest.fixture
def planner(db: None) -> None:
    """Asks no more whether a scan of the few rows that there are would be cheaper."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")


@pytest.mark.skipif(
    connection.vendor != "postgresql",
    reason="Only PostgreSQL can be told to plan for more rows than there are.",
)
@pytest.mark.parametrize(
    ("index", "lookup"),
    [
        ("bookings_client_email", {"client_email__iexact": "Mary@example.com"}),
        ("bookings_client_lookup", {"client_lookup": "0123"}),
    ],
)
def test_a_client_is_found_by_an_index(planner: None, index: str, lookup: Any) -> None:
    assert index in Booking.objects.filter(**lookup).order_by().explain()


def _store_history(like: Booking) -> None:
    """Bookings of an hour each, one after the other: 5,000 that are over, and 100 to come.

    They are of 100 clients.
    """
    columns = [
        field.column for field in Booking._meta.concrete_fields if field.name not in {"id", "uuid"}
    ]
    values = {
        "reference": "'R' || number",
        "busy_interval_id": "NULL",
        "client_email": "'client' || number % 100 || '@example.com'",
        "start_at": "now() + (number - 5000) * interval '1 hour'",
        "end_at": "now() + (number - 4999) * interval '1 hour'",
    }
    selected = ", ".join(values.get(str(column), str(column)) for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO bookings_booking (uuid, {', '.join(map(str, columns))}) "
            f"SELECT gen_random_uuid(), {selected} FROM bookings_booking, "
            f"generate_series(1, 5100) number WHERE id = {like.pk}"
        )
        cursor.execute("ANALYZE bookings_booking")


@pytest.mark.skipif(
    connection.vendor != "postgresql",
    reason="Only PostgreSQL can be told to plan for more rows than there are.",
)
def test_the_next_bookings_are_found_without_the_history(book: Book) -> None:
    """Nobody has closed the past ones, and the next ones are the last of the index of starts."""
    _store_history(book())
    upcoming = Booking.objects.upcoming()
    # By one of the two indexes that have the ends.
    assert "end_at > '" in upcoming[:20].explain().partition("Filter:")[0]
    # The control.
    assert "bookings_start" in upcoming.order_by("start_at", "pk")[:20].explain()


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="The other databases have no such indexes."
)
def test_growth_is_kept_out_by_indexes_on_postgresql(book: Book) -> None:
    booking = book()
    _store_history(booking)
    assert (
        "bookings_provider_active"
        in Booking.objects.for_provider(booking.provider).upcoming().explain()
    )
    of_client = Booking.objects.for_client(email="Client7@example.com").upcoming()
    assert "bookings_client_active" in of_client.explain()
    day = timezone.now() - timedelta(days=100)
    of_day = Booking.objects.during(day, day + timedelta(days=1)).explain()
    assert "bookings_long" in of_day
    assert "bookings_start" in of_day
    # The control: with one condition, half of the history is read.
    control = Booking.objects.filter(start_at__lt=day + timedelta(days=1), end_at__gt=day)
    assert "BitmapOr" not in control.explain()
    assert len(Booking.objects.during(day, day + timedelta(days=1))) == 25


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="The other databases have no such indexes."
)
def test_the_migration_drops_what_it_creates(db: None) -> None:
    migration = import_module("bookings.migrations.0013_indexes_of_growth")
    names = {"bookings_provider_active", "bookings_client_active", "bookings_long"}

    def found() -> set[str]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'bookings_booking'")
            return names & {name for (name,) in cursor.fetchall()}

    with connection.schema_editor(atomic=False) as editor:
        migration.drop(apps, editor)
        assert found() == set()
        migration.create(apps, editor)
    assert found() == names


def test_the_columns_are_indexed(db: None) -> None:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, Booking._meta.db_table)
    assert found["bookings_client_lookup"]["columns"] == ["client_lookup"]
    # Of an expression PostgreSQL names no column.
    columns = [] if connection.vendor == "postgresql" else ["client_email"]
    assert found["bookings_client_email"]["columns"] == columns


def test_on_postgresql_it_is_on_the_upper_case(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "postgresql")
    editor = connection.SchemaEditorClass(connection, collect_sql=True)
    assert "UPPER(" in str(INDEXES["bookings_client_email"].create_sql(Booking, editor))


def test_it_is_written_into_migrations_as_itself() -> None:
    written, imports = MigrationWriter.serialize(INDEXES["bookings_client_email"])
    assert written.startswith(
        "bookings.models.indexes.CaseInsensitiveIndex(fields=['client_email']"
    )
    assert imports == {"import bookings.models.indexes"}
    assert isinstance(INDEXES["bookings_client_email"].clone(), CaseInsensitiveIndex)
