"""Racers who write beside the services: by ``save()``, and by SQL."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

from django.db import connection

from bookings.models import Booking, BusyInterval, Calendar
from bookings.services import direct_save
from tests.races.actions import Run, check_then_run, no_lock, no_overlap_check, without_guards

HOUR = timedelta(hours=1)
EXTERNAL = BusyInterval.Kind.EXTERNAL


def save_new(*, service: Any, provider: Any, start_at: datetime) -> Run:
    def save_it() -> Any:
        booking = Booking(
            service_id=service,
            provider_id=provider,
            start_at=start_at,
            end_at=start_at + HOUR,
            client_name="Racer",
        )
        booking.save()
        return booking.pk

    return save_it


def save_moved(*, booking: Any, start_at: datetime) -> Run:
    row = Booking.objects.get(pk=booking)
    row.start_at, row.end_at = start_at, start_at + HOUR

    def save_it() -> Any:
        row.save()
        return row.pk

    return save_it


def save_renamed(*, booking: Any, client_name: str) -> Run:
    """A booking as it was read before the start, saved with another name."""
    row = Booking.objects.get(pk=booking)
    row.client_name = client_name

    def save_it() -> Any:
        row.save()
        return row.version

    return save_it


def save_renamed_as_read(**values: Any) -> Run:
    """As ``save_renamed``, but nobody asks whether what was read is what is stored."""
    run = save_renamed(**values)

    def save_it() -> Any:
        with patch.object(direct_save, "check_version", lambda row, expected: None):
            return run()

    return save_it


def save_new_naively(*, provider: Any, start_at: datetime, **values: Any) -> Run:
    run = without_guards(
        save_new(provider=provider, start_at=start_at, **values), no_lock, no_overlap_check
    )
    return check_then_run(run, provider, start_at)


def save_moved_naively(*, booking: Any, start_at: datetime) -> Run:
    provider = Booking.objects.get(pk=booking).provider_id
    run = without_guards(save_moved(booking=booking, start_at=start_at), no_lock, no_overlap_check)
    return check_then_run(run, provider, start_at)


def insert(*, provider: Any, start_at: datetime) -> Run:
    """An hour off, inserted into the ledger by SQL."""
    calendar = Calendar.objects.get(provider=provider)
    starts = int(start_at.timestamp())
    return _execute(
        "INSERT INTO bookings_busyinterval"
        " (calendar_id, starts, ends, kind, capacity, seats_taken) VALUES (%s, %s, %s, %s, 1, 0)",
        [calendar.pk, starts, starts + 3600, EXTERNAL],
    )


def update(*, interval: Any, start_at: datetime) -> Run:
    """An hour off that is in the ledger, moved by SQL."""
    starts = int(start_at.timestamp())
    return _execute(
        "UPDATE bookings_busyinterval SET starts = %s, ends = %s WHERE id = %s",
        [starts, starts + 3600, interval],
    )


def take_a_seat() -> Run:
    """A seat of the one slot that there is, taken by SQL."""
    return _execute("UPDATE bookings_busyinterval SET seats_taken = seats_taken + 1", [])


def _execute(sql: str, params: list[Any]) -> Run:
    def execute() -> Any:
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            return cursor.rowcount

    return execute
