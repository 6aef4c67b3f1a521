"""Starts for concurrent bookings: as many seats as the fullest instant leaves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bookings.contrib.schedule.exceptions import StartNotOffered
from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.selectors import (
    Availability,
    any_provider,
    list_available_slots,
)
from bookings.exceptions import SlotUnavailable
from bookings.ledger import claims, entries
from bookings.models import Booking, BusyInterval, Calendar
from bookings.selectors import get_busy_intervals
from bookings.services import reschedule_booking
from tests.contrib.schedule.slots.conftest import (
    NINE_TO_FIVE,
    create_schedule,
    make_provider,
    make_service,
    start_times,
)
from tests.core.moments import NOW, at, second

pytestmark = pytest.mark.django_db
FindSlots = Callable[..., Availability]
Book = Callable[..., Booking]


@pytest.fixture(autouse=True)
def schedule(schedule: Schedule) -> Schedule:
    """From nine to twelve is enough to see."""
    schedule.hours.update(close_time="12:00")
    return schedule


@pytest.fixture
def desks(db: None) -> Any:
    return make_service(name="Desk", capacity=3, capacity_mode="CONCURRENT")


@pytest.fixture
def book_desk(book: Book, desks: Any, addon: Any) -> Book:
    def make(start_at: datetime, *, longer: bool = False, **values: Any) -> Booking:
        addon_ids = [addon.pk] if longer else []
        return book(start_at, **({"service": desks, "addon_ids": addon_ids} | values))

    return make


def seats(slots: Availability) -> dict[str, int]:
    return {f"{slot.start:%H:%M}": slot.remaining_capacity for slot in slots}


def test_a_slot_has_the_seats_that_the_fullest_instant_leaves(
    find_slots: FindSlots, desks: Any, book_desk: Book
) -> None:
    assert seats(find_slots(service=desks)) == {"09:00": 3, "10:00": 3, "11:00": 3}
    book_desk(at(9), longer=True)
    book_desk(at(10, 30))
    assert seats(find_slots(service=desks)) == {"09:00": 2, "10:00": 2, "11:00": 2}
    book_desk(at(9, 30))
    assert seats(find_slots(service=desks)) == {"09:00": 1, "10:00": 1, "11:00": 2}
    book_desk(at(10, 10))
    assert seats(find_slots(service=desks)) == {"09:00": 1, "11:00": 1}
    assert start_times(find_slots(service=desks, party_size=2)) == []


def test_buffers_count(find_slots: FindSlots, book: Book) -> None:
    cleaned = make_service(capacity=2, capacity_mode="CONCURRENT", buffer_after_minutes=30)
    book(at(10), service=cleaned)
    assert seats(find_slots(service=cleaned)) == {"09:00": 1, "10:00": 1, "11:00": 1}


def test_what_is_missing_is_told(find_slots: FindSlots, desks: Any, book_desk: Book) -> None:
    book_desk(at(10), party_size=2)
    error = find_slots(service=desks, party_size=2).why_not(at(10))
    assert isinstance(error, StartNotOffered)
    assert (error.booking_code, error.remaining) == ("taken", 1)
    assert str(error) == "1 seat is left at that time. Choose another, or fewer seats."
    book_desk(at(10))
    error = find_slots(service=desks).why_not(at(10))
    assert str(error) == "That time is taken. Choose another."


def test_a_smaller_party_has_no_seat_in_time_that_is_taken(
    find_slots: FindSlots, desks: Any, book_desk: Book, provider: Any
) -> None:
    book_desk(at(10), party_size=2)
    claim = claims.Claim(starts=second(11), ends=second(12), kind=BusyInterval.Kind.TIME_OFF)
    with transaction.atomic():
        entries.add(Calendar.objects.get().pk, claim, using="default")
    Schedule.objects.update(slot_step_minutes=30)
    error = find_slots(service=desks, party_size=2).why_not(at(10, 30))
    assert str(error) == "That time is taken. Choose another."


def test_other_services_wait_until_all_have_left(
    find_slots: FindSlots, book_desk: Book, service: Any
) -> None:
    book_desk(at(10))
    assert start_times(find_slots()) == ["09:00", "11:00"]
    other = make_service(capacity=3, capacity_mode="CONCURRENT")
    assert seats(find_slots(service=other)) == {"09:00": 3, "11:00": 3}


def test_exclusive_bookings_are_in_the_way(find_slots: FindSlots, desks: Any, book: Book) -> None:
    book(at(10))
    assert start_times(find_slots(service=desks)) == ["09:00", "11:00"]
    error = find_slots(service=desks).why_not(at(10))
    assert str(error) == "That time is taken. Choose another."


def test_expired_holds_leave_their_seats(
    find_slots: FindSlots, desks: Any, book_desk: Book
) -> None:
    book_desk(at(10), party_size=2)
    book_desk(at(10), expires_at=NOW + timedelta(minutes=10))
    assert seats(find_slots(service=desks)) == {"09:00": 3, "11:00": 3}
    later = {"now_dt": NOW + timedelta(minutes=10)}
    assert seats(find_slots(service=desks, **later)) == {"09:00": 3, "10:00": 1, "11:00": 3}
    assert start_times(find_slots(**later)) == ["09:00", "11:00"]


def test_a_booking_that_is_moved_leaves_its_seats(
    find_slots: FindSlots, desks: Any, book_desk: Book
) -> None:
    moved = book_desk(at(10), party_size=2)
    book_desk(at(10))
    slots = find_slots(service=desks, booking=moved)
    assert seats(slots) == {"09:00": 3, "10:00": 2, "11:00": 3}
    ignoring = find_slots(service=desks, ignored_interval_id=moved.busy_interval_id)
    assert seats(ignoring) == {"09:00": 3, "10:00": 2, "11:00": 3}


@pytest.mark.usefixtures("validated")
def test_a_move_is_validated_by_the_engine(book_desk: Book, desks: Any) -> None:
    moved = book_desk(at(10), party_size=2)
    book_desk(at(11), party_size=2)
    with pytest.raises(SlotUnavailable):
        reschedule_booking(moved, new_start_at=at(11), now_dt=NOW)
    reschedule_booking(moved, new_start_at=at(9), now_dt=NOW)


def test_an_engine_of_the_host_need_not_know_whose_seats_they_are(
    settings: Any, book_desk: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The own seats of a booking are left out of what it reads."""
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.whole_hours"
    moved = book_desk(at(10), party_size=3)
    book_desk(at(12))
    reschedule_booking(moved, new_start_at=at(10, 30), now_dt=NOW)
    with pytest.raises(SlotUnavailable):
        reschedule_booking(moved, new_start_at=at(11, 30), now_dt=NOW)


def whole_hours(service: Any, provider: Any, start_dt: datetime, end_dt: datetime) -> Any:
    """Offer what no desk at all is taken in, and what has seats for three."""
    alone = get_busy_intervals(provider, start_dt, end_dt)
    busy = get_busy_intervals(provider, start_dt, end_dt, service=service, party_size=3)
    assert alone == busy
    return [] if busy else [start_dt]


def test_the_least_busy_provider_has_most_seats(desks: Any, provider: Any, book: Book) -> None:
    other = make_provider("Grace")
    create_schedule(NINE_TO_FIVE, provider=other)
    book(at(9), service=desks, party_size=2)
    book(at(9), service=desks, provider=other)
    book(at(10, 30), service=desks, provider=other, party_size=1)
    found = any_provider(desks, at(9), [provider, other], now_dt=NOW)
    assert found == [provider, other]
    book(at(10), service=desks, party_size=2)
    found = any_provider(desks, at(9), [provider, other], now_dt=NOW)
    assert found == [other, provider]


def test_the_number_of_queries_is_that_of_any_service(
    desks: Any, provider: Any, book_desk: Book, service: Any
) -> None:
    def cost(asked: Any) -> int:
        with CaptureQueriesContext(connection) as captured:
            list(list_available_slots(asked, provider, at(0), at(0, day=7), now_dt=NOW))
        return len(captured)

    for hour in (9, 10, 11):
        book_desk(at(hour), longer=True)
    assert cost(desks) == cost(service)
