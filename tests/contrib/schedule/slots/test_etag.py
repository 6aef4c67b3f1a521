"""The entity tag changes with everything that an answer depends on, and with nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from bookings.contrib.schedule.models import DateOverride, Schedule
from bookings.contrib.schedule.selectors import availability_etag
from bookings.models import Booking
from bookings.services import cancel_booking
from tests.contrib.schedule.slots.conftest import create_schedule, make_provider
from tests.core.moments import NOW, at

pytestmark = pytest.mark.django_db
Book = Callable[..., Booking]
MOMENT = timedelta(microseconds=1)


@pytest.fixture
def etag(service: Any, provider: Any) -> Callable[..., str]:
    def make(**values: Any) -> str:
        defaults = {"service": service, "providers": provider, "now_dt": NOW}
        return availability_etag(**(defaults | values))

    return make


Etag = Callable[..., str]


@contextmanager
def changes(etag: Etag) -> Iterator[None]:
    before = etag()
    assert etag() == before
    yield
    assert etag() != before


def test_it_is_an_entity_tag(etag: Etag) -> None:
    assert re.fullmatch(r'"[0-9a-f]{32}"', etag())


def test_a_booking_made_or_cancelled_changes_it(etag: Etag, book: Book) -> None:
    with changes(etag):
        booking = book(at(10))
    with changes(etag):
        cancel_booking(booking, now_dt=NOW)


def test_another_provider_s_bookings_do_not(etag: Etag, book: Book) -> None:
    before = etag()
    other = make_provider("Grace")
    book(at(10), provider=other)
    assert etag() == before
    assert etag(providers=[other]) != before


def test_the_order_of_a_pool_is_part_of_it(etag: Etag, provider: Any) -> None:
    other = make_provider("Grace")
    assert etag(providers=[provider, other]) != etag(providers=[other, provider])


def test_a_change_of_the_schedule_changes_it(etag: Etag, provider: Any) -> None:
    with changes(etag):
        default = create_schedule(("09:00", "17:00"))
    with changes(etag):
        default.hours.update(close_time="16:00")
    with changes(etag):
        own = create_schedule(("09:00", "17:00"), provider=provider)
    with changes(etag):
        DateOverride.objects.create(schedule=own, date=at(0).date(), is_closed=True)
    with changes(etag):
        Schedule.objects.filter(pk=own.pk).update(slot_step_minutes=5)
    with changes(etag):
        own.delete()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("duration_minutes", 15),
        ("buffer_after_minutes", 15),
        ("minimum_notice_minutes", 15),
        ("is_active", False),
    ],
)
def test_a_change_of_the_service_changes_it(
    etag: Etag, service: Any, name: str, value: Any
) -> None:
    with changes(etag):
        setattr(service, name, value)


def test_who_is_inactive_changes_it(etag: Etag, provider: Any) -> None:
    with changes(etag):
        provider.is_active = False


def test_what_is_asked_for_is_part_of_it(etag: Etag, addon: Any, yoga: Any, book: Book) -> None:
    booking = book(at(10))
    tags = [
        etag(),
        etag(addons=[addon]),
        etag(booking=booking),
        etag(ignored_interval_id=booking.busy_interval_id),
        etag(override_policy=True),
        etag(tz=ZoneInfo("Asia/Tokyo")),
        etag(service=yoga),
        etag(service=yoga, party_size=2),
    ]
    with timezone.override("America/Lima"):
        tags.append(etag())
    with translation.override("de"):
        tags.append(etag())
    assert len(set(tags)) == len(tags)


def test_a_hold_that_runs_out_changes_it_at_that_instant(etag: Etag, book: Book) -> None:
    until = NOW + timedelta(minutes=10, seconds=30)
    book(at(10), expires_at=until)
    just_before, then = until - MOMENT, until
    assert etag(now_dt=just_before) == etag(now_dt=just_before - MOMENT)
    assert etag(now_dt=just_before) != etag(now_dt=then)
    assert etag(now_dt=then) == etag(now_dt=then + MOMENT)


def test_it_lasts_for_a_minute_and_no_start_comes_or_goes_within(etag: Etag) -> None:
    """A start may be booked at the very minute; just after it, it is too late, and with the same
    tick the next day's comes within the advance."""
    assert etag(now_dt=NOW + MOMENT) == etag(now_dt=NOW + timedelta(seconds=59))
    assert etag(now_dt=NOW - MOMENT) != etag(now_dt=NOW) != etag(now_dt=NOW + MOMENT)


@pytest.mark.parametrize("name", ["buffer_before_minutes", "buffer_after_minutes"])
def test_a_buffer_of_the_provider_s_changes_it(etag: Etag, provider: Any, name: str) -> None:
    with changes(etag):
        setattr(provider, name, 10)


def test_a_buffer_that_is_not_the_larger_one_does_not(
    etag: Etag, service: Any, provider: Any
) -> None:
    service.buffer_before_minutes = 30
    before = etag()

    provider.buffer_before_minutes = 30

    assert etag() == before
