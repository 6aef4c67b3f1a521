"""Series of bookings whose length the client has chosen."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bookings.contrib.series.exceptions import SeriesConflict
from bookings.contrib.series.services import add_occurrence, create_series, reschedule_series
from bookings.exceptions import IdempotencyKeyReused, InvalidBooking
from bookings.models import Booking
from bookings.services import create_booking
from tests.contrib.series.conftest import BERLIN, FIRST, NOW, TUESDAYS, MakeSeries
from tests.services.conftest import Make

TWO_HOURS = timedelta(hours=2)


@pytest.fixture
def room(make_service: Make) -> Any:
    return make_service(name="Room", maximum_duration_minutes=180, price_amount=10)


def lengths() -> set[timedelta]:
    return {booking.end_at - booking.start_at for booking in Booking.objects.all()}


def test_every_booking_has_the_length(make_series: MakeSeries, room: Any) -> None:
    series = make_series(service=room, duration_minutes=120)
    assert lengths() == {TWO_HOURS}

    first = series.series.occurrences.first()
    assert first is not None
    reschedule_series(first, scope="all", new_start_at=FIRST.replace(hour=11), now_dt=NOW)
    assert lengths() == {TWO_HOURS}


def test_the_length_is_a_part_of_the_request(make_series: MakeSeries, room: Any) -> None:
    series = make_series(service=room, duration_minutes=120, idempotency_key="k").series

    assert make_series(service=room, duration_minutes=120, idempotency_key="k").series == series
    with pytest.raises(IdempotencyKeyReused):
        make_series(service=room, duration_minutes=60, idempotency_key="k")


def test_a_length_that_is_not_offered_is_refused(make_series: MakeSeries, room: Any) -> None:
    with pytest.raises(InvalidBooking) as caught:
        make_series(service=room, duration_minutes=181)
    assert caught.value.booking_code == "invalid_duration"
    assert not Booking.objects.exists()


def test_alternatives_are_as_long(make_series: MakeSeries, room: Any, provider: Any) -> None:
    for hours in (1, 3):
        create_booking(
            service=room,
            provider=provider,
            start_at=TUESDAYS[0] + timedelta(hours=hours),
            client_name="Joan",
            now_dt=NOW,
        )

    with pytest.raises(SeriesConflict) as caught:
        make_series(
            service=room,
            duration_minutes=120,
            rrule="FREQ=DAILY;COUNT=1",
            alternatives=1,
        )

    [conflict] = caught.value.skipped
    assert list(conflict.alternatives) == [TUESDAYS[0] + 2 * TWO_HOURS]


def test_an_added_start_has_the_length_if_that_is_still_offered(
    make_series: MakeSeries, room: Any
) -> None:
    series = make_series(service=room, duration_minutes=120).series
    pattern = series.occurrences.first()
    assert pattern is not None

    added = add_occurrence(pattern, start_at=FIRST.replace(day=18), now_dt=NOW)
    assert lengths() == {TWO_HOURS}
    room.maximum_duration_minutes = 90
    room.save()
    added = add_occurrence(pattern, start_at=FIRST.replace(day=19), now_dt=NOW)
    [booking] = added.bookings
    assert booking.end_at - booking.start_at == timedelta(hours=1)


def test_staff_make_a_series_of_any_length(db: None, room: Any, provider: Any) -> None:
    create_series(
        rrule="FREQ=WEEKLY;COUNT=2",
        timezone=BERLIN,
        start_at=FIRST,
        service=room,
        provider=provider,
        client_name="Mary",
        duration_minutes=20,
        override_policy=True,
        now_dt=NOW,
    )
    assert lengths() == {timedelta(minutes=20)}
