"""What calendars, busy intervals, add-ons and the empty tenant say of themselves."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.utils import timezone

from bookings.models import (
    TENANCY_ENABLED,
    BookingAddon,
    BusyInterval,
    Calendar,
    ClientLock,
    Tenant,
)
from bookings.rules.instants import MAX_SECOND
from tests.core.conftest import Book
from tests.core.moments import at, second

pytestmark = pytest.mark.django_db


def test_a_calendar_is_called_by_its_provider(calendar: Calendar) -> None:
    assert str(calendar) == "Ada"


def test_a_clients_lock_says_nothing_of_the_client() -> None:
    assert str(ClientLock(client="0af1")) == "0af1"


def test_a_provider_has_one_calendar(calendar: Calendar) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Calendar.objects.create(provider=calendar.provider)


def test_a_busy_interval_speaks_of_instants() -> None:
    interval = BusyInterval(starts=second(10), ends=second(11, 30))
    assert (interval.start_at, interval.end_at) == (at(10), at(11, 30))
    assert str(interval) == "March 6, 2131, 10 a.m. – March 6, 2131, 11:30 a.m."
    with timezone.override("Asia/Tokyo"):
        assert str(interval) == "March 6, 2131, 7 p.m. – March 6, 2131, 8:30 p.m."


def test_the_last_second_of_time_can_be_shown() -> None:
    assert BusyInterval(starts=0, ends=MAX_SECOND).end_at.year == 4147


def test_a_busy_interval_knows_its_free_seats() -> None:
    assert BusyInterval(capacity=5, seats_taken=3).seats_free == 2


@pytest.mark.parametrize(("capacity", "seats"), [(1, 2), (0, 1), (3, 4)])
def test_the_database_refuses_more_seats_than_there_are(
    calendar: Calendar, capacity: int, seats: int
) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        BusyInterval.objects.create(
            calendar=calendar, starts=0, ends=60, capacity=capacity, seats_taken=seats
        )
    interval = BusyInterval.objects.create(calendar=calendar, starts=0, ends=60)
    with pytest.raises(IntegrityError), transaction.atomic():
        BusyInterval.objects.filter(pk=interval.pk).update(capacity=capacity, seats_taken=seats)


def test_an_addon_is_called_as_it_was_when_it_was_booked(book: Book, addon: Any) -> None:
    booking = book(addon_ids=[addon.pk])
    type(addon).objects.update(name="Cold stones")
    assert str(booking.addons.get()) == f"{booking.reference} - Hot stones"


def test_an_addon_is_booked_once_per_booking(book: Book, addon: Any) -> None:
    booking = book(addon_ids=[addon.pk])
    with pytest.raises(IntegrityError), transaction.atomic():
        BookingAddon.objects.create(booking=booking, addon=addon, name_snapshot="Again")


def test_the_default_tenant_is_a_table_that_stays_empty(book: Book) -> None:
    assert book().tenant is None
    assert not Tenant.objects.exists()
    assert str(Tenant(pk=1)) == "1"
    assert not TENANCY_ENABLED


OWN_MODELS = [
    model
    for model in apps.get_models(include_auto_created=True)
    if model._meta.app_config.name.startswith("bookings")
]


@pytest.mark.parametrize("value", [None, 0, "nonsense"], ids=["empty", "missing", "nonsense"])
@pytest.mark.parametrize("model", OWN_MODELS, ids=lambda model: model._meta.label)
def test_an_incomplete_instance_has_a_text(model: Any, value: Any) -> None:
    """Logs and debuggers show it: an error there would hide the one that they tell of."""
    names = [field.attname for field in model._meta.concrete_fields if field.is_relation]
    if value == "nonsense":
        names = [field.attname for field in model._meta.concrete_fields]
    instance = model() if value is None else model(**dict.fromkeys(names, value))
    assert isinstance(str(instance), str)
    assert str(instance) in repr(instance)
