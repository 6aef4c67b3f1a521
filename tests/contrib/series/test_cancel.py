"""``cancel_series``: one booking, it and those that follow, or all that are still to come."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bookings.contrib.series.exceptions import SeriesConflict
from bookings.contrib.series.models import Occurrence, Series
from bookings.contrib.series.services import Scope, cancel_series
from bookings.exceptions import InvalidBooking, InvalidTransition, MissingReference, NoticeWindow
from bookings.models import Booking
from bookings.services import cancel_booking, mark_no_show, reopen_booking, reschedule_booking
from bookings.testing import assert_bookings_are_sound
from tests.contrib.series.conftest import NOW, TUESDAYS, MakeSeries

DAY = timedelta(days=1)


def occurrence(number: int) -> Any:
    return Occurrence.objects.order_by("booking_id")[number]


def cancelled() -> list[int]:
    """Return which of the four bookings are cancelled."""
    bookings = Booking.objects.order_by("pk")
    return [n for n, booking in enumerate(bookings) if booking.status == "CANCELLED"]


@pytest.mark.parametrize(
    ("scope", "expected"), [("one", [1]), ("following", [1, 2, 3]), ("all", [0, 1, 2, 3])]
)
def test_the_scope_selects_the_bookings_to_cancel(
    make_series: MakeSeries, staff: Any, scope: str, expected: list[int]
) -> None:
    series = make_series().series
    for _ in range(2):
        result = cancel_series(occurrence(1), scope=scope, reason="Moved", actor=staff, now_dt=NOW)
        assert cancelled() == expected
    assert result.series == series == Series.objects.get()
    assert {booking.version for booking in Booking.objects.filter(status="CANCELLED")} == {2}
    events = occurrence(1).booking.events
    assert list(events.values_list("event_type", "message", "actor_user")) == [
        ("CANCELLED", "Moved", staff.pk),
        ("CREATED", "", None),
    ]
    assert series.recurrence().starts() == list(TUESDAYS)
    assert_bookings_are_sound()


def test_the_result_has_the_cancelled_bookings(make_series: MakeSeries) -> None:
    make_series()
    cancel_booking(occurrence(2).booking, now_dt=NOW)
    result = cancel_series(occurrence(0), scope="all", now_dt=NOW)
    assert [booking.start_at for booking in result.bookings] == [TUESDAYS[n] for n in (0, 1, 3)]
    assert {booking.status for booking in result.bookings} == {Booking.Status.CANCELLED}
    assert cancel_series(occurrence(0), scope="all", now_dt=NOW).bookings == []


def test_bookings_that_have_begun_stay(make_series: MakeSeries) -> None:
    make_series()
    now = TUESDAYS[1] + timedelta(minutes=1)
    mark_no_show(occurrence(0).booking, now_dt=now)
    cancel_series(occurrence(0), scope="all", now_dt=now)
    assert cancelled() == [2, 3]
    with pytest.raises(InvalidTransition):
        cancel_series(occurrence(0), scope="one", now_dt=now)


@pytest.mark.parametrize("after_start", [timedelta(0), timedelta(minutes=1), DAY])
def test_one_that_has_begun_is_cancelled_by_staff_alone(
    make_series: MakeSeries, after_start: timedelta
) -> None:
    make_series()
    now = TUESDAYS[1] + after_start
    with pytest.raises(NoticeWindow) as refused:
        cancel_series(occurrence(1), scope="one", now_dt=now)
    assert refused.value.code == "booking_started"
    cancel_series(occurrence(1), scope="following", now_dt=now)
    assert cancelled() == [2, 3]
    cancel_series(occurrence(1), scope="one", now_dt=now, override_policy=True)
    assert cancelled() == [1, 2, 3]


def test_following_is_counted_by_the_original_start(make_series: MakeSeries) -> None:
    """Not by the start to which a booking was moved since."""
    make_series()
    for number, start_at in ((1, TUESDAYS[3] + DAY), (3, TUESDAYS[0] + DAY)):
        booking = occurrence(number).booking
        reschedule_booking(booking, new_start_at=start_at, now_dt=NOW)
    cancel_series(occurrence(2), scope="following", now_dt=NOW)
    assert cancelled() == [2, 3]


def test_one_refusal_cancels_nothing(make_series: MakeSeries, make_service: Any) -> None:
    make_series(service=make_service(name="Strict", cancellation_notice_minutes=60 * 24 * 20))
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
def test_bad_input_cancels_nothing(make_series: MakeSeries, values: Any) -> None:
    make_series()
    arguments: Any = {"scope": Scope.ALL, "now_dt": NOW} | values
    with pytest.raises(InvalidBooking):
        cancel_series(occurrence(0), **arguments)
    assert cancelled() == []


def test_an_occurrence_without_a_booking_is_missing(make_series: MakeSeries) -> None:
    make_series()
    at = occurrence(0)
    at.booking.delete()
    at.refresh_from_db()
    with pytest.raises(MissingReference):
        cancel_series(at, scope="one", now_dt=NOW)
    cancel_series(at, scope="all", now_dt=NOW)
    assert cancelled() == [0, 1, 2]


def test_a_booking_of_a_series_can_be_reopened(make_series: MakeSeries) -> None:
    make_series()
    cancel_series(occurrence(1), scope="following", now_dt=NOW)

    reopen_booking(occurrence(2).booking, now_dt=NOW)

    assert cancelled() == [1, 3]
    assert_bookings_are_sound()
