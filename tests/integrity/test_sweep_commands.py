"""``manage.py auto_cancel_expired_bookings`` and ``manage.py auto_complete_bookings``."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone

from bookings.models import Booking, BookingEvent
from tests.integrity.conftest import Book, damage

LONG_AGO = timedelta(days=10)
COMMAND = "auto_cancel_expired_bookings"


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def run(name: str, stderr: StringIO | None = None, **options: Any) -> tuple[str, str, int]:
    """What a command prints, what it says on standard error, and its exit status."""
    out, err = StringIO(), stderr or StringIO()
    try:
        call_command(name, stdout=out, stderr=err, **options)
    except SystemExit as end:
        return out.getvalue(), err.getvalue(), int(end.code or 0)
    return out.getvalue(), err.getvalue(), 0


@pytest.fixture
def over(book: Book) -> Book:
    """Booked, and over, ten days ago."""

    def make(hours: int = 0, **columns: Any) -> Booking:
        booking = book(hours=hours)
        then = booking.end_at - LONG_AGO
        damage(
            booking,
            start_at=booking.start_at - LONG_AGO,
            end_at=then,
            created_at=then,
            confirmed_at=then,
            **columns,
        )
        booking.refresh_from_db()
        return booking

    return make


def delivered(over: Book, number: int) -> list[Booking]:
    then = timezone.now() - timedelta(days=4)
    return [over(2 * turn, status="DELIVERED", delivered_at=then) for turn in range(number)]


def test_each_command_cancels_its_own_and_says_how_many_that_were(over: Book, book: Book) -> None:
    quiet = [over(2 * turn) for turn in range(2)]
    hold = book(hours=8, expires_at=timezone.now() + timedelta(hours=1))
    damage(hold, expires_at=timezone.now() - timedelta(hours=1))
    fresh = book(hours=12)

    assert run("expire_bookings") == ("1 booking expired.\n", "", 0)
    assert [status_of(each) for each in (*quiet, hold)] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]

    assert run(COMMAND) == ("2 overdue bookings cancelled.\n", "", 0)
    assert [status_of(each) for each in (*quiet, fresh)] == ["CANCELLED", "CANCELLED", "CONFIRMED"]
    assert run(COMMAND) == ("0 overdue bookings cancelled.\n", "", 0)


def status_of(booking: Booking) -> str:
    return str(Booking.objects.get(pk=booking.pk).status)


def test_a_dry_run_counts_and_changes_nothing(over: Book) -> None:
    over()
    events = BookingEvent.objects.count()
    said = "1 booking is overdue.\nNothing was changed.\n"
    assert run(COMMAND, dry_run=True) == (said, "", 0)
    assert run(COMMAND, dry_run=True, limit=1, verbosity=2) == (said, "", 0)
    assert BookingEvent.objects.count() == events
    for name in ("expire_bookings", "auto_complete_bookings"):
        assert run(name, dry_run=True) == ("0 bookings are due.\nNothing was changed.\n", "", 0)


@pytest.mark.parametrize(
    ("stderr", "verbosity"), [(StringIO, 2), (Terminal, 1)], ids=["asked for", "on a terminal"]
)
def test_a_long_run_says_how_far_it_is(over: Book, stderr: Any, verbosity: int) -> None:
    for turn in range(3):
        over(2 * turn)
    said, progress, status = run(COMMAND, stderr=stderr(), chunk_size=2, verbosity=verbosity)
    assert (said, status) == ("3 overdue bookings cancelled.\n", 0)
    assert [line[-8:] for line in progress.splitlines()] == ["2 so far", "3 so far"]


@override_settings(BOOKINGS_AUTO_CANCEL_GRACE_HOURS=-1)
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_service_without_a_grace_is_told_of_and_fails_the_command(
    over: Book, dry_run: bool
) -> None:
    quiet = over()

    said, refused, status = run(COMMAND, dry_run=dry_run)

    assert said.startswith("0 ")
    assert refused.startswith(f"Bookings of {quiet.service} cannot be cancelled automatically: ")
    assert "BOOKINGS_AUTO_CANCEL_GRACE_HOURS must be a whole number from 0" in refused
    assert status == 1
    assert status_of(quiet) == "CONFIRMED"


def test_it_completes_what_was_delivered(over: Book) -> None:
    done = delivered(over, 3)
    assert run("auto_complete_bookings", limit=1) == ("1 booking completed.\n", "", 0)
    assert run("auto_complete_bookings") == ("2 bookings completed.\n", "", 0)
    assert {Booking.objects.get(pk=each.pk).status for each in done} == {"COMPLETED"}


@pytest.mark.parametrize("name", ["auto_cancel_expired_bookings", "auto_complete_bookings"])
@pytest.mark.parametrize("options", [{"limit": 0}, {"limit": -1}, {"chunk_size": 0}])
def test_a_senseless_number_is_refused(db: None, name: str, options: dict[str, int]) -> None:
    with pytest.raises(CommandError, match="must be a whole number from 1"):
        run(name, **options)


@override_settings(BOOKINGS_AUTO_COMPLETE_HOURS=-1)
def test_a_senseless_setting_is_refused(db: None) -> None:
    with pytest.raises(CommandError, match="BOOKINGS_AUTO_COMPLETE_HOURS must be"):
        run("auto_complete_bookings")
