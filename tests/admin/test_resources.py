"""Resources in the admin: a booking takes them, moves with them, and its page names them."""

from __future__ import annotations

from typing import Any

import pytest
from django.forms import modelform_factory
from django.test import Client

from bookings.admin.booking.forms import MoveForm
from bookings.models import Booking
from bookings.pools import AnyOf
from bookings.services import cancel_booking
from tests.admin.conftest import ADD, Book, Make, page_of
from tests.admin.page import errors_of, form_values, text_of


@pytest.fixture
def room(make_provider: Make) -> Any:
    return make_provider(name="Room 1")


@pytest.fixture
def other_room(make_provider: Make) -> Any:
    return make_provider(name="Room 2")


def rooms_of(booking: Booking) -> list[Any]:
    return [each.provider for each in booking.resources.order_by("pk")]


def test_a_booking_is_added_with_a_room(boss: Client, form: Any, room: Any) -> None:
    boss.post(ADD, form(boss, resources=[room.pk]))

    assert rooms_of(Booking.objects.get()) == [room]


def test_a_room_that_is_taken_is_a_message(
    boss: Client, form: Any, book: Book, room: Any, other_provider: Any
) -> None:
    other = book(provider=other_provider, resources=[room])

    response = boss.post(ADD, form(boss, resources=[room.pk]))

    [refusal] = errors_of(response)["start_at"]
    assert "Room 1 is taken" in refusal
    assert page_of(other) in refusal
    assert Booking.objects.count() == 1


def test_a_provider_that_is_its_own_room_is_a_message_at_the_rooms(
    boss: Client, form: Any, provider: Any
) -> None:
    assert list(errors_of(boss.post(ADD, form(boss, resources=[provider.pk])))) == ["resources"]


def test_a_booking_gets_another_room(boss: Client, book: Book, room: Any, other_room: Any) -> None:
    booking = book(resources=[room])
    page = form_values(boss.get(page_of(booking)))
    assert page["resources"] == [str(room.pk)]

    boss.post(page_of(booking), page | {"resources": [other_room.pk]})

    assert rooms_of(booking) == [other_room]
    history = text_of(boss.get(page_of(booking)))
    assert "<del>Room 1</del> → <ins>Room 2</ins>" in history


def test_its_page_names_its_rooms(
    boss: Client, book: Book, room: Any, make_service: Make, booking: Booking
) -> None:
    assert 'id="resources-group"' not in text_of(boss.get(page_of(booking)))
    service = make_service(buffer_before_minutes=5)
    in_room = book(
        service=service, resources=[AnyOf([room])], start_at=booking.start_at.replace(hour=20)
    )
    cancel_booking(in_room, override_policy=True)

    page = text_of(boss.get(page_of(in_room)))

    inline = page.partition('id="resources-group"')[2].partition("</fieldset>")[0]
    assert "Room 1" in inline
    assert "5 minutes before, 0 minutes after" in inline


def test_a_form_without_the_duration_leaves_it(booking: Booking) -> None:
    bare = type("BareForm", (MoveForm,), {"duration_minutes": None, "days": None})
    form = modelform_factory(Booking, form=bare, fields=["client_name"])(instance=booking)

    assert "duration_minutes" not in form.initial
    assert "days" not in form.fields
