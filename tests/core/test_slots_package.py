"""``mroudai-django-slots``, as it comes from PyPI: our engine, and the reader of our busy time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.utils import timezone
from slots.selectors import list_available_slots

from bookings.exceptions import BookingConflict, SlotUnavailable
from bookings.models import Booking, BusyInterval
from bookings.selectors import get_busy_intervals
from bookings.services import cancel_booking, confirm_booking, reschedule_booking
from bookings.slots import load_engine
from tests.core.conftest import Book, Take
from tests.core.moments import NOW, at, second

DAY = date(2131, 3, 6)


@pytest.fixture(autouse=True)
def installed(settings: Any) -> None:
    """What a host writes to use it; the engine itself is the default of our setting."""
    settings.INSTALLED_APPS = [*settings.INSTALLED_APPS, "slots"]
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.SLOTS_GET_BUSY_INTERVALS_FUNC = "bookings.selectors.get_busy_intervals"
    settings.SLOTS_GET_WORKING_WINDOWS_FUNC = "tests.core.engines.nine_to_five"
    settings.SLOTS_DEFAULT_INTERVAL_MINUTES = 30


@contextmanager
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def starts(service: Any, provider: Any, day: date = DAY, **options: Any) -> list[str]:
    days = list_available_slots(
        service=service, provider=provider, start_date=day, end_date=day, **options
    )
    return [f"{slot.start:%H:%M}" for slot in days.get(day, [])]


def test_it_is_the_engine_where_nothing_else_is_said() -> None:
    assert load_engine() is not None


def test_a_start_on_offer_is_booked(book: Book) -> None:
    assert book(at(10, 30)).start_at == at(10, 30)


@pytest.mark.parametrize(
    "start",
    [at(8), at(16, 30), at(17), at(10, 10)],
    ids=["before hours", "over their end", "after hours", "between two starts"],
)
def test_a_start_that_is_not_on_offer_is_refused(book: Book, start: datetime) -> None:
    with pytest.raises(SlotUnavailable):
        book(start)
    assert not Booking.objects.exists()


@pytest.mark.parametrize("start", [at(9, 30), at(10), at(10, 30)])
def test_a_start_whose_time_is_taken_is_refused(book: Book, start: datetime) -> None:
    book(at(10))
    with pytest.raises(SlotUnavailable):
        book(start)
    assert Booking.objects.count() == 1


def test_staff_may_skip_the_engine_but_not_the_ledger(book: Book) -> None:
    book(at(7), skip_slot_validation=True)
    with pytest.raises(BookingConflict):
        book(at(7, 30), skip_slot_validation=True)


def test_a_cancelled_booking_s_start_is_on_offer_again(book: Book) -> None:
    cancel_booking(book(at(10)), now_dt=NOW)
    assert book(at(10)).start_at == at(10)


def test_a_booking_s_own_time_is_not_in_its_way(book: Book) -> None:
    booking = book(at(10))
    reschedule_booking(booking, new_start_at=at(10, 30), now_dt=NOW)
    booking.refresh_from_db()
    assert booking.start_at == at(10, 30)


def test_another_booking_s_time_is_in_the_way(book: Book) -> None:
    booking = book(at(10))
    book(at(11))
    with pytest.raises(SlotUnavailable):
        reschedule_booking(booking, new_start_at=at(10, 30), now_dt=NOW)
    booking.refresh_from_db()
    assert booking.start_at == at(10)


def test_an_own_time_is_in_the_way_of_another_s_reschedule(book: Book) -> None:
    book(at(10))
    booking = book(at(11))
    with pytest.raises(SlotUnavailable):
        reschedule_booking(booking, new_start_at=at(10, 30), now_dt=NOW)


def test_a_reschedule_to_another_provider_looks_at_that_one_s_time(
    book: Book, other_provider: Any
) -> None:
    booking = book(at(10))
    book(at(11), provider=other_provider)
    with pytest.raises(SlotUnavailable):
        reschedule_booking(booking, new_start_at=at(11), new_provider=other_provider, now_dt=NOW)
    reschedule_booking(booking, new_start_at=at(12), new_provider=other_provider, now_dt=NOW)
    assert booking.provider == other_provider


def test_a_free_day_is_all_on_offer(service: Any, provider: Any) -> None:
    offered = starts(service, provider)
    assert (offered[0], offered[-1], len(offered)) == ("09:00", "16:00", 15)


def test_what_is_booked_is_not_on_offer(service: Any, provider: Any, book: Book) -> None:
    free = starts(service, provider)
    book(at(10))
    book(at(14, 30))
    taken = {"09:30", "10:00", "10:30", "14:00", "14:30", "15:00"}
    assert starts(service, provider) == [start for start in free if start not in taken]


def test_time_off_is_not_on_offer(service: Any, provider: Any, take: Take) -> None:
    take(second(9), second(16), kind=BusyInterval.Kind.TIME_OFF)
    assert starts(service, provider) == ["16:00"]


def test_another_provider_s_bookings_do_not_matter(
    service: Any, provider: Any, other_provider: Any, book: Book
) -> None:
    free = starts(service, provider)
    book(at(10), provider=other_provider)
    assert starts(service, provider) == free


def test_buffers_are_kept_on_both_sides(make_service: Any, provider: Any, book: Book) -> None:
    """The booking's buffer after it, and the offered start's buffer before it."""
    buffered = make_service(buffer_before_minutes=30, buffer_after_minutes=30)
    book(at(12), service=buffered)
    assert starts(buffered, provider) == ["09:30", "10:00", "14:00", "14:30", "15:00"]


def test_a_hold_that_has_run_out_is_on_offer(service: Any, provider: Any, book: Book) -> None:
    ends = timezone.now() - timedelta(minutes=1)
    book(at(10), expires_at=ends, now_dt=ends - timedelta(minutes=15))
    assert "10:00" in starts(service, provider)


def test_a_shared_slot_is_on_offer_until_it_is_full(
    group_service: Any, service: Any, provider: Any, book: Book
) -> None:
    book(at(10), service=group_service, party_size=2)
    assert "10:00" in starts(group_service, provider)
    assert "10:00" not in starts(service, provider)
    book(at(10), service=group_service)
    assert "10:00" not in starts(group_service, provider)
    with pytest.raises(SlotUnavailable):
        book(at(10), service=group_service)


def test_no_start_on_offer_overlaps_a_shared_slot(
    group_service: Any, provider: Any, book: Book, settings: Any
) -> None:
    settings.SLOTS_DEFAULT_INTERVAL_MINUTES = 15
    book(at(11), service=group_service)
    offered = starts(group_service, provider)
    assert "11:00" in offered
    assert not {"10:15", "10:30", "10:45", "11:15", "11:30", "11:45"} & set(offered)
    for start in offered:
        with rolled_back():
            book(at(*map(int, start.split(":"))), service=group_service)


@pytest.mark.parametrize("hour", [10, 12])
def test_what_begins_or_ends_with_a_shared_slot_is_booked(
    group_service: Any, book: Book, hour: int
) -> None:
    book(at(11), service=group_service)
    assert book(at(hour), service=group_service).start_at == at(hour)


def test_a_seat_is_not_moved_into_the_time_of_the_others(
    group_service: Any, provider: Any, book: Book
) -> None:
    """Only the own seat of a booking that is moved is free, not the slot of those who stay."""
    booking = book(at(11), service=group_service)
    book(at(11), service=group_service)
    with pytest.raises(SlotUnavailable):
        reschedule_booking(booking, new_start_at=at(11, 30), now_dt=NOW)
    reschedule_booking(booking, new_start_at=at(12), now_dt=NOW)
    assert booking.start_at == at(12)


def by_busy_time(
    service: Any, provider: Any, start_dt: datetime, end_dt: datetime, override_policy: bool
) -> list[datetime]:
    busy = get_busy_intervals(provider, start_dt, end_dt, service=service)
    is_busy = any(begins < end_dt and start_dt < ends for begins, ends in busy)
    return [] if is_busy else [start_dt]


@pytest.mark.parametrize("capacity", [1, 2, 3])
def test_a_request_is_not_in_the_way_of_its_own_confirmation(
    make_service: Any, book: Book, settings: Any, capacity: int
) -> None:
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.by_busy_time"
    service = make_service(
        allow_multiple_clients_per_slot=True, capacity=capacity, requires_approval=True
    )
    requests = [book(at(11), service=service) for _number in range(min(capacity, 2))]
    for request in requests:
        assert confirm_booking(request, now_dt=NOW).status == Booking.Status.CONFIRMED


@pytest.mark.parametrize(
    ("day", "hour_in_utc"),
    [(date(2030, 3, 31), 8), (date(2030, 10, 27), 9)],
    ids=["the clocks go forward", "the clocks go back"],
)
def test_the_day_of_a_clock_change_is_read_in_its_zone(
    service: Any, provider: Any, book: Book, day: date, hour_in_utc: int
) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    ten_o_clock = datetime(day.year, day.month, day.day, hour_in_utc, tzinfo=UTC)
    with timezone.override(berlin):
        free = starts(service, provider, day)
        book(ten_o_clock, now_dt=datetime(2030, 1, 1, tzinfo=UTC))
        taken = {"09:30", "10:00", "10:30"}
        assert starts(service, provider, day) == [time for time in free if time not in taken]
