"""There is a signal for every event, told once the transaction has committed."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from django.dispatch import Signal

from bookings import signals
from bookings.models import Booking, BookingEvent
from bookings.services import cancel_booking
from tests.core.conftest import Book
from tests.core.moments import NOW


@contextmanager
def listening(signal: Signal, receiver: Any) -> Iterator[None]:
    signal.connect(receiver, weak=False)
    try:
        yield
    finally:
        signal.disconnect(receiver)


def test_every_event_has_a_signal_of_its_own() -> None:
    assert signals.BY_EVENT.keys() == set(BookingEvent.EventType.values)
    assert len(set(map(id, signals.BY_EVENT.values()))) == len(signals.BY_EVENT)


def test_the_signals_are_named_after_their_events() -> None:
    named = {name: value for name, value in vars(signals).items() if isinstance(value, Signal)}
    for event, signal in signals.BY_EVENT.items():
        name = "note_added" if event == "NOTE_ADDED" else f"booking_{event.lower()}"
        assert named.pop(name) is signal
    assert not named


@pytest.mark.django_db(transaction=True)
def test_a_receiver_gets_the_booking_its_event_and_the_database(book: Book) -> None:
    told: list[dict[str, Any]] = []
    with listening(signals.booking_created, lambda **said: told.append(said)):
        booking = book()
    [said] = told
    assert said["sender"] is Booking
    assert (said["booking"], said["event"]) == (booking, booking.events.get())
    assert said["using"] == "default"


@pytest.mark.django_db(transaction=True)
def test_nobody_is_told_before_the_commit(book: Book) -> None:
    told: list[Any] = []
    with listening(signals.booking_cancelled, lambda booking, **said: told.append(booking)):
        booking = book()
        with transaction.atomic():
            cancel_booking(booking, now_dt=NOW)
            assert told == []
        assert told == [booking]


@pytest.mark.django_db(transaction=True)
def test_nobody_is_told_what_was_rolled_back(book: Book) -> None:
    told: list[Any] = []
    with (
        listening(signals.booking_created, lambda **said: told.append(said)),
        transaction.atomic(),
    ):
        book()
        transaction.set_rollback(True)
    assert told == []
    assert not Booking.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_fails_is_logged_and_keeps_nobody_from_being_told(
    book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[Any] = []

    def fail(**said: Any) -> None:
        raise RuntimeError("the printer is on fire")

    with (
        caplog.at_level(logging.ERROR),
        listening(signals.booking_created, fail),
        listening(signals.booking_created, lambda booking, **said: told.append(booking)),
    ):
        booking = book()
    assert told == [booking]
    assert "the printer is on fire" in caplog.text
    assert Booking.objects.get() == booking
