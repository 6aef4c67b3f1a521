"""Buffers of a provider: the larger one of the provider's and the service's counts."""

from __future__ import annotations

from typing import Any

import pytest

from bookings.exceptions import BookingConflict, InvalidBooking
from bookings.models import Booking
from bookings.rules.buffers import BUFFER_FIELDS
from bookings.selectors import get_joinable_starts
from bookings.services import reschedule_booking
from tests.services.clock import DAY, NOW, START, minutes
from tests.services.conftest import Book, Make
from tests.services.storage import last_event, nothing_written, only_interval, stored


def buffers(booking: Booking) -> tuple[int, int]:
    assert stored(booking).busy_window() == booking.busy_window()
    interval = only_interval()
    assert (interval["start_at"], interval["end_at"]) == booking.busy_window()
    return booking.buffer_before_minutes, booking.buffer_after_minutes


def maker(before: int, after: int) -> dict[str, int]:
    return dict(zip(BUFFER_FIELDS, (before, after), strict=True))


@pytest.mark.parametrize(
    ("of_service", "of_provider", "expected"),
    [
        ((0, 0), (10, 15), (10, 15)),
        ((5, 20), (10, 15), (10, 20)),
        ((20, 20), (10, 15), (20, 20)),
        ((5, 5), (0, 0), (5, 5)),
    ],
)
def test_the_larger_buffer_counts(
    book: Book,
    make_service: Make,
    make_provider: Make,
    of_service: tuple[int, int],
    of_provider: tuple[int, int],
    expected: tuple[int, int],
) -> None:
    booking = book(
        service=make_service(**maker(*of_service)), provider=make_provider(**maker(*of_provider))
    )

    assert buffers(booking) == expected


def test_the_booking_keeps_the_buffers_of_when_it_was_made(book: Book, make_provider: Make) -> None:
    provider = make_provider(**maker(10, 10))
    booking = book(provider=provider)
    for name in BUFFER_FIELDS:
        setattr(provider, name, 60)
    provider.save()

    reschedule_booking(booking, new_start_at=START + DAY, now_dt=NOW)

    assert buffers(booking) == (10, 10)


def test_another_booking_cannot_be_in_a_buffer_of_the_provider(
    book: Book, make_provider: Make
) -> None:
    provider = make_provider(**maker(0, 15))
    book(provider=provider)

    with nothing_written(), pytest.raises(BookingConflict):
        book(provider=provider, start_at=START + minutes(70), client_name="Martha")
    book(provider=provider, start_at=START + minutes(75), client_name="Martha")


@pytest.mark.parametrize(
    ("of_service", "of_old", "of_new", "expected"),
    [
        # The service's own buffer goes with the booking.
        ((20, 20), (0, 0), (0, 0), (20, 20)),
        ((20, 20), (10, 10), (0, 0), (20, 20)),
        # A buffer of the old provider's stays behind, and that of the new one counts.
        ((0, 5), (30, 30), (0, 0), (0, 5)),
        ((0, 5), (30, 30), (10, 0), (10, 5)),
        ((0, 0), (0, 0), (10, 15), (10, 15)),
        ((15, 15), (15, 15), (0, 0), (15, 15)),
    ],
)
def test_with_another_provider_its_buffers_apply(
    book: Book,
    make_service: Make,
    make_provider: Make,
    of_service: tuple[int, int],
    of_old: tuple[int, int],
    of_new: tuple[int, int],
    expected: tuple[int, int],
) -> None:
    booking = book(
        service=make_service(**maker(*of_service)), provider=make_provider(**maker(*of_old))
    )
    before = buffers(booking)

    reschedule_booking(
        booking, new_start_at=START, new_provider=make_provider(**maker(*of_new)), now_dt=NOW
    )

    assert buffers(booking) == expected
    data = last_event(booking).data
    changed = {name for name in BUFFER_FIELDS if f"new_{name}" in data}
    assert changed == {
        name for name, old, new in zip(BUFFER_FIELDS, before, expected, strict=True) if old != new
    }


def test_a_smaller_buffer_of_the_service_today_does_not_shorten_its_own(
    book: Book, make_service: Make, provider: Any, other_provider: Any
) -> None:
    service = make_service(**maker(20, 20))
    booking = book(service=service)
    for name in BUFFER_FIELDS:
        setattr(service, name, 60)
    service.save()

    reschedule_booking(booking, new_start_at=START, new_provider=other_provider, now_dt=NOW)

    assert buffers(booking) == (20, 20)


def test_a_move_is_refused_where_the_new_provider_s_buffer_is_taken(
    book: Book, booking: Booking, make_provider: Make
) -> None:
    busy = make_provider(**maker(30, 0))
    book(provider=busy, start_at=START - minutes(80), client_name="Martha")

    with nothing_written(), pytest.raises(BookingConflict):
        reschedule_booking(booking, new_start_at=START, new_provider=busy, now_dt=NOW)


def test_shared_slots_with_the_provider_s_buffers_are_joined(
    book: Book, group: Any, make_provider: Make
) -> None:
    provider = make_provider(**maker(10, 20))
    book(service=group, provider=provider)
    book(service=group, provider=provider, client_name="Martha")

    assert only_interval()["seats"] == (2, 3)
    assert get_joinable_starts(group, provider, START - DAY, START + DAY) == [START]


@pytest.mark.parametrize("name", BUFFER_FIELDS)
@pytest.mark.parametrize("wrong", [-1, 1.5, "10", 60 * 24 * 366 * 10 + 1])
def test_a_wrong_buffer_is_named(book: Book, provider: Any, name: str, wrong: Any) -> None:
    setattr(provider, name, wrong)

    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        book(provider=provider)
    assert refused.value.field == f"provider.{name}"


@pytest.mark.parametrize("name", BUFFER_FIELDS)
def test_none_is_no_buffer(book: Book, provider: Any, name: str) -> None:
    setattr(provider, name, None)

    assert buffers(book(provider=provider)) == (0, 0)
