"""A booking's history is only ever added to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.db.models.signals import post_save

from bookings.exceptions import NotAllowed
from bookings.models import Booking, BookingEvent
from bookings.services import add_note
from bookings.services.history import save_events
from tests.core.conftest import Book
from tests.core.moments import NOW, at

pytestmark = pytest.mark.django_db


@pytest.fixture
def event(book: Book) -> BookingEvent:
    return book().events.get()


def test_an_event_says_what_happened_to_which_booking(event: BookingEvent) -> None:
    assert str(event) == f"{event.booking.reference} - CREATED"


FORBIDDEN: dict[str, Callable[[BookingEvent], Any]] = {
    "save": lambda event: event.save(),
    "delete": lambda event: event.delete(),
    "queryset update": lambda event: BookingEvent.objects.update(message="Nothing happened."),
    "queryset delete": lambda event: BookingEvent.objects.filter(pk=event.pk).delete(),
    "related update": lambda event: event.booking.events.update(message="Nothing happened."),
    "related delete": lambda event: event.booking.events.all().delete(),
    "bulk update": lambda event: BookingEvent.objects.bulk_update([event], ["message"]),
    "update or create": lambda event: BookingEvent.objects.update_or_create(
        pk=event.pk, defaults={"message": "Nothing happened."}
    ),
}


@pytest.mark.parametrize("change", FORBIDDEN.values(), ids=FORBIDDEN)
def test_an_event_is_never_changed(
    event: BookingEvent, change: Callable[[BookingEvent], Any]
) -> None:
    event.message = "Nothing happened."
    with pytest.raises(NotAllowed, match="append-only"), transaction.atomic():
        change(event)
    assert BookingEvent.objects.get().message == ""


def test_a_new_event_can_be_added_by_hand(event: BookingEvent) -> None:
    BookingEvent(booking=event.booking, event_type="NOTE_ADDED", message="Called.").save()
    assert [entry.message for entry in event.booking.events.all()] == ["Called.", ""]


def test_the_newest_event_comes_first(book: Book) -> None:
    booking = book()
    add_note(booking, "Called.", now_dt=NOW)
    assert [event.event_type for event in booking.events.all()] == ["NOTE_ADDED", "CREATED"]


def test_the_events_go_with_their_booking(event: BookingEvent) -> None:
    event.booking.delete()
    assert not BookingEvent.objects.exists()
    assert not Booking.objects.exists()


@pytest.mark.parametrize("is_heard", [True, False])
def test_events_of_several_bookings_are_saved_one_by_one_for_who_hears_of_each(
    book: Book, is_heard: bool
) -> None:
    bookings = [book(at(10)), book(at(12))]
    heard: list[Any] = []

    def hear(instance: BookingEvent, **kwargs: Any) -> None:
        heard.append(instance)

    events = [
        BookingEvent(booking=booking, event_type="UPDATED", message="Together", created_at=NOW)
        for booking in bookings
    ]
    if is_heard:
        post_save.connect(hear, sender=BookingEvent)
    try:
        save_events(events, using="default")
    finally:
        post_save.disconnect(hear, sender=BookingEvent)

    assert heard == (events if is_heard else [])
    saved = BookingEvent.objects.filter(message="Together").order_by("pk")
    assert [event.booking for event in saved] == bookings
