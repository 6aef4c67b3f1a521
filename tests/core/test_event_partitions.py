"""The recipe of docs/explanation/scaling.md: events in a partition for each month."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from django.db import IntegrityError, connection

from bookings.models import Booking, BookingEvent
from bookings.services import cancel_booking, reschedule_booking
from bookings.testing import assert_bookings_are_sound
from tests.core.conftest import Book

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="Only PostgreSQL has tables in partitions."
    ),
]

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "scaling.md"
DECEMBER: Final = datetime(2025, 12, 20, 12, tzinfo=UTC)
JANUARY: Final = datetime(2026, 1, 1, tzinfo=UTC)
FEBRUARY: Final = datetime(2026, 2, 28, 23, 59, tzinfo=UTC)
MARCH: Final = datetime(2026, 3, 1, tzinfo=UTC)
START: Final = datetime(2026, 6, 1, 9, tzinfo=UTC)


def partition() -> None:
    (recipe,) = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    with connection.cursor() as cursor:
        # The test is one transaction, whose foreign keys are checked at its end.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(recipe)
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def months() -> list[tuple[str, str]]:
    """The suffix of the partition of each event, and its type, in the order of the keys."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text, event_type FROM bookings_bookingevent ORDER BY id"
        )
        return [(table.removeprefix("bookings_bookingevent_"), kind) for table, kind in cursor]


def test_events_go_to_the_partition_of_their_month(book: Book) -> None:
    old = book(START, now_dt=DECEMBER)
    partition()
    assert months() == [("before", "CREATED")]

    new = book(START + timedelta(hours=1), now_dt=JANUARY)
    reschedule_booking(old, new_start_at=START + timedelta(hours=3), now_dt=FEBRUARY)
    cancel_booking(new, now_dt=MARCH)

    assert months() == [
        ("before", "CREATED"),
        ("2026_01", "CREATED"),
        ("2026_02", "RESCHEDULED"),
        ("other", "CANCELLED"),
    ]
    assert [event.event_type for event in old.events.all()] == ["RESCHEDULED", "CREATED"]
    assert_bookings_are_sound()
    new.delete()
    assert {event.booking_id for event in BookingEvent.objects.all()} == {old.pk}
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_an_event_of_no_booking_is_refused_in_each_partition(book: Book) -> None:
    book(START, now_dt=DECEMBER)
    partition()
    book(START + timedelta(hours=1), now_dt=JANUARY)
    assert_bookings_are_sound()
    Booking._base_manager.all()._raw_delete(connection.alias)
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match="foreign key"):
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
