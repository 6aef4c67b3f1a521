"""Where reads go to a replica, what is decided under the lock is read where it is written."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import override_settings

from bookings.models import Booking, BusyInterval
from bookings.pools import AnyOf, Strategy
from bookings.services import (
    cancel_booking,
    change_party_size,
    expire_bookings,
    reopen_booking,
    reschedule_booking,
    update_booking,
)
from bookings.testing import assert_bookings_are_sound
from tests.services.clock import DAY, HOUR, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import stored


class Replicated:
    """The replica is no database that these tests have: to read from it is to fail."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool:
        return True


replicated = override_settings(DATABASE_ROUTERS=[f"{__name__}.Replicated"])


@pytest.fixture
def addon(make_addon: Make) -> Any:
    return make_addon()


@pytest.fixture
def from_replica(booking: Booking) -> Booking:
    """The booking as a view has read it, with nothing of what it refers to."""
    read = Booking.objects.get(pk=booking.pk)
    read._state.db = "replica"
    return read


def test_a_booking_with_an_add_on_is_made(book: Book, addon: Any) -> None:
    with replicated:
        assert book(addon_ids=[addon.pk]).end_at == START + HOUR + minutes(15)


def test_a_booking_is_moved(from_replica: Booking, other_provider: Any, addon: Any) -> None:
    with replicated:
        reschedule_booking(
            from_replica,
            new_start_at=START + DAY,
            new_provider=other_provider,
            addon_ids=[addon.pk],
            now_dt=NOW,
        )
    assert stored(from_replica).start_at == START + DAY
    assert_bookings_are_sound()


def test_a_booking_is_moved_by_hand(from_replica: Booking) -> None:
    from_replica.start_at, from_replica.end_at = START + DAY, START + DAY + HOUR
    with replicated:
        from_replica.save()
    assert stored(from_replica).start_at == START + DAY
    assert_bookings_are_sound()


@pytest.mark.parametrize("how", ["service", "save"])
def test_seats_are_changed(group_booking: Booking, settings: Any, how: str) -> None:
    settings.BOOKINGS_ALLOW_PAST_START = True  # save() asks the clock, which may have passed START
    read = Booking.objects.get(pk=group_booking.pk)
    read._state.db = "replica"
    with replicated:
        if how == "service":
            change_party_size(read, 2, now_dt=NOW)
        else:
            read.party_size = 2
            read.save()
    assert stored(group_booking).party_size == 2
    assert_bookings_are_sound()


def test_the_other_verbs_need_no_replica(from_replica: Booking) -> None:
    with replicated:
        update_booking(from_replica, client_name="Marie", now_dt=NOW)
        cancel_booking(from_replica, now_dt=NOW)
        expire_bookings(now_dt=NOW)
    assert_bookings_are_sound()


def test_a_booking_is_deleted_where_it_is_written(from_replica: Booking) -> None:
    with replicated:
        from_replica.delete()
    assert not Booking.objects.exists()
    assert not BusyInterval.objects.exists()


@pytest.fixture
def rooms(make_provider: Make) -> list[Any]:
    return [make_provider(name=f"Room {number}") for number in (1, 2, 3)]


@pytest.fixture
def of_room(book: Book, rooms: list[Any]) -> Booking:
    """A booking with a room of a pool, and one that is certain, as a view has read it."""
    read = Booking.objects.get(pk=book(resources=[AnyOf(rooms[:2]), rooms[2]]).pk)
    read._state.db = "replica"
    return read


@pytest.mark.parametrize("strategy", list(Strategy))
def test_a_booking_with_anyone_and_any_room_is_made(
    book: Book, provider: Any, rooms: list[Any], strategy: str
) -> None:
    with replicated:
        booking = book(
            provider=AnyOf([provider], strategy), resources=[AnyOf(rooms, strategy), rooms[2]]
        )
    assert booking.resource_count == 2
    assert_bookings_are_sound()


def test_a_slot_with_a_room_is_joined(book: Book, group: Any, rooms: list[Any]) -> None:
    book(service=group, resources=[rooms[1]])
    with replicated:
        book(service=group, resources=[AnyOf(rooms)], client_name="Kim")
    assert_bookings_are_sound()


def test_a_booking_with_a_room_is_moved(
    of_room: Booking, other_provider: Any, rooms: list[Any]
) -> None:
    with replicated:
        reschedule_booking(of_room, new_start_at=START + HOUR, now_dt=NOW)
        pool = AnyOf([other_provider], "least_busy")
        reschedule_booking(of_room, new_start_at=START + DAY, new_provider=pool, now_dt=NOW)
        reschedule_booking(of_room, new_start_at=START + DAY, new_resources=[rooms[0]], now_dt=NOW)
    assert_bookings_are_sound()


@pytest.mark.parametrize(
    "act",
    [
        lambda booking: reopen_booking(cancel_booking(booking, now_dt=NOW), now_dt=NOW),
        lambda booking: booking.delete(),
        lambda booking: booking.save(),
        lambda booking: cancel_booking(booking, now_dt=NOW),
    ],
)
def test_a_booking_with_a_room_is_changed(of_room: Booking, act: Any) -> None:
    with replicated:
        of_room.client_name = "Kim"
        act(of_room)
    assert_bookings_are_sound()


def test_a_hold_on_a_room_expires(book: Book, rooms: list[Any]) -> None:
    book(resources=rooms, expires_at=NOW + minutes(5))
    with replicated:
        assert expire_bookings(now_dt=NOW + HOUR) == 1
        book(resources=rooms, now_dt=NOW + HOUR)
    assert_bookings_are_sound()


def test_a_saved_booking_takes_its_rooms(service: Any, provider: Any, rooms: list[Any]) -> None:
    service.resources = [AnyOf(rooms, "round_robin")]
    with replicated:
        Booking.objects.create(
            service=service,
            provider=provider,
            start_at=START,
            end_at=START + HOUR,
            client_name="Kim",
        )
    assert_bookings_are_sound()
