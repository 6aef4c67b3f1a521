"""A long history, written by the database itself: bookings that are over, each with its event."""

from __future__ import annotations

from typing import Any

from django.db import connection, models

from bookings.models import Booking, BookingEvent


def fill(template: Booking, stored: int) -> None:
    """Copy a booking and its event until so many are stored; all of them completed long ago."""
    missing = stored - Booking.objects.count()
    if missing <= 0:
        return
    _copy(
        Booking,
        template.pk,
        missing,
        uuid="gen_random_uuid()",
        reference="'OLD-' || number || '-' || extract(epoch FROM clock_timestamp())::bigint",
        status="'COMPLETED'",
        busy_interval_id="NULL",
        start_at="timestamptz '2000-01-01' + number * interval '1 hour'",
        end_at="timestamptz '2000-01-01' + (number + 1) * interval '1 hour'",
    )
    event = template.events.get()
    new = f"(SELECT id FROM {Booking._meta.db_table} WHERE reference LIKE 'OLD-%%')"
    with connection.cursor() as cursor:
        columns = _columns(BookingEvent)
        values = ["booking.id" if column == "booking_id" else column for column in columns]
        cursor.execute(
            f"INSERT INTO {BookingEvent._meta.db_table} ({', '.join(columns)}) "
            f"SELECT {', '.join(_of('event', values))} FROM {BookingEvent._meta.db_table} event, "
            f"{new} booking WHERE event.id = %s AND NOT EXISTS (SELECT 1 FROM "
            f"{BookingEvent._meta.db_table} had WHERE had.booking_id = booking.id)",
            [event.pk],
        )
        cursor.execute("ANALYZE")


def _copy(model: type[models.Model], key: Any, times: int, **different: str) -> None:
    columns = _columns(model)
    values = [different.get(column, column) for column in columns]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) SELECT "
            f"{', '.join(values)} FROM {model._meta.db_table}, "
            f"generate_series(1, %s) AS number WHERE id = %s",
            [times, key],
        )


def _columns(model: type[models.Model]) -> list[str]:
    return [field.column for field in model._meta.local_concrete_fields if not field.primary_key]


def _of(table: str, values: list[str]) -> list[str]:
    return [value if "." in value else f"{table}.{value}" for value in values]
