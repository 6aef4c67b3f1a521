"""The add-ons and the history on the page of a booking."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bookings.admin.booking import inlines
from bookings.models import Booking, BookingEvent, Calendar
from bookings.services import add_note, cancel_booking, reschedule_booking, update_booking
from tests.admin.conftest import Book, page_of
from tests.admin.page import form_values, text_of


def test_addons_are_listed_as_they_were_booked(boss: Client, book: Book, addon: Any) -> None:
    booking = book(addon_ids=[addon.pk])
    addon.name = "Cold stones"
    addon.save()
    page = text_of(boss.get(page_of(booking)))
    assert "Hot stones" in page
    assert "20.00" in page


def test_the_history_says_what_changed(boss: Client, booking: Booking, settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Berlin"
    new = datetime(2090, 7, 1, 8, tzinfo=UTC)
    update_booking(booking, client_phone="123")
    reschedule_booking(booking, new_start_at=new)
    cancel_booking(booking, reason="She called.")
    page = text_of(boss.get(page_of(booking)))
    assert "<ins>July 1, 2090, 10 a.m.</ins>" in page
    assert "<li>client&#x27;s phone: <del>–</del> → <ins>123</ins></li>" in page
    assert "<li>status: <del>Confirmed</del> → <ins>Cancelled</ins></li>" in page
    assert "She called." in page
    # It stayed with its provider, so the history has no line about that.
    assert "<li>provider" not in page


@pytest.mark.parametrize(
    ("currency", "texts"),
    [("EUR", ("10.00", "12.50")), ("JPY", ("10", "13")), ("KWD", ("10.000", "12.500"))],
)
def test_the_history_has_amounts_with_the_decimals_of_their_currency(
    boss: Client, booking: Booking, currency: str, texts: tuple[str, str]
) -> None:
    models.QuerySet(Booking).update(currency=currency)
    data = {"old_total_amount": "10.000", "new_total_amount": "12.500"}
    models.QuerySet(BookingEvent).update(data=data)
    page = text_of(boss.get(page_of(booking)))
    assert "<li>total: <del>{}</del> → <ins>{}</ins></li>".format(*texts) in page


def test_the_history_shows_an_amount_that_is_none_as_it_is(boss: Client, booking: Booking) -> None:
    data = {"old_total_amount": None, "new_total_amount": "on request"}
    models.QuerySet(BookingEvent).update(data=data)
    page = text_of(boss.get(page_of(booking)))
    assert "<li>total: <del>–</del> → <ins>on request</ins></li>" in page


def test_the_history_names_the_providers_of_a_move(
    boss: Client, booking: Booking, other_provider: Any
) -> None:
    reschedule_booking(booking, new_start_at=booking.start_at, new_provider=other_provider)
    page = text_of(boss.get(page_of(booking)))
    assert "<li>provider: <del>Ada</del> → <ins>Grace</ins></li>" in page


def test_the_history_names_the_addons_of_a_move(boss: Client, booking: Booking, addon: Any) -> None:
    reschedule_booking(booking, new_start_at=booking.start_at, addon_ids=[addon.pk])
    page = text_of(boss.get(page_of(booking)))
    assert "<li>add-ons: <del>–</del> → <ins>Hot stones</ins></li>" in page


def test_the_history_shows_the_key_of_a_deleted_object(
    boss: Client, booking: Booking, provider: Any, other_provider: Any
) -> None:
    reschedule_booking(booking, new_start_at=booking.start_at, new_provider=other_provider)
    key = provider.pk
    Calendar.objects.filter(provider=provider).delete()
    provider.delete()
    page = text_of(boss.get(page_of(booking)))
    assert f"<li>provider: <del>{key}</del> → <ins>Grace</ins></li>" in page


def test_an_invalid_key_is_shown_as_it_is() -> None:
    assert inlines.related_name("provider", "not a key") == "not a key"
    assert inlines.related_name("of_a_host", 7) == 7


def test_the_number_of_queries_does_not_grow_with_the_moves(
    boss: Client, booking: Booking, provider: Any, other_provider: Any
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert boss.get(page_of(booking)).status_code == 200
        return len(captured)

    def move(to: Any) -> None:
        reschedule_booking(booking, new_start_at=booking.start_at, new_provider=to)

    move(other_provider)
    # What Django reads once in a process comes with the first page.
    queries()
    few = queries()
    for to in (provider, other_provider, provider, other_provider):
        move(to)
    assert queries() == few


def test_a_note_says_whether_the_client_may_read_it(boss: Client, booking: Booking) -> None:
    add_note(booking, "Rang twice.")
    assert "The client may read it" not in text_of(boss.get(page_of(booking)))
    add_note(booking, "Bring a towel.", for_client=True)
    assert "The client may read it" in text_of(boss.get(page_of(booking)))


def test_a_clients_text_is_escaped(boss: Client, booking: Booking) -> None:
    update_booking(booking, client_name="<script>alert(1)</script>")
    page = text_of(boss.get(page_of(booking)))
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        (None, "–"),
        ("", "–"),
        ([], "–"),
        (["Hot stones", "Oil"], "Hot stones, Oil"),
        (7, "7"),
        ("NO_SHOW", "No show"),
        ("Mary", "Mary"),
        ("2030-02-31T10:00:00+00:00", "2030-02-31T10:00:00+00:00"),
        ("2030-02-03T10:00:00", "2030-02-03T10:00:00"),
        ("2030-02-03T10:00:00+00:00", "Feb. 3, 2030, 10 a.m."),
    ],
)
def test_a_stored_value_has_a_text(stored: Any, shown: str) -> None:
    assert inlines.value_text(stored) == shown


def test_a_field_has_a_label() -> None:
    assert inlines.field_label("start_at") == "start"
    assert inlines.field_label("addons") == "add-ons"
    assert inlines.field_label("of_a_host") == "of_a_host"


def test_the_history_ignores_what_is_posted(boss: Client, booking: Booking) -> None:
    page = form_values(boss.get(page_of(booking)))
    event = booking.events.get()
    forged = {
        "events-TOTAL_FORMS": "2",
        "events-INITIAL_FORMS": "1",
        "events-0-id": str(event.pk),
        "events-0-message": "forged",
        "events-0-DELETE": "on",
        "events-1-message": "forged",
        "events-1-event_type": "NOTE_ADDED",
    }
    assert boss.post(page_of(booking), page | forged).status_code == 302
    assert list(booking.events.values_list("pk", "message")) == [(event.pk, "")]


def test_the_number_of_queries_does_not_grow_with_the_history(
    boss: Client, booking: Booking
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert boss.get(page_of(booking)).status_code == 200
        return len(captured)

    add_note(booking, "first")
    queries()
    few = queries()
    for number in range(27):
        add_note(booking, str(number))
    assert queries() == few
