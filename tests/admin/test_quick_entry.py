"""What the form for a new booking asks while staff fill it in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bookings import extensions
from bookings.admin import BookingAdmin
from bookings.contrib.schedule.services import create_schedule
from bookings.models import Booking
from tests.admin.conftest import ADD, LIST, Book, page_of
from tests.admin.page import form_values, text_of

CLIENTS = f"{LIST}clients/"
STARTS = f"{LIST}starts/"

NINE_TO_TWELVE = {day: [("09:00", "12:00")] for day in range(7)}


def clients(client: Client, text: str) -> list[str]:
    response = client.get(CLIENTS, {"q": text})
    assert response.status_code == 200
    return [row["client_name"] for row in response.json()["clients"]]


@pytest.mark.parametrize("text", ["mar", "MARY", "mary@ex", "030/123 45 67"])
def test_a_client_who_booked_before_is_suggested(
    receptionist: Client, book: Book, start: datetime, text: str
) -> None:
    given = {"client_email": "mary@example.org", "client_phone": "+49 30 1234567"}
    book(**given)
    book(start_at=start + timedelta(hours=2), **given)
    book(start_at=start + timedelta(hours=4), client_name="Zoe")
    assert clients(receptionist, text) == ["Mary"], "Once, though she booked twice."


@pytest.mark.parametrize("text", ["", "m", " m ", "nobody", "\0", "%", "x" * 10_000])
def test_other_text_suggests_nobody(receptionist: Client, booking: Booking, text: str) -> None:
    assert clients(receptionist, text) == []


def test_the_latest_clients_are_first_and_a_few_are_enough(
    receptionist: Client, book: Book, start: datetime
) -> None:
    for number in range(10):
        book(start_at=start + timedelta(hours=number), client_name=f"Kim {number}")
    with CaptureQueriesContext(connection) as captured:
        found = clients(receptionist, "kim")
    assert found == [f"Kim {number}" for number in range(9, 1, -1)]
    assert sum("client_name" in query["sql"] for query in captured.captured_queries) == 1


def test_clients_of_bookings_that_staff_do_not_see_are_not_suggested(
    receptionist: Client, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BookingAdmin, "get_queryset", lambda self, request: Booking.objects.none())
    assert clients(receptionist, "mary") == []


@pytest.mark.parametrize("page", [CLIENTS, STARTS])
def test_who_may_not_add_asks_nothing(viewer: Client, stranger: Client, page: str) -> None:
    assert viewer.get(page).status_code == 403
    assert stranger.get(page).status_code == 403
    assert Client().get(page).status_code == 302


def test_free_starts_are_offered(
    receptionist: Client, service: Any, provider: Any, book: Book, start: datetime
) -> None:
    create_schedule(provider=provider, timezone="UTC", hours=NINE_TO_TWELVE, slot_step_minutes=60)
    book(start_at=start)
    asked = {"service": service.pk, "provider": provider.pk, "day": f"{start:%Y-%m-%d}"}
    assert receptionist.get(STARTS, asked).json() == {
        "starts": [["09:00", "9 a.m."], ["11:00", "11 a.m."]]
    }


@pytest.mark.parametrize(
    "changed",
    [
        {"service": "0"},
        {"service": "abc"},
        {"provider": "9" * 30},
        {"provider": ""},
        {"day": "2030-02-31"},
        {"day": "soon"},
        {"day": ""},
        {"day": "9999-12-31"},
        {"day": "0001-01-01"},
    ],
)
def test_a_wrong_choice_has_no_starts(
    receptionist: Client, service: Any, provider: Any, changed: dict[str, str]
) -> None:
    create_schedule(provider=provider, timezone="UTC", hours=NINE_TO_TWELVE)
    asked = {"service": service.pk, "provider": provider.pk, "day": "2030-01-07"} | changed
    assert receptionist.get(STARTS, asked).json() == {"starts": []}


def test_without_an_app_that_knows_them_staff_write_the_time(
    receptionist: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extensions, "implementing", lambda method: [])
    assert receptionist.get(STARTS).json() == {"starts": None}


def test_a_booking_can_be_made_again(
    receptionist: Client, viewer: Client, booking: Booking, service: Any, provider: Any
) -> None:
    address = receptionist.get(page_of(booking)).context["again_url"]
    assert address.startswith(f"{ADD}?")
    filled = form_values(receptionist.get(address))
    assert filled["client_name"] == ["Mary"]
    assert filled["client_email"] == ["mary@example.org"]
    assert (filled["service"], filled["provider"]) == ([str(service.pk)], [str(provider.pk)])
    assert "Book again" not in text_of(viewer.get(page_of(booking)))
