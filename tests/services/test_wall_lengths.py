"""What a booking keeps of a length by the wall clock, as each database stores it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest

from bookings.exceptions import BookingConflict
from bookings.models import Booking
from bookings.services import reschedule_booking
from bookings.services.bulk_reschedule import BulkReschedule, Target
from tests.services.clock import NOW
from tests.services.conftest import Book, Make
from tests.services.storage import stored

SIX = datetime(2030, 6, 1, 18, tzinfo=UTC)


def test_a_booking_keeps_its_rule_wherever_it_is_moved(book: Book, make_service: Make) -> None:
    flat = make_service(duration_days=2, ends_at_time=time(11), maximum_duration_days=4)

    booking = stored(book(service=flat, start_at=SIX))
    assert (booking.duration_days, booking.ends_at_time) == (2, time(11))
    assert booking.end_at == datetime(2030, 6, 3, 11, tzinfo=UTC)

    reschedule_booking(booking, new_start_at=SIX, new_duration_days=4, now_dt=NOW)
    booking = stored(booking)
    assert (booking.duration_days, booking.ends_at_time) == (4, time(11))
    with pytest.raises(BookingConflict):
        book(start_at=booking.end_at - timedelta(minutes=1))
    book(start_at=booking.end_at)


def test_many_bookings_move_by_their_rules(book: Book, make_service: Make) -> None:
    until_eight = make_service(ends_at_time=time(20))
    booking = book(service=until_eight, start_at=SIX)
    bulk = BulkReschedule(NOW, "default")
    targets = {booking.pk: Target(SIX + timedelta(hours=1))}

    def refuse(_row: Booking, error: Exception) -> None:
        raise error

    bulk.prepare([stored(booking)], targets, refuse)
    assert bulk.covers([booking], targets)
    calendar = stored(booking).busy_interval.calendar_id
    bulk.write(
        [stored(booking)],
        targets,
        {booking.provider_id: calendar},
        actor=None,
        event_data={},
        refuse=refuse,
    )

    booking = stored(booking)
    assert booking.end_at - booking.start_at == timedelta(hours=1)
    assert (booking.duration_days, booking.ends_at_time) == (0, time(20))
