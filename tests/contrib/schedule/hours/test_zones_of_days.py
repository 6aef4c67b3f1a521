"""Days are those of the schedule's zone: of the limits, and of how far ahead one may book."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.schedule.extension import ScheduleExtension
from bookings.contrib.schedule.models import Schedule
from bookings.exceptions import LimitReached, TooFarAhead
from bookings.services import reschedule_booking
from tests.contrib.schedule.hours.conftest import Book, Make, at

BRISBANE: Final = "Australia/Brisbane"
HOUR: Final = timedelta(hours=1)
SECOND: Final = timedelta(seconds=1)

SetLimit = Callable[[], None]

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["provider", "client's day", "service's day of a client"])
def one_a_day(request: Any, settings: Any, provider: Any, service: Any) -> None:
    if request.param == "provider":
        provider.max_bookings_per_day = 1
        provider.save()
    elif request.param == "client's day":
        settings.BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_DAY = 1
    else:
        service.max_bookings_per_client_per_day = 1
        service.save()


@pytest.mark.usefixtures("one_a_day")
class TestOneADay:
    """A day in Brisbane lasts from 14:00 to 14:00 in UTC."""

    def test_a_day_is_that_of_the_schedule(self, book: Book, provider: Any) -> None:
        Schedule.objects.create(provider=provider, timezone=BRISBANE)
        book(at(13))
        assert book(at(14)).pk
        # Two instants of one date in UTC and of two in Brisbane, and the reverse.
        with pytest.raises(LimitReached):
            book(at(9, day=7))
        assert book(at(14, day=7)).pk

    def test_a_booking_does_not_move_to_a_day_that_is_full(self, book: Book, provider: Any) -> None:
        Schedule.objects.create(provider=provider, timezone=BRISBANE)
        book(at(13))
        booking = book(at(15))
        with pytest.raises(LimitReached):
            reschedule_booking(booking, new_start_at=at(12), now_dt=at(0))
        reschedule_booking(booking, new_start_at=at(13, day=7), now_dt=at(0))

    @pytest.mark.parametrize("is_of_provider", [False, True])
    def test_the_default_schedule_counts_where_there_is_no_other(
        self, book: Book, provider: Any, is_of_provider: bool
    ) -> None:
        Schedule.objects.create(timezone=BRISBANE)
        if is_of_provider:
            Schedule.objects.create(provider=provider, timezone="UTC")
        book(at(13))
        if is_of_provider:
            with pytest.raises(LimitReached):
                book(at(14))
        else:
            assert book(at(14)).pk

    def test_the_schedule_comes_before_the_provider_s_own_zone(
        self, book: Book, provider: Any
    ) -> None:
        provider.timezone = "America/New_York"
        book(at(13))
        with pytest.raises(LimitReached):
            book(at(14))
        Schedule.objects.create(provider=provider, timezone=BRISBANE)
        assert book(at(14)).pk

    def test_the_adapter_has_the_last_word(
        self, book: Book, provider: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Schedule.objects.create(provider=provider, timezone=BRISBANE)
        asked = []

        class InUtc(DefaultBookingAdapter):
            def time_zone(self, booking: Any) -> tzinfo:
                asked.append(booking.provider)
                return UTC

        monkeypatch.setattr("bookings.adapters.get_adapter", InUtc)
        book(at(13))
        assert asked == [provider]
        with pytest.raises(LimitReached):
            book(at(14))


@pytest.mark.parametrize(
    ("first_day", "first", "second", "refused"),
    [
        # 2131-03-05 is a Monday. The weeks begin at 14:00 of the day before.
        ("MONDAY", at(14, day=4), at(13, day=11), True),
        ("MONDAY", at(14, day=4), at(14, day=11), False),
        ("MONDAY", at(13, day=11), at(14, day=11), False),
        ("SUNDAY", at(14, day=10), at(13, day=17), True),
        ("SUNDAY", at(13, day=10), at(14, day=10), False),
        ("SUNDAY", at(14, day=11), at(13, day=11), True),
        ("SATURDAY", at(14, day=9), at(13, day=16), True),
        ("SATURDAY", at(13, day=9), at(14, day=9), False),
        ("SATURDAY", at(14, day=10), at(13, day=10), True),
    ],
)
def test_a_week_is_one_by_the_schedule_s_clocks(
    book: Book,
    provider: Any,
    settings: Any,
    first_day: str,
    first: datetime,
    second: datetime,
    refused: bool,
) -> None:
    settings.BOOKINGS_FIRST_DAY_OF_WEEK = first_day
    settings.BOOKINGS_MAX_BOOKINGS_PER_CLIENT_PER_WEEK = 1
    Schedule.objects.create(provider=provider, timezone=BRISBANE)
    now = at(0, day=1)
    book(first, now_dt=now)
    if refused:
        with pytest.raises(LimitReached):
            book(second, now_dt=now)
    else:
        assert book(second, now_dt=now).pk


def test_the_days_ahead_are_those_of_the_schedule(book: Book, provider: Any, service: Any) -> None:
    Schedule.objects.create(provider=provider, timezone=BRISBANE)
    service.maximum_advance_days = 0
    assert book(at(13), now_dt=at(8)).pk
    with pytest.raises(TooFarAhead):
        book(at(14), now_dt=at(8))
    assert book(at(14), now_dt=at(14)).pk


def test_a_booking_moves_to_the_last_day_ahead(book: Book, provider: Any, service: Any) -> None:
    Schedule.objects.create(provider=provider, timezone=BRISBANE)
    type(service).objects.update(maximum_advance_days=1)
    booking = book(at(9))
    with pytest.raises(TooFarAhead):
        reschedule_booking(booking, new_start_at=at(14, day=7), now_dt=at(8))
    reschedule_booking(booking, new_start_at=at(14, day=7) - SECOND, now_dt=at(8))


def test_the_zones_of_many_providers_take_one_query(make_provider: Make) -> None:
    zones = ScheduleExtension().time_zones
    providers = [make_provider(str(number)) for number in range(4)]
    Schedule.objects.create(provider=providers[0], timezone=BRISBANE)
    Schedule.objects.create(provider=providers[1], timezone="UTC")
    with CaptureQueriesContext(connection) as captured:
        found = zones(providers, tenant_id=None)
    assert found == {providers[0].pk: ZoneInfo(BRISBANE), providers[1].pk: ZoneInfo("UTC")}
    assert len(captured) == 1


def test_the_zone_is_read_before_the_lock(book: Book, provider: Any) -> None:
    """Nobody waits for a query that could have come before."""
    provider.max_bookings_per_day = 5
    book(at(9))
    with CaptureQueriesContext(connection) as captured:
        book(at(11))
    statements = [query["sql"] for query in captured]
    [zone] = [n for n, sql in enumerate(statements) if "bookings_schedule_schedule" in sql]
    [lock] = [n for n, sql in enumerate(statements) if sql.startswith("UPDATE")]
    assert zone < lock
