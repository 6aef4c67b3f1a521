"""What was delivered completes itself, unless the client disputes it in time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bookings.exceptions import InvalidBooking
from bookings.models import Booking
from bookings.services import (
    auto_complete_bookings,
    cancel_booking,
    complete_booking,
    deliver_booking,
)
from tests.services.clock import DAY, HOUR, MICROSECOND, START
from tests.services.conftest import Book
from tests.services.storage import history, last_event, nothing_written, stored

DELIVERED = START + HOUR
DUE = DELIVERED + 3 * DAY


@pytest.fixture
def delivered(booking: Booking) -> Booking:
    return deliver_booking(booking, now_dt=DELIVERED)


def test_it_is_completed_once_the_client_had_time_to_dispute(delivered: Booking) -> None:
    with nothing_written():
        assert auto_complete_bookings(now_dt=DUE - MICROSECOND) == 0

    assert auto_complete_bookings(now_dt=DUE) == 1

    done = stored(delivered)
    assert (done.status, done.completed_at, done.version) == (
        "COMPLETED",
        DUE,
        delivered.version + 1,
    )
    assert (done.delivered_at, done.cancelled_at, done.auto_cancelled) == (DELIVERED, None, False)
    assert history(delivered) == ["CREATED", "DELIVERED", "COMPLETED"]
    event = last_event(delivered)
    assert (event.created_at, event.actor_user) == (DUE, None)
    assert event.data == {"old_status": "DELIVERED", "new_status": "COMPLETED", "automatic": True}
    with nothing_written():
        assert auto_complete_bookings(now_dt=DUE) == 0


@pytest.mark.parametrize("hours", [0, 1, 24 * 366 * 10])
def test_the_host_says_how_long_that_is(delivered: Booking, settings: Any, hours: int) -> None:
    settings.BOOKINGS_AUTO_COMPLETE_HOURS = hours
    due = DELIVERED + timedelta(hours=hours)
    assert auto_complete_bookings(now_dt=due - MICROSECOND) == 0
    assert auto_complete_bookings(now_dt=due) == 1


def test_it_can_be_turned_off(delivered: Booking, settings: Any) -> None:
    settings.BOOKINGS_AUTO_COMPLETE_HOURS = None
    with nothing_written():
        assert auto_complete_bookings(now_dt=DUE + 365 * DAY) == 0


@pytest.mark.parametrize("hours", [-1, True, "72", 1.5])
def test_a_setting_that_is_no_number_of_hours_is_refused(
    delivered: Booking, settings: Any, hours: Any
) -> None:
    settings.BOOKINGS_AUTO_COMPLETE_HOURS = hours
    with nothing_written(), pytest.raises(InvalidBooking, match="BOOKINGS_AUTO_COMPLETE_HOURS"):
        auto_complete_bookings(now_dt=DUE)


def test_all_others_stay_as_they_are(book: Book) -> None:
    confirmed, cancelled, done = (book(start_at=START + number * HOUR) for number in range(3))
    cancel_booking(cancelled, now_dt=START - HOUR)
    complete_booking(done, now_dt=DELIVERED + 2 * HOUR)
    with nothing_written():
        assert auto_complete_bookings(now_dt=DUE + 365 * DAY) == 0
    assert stored(confirmed).status == "CONFIRMED"


@pytest.mark.parametrize(
    ("limit", "chunk_size", "expected"), [(None, 2, 5), (3, 2, 3), (1, 500, 1), (9, 1, 5)]
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_it_works_in_chunks_up_to_its_limit(
    book: Book, limit: int | None, chunk_size: int, expected: int, dry_run: bool
) -> None:
    for number in range(5):
        deliver_booking(book(start_at=START + number * HOUR), now_dt=DELIVERED + number * HOUR)
    heard: list[int] = []

    done = auto_complete_bookings(
        now_dt=DUE + DAY,
        limit=limit,
        chunk_size=chunk_size,
        dry_run=dry_run,
        progress=heard.append,
    )

    assert done == expected
    completed = Booking.objects.filter(status="COMPLETED").count()
    assert completed == (0 if dry_run else expected)
    assert heard[-1:] == ([] if dry_run else [expected])


def test_it_tells_of_each(
    delivered: Booking, sent_signals: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        auto_complete_bookings(now_dt=DUE)
    assert [(name, booking) for name, booking, *_ in sent_signals][-1] == ("COMPLETED", delivered)


@pytest.mark.parametrize(
    ("now", "number"),
    [
        (datetime.min.replace(tzinfo=UTC), 0),
        (datetime(1970, 1, 1, tzinfo=UTC), 0),
        (datetime.max.replace(tzinfo=UTC), 1),
    ],
)
def test_now_may_be_far_away(delivered: Booking, now: datetime, number: int) -> None:
    assert auto_complete_bookings(now_dt=now) == number


@pytest.mark.parametrize(
    "values",
    [
        {"limit": 0},
        {"limit": True},
        {"chunk_size": 0},
        {"chunk_size": "many"},
        {"now_dt": datetime(2030, 1, 7)},  # noqa: DTZ001
    ],
)
def test_it_refuses(delivered: Booking, values: dict[str, Any]) -> None:
    with nothing_written(), pytest.raises(InvalidBooking):
        auto_complete_bookings(**({"now_dt": DUE} | values))
