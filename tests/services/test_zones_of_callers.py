"""A booking that a service returns has its times in the zone in which the caller gave them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bookings.exceptions import BookingConflict, InvalidBooking
from bookings.models import Booking
from bookings.services import (
    cancel_booking,
    complete_booking,
    confirm_booking,
    create_booking,
    hold_booking,
    merge_metadata,
    reschedule_booking,
    update_booking,
)
from tests.services.clock import NOW
from tests.services.conftest import Book, Make

NEW_YORK = ZoneInfo("America/New_York")
KOLKATA = ZoneInfo("Asia/Kolkata")
ZONES = [NEW_YORK, KOLKATA, UTC, timezone(timedelta(hours=-4)), ZoneInfo("UTC")]

zones = pytest.mark.parametrize("zone", ZONES, ids=str)


def nine(zone: tzinfo) -> datetime:
    return datetime(2030, 1, 9, 9, 0, tzinfo=zone)


def on_the_wall(booking: Booking) -> str:
    return f"{booking.start_at:%d %H:%M}-{booking.end_at:%d %H:%M}"


def zones_of(booking: Booking) -> list[tzinfo | None]:
    return [booking.start_at.tzinfo, booking.end_at.tzinfo]


@zones
def test_a_new_booking_and_its_hold(
    service: Any, provider: Any, other_provider: Any, zone: tzinfo
) -> None:
    start = nine(zone)
    for made in (
        create_booking(
            service=service, provider=provider, start_at=start, client_name="Kim", now_dt=NOW
        ),
        hold_booking(service=service, provider=other_provider, start_at=start, now_dt=NOW),
    ):
        assert on_the_wall(made) == "09 09:00-09 10:00"
        assert zones_of(made) == [zone, zone]
        stored = Booking.objects.get(pk=made.pk)
        assert (stored.start_at, zones_of(stored)) == (start, [UTC, UTC])


def test_a_booking_that_is_replayed(book: Book) -> None:
    first = book(start_at=nine(NEW_YORK), idempotency_key="once")
    again = book(start_at=nine(NEW_YORK).astimezone(KOLKATA), idempotency_key="once")
    assert again == first
    assert on_the_wall(again) == "09 19:30-09 20:30"


@zones
def test_a_moved_booking(booking: Booking, zone: tzinfo) -> None:
    moved = reschedule_booking(booking, new_start_at=nine(zone), now_dt=NOW)
    assert moved is booking
    assert on_the_wall(booking) == "09 09:00-09 10:00"
    assert zones_of(booking) == [zone, zone]


def test_a_booking_that_is_moved_nowhere(book: Book) -> None:
    booking = book(start_at=nine(NEW_YORK))
    reschedule_booking(booking, new_start_at=nine(NEW_YORK).astimezone(KOLKATA), now_dt=NOW)
    assert (booking.version, zones_of(booking)) == (1, [KOLKATA, KOLKATA])


CHANGES: dict[str, Callable[[Booking], Booking]] = {
    "cancel": lambda booking: cancel_booking(booking, now_dt=NOW),
    "complete": lambda booking: complete_booking(booking, now_dt=booking.end_at),
    "update": lambda booking: update_booking(booking, client_name="Lee", now_dt=NOW),
    "metadata": lambda booking: merge_metadata(booking, {"a": 1}),
    "nothing": lambda booking: confirm_booking(booking, now_dt=NOW),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_later_change_keeps_the_zone(book: Book, change: Callable[[Booking], Booking]) -> None:
    booking = book(start_at=nine(NEW_YORK))
    assert change(booking) is booking
    assert on_the_wall(booking) == "09 09:00-09 10:00"
    assert zones_of(booking) == [NEW_YORK, NEW_YORK]


def test_a_booking_that_is_read_again_is_in_utc(book: Book) -> None:
    booking = book(start_at=nine(NEW_YORK))
    booking.refresh_from_db()
    assert zones_of(booking) == [UTC, UTC]


def test_a_booking_that_was_read_without_its_times(book: Book) -> None:
    booking = book(start_at=nine(NEW_YORK))
    part = Booking.objects.only("provider", "status").get()
    cancel_booking(part, now_dt=NOW)
    assert (part.start_at, zones_of(part)) == (booking.start_at, [UTC, UTC])


def test_another_process_has_moved_it(book: Book) -> None:
    booking = book(start_at=nine(NEW_YORK))
    other = Booking.objects.get(pk=booking.pk)
    reschedule_booking(other, new_start_at=nine(UTC), now_dt=NOW)
    cancel_booking(booking, now_dt=NOW)
    assert on_the_wall(booking) == "09 04:00-09 05:00"


@pytest.mark.parametrize("expires", [None, nine(KOLKATA)], ids=["a booking", "a hold"])
def test_a_booking_that_is_saved(service: Any, provider: Any, expires: datetime | None) -> None:
    booking = Booking(
        service=service,
        provider=provider,
        client_name="Kim",
        start_at=nine(NEW_YORK),
        end_at=nine(NEW_YORK).astimezone(KOLKATA) + timedelta(hours=1),
        expires_at=expires,
    )
    for _ in range(2):
        booking.save()
        assert on_the_wall(booking) == "09 09:00-09 20:30"
        assert zones_of(booking) == [NEW_YORK, KOLKATA]
        assert booking.expires_at == expires
        booking.client_name = "Lee"
    stored = Booking.objects.get()
    assert (stored.client_name, stored.start_at) == ("Lee", nine(NEW_YORK))


def test_a_save_of_other_fields_shows_the_stored_times(book: Book) -> None:
    booking = book(start_at=nine(NEW_YORK))
    booking.start_at, booking.expires_at = nine(KOLKATA), nine(KOLKATA)
    booking.client_name = "Lee"
    booking.save(update_fields=["client_name"])
    assert (booking.start_at, booking.start_at.tzinfo) == (nine(NEW_YORK), KOLKATA)
    assert booking.expires_at is None


@pytest.mark.parametrize("end_at", [nine(NEW_YORK), None, "ten", datetime(2030, 1, 9, 10)])  # noqa: DTZ001
def test_a_save_that_is_refused_leaves_the_times_as_they_were(book: Book, end_at: Any) -> None:
    booking = book(start_at=nine(NEW_YORK))
    booking.end_at = end_at
    with pytest.raises(InvalidBooking):
        booking.save()
    assert f"{booking.start_at:%H:%M}" == "09:00"
    assert booking.end_at == end_at


# On 3 November 2030 the clocks of New York show the hour from one to two twice.
BEFORE, AFTER = (datetime(2030, 11, 3, 1, 30, tzinfo=NEW_YORK, fold=fold) for fold in (0, 1))


def test_an_hour_that_the_clocks_show_twice(make_service: Make, provider: Any) -> None:
    service = make_service(duration_minutes=45, buffer_before_minutes=120, buffer_after_minutes=120)
    values: dict[str, Any] = {"service": service, "provider": provider, "client_name": "Kim"}
    booking = create_booking(start_at=BEFORE, now_dt=NOW, **values)
    assert on_the_wall(booking) == "03 01:30-03 01:15"
    assert (booking.end_at - booking.start_at.astimezone(UTC)) == timedelta(minutes=45)
    booking.full_clean()
    booking.save()
    begins, ends = booking.busy_window()
    assert ends - begins.astimezone(UTC) == timedelta(minutes=120 + 45 + 120)
    assert f"{begins:%H:%M} {ends:%H:%M}" == "23:30 03:15"
    with pytest.raises(BookingConflict):
        create_booking(start_at=AFTER, now_dt=NOW, **values)
