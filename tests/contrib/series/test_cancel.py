"""One booking of a series is cancelled, it and those that follow, or all that are still to come."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bookings.contrib.series.exceptions import SeriesConflict
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.services import Scope, cancel_series
from bookings.exceptions import InvalidBooking, InvalidTransition, MissingReference, NoticeWindow
from bookings.models import Booking
from bookings.services import cancel_booking, mark_no_show, reschedule_booking
from bookings.testing import assert_bookings_are_sound
from tests.contrib.series.conftest import NOW, TUESDAYS, Repeat

DAY = timedelta(days=1)


def occurrence(number: int) -> Any:
    return Occurrence.objects.order_by("booking_id")[number]


def cancelled() -> list[int]:
    """Which of the four Tuesdays."""
    bookings = Booking.objects.order_by("pk")
    return [n for n, booking in enumerate(bookings) if booking.status == "CANCELLED"]


@pytest.mark.parametrize(
    ("scope", "gone"), [("one", [1]), ("following", [1, 2, 3]), ("all", [0, 1, 2, 3])]
)
def test_as_many_are_cancelled_as_are_meant(
    repeat: Repeat, staff: Any, scope: str, gone: list[int]
) -> None:
    series = repeat().series
    for _ in range(2):
        result = cancel_series(occurrence(1), scope=scope, reason="Moved", actor=staff, now_dt=NOW)
        assert cancelled() == gone
    assert result.series == series == Series.objects.get()
    assert {booking.version for booking in Booking.objects.filter(status="CANCELLED")} == {2}
    events = occurrence(1).booking.events
    assert list(events.values_list("event_type", "message", "actor_user")) == [
        ("CANCELLED", "Moved", staff.pk),
        ("CREATED", "", None),
    ]
    assert series.recurrence().left() == list(TUESDAYS)
    assert_bookings_are_sound()


def test_it_says_which(repeat: Repeat) -> None:
    repeat()
    cancel_booking(occurrence(2).booking, now_dt=NOW)
    result = cancel_series(occurrence(0), scope="all", now_dt=NOW)
    assert [booking.start_at for booking in result.bookings] == [TUESDAYS[n] for n in (0, 1, 3)]
    assert {booking.status for booking in result.bookings} == {Booking.Status.CANCELLED}
    assert cancel_series(occurrence(0), scope="all", now_dt=NOW).bookings == []


def test_what_has_begun_is_not_touched(repeat: Repeat) -> None:
    repeat()
    now = TUESDAYS[1] + timedelta(minutes=1)
    mark_no_show(occurrence(0).booking, now_dt=now)
    cancel_series(occurrence(0), scope="all", now_dt=now)
    assert cancelled() == [2, 3]
    with pytest.raises(InvalidTransition):
        cancel_series(occurrence(0), scope="one", now_dt=now)


def test_what_was_moved_is_cancelled_where_it_belongs(repeat: Repeat) -> None:
    """It follows by when the series had it start, wherever it has gone since."""
    repeat()
    for number, start_at in ((1, TUESDAYS[3] + DAY), (3, TUESDAYS[0] + DAY)):
        booking = occurrence(number).booking
        reschedule_booking(booking, new_start_at=start_at, now_dt=NOW)
    cancel_series(occurrence(2), scope="following", now_dt=NOW)
    assert cancelled() == [2, 3]


def test_all_or_nothing(repeat: Repeat, make_service: Any) -> None:
    repeat(service=make_service(name="Strict", cancellation_notice_minutes=60 * 24 * 20))
    with pytest.raises(SeriesConflict) as refused:
        cancel_series(occurrence(0), scope="all", now_dt=NOW)
    [skipped] = refused.value.skipped
    assert (skipped.start_at, type(skipped.error)) == (TUESDAYS[0], NoticeWindow)
    assert str(refused.value).startswith(
        "Starts of the series that are not possible: 1 of 4. 2026-03-17 09:00: Cannot cancel within"
    )
    assert cancelled() == []
    cancel_series(occurrence(1), scope="following", now_dt=NOW)
    assert cancelled() == [1, 2, 3]
    cancel_series(occurrence(0), scope="all", now_dt=NOW, override_policy=True)
    assert cancelled() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "values",
    [
        {"scope": "none"},
        {"scope": None},
        {"reason": None},
        {"reason": "\x00"},
        {"now_dt": datetime(2026, 3, 1)},
        {"actor": 1},
    ],
)
def test_bad_input_cancels_nothing(repeat: Repeat, values: Any) -> None:
    repeat()
    given: Any = {"scope": Scope.ALL, "now_dt": NOW} | values
    with pytest.raises(InvalidBooking):
        cancel_series(occurrence(0), **given)
    assert cancelled() == []


def test_what_is_gone_cannot_be_cancelled(repeat: Repeat) -> None:
    repeat()
    at = occurrence(0)
    at.booking.delete()
    at.refresh_from_db()
    with pytest.raises(MissingReference):
        cancel_series(at, scope="one", now_dt=NOW)
    cancel_series(at, scope="all", now_dt=NOW)
    assert cancelled() == [0, 1, 2]
