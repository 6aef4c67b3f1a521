"""``manage.py check_bookings`` and ``manage.py expire_bookings``."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from bookings.models import Booking, BookingEvent, BusyInterval
from tests.integrity.conftest import Book, damage


def run(name: str, **options: Any) -> tuple[str, int]:
    """What a command prints, and its exit status."""
    out = StringIO()
    try:
        call_command(name, stdout=out, **options)
    except SystemExit as end:
        return out.getvalue(), int(end.code or 0)
    return out.getvalue(), 0


def test_check_bookings_says_that_all_is_well(book: Book) -> None:
    book()
    assert run("check_bookings") == ("All invariants hold.\n", 0)
    assert run("check_bookings", fix=True) == ("0 problems found, remaining: 0.\n", 0)


def test_check_bookings_lists_what_is_wrong_and_changes_nothing(book: Book) -> None:
    booking = book()
    damage(booking, status=Booking.Status.COMPLETED)
    expected = f"[3] {booking.reference} is COMPLETED and still holds time.\n1 problem found.\n"
    assert run("check_bookings") == (expected, 1)
    assert run("check_bookings") == (expected, 1)


def test_check_bookings_repairs_and_says_what_it_did(book: Book) -> None:
    booking = book()
    damage(booking, status=Booking.Status.COMPLETED)
    said, status = run("check_bookings", fix=True)
    assert said.splitlines() == [
        f"[3] {booking.reference} is COMPLETED and still holds time. - repaired",
        "1 problem found, remaining: 0.",
    ]
    assert status == 0
    assert not BusyInterval.objects.exists()


def test_check_bookings_fails_while_something_remains(book: Book) -> None:
    booking = book()
    damage(booking, version=7)
    said, status = run("check_bookings", fix=True)
    assert "cannot be repaired automatically" in said
    assert said.endswith("1 problem found, remaining: 1.\n")
    assert status == 1


def test_expire_bookings_gives_back_what_has_run_out(book: Book) -> None:
    now = timezone.now()
    stale = [book(hours=2 * n, expires_at=now + timedelta(minutes=1)) for n in range(3)]
    fresh = book(hours=8, expires_at=now + timedelta(days=1))
    for booking in stale:
        damage(booking, expires_at=now - timedelta(minutes=1))
    assert run("expire_bookings", limit=1) == ("1 booking expired.\n", 0)
    assert run("expire_bookings", chunk_size=1) == ("2 bookings expired.\n", 0)
    assert run("expire_bookings") == ("0 bookings expired.\n", 0)
    assert BusyInterval.objects.get().pk == fresh.busy_interval_id
    expired = BookingEvent.objects.filter(event_type=BookingEvent.EventType.EXPIRED)
    assert {event.booking_id for event in expired} == {booking.pk for booking in stale}


@pytest.mark.parametrize("options", [{"limit": 0}, {"limit": -1}, {"chunk_size": 0}])
def test_expire_bookings_refuses_a_senseless_number(db: None, options: dict[str, int]) -> None:
    with pytest.raises(CommandError, match="must be a whole number from 1"):
        run("expire_bookings", **options)
