"""Slots of bookings that last by the wall clock, and while the provider is closed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.schedule.models import DateOverride, Schedule
from bookings.contrib.schedule.selectors import (
    Availability,
    any_provider,
    availability_etag,
    day_summary,
    first_available,
    list_available_slots,
    list_bookings_outside_hours,
    slots_by_date,
)
from bookings.exceptions import BookingConflict, InvalidBooking, SlotUnavailable
from bookings.models import Booking
from bookings.services import create_booking, reschedule_booking
from tests.contrib.schedule.slots.conftest import create_schedule, make_provider, make_service

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2030, 3, 1, tzinfo=UTC)
MONDAY = date(2030, 3, 25)
"""The clocks are put forward on the Sunday after it."""
ONE_DAY = timedelta(days=1)
Find = Callable[..., Availability]
Book = Callable[..., Booking]


@pytest.fixture
def office(provider: Any) -> Schedule:
    """Open from nine to noon and from two to five, every day."""
    return create_schedule(
        ("09:00", "12:00"), ("14:00", "17:00"), provider=provider, timezone="Europe/Berlin"
    )


@pytest.fixture
def around_the_clock(provider: Any) -> Schedule:
    return create_schedule(
        ("00:00", "24:00"),
        provider=provider,
        timezone="Europe/Berlin",
        slot_step_minutes=360,
        alignment="CLOCK",
    )


@pytest.fixture
def car(db: None) -> Any:
    return make_service(duration_days=1, maximum_duration_days=10, spans_closures=True)


@pytest.fixture
def find(provider: Any, car: Any) -> Find:
    def find_slots(**values: Any) -> Availability:
        given = {
            "service": car,
            "provider": provider,
            "start_date": MONDAY,
            "end_date": MONDAY + 6 * ONE_DAY,
            "tz": BERLIN,
            "now_dt": NOW,
        }
        return list_available_slots(**(given | values))

    return find_slots


@pytest.fixture
def book(provider: Any, car: Any) -> Book:
    def create(start: datetime, **values: Any) -> Booking:
        given = {"service": car, "provider": provider, "client_name": "Joan", "now_dt": NOW}
        return create_booking(start_at=start, **(given | values))

    return create


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2030, 3, day, hour, minute, tzinfo=BERLIN)


def shown(slots: Any) -> list[str]:
    return [f"{slot.start:%d %H}-{slot.end:%d %H}" for slot in slots]


def on(day: int) -> dict[str, date]:
    return {"start_date": date(2030, 3, day), "end_date": date(2030, 3, day)}


def test_a_car_is_fetched_and_brought_back_in_business_hours(office: Schedule, find: Find) -> None:
    assert shown(find(**on(30))) == [
        *("30 09-31 09", "30 10-31 10", "30 11-31 11"),
        *("30 14-31 14", "30 15-31 15", "30 16-31 16"),
    ]
    assert find(**on(30))[0].end - find(**on(30))[0].start == ONE_DAY
    assert (find(**on(30))[0].end.timestamp() - at(30, 9).timestamp()) == 23 * 3600


def test_without_it_the_whole_booking_is_in_one_opening(office: Schedule, find: Find) -> None:
    service = make_service(duration_days=1)

    assert shown(find(service=service)) == []
    why = find(service=service).why_not(at(25, 9))
    assert isinstance(why, SlotUnavailable)
    assert str(why) == (
        "A booking from March 25, 2030, 9 a.m. to March 26, 2030, 9 a.m. does not fit into the "
        "opening hours. Choose another start, or another length."
    )
    for days, minutes in ((3, 60), (None, 24 * 60)):
        long = make_service(duration_days=days, duration_minutes=minutes)
        assert "does not fit into the opening hours" in str(find(service=long).why_not(at(25, 9)))
    night = make_service(ends_at_time=time(7), duration_days=1)
    assert "to March 26, 2030, 7 a.m." in str(find(service=night).why_not(at(25, 9)))
    over_midnight = make_service(duration_minutes=16 * 60)
    why = find(service=over_midnight).why_not(at(25, 9))
    assert "from 9 a.m. to 1 a.m. does not fit into the hours of March 25, 2030" in str(why)


def test_openings_that_touch_at_midnight_are_one(around_the_clock: Schedule, find: Find) -> None:
    service = make_service(duration_days=2)
    assert len(find(service=service)) == 7 * 4

    DateOverride.objects.create(schedule=around_the_clock, date=date(2030, 3, 29), is_closed=True)
    assert shown(find(service=service)) == [
        *("25 00-27 00", "25 06-27 06", "25 12-27 12", "25 18-27 18"),
        *("26 00-28 00", "26 06-28 06", "26 12-28 12", "26 18-28 18", "27 00-29 00"),
        *("30 00-01 00", "30 06-01 06", "30 12-01 12", "30 18-01 18"),
        *("31 00-02 00", "31 06-02 06", "31 12-02 12", "31 18-02 18"),
    ]


def test_a_flat_is_left_at_eleven(office: Schedule, find: Find) -> None:
    flat = make_service(duration_days=2, ends_at_time=time(11), spans_closures=True)

    assert shown(find(service=flat, **on(30))) == [
        f"30 {hour:02}-01 11" for hour in (9, 10, 11, 14, 15, 16)
    ]
    flat.ends_at_time = time(13)
    assert shown(find(service=flat)) == []
    assert isinstance(find(service=flat).why_not(at(30, 9)), SlotUnavailable)


def test_until_a_time_of_the_same_day(office: Schedule, find: Find) -> None:
    afternoon = make_service(ends_at_time=time(16))

    slots = find(service=afternoon, **on(25))
    assert shown(slots) == ["25 14-25 16", "25 15-25 16"]
    error = slots.why_not(at(25, 16))
    assert isinstance(error, SlotUnavailable)
    assert error.booking_code == "ends_before_start"
    assert "does not fit" in str(slots.why_not(at(25, 11)))


def test_a_long_booking_in_minutes_may_span_closures_too(office: Schedule, find: Find) -> None:
    van = make_service(duration_minutes=24 * 60, spans_closures=True)

    # On Sunday the clocks are put forward: 24 hours after eleven it is noon, when the office shuts.
    assert shown(find(service=van, **on(30))) == [
        *("30 09-31 10", "30 10-31 11", "30 11-31 12"),
        *("30 14-31 15", "30 15-31 16", "30 16-31 17"),
    ]
    assert shown(find(service=van, **on(25)))[:2] == ["25 09-26 09", "25 10-26 10"]


def test_what_is_booked_is_in_the_way(office: Schedule, find: Find, book: Book) -> None:
    book(at(27, 10), duration_days=2)

    assert shown(find(start_date=date(2030, 3, 26), end_date=date(2030, 3, 29))) == [
        *("26 09-27 09", "26 10-27 10"),
        *("29 10-30 10", "29 11-30 11", "29 14-30 14", "29 15-30 15", "29 16-30 16"),
    ]
    assert "taken" in str(find().why_not(at(26, 11)))


def test_the_buffers_are_in_the_way(office: Schedule, find: Find, book: Book, car: Any) -> None:
    car.buffer_before_minutes, car.buffer_after_minutes = 60, 60
    car.save()
    book(at(27, 10))
    flat = make_service(duration_days=1, ends_at_time=time(9), spans_closures=True)

    assert shown(find(**on(26))) == []
    assert shown(find(**on(28)))[0] == "28 14-29 14"
    assert shown(find(service=flat, **on(26)))[0] == "26 09-27 09"
    assert shown(find(service=flat, **on(28)))[0] == "28 11-29 09"
    flat.buffer_after_minutes = 1
    assert shown(find(service=flat, **on(26))) == []


@pytest.mark.parametrize("days", [0, -1, 11, "1", True, 1.0, 10**12])
def test_no_slots_are_of_days_that_are_not_offered(office: Schedule, find: Find, days: Any) -> None:
    with pytest.raises(InvalidBooking) as caught:
        find(duration_days=days)
    assert (caught.value.booking_code, caught.value.field) == ("invalid_duration", "duration_days")


def test_the_wrong_unit_is_refused(office: Schedule, find: Find, book: Book) -> None:
    in_minutes = make_service()
    booking = book(at(27, 10))
    for options in (
        {"duration_minutes": 1440},
        {"duration_minutes": 1440, "duration_days": 1},
        {"service": in_minutes, "duration_days": 1},
        {"booking": booking, "duration_minutes": 1440},
    ):
        with pytest.raises(InvalidBooking) as caught:
            find(**options)
        assert caught.value.booking_code == "invalid_duration"


def test_every_selector_takes_the_days(
    office: Schedule, find: Find, book: Book, provider: Any, car: Any
) -> None:
    book(at(28, 10))
    options = {"tz": BERLIN, "now_dt": NOW, "duration_days": 2}

    by_date = slots_by_date(car, provider, MONDAY, MONDAY + ONE_DAY, **options)
    assert [len(slots) for slots in by_date.values()] == [6, 2]
    assert [day.slots for day in day_summary(car, provider, MONDAY, **options)] == [6]
    slot = first_available(car, [provider], at(26, 11), **options)
    assert slot is not None
    assert shown([slot]) == ["29 10-31 10"]
    assert any_provider(car, at(26, 10), [provider], **options) == [provider]
    assert any_provider(car, at(26, 14), [provider], **options) == []
    tags = {
        availability_etag(car, provider, **(options | {"duration_days": days})) for days in (1, 2)
    }
    car.spans_closures = False
    tags.add(availability_etag(car, provider, **options))
    assert len(tags) == 3


def test_a_booking_to_be_moved_keeps_its_days(
    office: Schedule, find: Find, book: Book, addon: Any
) -> None:
    addon.extra_duration_minutes = 60
    addon.save()
    booking = book(at(26, 9), duration_days=3, addon_ids=[addon.pk])

    slots = find(booking=booking, **on(28))
    # It is back at noon if it is fetched at eleven, and closed after five.
    assert shown(slots) == [
        *("28 09-31 10", "28 10-31 11", "28 11-31 12"),
        *("28 14-31 15", "28 15-31 16", "28 16-31 17"),
    ]
    assert shown(find(booking=booking, duration_days=1, **on(27)))[:1] == ["27 09-28 10"]
    assert shown(find(booking=booking, addons=[], **on(27)))[:1] == ["27 09-30 09"]
    assert shown(find(addons=[addon], **on(30)))[:1] == ["30 09-31 10"]


def test_only_what_is_offered_can_be_booked(
    office: Schedule, validated: None, find: Find, book: Book, addon: Any
) -> None:
    booking = book(at(29, 11), duration_days=2, addon_ids=[addon.pk])
    assert booking.end_at.astimezone(BERLIN) == at(31, 11, 15)
    with pytest.raises(SlotUnavailable):
        book(at(25, 9), duration_days=1, addon_ids=[addon.pk], provider=make_provider("Grace"))
    with pytest.raises(SlotUnavailable):
        book(at(27, 10), duration_days=3)
    with pytest.raises(BookingConflict):
        book(at(27, 10), duration_days=3, skip_slot_validation=True)
    moved = reschedule_booking(booking, new_start_at=at(25, 10), new_duration_days=1, now_dt=NOW)
    assert moved.end_at == at(26, 10, 15)


def test_shared_bookings_by_the_day(
    around_the_clock: Schedule, validated: None, find: Find, book: Book
) -> None:
    dorm = make_service(
        duration_days=1,
        ends_at_time=time(12),
        allow_multiple_clients_per_slot=True,
        capacity=2,
    )
    book(at(30, 18), service=dorm)

    slots = find(service=dorm, start_date=date(2030, 3, 29), end_date=date(2030, 3, 31))
    # Who comes on Saturday at six shares; who comes on Sunday at noon has it alone.
    assert [(*shown([slot]), slot.remaining_capacity) for slot in slots] == [
        *((f"29 {hour:02}-30 12", 2) for hour in (0, 6, 12, 18)),
        ("30 18-31 12", 1),
        *((f"31 {hour:02}-01 12", 2) for hour in (12, 18)),
    ]
    assert at(30, 18) in slots
    assert at(30, 12) not in slots
    book(at(30, 18), service=dorm)
    assert "taken" in str(find(service=dorm).why_not(at(30, 18)))


def test_concurrent_bookings_by_the_day(
    around_the_clock: Schedule, validated: None, find: Find, book: Book
) -> None:
    bikes = make_service(
        duration_days=1, maximum_duration_days=5, capacity_mode="CONCURRENT", capacity=2
    )
    book(at(27, 6), service=bikes, duration_days=2)
    book(at(28, 0), service=bikes)

    slots = {slot.start.day * 100 + slot.start.hour: slot for slot in find(service=bikes)}
    assert slots[2700].remaining_capacity == 1
    assert 2706 not in slots
    assert slots[2900].remaining_capacity == 1
    assert slots[2906].remaining_capacity == 2


class InTokyo(DefaultBookingAdapter):
    def time_zone(self, booking: Booking) -> tzinfo:
        return ZoneInfo("Asia/Tokyo")


def test_the_zone_is_what_the_adapter_says(
    around_the_clock: Schedule, settings: Any, find: Find, validated: None, book: Book
) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.InTokyo"

    [*_slots, last] = find(**on(30))
    assert last.end.timestamp() - last.start.timestamp() == 24 * 3600
    assert book(last.start).end_at == last.end


def test_a_resource_has_the_same_length(
    office: Schedule, find: Find, book: Book, validated: None, car: Any
) -> None:
    """A garage that is open in the morning only, and taken for a day."""
    garage = make_provider("Garage")
    create_schedule(("08:00", "12:00"), provider=garage, timezone="Europe/Berlin")
    book(at(28, 9), provider=garage)

    slots = find(resources=[garage], start_date=date(2030, 3, 27), end_date=date(2030, 3, 29))
    assert shown(slots) == ["27 09-28 09", "29 09-30 09", "29 10-30 10", "29 11-30 11"]
    assert "closed" in str(slots.why_not(at(27, 14)))
    assert "taken" in str(slots.why_not(at(27, 10)))
    assert book(at(29, 9), resources=[garage]).resource_count == 1
    with pytest.raises(SlotUnavailable):
        book(at(26, 14), resources=[garage])
    car.spans_closures = False
    assert shown(find(service=car, resources=[garage])) == []


def test_who_is_outside_the_hours(office: Schedule, book: Book, car: Any) -> None:
    book(at(25, 9))
    assert list_bookings_outside_hours(now_dt=NOW) == []

    car.spans_closures = False
    car.save()
    assert list_bookings_outside_hours(now_dt=NOW) == list(Booking.objects.all())
    car.spans_closures = True
    car.save()
    DateOverride.objects.create(schedule=office, date=date(2030, 3, 26), is_closed=True)
    assert list_bookings_outside_hours(now_dt=NOW) == list(Booking.objects.all())


def test_days_cost_one_query_more(db: None, car: Any, django_assert_num_queries: Any) -> None:
    create_schedule(("09:00", "17:00"), timezone="Europe/Berlin")
    in_minutes = make_service()
    others = [make_provider(name) for name in ("Ben", "Cleo")]
    for service, number in ((in_minutes, 5), (car, 6)):
        with django_assert_num_queries(number):
            slots_by_date(service, others, MONDAY, tz=BERLIN, now_dt=NOW)
