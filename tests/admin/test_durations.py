"""The length of a booking in the admin, where the service lets the client choose."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from bookings.models import Booking
from tests.admin.conftest import ADD, Book, Make, page_of
from tests.admin.page import errors_of, form_values


@pytest.fixture
def room(make_service: Make) -> Any:
    return make_service(name="Room", maximum_duration_minutes=180)


def length_of(booking: Booking) -> timedelta:
    booking.refresh_from_db()
    return booking.end_at - booking.start_at


def test_a_booking_is_added_with_a_length(boss: Client, form: Any, room: Any) -> None:
    boss.post(ADD, form(boss, service=room.pk, duration_minutes=120))

    assert length_of(Booking.objects.get()) == timedelta(hours=2)


def test_a_length_that_is_not_offered_is_a_message(boss: Client, form: Any, room: Any) -> None:
    response = boss.post(ADD, form(boss, service=room.pk, duration_minutes=200))

    assert "from 60 to 180" in str(errors_of(response)["duration_minutes"])


def test_a_booking_gets_another_length(boss: Client, book: Book, room: Any, addon: Any) -> None:
    booking = book(service=room, addon_ids=[addon.pk])
    page = form_values(boss.get(page_of(booking)))
    assert page["duration_minutes"] == ["60"]

    boss.post(page_of(booking), page | {"duration_minutes": "90"})
    assert length_of(booking) == timedelta(minutes=105)

    page = form_values(boss.get(page_of(booking)))
    response = boss.post(page_of(booking), page | {"duration_minutes": "200"})
    assert "from 60 to 180" in str(errors_of(response)["duration_minutes"])


def test_an_empty_length_keeps_it(boss: Client, book: Book, room: Any) -> None:
    booking = book(service=room, duration_minutes=120)
    page = form_values(boss.get(page_of(booking)))

    boss.post(page_of(booking), page | {"duration_minutes": ""})

    assert length_of(booking) == timedelta(hours=2)


@pytest.fixture
def flat(make_service: Make) -> Any:
    return make_service(name="Flat", duration_days=1, maximum_duration_days=5, ends_at_time="11:00")


def test_a_booking_is_added_with_days(boss: Client, form: Any, flat: Any) -> None:
    boss.post(ADD, form(boss, service=flat.pk, days=3))

    assert Booking.objects.get().duration_days == 3


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"days": 6}, "days", "from 1 to 5"),
        ({"days": 10**12}, "days", "3660"),
        ({"duration_minutes": 10**15}, "duration_minutes", "less than or equal"),
        ({"duration_minutes": 60}, "duration_minutes", "Choose a number of days"),
        ({"duration_minutes": 60, "days": 1}, "days", "not both"),
    ],
)
def test_days_that_are_not_offered_are_a_message(
    boss: Client, form: Any, book: Book, flat: Any, values: Any, field: str, message: str
) -> None:
    response = boss.post(ADD, form(boss, service=flat.pk, **values))
    assert message in str(errors_of(response)[field])

    booking = book(service=flat, duration_days=2)
    page = form_values(boss.get(page_of(booking)))
    response = boss.post(page_of(booking), page | {name: str(n) for name, n in values.items()})
    assert message in str(errors_of(response)[field])


def test_a_booking_gets_other_days(boss: Client, book: Book, flat: Any) -> None:
    booking = book(service=flat, duration_days=2)
    page = form_values(boss.get(page_of(booking)))
    assert (page["days"], page["duration_minutes"]) == (["2"], [""])
    assert "11 a.m." in boss.get(page_of(booking)).text

    boss.post(page_of(booking), page | {"days": "4"})
    booking.refresh_from_db()
    assert booking.duration_days == 4

    page = form_values(boss.get(page_of(booking)))
    boss.post(page_of(booking), page | {"days": "", "notes_client": "Late"})
    booking.refresh_from_db()
    assert (booking.duration_days, booking.notes_client) == (4, "Late")


def test_days_are_shown_once_it_is_over(boss: Client, book: Book, flat: Any) -> None:
    booking = book(service=flat, duration_days=2)
    Booking._base_manager.update(status="CANCELLED", busy_interval=None)

    assert "Days:" in boss.get(page_of(booking)).text
