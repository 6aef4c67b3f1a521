"""Which bookings the hours of their providers no longer cover."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.contrib.schedule.outside_hours import upcoming_bookings
from bookings.contrib.schedule.selectors import list_bookings_outside_hours
from bookings.contrib.schedule.services import add_closures, create_schedule, set_week
from bookings.exceptions import BookingError
from bookings.models import Booking
from bookings.services import cancel_booking
from tests.contrib.schedule.hours.conftest import NOW, Book, Make, at

pytestmark = pytest.mark.django_db

NINE_TO_FIVE: Final = {day: [("09:00", "17:00")] for day in range(7)}


def outside(providers: Any = None, **options: Any) -> list[Booking]:
    return list_bookings_outside_hours(providers, **({"now_dt": NOW} | options))


def test_each_end_of_the_hours(provider: Any, book: Book) -> None:
    create_schedule(provider=provider, timezone="UTC", hours=NINE_TO_FIVE)
    too_soon, _first, _last, too_late = (
        book(at(*time)) for time in ((8, 0), (9, 0), (16, 0), (17, 0))
    )
    half = book(at(16, 30, day=7))
    assert outside() == [too_soon, too_late, half]


def test_what_set_week_and_a_closure_leave_out(provider: Any, book: Book) -> None:
    schedule = create_schedule(provider=provider, timezone="UTC", hours=NINE_TO_FIVE)
    bookings = [book(at(10)), book(at(15)), book(at(10, day=7))]
    assert outside(provider) == []
    set_week(schedule=schedule, hours={day: [("09:00", "12:00")] for day in range(7)})
    assert outside(provider) == [bookings[1]]
    add_closures(schedules=[schedule], first_date=at(0, day=7).date())
    assert outside([provider]) == bookings[1:]
    schedule.delete()
    assert outside([provider]) == bookings


def test_hours_on_both_sides_of_midnight_are_one(provider: Any, book: Book) -> None:
    create_schedule(
        provider=provider,
        timezone="America/New_York",
        hours={day: [("18:00", "24:00"), ("00:00", "02:00")] for day in range(7)},
    )
    book(at(4, 30))
    morning = book(at(12))
    assert outside() == [morning]


def test_only_active_bookings_to_come(provider: Any, book: Book, make_provider: Make) -> None:
    other = make_provider(name="Grace")
    cancel_booking(book(at(10)), now_dt=NOW)
    mine, theirs, later = book(at(11)), book(at(11), provider=other), book(at(11, day=20))
    assert outside() == [mine, theirs, later]
    assert outside(provider) == [mine, later]
    assert outside(provider, end_dt=at(0, day=20)) == [mine]
    assert outside(provider, start_dt=at(12)) == [later]
    assert outside(provider, now_dt=at(12)) == [later]
    assert outside([]) == []


def test_the_number_of_queries_is_constant(provider: Any, book: Book, make_provider: Make) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            outside()
        return len(captured)

    create_schedule(timezone="UTC", hours=NINE_TO_FIVE)
    book(at(8))
    few = queries()
    for _number in range(4):
        book(at(8), provider=make_provider(name="More"))
        book(at(18), provider=make_provider(name="More"))
    assert queries() == few == 4


@pytest.mark.parametrize(
    "given",
    [
        {"providers": 5},
        {"providers": [None]},
        {"start_dt": datetime(2131, 3, 5)},  # noqa: DTZ001
        {"end_dt": "tomorrow"},
        {"now_dt": NOW.replace(tzinfo=None)},
    ],
)
def test_what_is_no_provider_and_no_instant_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(BookingError):
        outside(**given)


def test_a_booking_in_a_thousand_years_takes_no_longer(provider: Any, book: Book) -> None:
    create_schedule(provider=provider, timezone="UTC", hours=NINE_TO_FIVE)
    far = book(at(18) + timedelta(days=365_000), override_policy=True)
    book(at(10))
    assert outside() == [far]


def test_the_hours_of_a_resource_count(provider: Any, book: Book, make_provider: Make) -> None:
    create_schedule(timezone="UTC", hours=NINE_TO_FIVE)
    room, hall = make_provider(name="Room 1"), make_provider(name="Hall")
    inside = book(at(10), resources=[room, hall])
    book(at(12), resources=[hall])
    assert outside() == []

    schedule = create_schedule(provider=room, timezone="UTC", hours=NINE_TO_FIVE)
    assert outside() == outside(room) == []
    made = add_closures(providers=[room], first_date=at(0).date())
    assert made.bookings == [inside]
    assert outside() == outside(room) == outside([room, provider]) == [inside]
    assert outside(hall) == [inside]
    assert list(upcoming_bookings([schedule]).values_list("pk", flat=True)) == [inside.pk]


def test_the_number_of_queries_does_not_depend_on_the_resources(
    book: Book, make_provider: Make, django_assert_num_queries: Any
) -> None:
    create_schedule(timezone="UTC", hours=NINE_TO_FIVE)
    for number in range(3):
        room = make_provider(name=f"Room {number}")
        create_schedule(provider=room, timezone="UTC", hours=NINE_TO_FIVE)
        book(at(18, day=6 + number), resources=[room])

    with django_assert_num_queries(8):
        assert len(outside()) == 3
