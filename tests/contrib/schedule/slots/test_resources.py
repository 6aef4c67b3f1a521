from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.schedule.models import DateOverride
from bookings.contrib.schedule.selectors import (
    DayStatus,
    any_provider,
    availability_etag,
    day_summary,
    first_available,
    list_available_slots,
)
from bookings.contrib.schedule.services import take_time_off
from bookings.contrib.schedule.slots.resource_time import _intersect, _without
from bookings.exceptions import BookingConflict, InvalidBooking, NotAllowed, PoolExhausted
from bookings.extensions import Extension
from bookings.models import Booking
from bookings.pools import AnyOf
from bookings.services import create_booking, reschedule_booking
from tests.contrib.schedule.slots.conftest import (
    NINE_TO_FIVE,
    create_schedule,
    make_provider,
    make_service,
    start_times,
)
from tests.core.moments import NOW, at

Find = Callable[..., Any]
Make = Callable[..., Booking]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("schedule")]

ALL = [f"{hour:02}:00" for hour in range(9, 17)]


@pytest.fixture
def room() -> Any:
    return make_provider("Room 1")


@pytest.fixture
def other_room() -> Any:
    return make_provider("Room 2")


@pytest.fixture
def colleague() -> Any:
    return make_provider("Grace")


def of_day(find_slots: Find, **values: Any) -> list[str]:
    return start_times(find_slots(**values))


def test_a_start_is_offered_if_the_room_is_free_too(
    find_slots: Find, book: Make, room: Any, colleague: Any
) -> None:
    book(at(10), provider=colleague, resources=[room])

    assert of_day(find_slots) == ALL
    assert of_day(find_slots, resources=[room]) == [each for each in ALL if each != "10:00"]


def test_a_pool_offers_a_start_while_one_of_it_is_free(
    find_slots: Find, book: Make, room: Any, other_room: Any, colleague: Any
) -> None:
    pool = AnyOf([room, other_room])
    book(at(10), provider=colleague, resources=[room])
    assert of_day(find_slots, resources=[pool]) == ALL
    book(at(10), provider=make_provider("Kim"), resources=[other_room])
    assert "10:00" not in of_day(find_slots, resources=[pool])


def test_two_pools_need_two_rooms(
    find_slots: Find, book: Make, room: Any, other_room: Any, colleague: Any
) -> None:
    pools = [AnyOf([room, other_room]), AnyOf([room, other_room])]
    book(at(10), provider=colleague, resources=[room])

    assert of_day(find_slots, resources=pools) == [each for each in ALL if each != "10:00"]
    refusal = find_slots(resources=pools).why_not(at(10))
    assert refusal.code == "resource_taken"


def test_a_room_is_open_by_its_own_schedule(find_slots: Find, room: Any) -> None:
    schedule = create_schedule(("10:30", "13:00"), provider=room)
    DateOverride.objects.create(schedule=schedule, date=at(0, day=8).date(), is_closed=True)

    assert of_day(find_slots, resources=[room]) == ["11:00", "12:00"]
    refusal = find_slots(resources=[room]).why_not(at(9))
    assert (refusal.code, "Room 1 is closed" in str(refusal)) == ("resource_closed", True)


def test_a_room_without_a_schedule_is_open_beside_a_default_one(
    find_slots: Find, room: Any
) -> None:
    create_schedule(("12:00", "13:00"))

    assert of_day(find_slots, resources=[room]) == ALL


def test_a_room_that_is_closed_is_not_booked(
    validated: None, service: Any, provider: Any, room: Any, other_room: Any
) -> None:
    create_schedule(("10:30", "13:00"), provider=room)

    def book(**values: Any) -> Booking:
        return create_booking(
            service=service,
            provider=provider,
            start_at=at(9),
            client_name="Joan",
            now_dt=NOW,
            **values,
        )

    with pytest.raises(PoolExhausted, match="Room 1 is closed"):
        book(resources=[AnyOf([room])])
    booking = book(resources=[AnyOf([room, other_room])])
    assert booking.resources.get().provider == other_room
    booking.delete()
    assert book(resources=[room], skip_slot_validation=True).resource_count == 1


def test_why_not_names_the_room(
    find_slots: Find, book: Make, room: Any, other_room: Any, colleague: Any
) -> None:
    book(at(10), provider=colleague, resources=[room])
    book(at(10), provider=make_provider("Kim"), resources=[other_room])

    slots = find_slots(resources=[room])
    assert "Room 1 is taken" in str(slots.why_not(at(10)))
    assert slots.why_not(at(11)) is None
    many = [room, other_room]
    refusal = find_slots(resources=[AnyOf(many)]).why_not(at(10))
    assert "Room 1, Room 2" in str(refusal)
    busy = [make_provider(f"B{number}") for number in range(6)]
    for one in busy:
        book(at(10), provider=one)
    assert "B4, …" in str(find_slots(resources=[AnyOf(busy)]).why_not(at(10)))


def test_time_off_of_a_room_takes_it(find_slots: Find, room: Any) -> None:
    take_time_off(provider=room, start_at=at(9), end_at=at(12), now_dt=NOW)

    assert of_day(find_slots, resources=[room])[0] == "12:00"


def test_a_room_that_is_not_active_is_not_offered(find_slots: Find, room: Any) -> None:
    room.is_active = False

    assert of_day(find_slots, resources=[room]) == []
    assert isinstance(find_slots(resources=[room]).why_not(at(9)), NotAllowed)
    assert of_day(find_slots, resources=[room], override_policy=True) == ALL


class NotBeforeNoon(DefaultBookingAdapter):
    def check_resource(self, booking: Booking, resource: Any, *, override_policy: bool) -> None:
        if booking.start_at.hour < 12:
            raise NotAllowed("Not before noon.")


def test_the_adapter_may_refuse_a_room_at_a_start(
    find_slots: Find, room: Any, settings: Any
) -> None:
    settings.BOOKINGS_ADAPTER = f"{__name__}.NotBeforeNoon"

    assert of_day(find_slots, resources=[room])[0] == "12:00"
    assert "noon" in str(find_slots(resources=[room]).why_not(at(9)))


def test_what_the_service_needs_counts(
    find_slots: Find, book: Make, service: Any, room: Any, colleague: Any
) -> None:
    service.resources = [room]
    book(at(10), service=make_service(), provider=colleague, resources=[room])

    assert "10:00" not in of_day(find_slots)


def test_days_and_providers_follow_the_rooms(
    service: Any, provider: Any, book: Make, room: Any, colleague: Any
) -> None:
    for hour in range(9, 17):
        book(at(hour), provider=colleague, resources=[room])
    options: Any = {"now_dt": NOW, "resources": [room]}

    [summary] = day_summary(service, provider, at(0).date(), **options)
    assert summary.status == DayStatus.FULL
    assert any_provider(service, at(10), [provider], **options) == []
    first = first_available(service, provider, at(9), **options)
    assert first is not None
    assert first.start == at(9, day=7)
    create_schedule(provider=room)
    [summary] = day_summary(service, provider, at(0).date(), **options)
    assert summary.status == DayStatus.CLOSED


def test_a_booking_to_be_moved_is_not_in_its_own_way(
    find_slots: Find, book: Make, room: Any, colleague: Any
) -> None:
    booking = book(at(10), resources=[room])
    book(at(12), provider=colleague, resources=[room])

    offered = of_day(find_slots, booking=booking)
    assert "10:00" in offered
    assert "12:00" not in offered
    assert "12:00" in of_day(find_slots, booking=booking, resources=[])
    reschedule_booking(
        booking,
        new_start_at=at(10) + timedelta(minutes=30),
        now_dt=NOW,
        skip_slot_validation=True,
    )


def test_a_moved_booking_without_resources_needs_none(find_slots: Find, book: Make) -> None:
    assert of_day(find_slots, booking=book(at(10))) == ALL


def test_a_shared_slot_with_a_room_is_joined(
    find_slots: Find, book: Make, yoga: Any, room: Any, other_room: Any
) -> None:
    book(at(10), service=yoga, resources=[room])

    assert of_day(find_slots, service=yoga, resources=[room]) == ALL
    assert "10:00" in of_day(find_slots, service=yoga, resources=[AnyOf([other_room, room])])
    slots = find_slots(service=yoga, resources=[other_room])
    assert "10:00" not in start_times(slots)
    assert slots.why_not(at(10)).code == "other_resources"
    with pytest.raises(BookingConflict) as caught:
        book(at(10), service=yoga, resources=[other_room], client_name="Kim")
    assert caught.value.code == "other_resources"


def test_the_etag_follows_the_rooms(
    service: Any, provider: Any, book: Make, room: Any, colleague: Any
) -> None:
    def etag() -> str:
        return availability_etag(service, provider, now_dt=NOW, resources=[AnyOf([room])])

    before = etag()
    assert before != availability_etag(service, provider, now_dt=NOW)
    book(at(10), provider=colleague, resources=[room])
    assert etag() != before


def test_the_number_of_queries_does_not_depend_on_that_of_providers_and_pools(
    service: Any,
) -> None:
    counts = []
    for providers, pools in ((2, 1), (100, 3)):
        people = [make_provider(f"P{number}") for number in range(providers)]
        for one in people:
            create_schedule(NINE_TO_FIVE, provider=one)
        rooms = [AnyOf([make_provider(f"R{n}{m}") for m in range(3)]) for n in range(pools)]
        with CaptureQueriesContext(connection) as queries:
            for availability in [
                any_provider(service, at(10), people, now_dt=NOW, resources=rooms),
                day_summary(service, people, at(0).date(), now_dt=NOW, resources=rooms),
            ]:
                assert availability
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_bad_resources_are_refused(service: Any, provider: Any) -> None:
    with pytest.raises(Exception, match="resource must be"):
        list_available_slots(service, provider, at(9), at(10), resources=["Room 1"])


def test_who_is_alone_in_a_shared_slot_may_take_another_room(
    find_slots: Find, book: Make, room: Any, other_room: Any
) -> None:
    yoga = make_service(allow_multiple_clients_per_slot=True, capacity=3)
    booking = book(at(10), service=yoga, resources=[room])

    asked = {"service": yoga, "booking": booking, "resources": [other_room]}
    assert "10:00" in of_day(find_slots, **asked)
    book(at(10), service=yoga, resources=[room], client_name="Kim")
    assert "10:00" not in of_day(find_slots, **asked)


def test_who_is_the_resource_is_not_on_offer(
    find_slots: Find, service: Any, provider: Any, colleague: Any
) -> None:
    create_schedule(NINE_TO_FIVE)
    slot = first_available(service, [provider, colleague], resources=[provider], now_dt=NOW)

    assert slot is not None
    assert slot.provider == colleague
    alone = find_slots(resources=[provider])
    assert list(alone) == []
    assert alone.why_not(at(10)).code == "resource_is_provider"
    etag = availability_etag(service, [provider, colleague], resources=[provider], now_dt=NOW)
    book_elsewhere = create_booking(
        service=service, provider=provider, start_at=at(10), client_name="Kim", now_dt=NOW
    )
    assert book_elsewhere.holds_time
    assert etag != availability_etag(
        service, [provider, colleague], resources=[provider], now_dt=NOW
    )


def test_what_is_wrong_with_the_resources_of_a_service_is_said(
    find_slots: Find, service: Any, room: Any
) -> None:
    service.resources = [room, room]

    with pytest.raises(InvalidBooking, match="given twice"):
        find_slots(resources=[])


def test_no_extension_closes_a_resource_by_default(room: Any) -> None:
    assert list(Extension().closed_resources([room], [Booking()])) == [{}]


def test_a_booking_that_was_read_again_keeps_its_pool(
    find_slots: Find, book: Make, room: Any, other_room: Any, colleague: Any
) -> None:
    key = book(at(10), resources=[AnyOf([room, other_room])]).pk
    book(at(12), provider=colleague, resources=[room])
    booking = Booking.objects.get(pk=key)

    assert "12:00" in of_day(find_slots, booking=booking)
    book(at(12), provider=make_provider("Kim"), resources=[other_room])
    assert "12:00" not in of_day(find_slots, booking=booking)


@pytest.mark.parametrize(
    ("intervals", "starts", "left"),
    [
        ([(0, 10)], [], [(0, 10)]),
        ([(0, 10)], [0], [(1, 10)]),
        ([(0, 10)], [4], [(0, 4), (5, 10)]),
        ([(0, 10)], [4, 5], [(0, 4), (6, 10)]),
        ([(0, 10)], [9], [(0, 9)]),
        ([(0, 1), (5, 8)], [0, 6], [(5, 6), (7, 8)]),
    ],
)
def test_single_starts_are_taken_out_of_intervals(
    intervals: Any, starts: list[int], left: Any
) -> None:
    assert _without(intervals, starts) == left


@pytest.mark.parametrize(
    ("lists", "common"),
    [
        ([], []),
        ([[(0, 10)]], [(0, 10)]),
        ([[(0, 4), (6, 10)], [(2, 8)]], [(2, 4), (6, 8)]),
        ([[(0, 4)], [(4, 8)]], []),
        ([[(4, 8)], [(0, 4)]], []),
        ([[(0, 4)], [(4, 8)], [(0, 8)]], []),
    ],
)
def test_what_blocks_a_pool_is_what_blocks_all_of_it(lists: Any, common: Any) -> None:
    assert _intersect(lists) == common
