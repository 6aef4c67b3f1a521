"""Busy time is in the way of a slot, and what is not busy time is not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction

from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.selectors import Availability, list_available_slots
from bookings.ledger import claims, entries
from bookings.models import Booking, BusyInterval, Calendar
from bookings.services import (
    cancel_booking,
    confirm_booking,
    extend_hold,
    reschedule_booking,
    submit_hold,
)
from bookings.slots import adapt
from tests.contrib.schedule.slots.conftest import make_provider, make_service, start_times
from tests.core.moments import NOW, at, second

pytestmark = pytest.mark.django_db
FindSlots = Callable[..., Availability]
Book = Callable[..., Booking]
LATER = NOW + timedelta(minutes=30)


@pytest.fixture(autouse=True)
def schedule(schedule: Schedule) -> Schedule:
    """From nine to twelve is enough to see."""
    schedule.hours.update(close_time="12:00")
    return schedule


def seats(slots: Availability) -> dict[str, int]:
    return {f"{slot.start:%H:%M}": slot.remaining_capacity for slot in slots}


def test_a_booking_is_in_the_way(find_slots: FindSlots, book: Book) -> None:
    booking = book(at(10))
    assert start_times(find_slots()) == ["09:00", "11:00"]
    cancel_booking(booking, now_dt=NOW)
    assert start_times(find_slots()) == ["09:00", "10:00", "11:00"]


def test_a_booking_s_buffers_are_in_the_way(find_slots: FindSlots, book: Book) -> None:
    book(at(10), service=make_service(duration_minutes=15, buffer_before_minutes=1))
    assert start_times(find_slots()) == ["11:00"]


def test_one_s_own_buffers_must_be_free_but_may_lie_outside_the_hours(
    find_slots: FindSlots, book: Book
) -> None:
    buffered = make_service(buffer_before_minutes=30, buffer_after_minutes=30)
    assert start_times(find_slots(service=buffered)) == ["09:00", "10:00", "11:00"]
    book(at(12, 15))
    assert start_times(find_slots(service=buffered)) == ["09:00", "10:00"]
    book(at(8))
    assert start_times(find_slots(service=buffered)) == ["10:00"]


def test_a_buffer_is_looked_for_beyond_the_range(find_slots: FindSlots, book: Book) -> None:
    book(at(9))
    buffered = make_service(buffer_before_minutes=1)
    assert start_times(find_slots(service=buffered, start_dt=at(10), end_dt=at(11))) == []


@pytest.mark.parametrize("kind", ["SESSION", "TIME_OFF", "EXTERNAL"])
def test_every_kind_of_claim_is_in_the_way(
    find_slots: FindSlots, provider: Any, yoga: Any, kind: str
) -> None:
    calendar = Calendar.objects.create(provider=provider)
    claim = claims.Claim(second(10), second(11), kind=kind, service_id=yoga.pk, seats=1, capacity=3)
    with transaction.atomic():
        entries.add(calendar.pk, claim, using="default")
    assert start_times(find_slots()) == start_times(find_slots(service=yoga)) == ["09:00", "11:00"]


def test_another_provider_s_time_is_not_in_the_way(find_slots: FindSlots, book: Book) -> None:
    book(at(10), provider=make_provider("Grace"))
    assert start_times(find_slots()) == ["09:00", "10:00", "11:00"]


def test_a_hold_is_in_the_way_until_it_runs_out(find_slots: FindSlots, book: Book) -> None:
    book(at(10), expires_at=LATER)
    assert start_times(find_slots(now_dt=LATER - timedelta(microseconds=1))) == ["09:00", "11:00"]
    assert start_times(find_slots(now_dt=LATER)) == ["09:00", "10:00", "11:00"]


def test_a_confirmed_hold_stays_in_the_way(find_slots: FindSlots, book: Book) -> None:
    confirm_booking(book(at(10), expires_at=LATER), now_dt=NOW)
    assert start_times(find_slots(now_dt=LATER)) == ["09:00", "11:00"]


def test_one_s_own_hold_is_not_in_the_way(find_slots: FindSlots, book: Book) -> None:
    mine, theirs = book(at(10), expires_at=LATER), book(at(11), expires_at=LATER)

    assert start_times(find_slots()) == ["09:00"]
    assert start_times(find_slots(booking=mine)) == ["09:00", "10:00"]
    assert start_times(find_slots(booking=theirs)) == ["09:00", "11:00"]


@pytest.mark.usefixtures("validated")
def test_a_hold_can_be_moved_over_its_own_time_and_submitted(
    find_slots: FindSlots, book: Book
) -> None:
    Schedule.objects.update(slot_step_minutes=30)
    hold = book(at(10), expires_at=LATER)

    reschedule_booking(hold, new_start_at=at(10, 30), now_dt=NOW)
    assert start_times(find_slots(now_dt=LATER - timedelta(microseconds=1))) == ["09:00", "09:30"]
    submit_hold(hold, now_dt=NOW, client_name="Joan")

    assert start_times(find_slots(now_dt=LATER)) == ["09:00", "09:30"]


def test_a_request_is_in_the_way_until_its_deadline(
    find_slots: FindSlots, book: Book, settings: Any
) -> None:
    settings.BOOKINGS_APPROVAL_DEADLINE_HOURS = 2
    hold = book(at(10), service=make_service(requires_approval=True), expires_at=LATER)
    submit_hold(hold, now_dt=NOW)

    assert start_times(find_slots(now_dt=LATER)) == ["09:00", "11:00"]
    assert start_times(find_slots(now_dt=NOW + timedelta(hours=2))) == ["09:00", "10:00", "11:00"]


def test_a_hold_that_is_extended_stays_in_the_way(find_slots: FindSlots, book: Book) -> None:
    extend_hold(book(at(10), expires_at=LATER), expires_at=LATER + timedelta(hours=1), now_dt=NOW)
    assert start_times(find_slots(now_dt=LATER)) == ["09:00", "11:00"]


def test_a_shared_slot_can_be_joined_until_it_is_full(
    find_slots: FindSlots, book: Book, yoga: Any
) -> None:
    assert seats(find_slots(service=yoga)) == {"09:00": 3, "10:00": 3, "11:00": 3}
    book(at(10), service=yoga)
    assert seats(find_slots(service=yoga)) == {"09:00": 3, "10:00": 2, "11:00": 3}
    book(at(10), service=yoga, party_size=2)
    assert seats(find_slots(service=yoga)) == {"09:00": 3, "11:00": 3}


def test_a_party_needs_its_seats_together(find_slots: FindSlots, book: Book, yoga: Any) -> None:
    book(at(10), service=yoga, party_size=2)
    assert seats(find_slots(service=yoga)) == {"09:00": 3, "10:00": 1, "11:00": 3}
    assert seats(find_slots(service=yoga, party_size=2)) == {"09:00": 3, "11:00": 3}


def test_a_shared_slot_is_joined_at_its_start_alone(
    find_slots: FindSlots, book: Book, yoga: Any
) -> None:
    Schedule.objects.update(slot_step_minutes=30)
    book(at(10), service=yoga)
    assert seats(find_slots(service=yoga)) == {"09:00": 3, "10:00": 2, "11:00": 3}


def test_another_service_cannot_join_it(find_slots: FindSlots, book: Book, yoga: Any) -> None:
    book(at(10), service=yoga)
    pilates = make_service(allow_multiple_clients_per_slot=True, capacity=3)
    assert (
        start_times(find_slots(service=pilates)) == start_times(find_slots()) == ["09:00", "11:00"]
    )


def test_nor_can_a_booking_of_another_length(
    find_slots: FindSlots, book: Book, yoga: Any, addon: Any
) -> None:
    book(at(10), service=yoga)
    Schedule.objects.update(slot_step_minutes=15)
    assert start_times(find_slots(service=yoga, addons=[addon])) == []
    assert start_times(find_slots(service=yoga)) == ["09:00", "10:00", "11:00"]


def test_a_shared_slot_has_the_buffers_of_its_service(
    find_slots: FindSlots, book: Book, yoga: Any
) -> None:
    type(yoga).objects.update(buffer_before_minutes=10, buffer_after_minutes=5)
    yoga.refresh_from_db()
    book(at(10), service=yoga)
    assert seats(find_slots(service=yoga)) == {"10:00": 2}


def test_the_capacity_is_the_service_s_of_today(
    find_slots: FindSlots, book: Book, yoga: Any
) -> None:
    book(at(10), service=yoga, party_size=2)
    yoga.capacity = 5
    assert seats(find_slots(service=yoga))["10:00"] == 3
    yoga.capacity = 2
    assert seats(find_slots(service=yoga)) == {"09:00": 2, "11:00": 2}


def test_a_party_that_has_its_slot_to_itself_takes_it_all(
    find_slots: FindSlots, book: Book
) -> None:
    retreat = make_service(allow_multiple_clients_per_slot=True)
    book(at(10), service=retreat, party_size=4)
    assert seats(find_slots(service=retreat, party_size=4)) == {"09:00": 4, "11:00": 4}


def test_the_seats_of_a_hold_that_has_run_out_are_free(
    find_slots: FindSlots, book: Book, yoga: Any
) -> None:
    book(at(10), service=yoga, party_size=2, expires_at=LATER)
    book(at(10), service=yoga)
    assert "10:00" not in seats(find_slots(service=yoga))
    assert seats(find_slots(service=yoga, now_dt=LATER))["10:00"] == 2


def test_a_shared_slot_of_nothing_but_such_holds_is_free_for_all(
    find_slots: FindSlots, book: Book, yoga: Any
) -> None:
    book(at(10), service=yoga, party_size=2, expires_at=LATER)
    assert BusyInterval.objects.get().lapses is None
    assert start_times(find_slots(now_dt=LATER)) == ["09:00", "10:00", "11:00"]
    assert seats(find_slots(service=yoga, now_dt=LATER))["10:00"] == 3


def test_a_booking_to_be_moved_is_not_in_its_own_way(find_slots: FindSlots, book: Book) -> None:
    Schedule.objects.update(slot_step_minutes=30)
    booking = book(at(10))
    assert start_times(find_slots(booking=booking)) == ["09:00", "09:30", "10:00", "10:30", "11:00"]
    assert start_times(find_slots()) == ["09:00", "11:00"]


def test_a_booking_to_be_moved_has_its_length_in_any_zone(
    find_slots: FindSlots, book: Book
) -> None:
    # On 27 October 2030 the clocks of Berlin show the hour from two to three twice.
    booking = book(at(9))
    booking.start_at = datetime(2030, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    booking.end_at = (booking.start_at.astimezone(UTC) + timedelta(minutes=45)).astimezone(
        ZoneInfo("Europe/Berlin")
    )
    (first, *_others) = find_slots(booking=booking)
    assert first.end - first.start == timedelta(minutes=45)


def test_a_booking_to_be_moved_keeps_its_length_and_its_buffers(
    find_slots: FindSlots, book: Book, service: Any, addon: Any
) -> None:
    Schedule.objects.update(slot_step_minutes=15)
    booking = book(at(9), addon_ids=[addon.pk])
    type(service).objects.update(duration_minutes=15, buffer_after_minutes=600)
    service.refresh_from_db()
    slots = find_slots(booking=booking)
    assert start_times(slots)[-1] == "10:45"
    assert slots[0].end == at(10, 15)


def test_a_booking_that_shares_its_slot_leaves_only_its_seats(
    find_slots: FindSlots, book: Book, yoga: Any
) -> None:
    Schedule.objects.update(slot_step_minutes=30)
    booking = book(at(10), service=yoga, party_size=2)
    assert seats(find_slots(service=yoga, booking=booking)) == {
        "09:00": 3,
        "09:30": 3,
        "10:00": 3,
        "10:30": 3,
        "11:00": 3,
    }
    book(at(10), service=yoga)
    assert seats(find_slots(service=yoga, booking=booking)) == {"09:00": 3, "10:00": 2, "11:00": 3}


@pytest.mark.parametrize("kind", ["BOOKING", "SESSION", "TIME_OFF", "EXTERNAL"])
def test_an_ignored_interval_is_not_in_the_way(
    find_slots: FindSlots, book: Book, provider: Any, kind: str
) -> None:
    book(at(9))
    calendar = Calendar.objects.get(provider=provider)
    claim = claims.Claim(second(10), second(11), kind=kind)
    with transaction.atomic():
        key = entries.add(calendar.pk, claim, using="default")
    assert start_times(find_slots()) == ["11:00"]
    assert start_times(find_slots(ignored_interval_id=key)) == ["10:00", "11:00"]


def test_an_ignored_interval_is_left_out_with_all_its_seats(
    find_slots: FindSlots, book: Book, yoga: Any
) -> None:
    booking = book(at(10), service=yoga, party_size=2)
    book(at(10), service=yoga)
    slots = find_slots(service=yoga, ignored_interval_id=booking.busy_interval_id)
    assert seats(slots) == {"09:00": 3, "10:00": 3, "11:00": 3}


def test_of_the_interval_of_a_booking_to_be_moved_only_its_own_seats_are_left_out(
    find_slots: FindSlots, book: Book, yoga: Any
) -> None:
    booking = book(at(10), service=yoga, party_size=2)
    book(at(10), service=yoga)
    moved = {"booking": booking, "ignored_interval_id": booking.busy_interval_id}
    assert seats(find_slots(service=yoga, **moved)) == {"09:00": 3, "10:00": 2, "11:00": 3}


def test_the_core_tells_the_engine_which_interval_to_ignore() -> None:
    """So that nothing has to be kept in a context variable while it is asked."""
    assert adapt(list_available_slots).names("ignored_interval_id")
