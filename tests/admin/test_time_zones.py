"""Starts are shown and read on the wall, also on the two nights when the clocks change."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from bookings.models import Booking
from tests.admin.conftest import ADD, LIST, Book, page_of
from tests.admin.page import FormData, errors_of, form_values, text_of

Form = Callable[..., FormData]


@pytest.fixture(autouse=True)
def _in_berlin(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"


def test_a_start_is_read_in_local_time(boss: Client, form: Form) -> None:
    sent = form(boss, start_at_0="2020-07-01", start_at_1="10:00", allow_past="on")
    boss.post(ADD, sent)
    assert Booking.objects.get().start_at == datetime(2020, 7, 1, 8, tzinfo=UTC)


def test_a_start_is_shown_in_local_time(boss: Client, book: Book) -> None:
    booking = book(start_at=datetime(2020, 7, 1, 8, tzinfo=UTC), allow_past=True)
    assert "July 1, 2020, 10 a.m." in text_of(boss.get(LIST))
    response = boss.get(page_of(booking))
    page = form_values(response)
    assert page["start_at_0"] + page["start_at_1"] == ["2020-07-01", "10:00"]
    assert "Time zone: Europe/Berlin." in text_of(response)
    assert '<p class="time">' not in text_of(response), "It would end the paragraph of the field."


def test_a_skipped_hour_is_refused(boss: Client, form: Form) -> None:
    sent = form(boss, start_at_0="2090-03-26", start_at_1="02:30")
    assert errors_of(boss.post(ADD, sent)) == {
        "start_at": [
            (
                "2:30 a.m. does not exist on that day in Europe/Berlin: the clocks go forward. "
                "Choose another time."
            )
        ]
    }


def test_a_repeated_hour_is_refused(boss: Client, form: Form) -> None:
    sent = form(boss, start_at_0="2090-10-29", start_at_1="02:30")
    assert errors_of(boss.post(ADD, sent)) == {
        "start_at": [
            (
                "2:30 a.m. comes twice on that day in Europe/Berlin: the clocks go back. "
                "Choose another time."
            )
        ]
    }


@pytest.mark.parametrize("hour", [0, 1], ids=["first", "second"])
def test_a_booking_at_a_repeated_hour_can_be_corrected(boss: Client, book: Book, hour: int) -> None:
    booking = book(start_at=datetime(2090, 10, 29, hour, 30, 0, 7, tzinfo=UTC))
    page = form_values(boss.get(page_of(booking)))
    assert page["start_at_1"] == ["02:30"]
    assert boss.post(page_of(booking), page | {"client_name": "Maria"}).status_code == 302
    before = booking.start_at
    booking.refresh_from_db()
    assert (booking.start_at, booking.client_name) == (before, "Maria")


def test_a_booking_cannot_be_moved_within_a_repeated_hour(boss: Client, book: Book) -> None:
    booking = book(start_at=datetime(2090, 10, 29, 0, 30, tzinfo=UTC))
    page = form_values(boss.get(page_of(booking))) | {"start_at_1": "02:45:00"}
    assert list(errors_of(boss.post(page_of(booking), page))) == ["start_at"]
