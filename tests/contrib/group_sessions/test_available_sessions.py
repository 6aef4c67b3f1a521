"""The selector ``available_sessions``."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from bookings.contrib.group_sessions.exceptions import InvalidSession
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.selectors import available_sessions
from bookings.contrib.group_sessions.services import (
    cancel_session,
    close_session,
    generate_sessions,
)
from bookings.contrib.schedule.services import create_schedule
from bookings.exceptions import BookingError, InvalidBooking
from tests.contrib.group_sessions.conftest import (
    HOUR,
    NOW,
    START,
    Factory,
    MakeBooking,
    MakeSession,
)

pytestmark = pytest.mark.django_db

WEDNESDAY: Final = START.date()
THURSDAY: Final = WEDNESDAY + timedelta(1)


def found(provider: Any, first: date = WEDNESDAY, last: date | None = None, **values: Any) -> Any:
    given = {"now_dt": NOW} | values
    return available_sessions(provider, first, first if last is None else last, **given)


def test_every_day_is_there_with_its_sessions_in_order(
    make_session: MakeSession, provider: Any
) -> None:
    late, early = make_session(start_at=START + 2 * HOUR), make_session()
    next_day = make_session(start_at=START + 24 * HOUR)
    assert found(provider, WEDNESDAY, THURSDAY + timedelta(1)) == {
        WEDNESDAY: [early, late],
        THURSDAY: [next_day],
        THURSDAY + timedelta(1): [],
    }


def test_each_session_has_its_number_of_free_seats(
    session: Session, make_booking: MakeBooking, provider: Any
) -> None:
    make_booking(session, "Ann", 2)
    for party_size, number in ((1, 1), (2, 0)):
        [sessions] = found(provider, party_size=party_size).values()
        assert len(sessions) == number
        assert [one.available_capacity for one in sessions] == [1] * number


def test_only_bookable_sessions_are_listed(
    make_session: MakeSession, make_booking: MakeBooking, provider: Any, other_provider: Any
) -> None:
    full, closed, cancelled, waited_for = (
        make_session(start_at=START + hour * HOUR, enable_waitlist=hour == 3) for hour in range(4)
    )
    make_booking(full, "Ann", 3)
    make_booking(waited_for, "Ann", 3)
    close_session(closed, now_dt=NOW)
    cancel_session(cancelled, now_dt=NOW)
    make_session(provider=other_provider)
    assert found(provider) == {WEDNESDAY: []}


def test_started_sessions_are_not_listed(session: Session, provider: Any) -> None:
    before = START - timedelta(microseconds=1)
    assert found(provider, now_dt=before) == {WEDNESDAY: [session]}
    assert found(provider, now_dt=START) == {WEDNESDAY: []}


def test_sessions_of_one_service_are_listed(
    make_session: MakeSession, provider: Any, make_service: Factory
) -> None:
    make_session()
    dance = make_service(name="Dance")
    danced = make_session(service=dance, start_at=START + HOUR)
    assert found(provider, service=dance) == {WEDNESDAY: [danced]}


def test_days_are_those_of_the_schedule_s_zone_else_of_the_current_one(
    make_session: MakeSession, provider: Any
) -> None:
    evening = make_session(start_at=datetime(2131, 3, 7, 22, 30, tzinfo=UTC))
    assert found(provider, WEDNESDAY, THURSDAY) == {WEDNESDAY: [evening], THURSDAY: []}
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        assert found(provider, WEDNESDAY, THURSDAY) == {WEDNESDAY: [], THURSDAY: [evening]}
        create_schedule(timezone="UTC")
        assert found(provider) == {WEDNESDAY: [evening]}
    create_schedule(provider=provider, timezone="Europe/Athens")
    assert found(provider) == {WEDNESDAY: []}
    assert found(provider, THURSDAY) == {THURSDAY: [evening]}


def test_without_schedules_days_are_those_of_the_current_zone(
    make_session: MakeSession, provider: Any, settings: Any
) -> None:
    evening = make_session(start_at=datetime(2131, 3, 7, 22, 30, tzinfo=UTC))
    create_schedule(provider=provider, timezone="Europe/Athens")
    settings.INSTALLED_APPS = [
        name for name in settings.INSTALLED_APPS if name != "bookings.contrib.schedule"
    ]
    assert found(provider) == {WEDNESDAY: [evening]}


def test_where_clocks_go_back_after_midnight_the_day_before_continues(
    make_session: MakeSession, provider: Any
) -> None:
    """In Newfoundland until 2011, 00:01 became 23:01 of the day before."""
    create_schedule(provider=provider, timezone="America/St_Johns")
    now = datetime(2010, 11, 1, tzinfo=UTC)
    day = date(2010, 11, 6)
    repeated_hour = make_session(start_at=datetime(2010, 11, 7, 3, 0, tzinfo=UTC), now_dt=now)
    assert found(provider, day + timedelta(1), now_dt=now) == {day + timedelta(1): []}
    assert found(provider, day, day + timedelta(1), now_dt=now)[day] == [repeated_hour]


def test_a_day_on_which_clocks_change_has_all_of_its_sessions(service: Any, provider: Any) -> None:
    create_schedule(
        provider=provider,
        timezone="Europe/Berlin",
        hours={day: [("00:00", "24:00")] for day in range(7)},
    )
    for day, number in ((date(2131, 3, 25), 23), (date(2131, 3, 26), 24)):
        generate_sessions(
            provider=provider,
            service=service,
            start_date=day,
            end_date=day,
            slot_duration_minutes=60,
            capacity=1,
            now_dt=NOW,
        )
        assert len(found(provider, day)[day]) == number


def test_the_number_of_queries_is_constant(
    make_session: MakeSession, provider: Any, make_service: Factory
) -> None:
    create_schedule(provider=provider, timezone="UTC")
    for number in (1, 9):
        make_session(start_at=START + number * 2 * HOUR, service=make_service(name=str(number)))
        with CaptureQueriesContext(connection) as captured:
            by_day = found(provider, WEDNESDAY, WEDNESDAY + timedelta(399))
            assert all(one.remaining_seats == 3 for one in by_day[WEDNESDAY])
        assert len(captured) == 2


@pytest.mark.parametrize("value", [START, "2131-03-07", None, 7])
def test_an_invalid_date(provider: Any, value: Any) -> None:
    for dates in ((value, WEDNESDAY), (WEDNESDAY, value)):
        with pytest.raises(InvalidSession) as refusal:
            available_sessions(provider, *dates)
        assert refusal.value.code == "invalid_date"


@pytest.mark.parametrize(
    ("first", "last", "error", "code"),
    [
        (THURSDAY, WEDNESDAY, InvalidSession, "range_reversed"),
        (WEDNESDAY, WEDNESDAY + timedelta(400), InvalidSession, "range_too_long"),
        (date.min, date.max, InvalidSession, "range_too_long"),
        (date.max, date.max, InvalidBooking, "out_of_range"),
    ],
)
def test_an_invalid_range(
    provider: Any, first: date, last: date, error: type[BookingError], code: str
) -> None:
    with pytest.raises(error) as refusal:
        found(provider, first, last)
    assert refusal.value.code == code


@pytest.mark.parametrize("party_size", [0, -1, True, "2", 1.0, None])
def test_an_invalid_party_size(provider: Any, party_size: Any) -> None:
    with pytest.raises(InvalidBooking):
        found(provider, party_size=party_size)


def test_a_naive_now(provider: Any) -> None:
    with pytest.raises(InvalidBooking):
        found(provider, now_dt=datetime(2131, 3, 5))  # noqa: DTZ001
