"""Series of bookings that last by the wall clock."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bookings.contrib.group_sessions.models import Session
from bookings.contrib.schedule.models import BusinessHours, Schedule
from bookings.contrib.series.exceptions import SeriesConflict
from bookings.contrib.series.services import (
    add_occurrence,
    create_session_series,
    reschedule_series,
)
from bookings.exceptions import InvalidBooking
from bookings.models import Booking
from bookings.services import create_booking
from tests.contrib.series.conftest import BERLIN, FIRST, NOW, MakeSeries
from tests.services.conftest import Book, Make

ZONE = ZoneInfo(BERLIN)


@pytest.fixture(autouse=True)
def _berlin(db: None, provider: Any) -> None:
    Schedule.objects.create(provider=provider, timezone=BERLIN)


@pytest.fixture
def flat(make_service: Make) -> Any:
    return make_service(name="Flat", duration_days=1, ends_at_time=time(8), maximum_duration_days=3)


@pytest.fixture
def book(service: Any, provider: Any) -> Book:
    def create(**values: Any) -> Booking:
        given = {"service": service, "provider": provider, "client_name": "Joan", "now_dt": NOW}
        return create_booking(**(given | values))

    return create


def local(at: datetime) -> str:
    return f"{at.astimezone(ZONE):%m-%d %H:%M}"


def ends() -> list[str]:
    return [local(booking.end_at) for booking in Booking.objects.order_by("start_at")]


def test_every_booking_ends_at_the_same_time_of_day(make_series: MakeSeries, flat: Any) -> None:
    series = make_series(service=flat, duration_days=2, rrule="FREQ=DAILY;INTERVAL=6;COUNT=3")
    assert ends() == ["03-19 08:00", "03-25 08:00", "03-31 08:00"]

    first = series.series.occurrences.first()
    assert first is not None
    reschedule_series(first, scope="all", new_start_at=FIRST.replace(hour=18), now_dt=NOW)
    assert ends() == ["03-19 08:00", "03-25 08:00", "03-31 08:00"]
    assert {booking.duration_days for booking in Booking.objects.all()} == {2}


def test_days_that_are_not_offered_are_refused(make_series: MakeSeries, flat: Any) -> None:
    for days in (4, 0, True, "1"):
        with pytest.raises(InvalidBooking) as caught:
            make_series(service=flat, duration_days=days)
        assert caught.value.booking_code == "invalid_duration"
    assert not Booking.objects.exists()


def test_an_added_start_has_the_days_if_they_are_still_offered(
    make_series: MakeSeries, flat: Any
) -> None:
    pattern = make_series(service=flat, duration_days=2).series.occurrences.first()
    assert pattern is not None

    [booking] = add_occurrence(pattern, start_at=FIRST.replace(day=28), now_dt=NOW).bookings
    assert local(booking.end_at) == "03-30 08:00"
    flat.maximum_duration_days = 1
    flat.save()
    [booking] = add_occurrence(pattern, start_at=FIRST.replace(day=20), now_dt=NOW).bookings
    assert local(booking.end_at) == "03-21 08:00"


def test_alternatives_are_as_long(make_series: MakeSeries, flat: Any, provider: Any) -> None:
    """Of nights on which the clocks are put forward too, one begins when another has ended."""
    taken = datetime(2026, 3, 27, 20, tzinfo=UTC)
    create_booking(service=flat, provider=provider, start_at=taken, client_name="Joan", now_dt=NOW)

    with pytest.raises(SeriesConflict) as caught:
        make_series(
            service=flat,
            start_at=FIRST.replace(day=27),
            rrule="FREQ=DAILY;COUNT=2",
            alternatives=3,
        )

    [conflict] = caught.value.skipped
    assert local(conflict.start_at) == "03-27 09:00"
    assert list(map(local, conflict.alternatives)) == [
        "03-29 09:00",
        "03-30 09:00",
        "03-31 09:00",
    ]


def test_what_ends_before_it_starts_is_refused(make_series: MakeSeries, make_service: Make) -> None:
    until_eight = make_service(ends_at_time=time(8))

    with pytest.raises(SeriesConflict) as caught:
        make_series(service=until_eight, rrule="FREQ=DAILY;COUNT=1", alternatives=2)
    [conflict] = caught.value.skipped
    assert (conflict.error.booking_code, conflict.alternatives) == ("ends_before_start", ())


def test_starts_that_end_before_they_start_can_be_skipped(
    make_series: MakeSeries, make_service: Make
) -> None:
    until_noon = make_service(ends_at_time=time(12))

    result = make_series(
        service=until_noon, rrule="FREQ=DAILY;BYHOUR=9,15;COUNT=4", on_conflict="skip"
    )

    assert ends() == ["03-17 12:00", "03-18 12:00"]
    assert [local(each.start_at) for each in result.skipped] == ["03-17 15:00", "03-18 15:00"]


def test_alternatives_that_end_on_the_same_day_are_a_day_apart(
    make_series: MakeSeries, make_service: Make, make_addon: Make, book: Book
) -> None:
    until_noon = make_service(ends_at_time=time(12))
    book(service=until_noon, start_at=datetime(2026, 3, 28, 10, tzinfo=UTC))
    book(start_at=datetime(2026, 3, 29, 10, tzinfo=UTC))

    with pytest.raises(SeriesConflict) as caught:
        make_series(
            service=until_noon,
            start_at=FIRST.replace(day=28),
            addon_ids=[make_addon().pk],
            rrule="FREQ=DAILY;COUNT=3",
            alternatives=2,
        )

    # The add-on lasts until a quarter past twelve, when somebody else has begun.
    assert [
        (local(each.start_at), list(map(local, each.alternatives))) for each in caught.value.skipped
    ] == [
        ("03-28 09:00", ["03-31 09:00", "04-01 09:00"]),
        ("03-29 09:00", ["04-02 09:00", "04-03 09:00"]),
    ]


def test_alternatives_in_the_past_are_left_out(make_series: MakeSeries, flat: Any) -> None:
    with pytest.raises(SeriesConflict) as caught:
        make_series(
            service=flat,
            duration_days=2,
            rrule="FREQ=DAILY;COUNT=1",
            alternatives=2,
            now_dt=datetime(2026, 3, 20, 12, tzinfo=UTC),
        )
    [conflict] = caught.value.skipped
    assert list(map(local, conflict.alternatives)) == ["03-21 09:00", "03-23 09:00"]


def test_the_slot_engine_knows_how_long_each_of_them_lasts(
    make_series: MakeSeries, make_service: Make, provider: Any, settings: Any, book: Book
) -> None:
    """The clocks are put forward on the night before the third of them is over."""
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    BusinessHours.objects.bulk_create(
        BusinessHours(
            schedule=Schedule.objects.get(),
            day_of_week=day,
            open_time="09:00",
            close_time="10:00",
        )
        for day in range(7)
    )
    car = make_service(duration_days=1, spans_closures=True)
    taken = datetime(2026, 3, 29, 7, tzinfo=UTC)
    book(service=car, start_at=taken)

    series = make_series(
        service=car, start_at=FIRST.replace(day=26), rrule="FREQ=DAILY;COUNT=3"
    ).series
    assert ends()[:3] == ["03-27 09:00", "03-28 09:00", "03-29 09:00"]

    first = series.occurrences.first()
    assert first is not None
    with pytest.raises(SeriesConflict):
        reschedule_series(first, scope="all", new_start_at=FIRST.replace(day=27), now_dt=NOW)
    with pytest.raises(SeriesConflict) as caught:
        make_series(
            service=car,
            start_at=FIRST.replace(day=28),
            rrule="FREQ=DAILY;COUNT=2",
            alternatives=2,
        )
    assert [
        (local(each.start_at), list(map(local, each.alternatives))) for each in caught.value.skipped
    ] == [
        ("03-28 09:00", ["03-30 09:00", "03-31 09:00"]),
        ("03-29 09:00", ["04-01 09:00", "04-02 09:00"]),
    ]


def make_session_series(**values: Any) -> Any:
    given = {"timezone": BERLIN, "start_at": FIRST.replace(day=27), "now_dt": NOW}
    return create_session_series(**(given | values))


def session_ends() -> list[str]:
    return [local(session.end_at) for session in Session.objects.order_by("start_at")]


def test_sessions_end_by_the_clocks(flat: Any, provider: Any) -> None:
    """The clocks are put forward in the night to the 29th."""
    make_session_series(service=flat, provider=provider, rrule="FREQ=DAILY;INTERVAL=2;COUNT=3")

    assert session_ends() == ["03-28 08:00", "03-30 08:00", "04-01 08:00"]
    with pytest.raises(SeriesConflict) as caught:
        make_session_series(
            service=flat, provider=provider, rrule="FREQ=DAILY;COUNT=2", alternatives=2
        )
    [conflict] = caught.value.skipped
    assert local(conflict.start_at) == "03-27 09:00"
    assert list(map(local, conflict.alternatives)) == ["03-30 09:00", "04-01 09:00"]


def test_sessions_that_end_before_they_start_can_be_skipped(
    provider: Any, make_service: Make
) -> None:
    until_noon = make_service(ends_at_time=time(12))

    result = make_session_series(
        service=until_noon,
        provider=provider,
        start_at=FIRST,
        rrule="FREQ=DAILY;BYHOUR=9,15;COUNT=4",
        on_conflict="skip",
    )

    assert session_ends() == ["03-17 12:00", "03-18 12:00"]
    assert {each.error.booking_code for each in result.skipped} == {"ends_before_start"}


def test_the_minutes_of_a_session_are_elapsed_time(flat: Any, provider: Any) -> None:
    make_session_series(
        service=flat, provider=provider, rrule="FREQ=DAILY;COUNT=2", duration_minutes=90
    )

    assert session_ends() == ["03-27 10:30", "03-28 10:30"]
