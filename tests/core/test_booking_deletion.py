"""Bookings are cancelled, not deleted; where a host deletes one, its time goes back with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import ProtectedError, Q

from bookings.models import Booking, BookingAddon, BookingEvent, BusyInterval, Calendar
from bookings.services import cancel_booking
from bookings.testing import assert_bookings_are_sound
from tests.core.conftest import Book, Take
from tests.core.moments import NOW, at, second

pytestmark = pytest.mark.django_db


def test_a_deleted_booking_gives_its_time_back(book: Book, addon: Any) -> None:
    booking = book(addon_ids=[addon.pk])
    deleted, rows = booking.delete()
    assert rows["bookings.Booking"] == 1
    assert deleted == 3
    for model in (Booking, BookingEvent, BookingAddon, BusyInterval):
        assert not model._base_manager.exists()
    assert book().start_at == at(10)


def test_a_cancelled_booking_can_be_deleted_beside_who_came_after(book: Book) -> None:
    cancelled, booking = cancel_booking(book(), now_dt=NOW), book()
    cancelled.delete()
    assert BusyInterval.objects.get().bookings.get() == booking


def test_the_calendar_counts_a_deletion_as_a_change(book: Book) -> None:
    booking = book()
    before = Calendar.objects.get().revision
    booking.delete()
    assert Calendar.objects.get().revision == before + 1


def test_a_party_that_is_deleted_leaves_the_others_in_their_slot(
    book: Book, group_service: Any
) -> None:
    pair, single = (book(service=group_service, party_size=size) for size in (2, 1))
    pair.delete()
    assert BusyInterval.objects.get().seats_taken == 1
    single.delete()
    assert not BusyInterval.objects.exists()


@pytest.fixture
def mixed(book: Book, other_provider: Any, group_service: Any, addon: Any) -> list[Booking]:
    """Two providers, a shared slot, a booking with an add-on, and one that was cancelled."""
    return [
        book(at(10)),
        book(at(12), addon_ids=[addon.pk]),
        book(at(10), provider=other_provider),
        book(at(14), service=group_service, party_size=2),
        book(at(14), service=group_service, client_name="Jack"),
        cancel_booking(book(at(16)), now_dt=NOW),
    ]


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        (Booking.objects.all, 0),
        (lambda: Booking.objects.filter(client_name="Jack"), 4),
        (lambda: Booking.objects.filter(start_at=at(10)).order_by("-start_at"), 2),
        (lambda: Booking.objects.filter(Q(addons__isnull=False) | Q(start_at=at(10))), 1),
        (lambda: Booking.objects.filter(addons__isnull=True), 1),
        (lambda: Booking.objects.filter(events__isnull=False), 0),
        (lambda: Booking.objects.filter(service__name="Massage").select_related("tenant"), 1),
        (lambda: Booking.objects.filter(tenant__isnull=True).distinct(), 0),
        (lambda: Booking.objects.exclude(busy_interval__seats_taken=3), 1),
        (Booking.objects.none, 4),
    ],
    ids=[
        "all",
        "one party",
        "several providers",
        "a join",
        "an outer join",
        "a join that repeats",
        "a relation selected",
        "distinct",
        "by their claims",
        "none",
    ],
)
def test_a_queryset_s_bookings_give_their_time_back(
    mixed: list[Booking], chosen: Callable[[], Any], left: int
) -> None:
    doomed = set(chosen().values_list("pk", flat=True))
    chosen().delete()
    assert set(Booking.objects.values_list("pk", flat=True)) == {row.pk for row in mixed} - doomed
    assert BusyInterval.objects.count() == left
    assert_bookings_are_sound()


def test_a_join_that_repeats_a_booking_gives_its_seats_back_once(
    book: Book, group_service: Any
) -> None:
    for name in ("Joan", "Jack"):
        booking = book(service=group_service, client_name=name)
        cancel_booking(book(at(18)), now_dt=NOW)
    booking.events.create(event_type=BookingEvent.EventType.NOTE_ADDED)
    Booking.objects.filter(client_name="Jack", events__isnull=False).delete()
    assert BusyInterval.objects.get().seats_taken == 1


def test_a_provider_s_bookings_can_be_deleted_from_its_side(
    mixed: list[Booking], provider: Any, other_provider: Any
) -> None:
    provider.bookings.all().delete()
    assert BusyInterval.objects.get().calendar.provider == other_provider
    assert_bookings_are_sound()


def test_a_shared_slot_s_bookings_can_be_deleted_from_its_side(mixed: list[Booking]) -> None:
    BusyInterval.objects.get(seats_taken=3).bookings.filter(client_name="Joan").delete()
    assert BusyInterval.objects.get(capacity=3).seats_taken == 1


def test_a_slice_cannot_be_deleted(mixed: list[Booking]) -> None:
    with pytest.raises(TypeError):
        Booking.objects.all()[:2].delete()
    assert Booking.objects.count() == len(mixed)


def test_a_session_s_time_stays_when_its_last_booking_goes(book: Book) -> None:
    booking = book()
    BusyInterval.objects.update(kind=BusyInterval.Kind.SESSION)
    booking.delete()
    assert BusyInterval.objects.get().seats_taken == 0


def test_a_provider_with_bookings_is_protected(book: Book, provider: Any) -> None:
    cancel_booking(book(), now_dt=NOW)
    with pytest.raises(ProtectedError):
        provider.delete()
    assert Calendar.objects.exists()


def test_a_provider_without_bookings_goes_with_its_calendar_and_claims(
    provider: Any, take: Take, other_calendar: Calendar
) -> None:
    take(second(9), second(10), kind=BusyInterval.Kind.TIME_OFF)
    provider.delete()
    assert Calendar.objects.get() == other_calendar
    assert not BusyInterval.objects.exists()


def test_a_service_with_bookings_is_protected(book: Book, service: Any) -> None:
    book()
    with pytest.raises(ProtectedError):
        service.delete()
