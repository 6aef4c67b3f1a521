"""What the database holds, for tests that nothing of a failed call is left in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, models, transaction

from bookings.models import (
    Booking,
    BookingAddon,
    BookingEvent,
    BookingResource,
    BusyInterval,
    Calendar,
)

TABLES: tuple[type[models.Model], ...] = (
    Calendar,
    BusyInterval,
    Booking,
    BookingAddon,
    BookingResource,
    BookingEvent,
)


Rows = dict[str, list[dict[str, Any]]]


def every_row(tables: Iterable[type[models.Model]] = TABLES) -> Rows:
    return {model.__name__: list(model._base_manager.order_by("pk").values()) for model in tables}


def raw_rows() -> Rows:
    """What :func:`every_row` returns, as the driver reads it, in a tenth of the time."""
    rows: Rows = {}
    with connection.cursor() as cursor:
        for model in TABLES:
            key = connection.ops.quote_name(str(model._meta.pk.column))
            cursor.execute(f"SELECT * FROM {model._meta.db_table} ORDER BY {key}")
            names = [column[0] for column in cursor.description]
            rows[model.__name__] = [dict(zip(names, row, strict=True)) for row in cursor]
    return rows


@contextmanager
def nothing_written() -> Iterator[None]:
    """Whatever happens inside, every table is afterwards as it was, down to the last column."""
    before = raw_rows()
    yield
    assert raw_rows() == before


@contextmanager
def nothing_done() -> Iterator[None]:
    """As ``nothing_written``, but the calendar may have been locked, which counts its revision."""
    before = raw_rows()
    yield
    after = raw_rows()
    for rows in (before, after):
        for calendar in rows["Calendar"]:
            del calendar["revision"]
    assert after == before


def intervals() -> list[dict[str, Any]]:
    """The ledger as a test reads it: who is busy from when to when, and with how many seats."""
    return [
        {
            "provider": interval.calendar.provider_id,
            "start_at": interval.start_at,
            "end_at": interval.end_at,
            "seats": (interval.seats_taken, interval.capacity),
        }
        for interval in BusyInterval.objects.select_related("calendar").order_by("starts", "pk")
    ]


def only_interval() -> dict[str, Any]:
    (interval,) = intervals()
    return interval


def history(booking: Booking) -> list[str]:
    """The types of a booking's events, oldest first."""
    events = BookingEvent.objects.filter(booking_id=booking.pk)
    return list(events.order_by("pk").values_list("event_type", flat=True))


def last_event(booking: Booking) -> BookingEvent:
    event = BookingEvent.objects.filter(booking_id=booking.pk).order_by("pk").last()
    assert event is not None
    return event


def stored(booking: Booking) -> Booking:
    """The same booking as another process would read it."""
    return Booking.objects.get(pk=booking.pk)


@contextmanager
def rolled_back() -> Iterator[None]:
    """A transaction that comes to nothing."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def lapses() -> int | None:
    """The second from which the only busy interval that is stored keeps its time no more."""
    return BusyInterval.objects.get().lapses
