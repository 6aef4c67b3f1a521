from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bookings.exceptions import NotAllowed, NoticeWindow
from bookings.models import Booking
from bookings.services import cancel_booking, reschedule_booking
from tests.services.clock import DAY, HOUR, MICROSECOND, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import intervals, last_event, nothing_done, nothing_written, stored


def test_a_cancelled_booking_gives_its_time_back(booking: Booking, book: Book) -> None:
    cancel_booking(booking, now_dt=NOW)

    assert (booking.status, booking.busy_interval_id) == ("CANCELLED", None)
    assert intervals() == []
    assert book().pk


def test_it_says_who_cancelled_when_and_why(booking: Booking, staff: Any) -> None:
    cancel_booking(booking, actor=staff, reason="Ill.", now_dt=NOW)

    booking = stored(booking)
    assert (booking.cancelled_by, booking.cancelled_at) == (staff, NOW)
    assert (booking.cancellation_reason, booking.auto_cancelled) == ("Ill.", False)
    event = last_event(booking)
    assert (event.actor_user, event.message) == (staff, "Ill.")
    assert event.data == {
        "old_status": "CONFIRMED",
        "new_status": "CANCELLED",
        "reason": "Ill.",
    }


def test_a_booking_cannot_be_cancelled_twice(booking: Booking, staff: Any) -> None:
    cancel_booking(booking, reason="First.", now_dt=NOW)

    with nothing_done():
        cancel_booking(booking, actor=staff, reason="Second.", now_dt=NOW + HOUR)

    assert (booking.cancellation_reason, booking.cancelled_at) == ("First.", NOW)


def test_a_booking_whose_rules_forbid_it_is_for_staff_alone(book: Book, make_service: Make) -> None:
    booking = book(service=make_service(cancellation_allowed=False))

    with nothing_written(), pytest.raises(NotAllowed) as refused:
        cancel_booking(booking, now_dt=NOW)
    assert refused.value.messages == ["Cancellations are not allowed for this booking."]

    cancel_booking(booking, now_dt=NOW, override_policy=True)
    assert booking.status == "CANCELLED"


@pytest.mark.parametrize(
    ("before_start", "too_late"),
    [
        (minutes(120) + MICROSECOND, False),
        (minutes(120), False),
        (minutes(120) - MICROSECOND, True),
        (timedelta(0), True),
        (-HOUR, True),
    ],
)
def test_the_notice_may_be_used_up(
    book: Book, make_service: Make, before_start: timedelta, too_late: bool
) -> None:
    booking = book(service=make_service(cancellation_notice_minutes=120))
    at = START - before_start

    if too_late:
        with nothing_written(), pytest.raises(NoticeWindow) as refused:
            cancel_booking(booking, now_dt=at)
        assert refused.value.messages == ["Cannot cancel within the notice window (120 minutes)."]
        assert refused.value.code == "notice_window"
    else:
        cancel_booking(booking, now_dt=at)
        assert booking.status == "CANCELLED"


def test_staff_may_override_the_notice(book: Book, make_service: Make) -> None:
    booking = book(service=make_service(cancellation_notice_minutes=120))

    cancel_booking(booking, now_dt=START, override_policy=True)

    assert booking.status == "CANCELLED"


@pytest.mark.parametrize("after_start", [timedelta(0), minutes(30), 7 * DAY])
def test_without_notice_a_booking_can_be_cancelled_until_its_start(
    book: Book, booking: Booking, after_start: timedelta
) -> None:
    with nothing_written(), pytest.raises(NoticeWindow) as refused:
        cancel_booking(booking, now_dt=START + after_start)
    assert refused.value.code == "booking_started"
    assert refused.value.messages == [
        "The booking has begun. Only staff may still cancel it, by overriding the policy."
    ]

    cancel_booking(booking, now_dt=START + after_start, override_policy=True)
    assert booking.status == "CANCELLED"

    in_time = book()
    cancel_booking(in_time, now_dt=START - MICROSECOND)
    assert in_time.status == "CANCELLED"


def test_a_hold_of_a_time_that_has_begun_is_for_staff_too(book: Book) -> None:
    hold = book(now_dt=START + HOUR, expires_at=START + 2 * HOUR, allow_past=True)

    with nothing_written(), pytest.raises(NoticeWindow) as refused:
        cancel_booking(hold, now_dt=START + HOUR)
    assert refused.value.code == "booking_started"

    cancel_booking(hold, now_dt=START + HOUR, override_policy=True)
    assert hold.status == "CANCELLED"


def test_a_booking_that_was_cancelled_in_time_stays_so(booking: Booking) -> None:
    cancel_booking(booking, now_dt=NOW)

    with nothing_done():
        cancel_booking(booking, now_dt=START + DAY)


def test_the_rules_are_those_of_the_booking_not_of_its_service(
    book: Book, make_service: Make
) -> None:
    service = make_service(cancellation_notice_minutes=0)
    booking = book(service=service)
    type(service).objects.update(cancellation_notice_minutes=9999, cancellation_allowed=False)

    cancel_booking(stored(booking), now_dt=NOW)

    assert stored(booking).status == "CANCELLED"


def test_the_notice_counts_from_where_the_booking_is_now(book: Book, make_service: Make) -> None:
    booking = book(service=make_service(cancellation_notice_minutes=120))
    stale = stored(booking)
    reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW)

    cancel_booking(stale, now_dt=START)

    assert stale.status == "CANCELLED"
