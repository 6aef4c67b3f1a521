"""A group service: several clients in one slot, up to its capacity."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from bookings.exceptions import BookingConflict, CapacityExceeded, InvalidBooking
from bookings.models import Booking, BusyInterval
from bookings.selectors import get_busy_intervals
from bookings.services import cancel_booking, reschedule_booking
from tests.services.clock import DAY, HOUR, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import intervals, nothing_written, only_interval, stored


@pytest.fixture
def book_seat(book: Book, group: Any) -> Book:
    """Another client for the group's slot."""

    def create(**values: Any) -> Booking:
        return book(**({"service": group} | values))

    return create


def seats() -> list[tuple[int, int]]:
    return [interval["seats"] for interval in intervals()]


def test_clients_share_a_slot_up_to_its_capacity(book_seat: Book) -> None:
    first, second, third = book_seat(), book_seat(), book_seat()

    assert seats() == [(3, 3)]
    assert first.busy_interval_id == second.busy_interval_id == third.busy_interval_id
    with nothing_written(), pytest.raises(CapacityExceeded) as refused:
        book_seat()
    assert (refused.value.params["asked"], refused.value.remaining) == (1, 0)
    assert refused.value.code == "capacity_exceeded"


def test_a_party_takes_as_many_seats_as_it_has_people(book_seat: Book) -> None:
    made = book_seat(party_size=2)

    assert (made.party_size, made.capacity_consumed) == (2, 2)
    with nothing_written(), pytest.raises(CapacityExceeded) as refused:
        book_seat(party_size=2)
    assert refused.value.messages == ["Not enough seats are left: 2 asked for, 1 free."]
    assert book_seat(party_size=1).pk
    assert seats() == [(3, 3)]


def test_a_party_may_fill_a_slot(book_seat: Book) -> None:
    book_seat(party_size=3)

    assert seats() == [(3, 3)]


def test_another_service_does_not_join(book_seat: Book, book: Book, make_service: Make) -> None:
    book_seat()
    twin = make_service(allow_multiple_clients_per_slot=True, capacity=3)

    for service in (twin, make_service()):
        with nothing_written(), pytest.raises(BookingConflict):
            book(service=service)


def test_another_start_does_not_join(book_seat: Book) -> None:
    book_seat()

    with nothing_written(), pytest.raises(BookingConflict):
        book_seat(start_at=START + minutes(30))


def test_a_longer_booking_does_not_join(book_seat: Book, make_addon: Make) -> None:
    book_seat()

    with nothing_written(), pytest.raises(BookingConflict):
        book_seat(addon_ids=[make_addon().pk])


def test_another_providers_slot_is_another_slot(book_seat: Book, other_provider: Any) -> None:
    book_seat(party_size=3)
    book_seat(provider=other_provider, party_size=3)

    assert seats() == [(3, 3), (3, 3)]


def test_a_client_who_cancels_gives_the_seats_back(book_seat: Book) -> None:
    two, one = book_seat(party_size=2), book_seat()

    cancel_booking(two, now_dt=NOW)

    assert seats() == [(1, 3)]
    assert stored(one).busy_interval_id is not None
    assert book_seat(party_size=2).pk


def test_the_last_one_who_cancels_gives_the_time_back(
    book_seat: Book, book: Book, make_service: Make
) -> None:
    for booking in (book_seat(), book_seat()):
        cancel_booking(booking, now_dt=NOW)

    assert intervals() == []
    assert book(service=make_service()).pk


def test_a_slot_has_the_capacity_that_its_service_has_now(book_seat: Book, group: Any) -> None:
    book_seat(party_size=3)
    group.capacity = 5
    group.save()

    book_seat(party_size=2)

    assert seats() == [(5, 5)]


def test_a_smaller_capacity_lets_nobody_in_and_nobody_out(book_seat: Book, group: Any) -> None:
    book_seat(party_size=2)
    group.capacity = 1
    group.save()

    with nothing_written(), pytest.raises(CapacityExceeded) as refused:
        book_seat()

    assert (refused.value.params["asked"], refused.value.remaining) == (1, 0)
    assert seats() == [(2, 3)]


def test_without_a_capacity_a_party_has_the_slot_to_itself(book_seat: Book, group: Any) -> None:
    group.capacity = None
    group.save()

    book_seat(party_size=7)

    assert seats() == [(7, 7)]
    with nothing_written(), pytest.raises(BookingConflict):
        book_seat()


def test_one_client_moves_and_the_others_stay(book_seat: Book) -> None:
    moving, staying = book_seat(party_size=2), book_seat()

    reschedule_booking(moving, new_start_at=START + HOUR, now_dt=NOW)

    assert [(interval["start_at"], interval["seats"]) for interval in intervals()] == [
        (START, (1, 3)),
        (START + HOUR, (2, 3)),
    ]
    assert stored(staying).busy_interval_id != moving.busy_interval_id


def test_the_only_client_takes_the_slot_along(book_seat: Book) -> None:
    booking = book_seat()
    held = booking.busy_interval_id

    reschedule_booking(booking, new_start_at=START + minutes(30), now_dt=NOW)

    assert booking.busy_interval_id == held
    assert only_interval()["start_at"] == START + minutes(30)


def test_a_client_can_move_into_another_slot(book_seat: Book) -> None:
    moving, there = book_seat(), book_seat(start_at=START + DAY, party_size=2)

    reschedule_booking(moving, new_start_at=START + DAY, now_dt=NOW)

    assert only_interval()["seats"] == (3, 3)
    assert moving.busy_interval_id == there.busy_interval_id


def test_a_client_cannot_move_into_a_full_slot(book_seat: Book) -> None:
    moving = book_seat(party_size=2)
    book_seat(start_at=START + DAY, party_size=2)

    with nothing_written(), pytest.raises(CapacityExceeded) as refused:
        reschedule_booking(moving, new_start_at=START + DAY, now_dt=NOW)

    assert (refused.value.params["asked"], refused.value.remaining) == (2, 1)


def test_a_client_of_a_shared_slot_cannot_move_to_where_it_overlaps_the_slot(
    book_seat: Book,
) -> None:
    """The others stay, so their time is taken."""
    moving, _staying = book_seat(), book_seat()

    with nothing_written(), pytest.raises(BookingConflict):
        reschedule_booking(moving, new_start_at=START + minutes(30), now_dt=NOW)


def test_a_client_of_a_shared_slot_can_move_to_another_provider(
    book_seat: Book, other_provider: Any
) -> None:
    moving, _staying = book_seat(), book_seat()

    reschedule_booking(moving, new_start_at=START, new_provider=other_provider, now_dt=NOW)

    assert seats() == [(1, 3), (1, 3)]
    assert {interval["provider"] for interval in intervals()} == {
        moving.provider_id,
        _staying.provider_id,
    }


def test_a_party_that_the_service_takes_no_longer_cannot_be_moved(
    book_seat: Book, group: Any
) -> None:
    booking = book_seat(party_size=3)
    group.capacity = 2
    group.save()

    with nothing_written(), pytest.raises(CapacityExceeded):
        reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW)


def test_a_party_of_a_service_that_is_shared_no_longer_cannot_be_moved(
    book_seat: Book, group: Any
) -> None:
    booking = book_seat(party_size=2)
    group.allow_multiple_clients_per_slot = False
    group.save()

    with nothing_written(), pytest.raises(InvalidBooking):
        reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW)


def test_seats_are_counted_over_every_kind_of_change(book_seat: Book) -> None:
    bookings = [book_seat(), book_seat(), book_seat()]
    for booking in bookings:
        reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW)
    reschedule_booking(bookings[0], new_start_at=START, now_dt=NOW)
    bookings[1].delete()

    assert [(row.start_at, row.seats_taken) for row in BusyInterval.objects.all()] == [
        (START, 1),
        (START + DAY, 1),
    ]


def test_who_joins_what_was_a_hold_of_one_keeps_the_time_busy(
    book: Book, make_service: Make, provider: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = make_service(capacity=3)
    book(service=service, expires_at=NOW + minutes(15))
    service.allow_multiple_clients_per_slot = True
    service.save()
    book(service=service)
    monkeypatch.setattr(timezone, "now", lambda: NOW + HOUR)
    assert get_busy_intervals(provider, START, START + HOUR) == [(START, START + HOUR)]
