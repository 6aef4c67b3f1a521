"""A series of concurrent bookings: each occurrence takes a desk beside the others."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bookings.contrib.series.exceptions import SeriesConflict
from bookings.contrib.series.models import Occurrence
from bookings.contrib.series.services import cancel_series, reschedule_series
from bookings.models import Booking, BusyInterval
from bookings.services import create_booking
from bookings.testing import assert_bookings_are_sound
from tests.contrib.series.conftest import FIRST, NOW, TUESDAYS, MakeSeries
from tests.services.conftest import Make

HALF = timedelta(minutes=30)


@pytest.fixture
def desks(db: None, make_service: Make) -> Any:
    return make_service(name="Desk", capacity=2, capacity_mode="CONCURRENT")


@pytest.fixture(autouse=True)
def _sound(db: None) -> Any:
    yield
    assert_bookings_are_sound()


def book(desks: Any, provider: Any, start_at: datetime, **values: Any) -> Booking:
    return create_booking(
        service=desks,
        provider=provider,
        start_at=start_at,
        client_name="Ann",
        now_dt=NOW,
        **values,
    )


def seats() -> list[tuple[datetime, timedelta, int]]:
    """From when to when how many desks are taken."""
    rows = BusyInterval.objects.filter(kind="SEGMENT").order_by("starts")
    return [(row.start_at, row.end_at - row.start_at, row.seats_taken) for row in rows]


def test_each_occurrence_is_counted(make_series: MakeSeries, desks: Any, provider: Any) -> None:
    book(desks, provider, TUESDAYS[1] - HALF)
    made = make_series(service=desks)
    assert len(made.bookings) == 4
    assert seats() == [
        (TUESDAYS[0], 2 * HALF, 1),
        (TUESDAYS[1] - HALF, HALF, 1),
        (TUESDAYS[1], HALF, 2),
        (TUESDAYS[1] + HALF, HALF, 1),
        (TUESDAYS[2], 2 * HALF, 1),
        (TUESDAYS[3], 2 * HALF, 1),
    ]


def test_where_no_desk_is_left_it_is_told(
    make_series: MakeSeries, desks: Any, provider: Any
) -> None:
    book(desks, provider, TUESDAYS[1] - HALF, party_size=2)
    with pytest.raises(SeriesConflict) as refused:
        make_series(service=desks, alternatives=1)
    (skipped,) = refused.value.skipped
    assert (skipped.start_at, skipped.alternatives) == (
        TUESDAYS[1],
        (TUESDAYS[1] + 2 * HALF,),
    )


def test_alternatives_have_seats_for_the_whole_party(
    make_series: MakeSeries, desks: Any, provider: Any
) -> None:
    book(desks, provider, TUESDAYS[1])
    book(desks, provider, TUESDAYS[1] + 2 * HALF)
    with pytest.raises(SeriesConflict) as refused:
        make_series(service=desks, party_size=2, alternatives=1)
    (skipped,) = refused.value.skipped
    assert skipped.alternatives == (TUESDAYS[1] + 4 * HALF,)


def test_they_may_overlap_each_other(make_series: MakeSeries, desks: Any) -> None:
    desks.duration_minutes = 36 * 60
    desks.save()
    made = make_series(service=desks, rrule="FREQ=DAILY;COUNT=3")
    assert len(made.bookings) == 3
    assert [taken for _start, _length, taken in seats()] == [1, 2, 1, 2, 1]
    with pytest.raises(SeriesConflict):
        make_series(service=desks, rrule="FREQ=DAILY;COUNT=3")


def test_all_move_together_and_stay_out_of_each_others_way(
    make_series: MakeSeries, desks: Any, provider: Any
) -> None:
    make_series(service=desks, party_size=2)
    first = Occurrence.objects.order_by("booking_id")[0]
    reschedule_series(first, new_start_at=FIRST + timedelta(minutes=30), scope="all", now_dt=NOW)
    assert [start for start, _length, _taken in seats()] == [at + HALF for at in TUESDAYS]
    book(desks, provider, TUESDAYS[2] - HALF)
    with pytest.raises(SeriesConflict):
        reschedule_series(
            first, new_start_at=FIRST - timedelta(minutes=30), scope="all", now_dt=NOW
        )
    cancel_series(first, scope="all", now_dt=NOW)
    assert [start for start, _length, _taken in seats()] == [TUESDAYS[2] - HALF]
