"""Who of several could take a booking, and when the first of them can."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bookings.contrib.schedule.selectors import (
    Slot,
    any_provider,
    first_available,
    list_available_slots,
)
from bookings.exceptions import InvalidBooking, SlotUnavailable
from bookings.models import Booking
from tests.contrib.schedule.slots.conftest import (
    NINE_TO_FIVE,
    create_schedule,
    make_provider,
    make_service,
    start_times,
)
from tests.core.moments import NOW, at

pytestmark = pytest.mark.django_db
Book = Callable[..., Booking]


@pytest.fixture
def pool(provider: Any) -> list[Any]:
    create_schedule(NINE_TO_FIVE)
    return [provider, make_provider("Grace"), make_provider("Joan")]


def test_the_soonest_of_all_is_the_first(service: Any, pool: list[Any], book: Book) -> None:
    book(at(9), provider=pool[0])
    book(at(9), provider=pool[2])
    assert first_available(service, pool, at(0), now_dt=NOW) == Slot(at(9), at(10), 1, pool[1])


def test_of_several_it_is_the_one_who_is_named_first(service: Any, pool: list[Any]) -> None:
    for asked in (pool, pool[::-1]):
        slot = first_available(service, asked, at(0), now_dt=NOW)
        assert slot is not None
        assert slot.provider == asked[0]


def test_it_looks_from_an_instant_on(service: Any, pool: list[Any]) -> None:
    for after, expected in (
        (None, at(9, day=5)),
        (at(9, day=5), at(9, day=5)),
        (at(9, day=5) + timedelta(microseconds=1), at(10, day=5)),
        (at(17), at(9, day=7)),
    ):
        slot = first_available(service, pool[0], after, now_dt=NOW)
        assert slot is not None
        assert slot.start == expected


def test_it_looks_for_so_many_days(service: Any, pool: list[Any]) -> None:
    evening = at(17)
    assert first_available(service, pool, evening, within_days=0, now_dt=NOW) is None
    slot = first_available(service, pool, evening, within_days=1, now_dt=NOW)
    assert slot is not None
    for days in (-1, 401, 10**10, "1"):
        with pytest.raises(
            InvalidBooking, match="within_days must be a whole number from 0 to 400"
        ):
            first_available(service, pool, evening, within_days=days, now_dt=NOW)


def test_nobody_has_a_first_slot(service: Any) -> None:
    assert first_available(service, [], at(0), now_dt=NOW) is None


def test_it_is_shown_in_the_viewer_s_zone(service: Any, pool: list[Any]) -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    slot = first_available(service, pool, at(0), tz=tokyo, now_dt=NOW)
    assert slot is not None
    assert (slot.start, slot.start.tzinfo) == (at(9), tokyo)


def test_the_least_busy_of_that_day_comes_first(
    service: Any, pool: list[Any], book: Book, yoga: Any
) -> None:
    ada, grace, joan = pool
    assert any_provider(service, at(15), pool, now_dt=NOW) == pool
    book(at(9), provider=ada)
    book(at(10), provider=ada)
    book(at(9), provider=grace, service=make_service(duration_minutes=90))
    assert any_provider(service, at(15), pool, now_dt=NOW) == [joan, grace, ada]
    book(at(9, day=7), provider=joan)
    assert any_provider(service, at(15), pool, now_dt=NOW) == [joan, grace, ada]
    for hour in (9, 10, 11):
        book(at(hour), provider=joan, service=yoga)
    assert any_provider(service, at(15), pool, now_dt=NOW) == [grace, ada, joan]
    assert any_provider(yoga, at(15), pool, now_dt=NOW) == [grace, ada, joan]


def test_work_is_counted_within_the_viewer_s_day(service: Any, pool: list[Any], book: Book) -> None:
    ada, grace = pool[:2]
    for hour in (20, 21, 22):
        book(at(hour, day=5), provider=ada)
    book(at(9), provider=grace)
    assert any_provider(service, at(15), [ada, grace], now_dt=NOW) == [ada, grace]
    day_before = ZoneInfo("Pacific/Kiritimati")
    assert any_provider(service, at(9), [ada], now_dt=NOW) == [ada]
    assert any_provider(service, at(9), [ada, pool[2]], tz=day_before, now_dt=NOW) == [
        pool[2],
        ada,
    ]


def test_only_those_who_could_take_it_are_named(service: Any, pool: list[Any], book: Book) -> None:
    ada, grace, joan = pool
    book(at(14, 30), provider=ada)
    grace.is_active = False
    assert any_provider(service, at(15), pool, now_dt=NOW) == [joan]
    assert any_provider(service, at(15, 30), pool, now_dt=NOW) == []
    assert any_provider(service, at(15), [joan, joan], now_dt=NOW) == [joan]


def test_a_party_s_seats_are_looked_for(pool: list[Any], book: Book, yoga: Any) -> None:
    ada, grace, joan = pool
    book(at(15), provider=ada, service=yoga, party_size=2)
    assert any_provider(yoga, at(15), pool, party_size=2, now_dt=NOW) == [grace, joan]
    assert any_provider(yoga, at(15), pool, now_dt=NOW) == [grace, joan, ada]


def test_a_naive_start_is_refused(service: Any, pool: list[Any]) -> None:
    with pytest.raises(InvalidBooking, match="timezone-aware"):
        any_provider(service, at(9).replace(tzinfo=None), pool)


def test_one_provider_without_a_schedule_is_an_error_and_a_pool_of_such_is_empty(
    service: Any, provider: Any
) -> None:
    assert first_available(service, [provider], at(0), now_dt=NOW) is None
    assert any_provider(service, at(9), [provider], now_dt=NOW) == []
    with pytest.raises(SlotUnavailable):
        first_available(service, provider, at(0), now_dt=NOW)


def test_each_provider_has_buffers_of_its_own(service: Any, pool: list[Any], book: Book) -> None:
    slow = pool[1]
    slow.buffer_after_minutes = 60
    slow.save()
    for each in pool[:2]:
        book(at(12), provider=each)

    found = {
        each.pk: start_times(list_available_slots(service, each, at(0), at(0, day=7), now_dt=NOW))
        for each in pool
    }
    hours = [f"{hour:02}:00" for hour in range(9, 17)]
    free = {pool[0].pk: {"12:00"}, slow.pk: {"11:00", "12:00", "13:00"}, pool[2].pk: set()}
    for key, taken in free.items():
        assert found[key] == [hour for hour in hours if hour not in taken]
    for hour in (11, 13):
        assert any_provider(service, at(hour), pool[:2], now_dt=NOW) == [pool[0]]


def test_a_booking_to_be_moved_takes_the_buffers_of_who_is_asked(
    service: Any, pool: list[Any], book: Book
) -> None:
    mine, slow, other = pool
    for provider, name in ((mine, "buffer_before_minutes"), (slow, "buffer_after_minutes")):
        setattr(provider, name, 60)
        provider.save()
    booking = book(at(9), provider=mine)
    for provider in (slow, other):
        book(at(12), provider=provider, client_name="Joan")

    def hours_with(provider: Any) -> list[str]:
        return start_times(
            list_available_slots(
                service, provider, at(0), at(0, day=7), booking=booking, now_dt=NOW
            )
        )

    assert hours_with(mine) == [f"{hour:02}:00" for hour in range(9, 17)]
    assert hours_with(slow) == ["09:00", "10:00", "14:00", "15:00", "16:00"]
    assert hours_with(other) == ["09:00", "10:00", "11:00", "13:00", "14:00", "15:00", "16:00"]
