"""What takes the resources of a booking again: to reopen, dispute, submit late, save or repair."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bookings.adapters import DefaultBookingAdapter
from bookings.exceptions import BookingConflict
from bookings.integrity import find_problems, repair
from bookings.models import Booking, BookingResource
from bookings.services import (
    cancel_booking,
    deliver_booking,
    dispute_booking,
    expire_booking,
    reopen_booking,
)
from bookings.services.hold_submission import submit_expired_hold
from tests.services.clock import DAY, HOUR, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import nothing_done, stored

LATER = NOW + minutes(10)

LONG_AGO = NOW - 3650 * DAY
"""Before the clock's time, which is what ``save()`` takes for now."""


@pytest.fixture
def rooms(make_provider: Make) -> list[Any]:
    return [make_provider(name=f"Room {number}") for number in (1, 2)]


class LongerAdapter(DefaultBookingAdapter):
    def resource_buffers(self, booking: Booking, resource: Any) -> tuple[int, int]:
        return 60, 60


@pytest.fixture
def longer(settings: Any) -> Callable[[], None]:
    """From the call on, a resource is taken an hour before and after its booking."""

    def use() -> None:
        settings.BOOKINGS_ADAPTER = f"{__name__}.LongerAdapter"

    return use


def ended(book: Book, room: Any, way: str, **values: Any) -> Callable[[], Booking]:
    """Book, end the booking, and return what takes its time again."""
    if way == "submit":
        hold = book(resources=[room], expires_at=NOW + minutes(5), **values)
        expire_booking(hold, now_dt=NOW + minutes(5))
        return lambda: submit_expired_hold(hold, actor=None, now=LATER)
    booking = book(resources=[room], **values)
    if way == "reopen":
        cancel_booking(booking, now_dt=NOW)
        return lambda: reopen_booking(booking, now_dt=LATER)
    deliver_booking(booking, now_dt=START + HOUR)
    return lambda: dispute_booking(booking, reason="It was cold.", now_dt=START + HOUR)


WAYS = ["submit", "reopen", "dispute"]


@pytest.mark.parametrize("way", WAYS)
def test_a_lapsed_hold_on_the_room_is_not_in_the_way(
    way: str, book: Book, rooms: list[Any], other_provider: Any
) -> None:
    take_again = ended(book, rooms[0], way)
    hold = book(
        provider=other_provider,
        resources=[rooms[0]],
        client_name="Kim",
        expires_at=NOW + minutes(9),
        now_dt=NOW + minutes(5),
    )

    assert take_again().holds_time
    assert stored(hold).status == Booking.Status.CANCELLED
    assert list(find_problems()) == []


@pytest.mark.parametrize("way", WAYS)
def test_nor_is_one_that_is_within_the_buffers_of_the_room(
    way: str, book: Book, rooms: list[Any], other_provider: Any, longer: Callable[[], None]
) -> None:
    longer()
    take_again = ended(book, rooms[0], way)
    book(
        provider=other_provider,
        resources=[rooms[0]],
        client_name="Kim",
        start_at=START + 2 * HOUR,
        expires_at=NOW + minutes(9),
        now_dt=NOW + minutes(5),
    )

    assert take_again().holds_time
    assert list(find_problems()) == []


@pytest.mark.parametrize("way", WAYS)
def test_a_slot_whose_clients_have_another_room_is_not_joined(
    way: str, book: Book, group: Any, rooms: list[Any]
) -> None:
    take_again = ended(book, rooms[0], way, service=group)
    book(service=group, resources=[rooms[1]], client_name="Kim")

    with nothing_done(), pytest.raises(BookingConflict):
        take_again()


def test_nor_is_it_by_saving(book: Book, group: Any, rooms: list[Any]) -> None:
    book(service=group, resources=[rooms[0]])
    booking = book(service=group, resources=[rooms[1]], client_name="Kim", start_at=START + DAY)
    booking.start_at, booking.end_at = START, START + HOUR

    with nothing_done(), pytest.raises(BookingConflict, match="have other resources") as caught:
        booking.save()
    assert caught.value.code == "other_resources"


def test_nor_is_it_by_a_repair(book: Book, group: Any, rooms: list[Any]) -> None:
    book(service=group, resources=[rooms[0]])
    other = book(service=group, resources=[rooms[0]], client_name="Kim")
    BookingResource.objects.filter(booking=other).update(provider=rooms[1], busy_interval=None)

    [problem] = [each for each in find_problems() if each.invariant == 3]
    assert "have other resources" in repair(problem)


def test_saving_a_new_booking_takes_the_buffers_of_a_lapsed_hold(
    book: Book, service: Any, rooms: list[Any], other_provider: Any, longer: Callable[[], None]
) -> None:
    hold = book(
        provider=other_provider,
        resources=[rooms[0]],
        start_at=START + HOUR,
        expires_at=LONG_AGO + HOUR,
        now_dt=LONG_AGO,
    )
    service.resources = [rooms[0]]
    longer()
    provider = book(start_at=START + DAY, resources=[rooms[0]]).provider

    Booking.objects.create(
        service=service,
        provider=provider,
        start_at=START,
        end_at=START + HOUR,
        client_name="Kim",
    )
    assert stored(hold).status == Booking.Status.CANCELLED
    assert list(find_problems()) == []


def test_saving_another_time_takes_them_too(
    book: Book, rooms: list[Any], other_provider: Any, longer: Callable[[], None]
) -> None:
    hold = book(
        provider=other_provider,
        resources=[rooms[0]],
        start_at=START + HOUR,
        expires_at=LONG_AGO + HOUR,
        now_dt=LONG_AGO,
    )
    longer()
    booking = book(resources=[rooms[0]], start_at=START + DAY)

    booking.start_at, booking.end_at = START, START + HOUR
    booking.save()
    assert stored(hold).status == Booking.Status.CANCELLED
    assert list(find_problems()) == []


def test_a_repair_names_who_is_within_the_buffers_of_the_room(
    book: Book, rooms: list[Any], other_provider: Any, longer: Callable[[], None]
) -> None:
    longer()
    booking = book(resources=[rooms[0]])
    resource = booking.resources.get()
    interval = resource.busy_interval
    BookingResource.objects.filter(pk=resource.pk).update(busy_interval=None)
    interval.delete()
    other = book(provider=rooms[0], start_at=START + HOUR, client_name="Kim")

    [problem] = find_problems()
    assert other.reference in repair(problem)
