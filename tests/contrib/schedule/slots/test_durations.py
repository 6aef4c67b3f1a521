"""Slots of a length that the client chooses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.selectors import (
    Availability,
    any_provider,
    availability_etag,
    day_summary,
    first_available,
    slots_by_date,
)
from bookings.exceptions import InvalidBooking, SlotUnavailable
from bookings.models import Booking
from bookings.services import create_booking, reschedule_booking
from tests.contrib.schedule.slots.conftest import make_service, start_times
from tests.core.moments import NOW, at

pytestmark = pytest.mark.django_db
Book = Callable[..., Booking]
FindSlots = Callable[..., Availability]


@pytest.fixture
def room(db: None) -> Any:
    return make_service(name="Room", minimum_duration_minutes=60, maximum_duration_minutes=480)


def test_slots_are_as_long_as_the_client_chooses(
    schedule: Schedule, find_slots: FindSlots, room: Any, book: Book
) -> None:
    book(at(12))
    slots = find_slots(service=room, duration_minutes=180)

    assert start_times(slots) == ["09:00", "13:00", "14:00"]
    assert slots[0].end == at(12)


@pytest.mark.parametrize("length", [30, 500, "60"])
def test_no_slots_are_of_a_length_that_is_not_offered(
    schedule: Schedule, find_slots: FindSlots, room: Any, length: Any
) -> None:
    with pytest.raises(InvalidBooking) as caught:
        find_slots(service=room, duration_minutes=length)
    assert caught.value.booking_code == "invalid_duration"


def test_staff_see_slots_of_any_length(
    schedule: Schedule, find_slots: FindSlots, room: Any
) -> None:
    slots = find_slots(service=room, duration_minutes=30, override_policy=True)

    assert slots[0].end == at(9, 30)


def test_every_selector_takes_the_length(schedule: Schedule, room: Any, provider: Any) -> None:
    options: dict[str, Any] = {"duration_minutes": 480, "now_dt": NOW}
    day = at(0).date()

    [slots] = slots_by_date(room, provider, day, **options).values()
    assert start_times(slots) == ["09:00"]
    assert day_summary(room, provider, day, **options)[0].slots == 1
    first = first_available(room, provider, at(10), **options)
    assert first is not None
    assert first.start == at(9, day=7)
    assert any_provider(room, at(9), [provider], **options) == [provider]
    assert any_provider(room, at(10), [provider], **options) == []
    tags = {
        availability_etag(room, provider, duration_minutes=length, now_dt=NOW)
        for length in (None, 60, 480)
    }
    assert len(tags) == 2


def test_a_booking_to_be_moved_may_become_longer(
    schedule: Schedule, find_slots: FindSlots, room: Any, book: Book, addon: Any
) -> None:
    booking = book(at(9), service=room, addon_ids=[addon.pk])
    book(at(13))

    assert find_slots(service=room, booking=booking)[0].end == at(10, 15)
    longer = find_slots(service=room, booking=booking, duration_minutes=180)
    assert (longer[0].start, longer[0].end) == (at(9), at(12, 15))
    alone = find_slots(service=room, booking=booking, duration_minutes=180, addons=[])
    assert (alone[0].start, alone[0].end) == (at(9), at(12))
    assert find_slots(service=room, booking=booking, duration_minutes=60)[0].end == at(10, 15)


def test_what_is_offered_can_be_booked_and_nothing_else(
    validated: None, schedule: Schedule, room: Any, provider: Any
) -> None:
    def create(hour: int, length: int) -> Booking:
        return create_booking(
            service=room,
            provider=provider,
            start_at=at(hour),
            duration_minutes=length,
            client_name="Joan",
            now_dt=NOW,
        )

    with pytest.raises(SlotUnavailable):
        create(15, 180)
    booking = create(14, 180)
    with pytest.raises(SlotUnavailable):
        reschedule_booking(booking, new_start_at=at(14), new_duration_minutes=181, now_dt=NOW)
    moved = reschedule_booking(booking, new_start_at=at(13), new_duration_minutes=240, now_dt=NOW)
    assert moved.end_at == at(17)
