"""Staff change the number of seats of a booking."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.test import Client

from bookings.conf import app_settings
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import (
    book_seat,
    close_session,
    create_session,
    join_waitlist,
)
from bookings.models import Booking
from bookings.services import cancel_booking
from tests.admin.conftest import LIST, Book, Make, page_of
from tests.admin.page import QUESTION_FORM, form_values, messages_of, text_of
from tests.admin.test_permissions import step_of
from tests.admin.test_steps import steps_of


@pytest.fixture
def shared(book: Book, make_service: Make, start: datetime) -> Booking:
    """Two of the seats of a slot of three, which cannot be cancelled."""
    service = make_service(
        allow_multiple_clients_per_slot=True, capacity=3, cancellation_allowed=False
    )
    return book(service=service, party_size=2, start_at=start + timedelta(days=1))


@pytest.fixture
def session(service: Any, other_provider: Any, start: Any) -> Session:
    return create_session(
        service=service, provider=other_provider, start_at=start, capacity=3, enable_waitlist=True
    )


@pytest.fixture
def seat(session: Session) -> Booking:
    return book_seat(session, client_name="Ann")


def submit(client: Client, booking: Booking, **values: Any) -> Any:
    url = step_of(booking, "seats")
    return client.post(url, form_values(client.get(url), QUESTION_FORM) | values, follow=True)


def seats_of(booking: Booking) -> int:
    return Booking.objects.get(pk=booking.pk).party_size


def test_only_a_booking_with_seats_offers_it(
    boss: Client, booking: Booking, shared: Booking, seat: Booking
) -> None:
    assert "seats" in steps_of(boss.get(page_of(shared)))
    assert "seats" in steps_of(boss.get(page_of(seat)))
    assert "seats" not in steps_of(boss.get(page_of(booking)))
    cancel_booking(seat)
    assert "seats" not in steps_of(boss.get(page_of(seat)))


def test_a_concurrent_booking_offers_it(boss: Client, book: Book, make_service: Make) -> None:
    desks = make_service(capacity=20, capacity_mode="CONCURRENT")
    desk = book(service=desks)
    assert "seats" in steps_of(boss.get(page_of(desk)))
    submit(boss, desk, seats=3)
    assert seats_of(desk) == 3


def test_the_page_begins_with_the_seats_that_it_has(boss: Client, shared: Booking) -> None:
    page = boss.get(step_of(shared, "seats"))
    assert form_values(page, QUESTION_FORM)["seats"] == ["2"]
    assert 'value="Change the seats of the booking"' in text_of(page)


def test_it_is_changed(boss: Client, shared: Booking) -> None:
    response = submit(boss, shared, seats="3")
    assert messages_of(response) == [f"{shared.reference}: Seats changed."]
    assert seats_of(shared) == 3
    assert shared.events.latest("pk").actor_user.username == "boss"


def test_it_is_changed_on_the_provider_s_behalf(boss: Client, shared: Booking) -> None:
    submit(boss, shared, seats="1", by="on", override_policy="on")
    assert shared.events.latest("pk").data["by"] == "provider"


@pytest.mark.parametrize("seats", ["", "0", "-1", "x"])
def test_an_invalid_number_is_an_error_of_the_form(
    boss: Client, shared: Booking, seats: str
) -> None:
    assert submit(boss, shared, seats=seats).context["form"].errors["seats"]
    assert seats_of(shared) == 2


def test_seats_that_are_not_free_are_a_message(boss: Client, shared: Booking) -> None:
    response = submit(boss, shared, seats="4")
    assert messages_of(response) == ["A party of 4 does not fit: the service takes 3 at most."]


def test_a_rule_of_the_booking_can_be_overridden(boss: Client, shared: Booking) -> None:
    response = submit(boss, shared, seats="1")
    assert "Cancellations are not allowed for this booking." in text_of(response)
    submit(boss, shared, seats="1", override_policy="on")
    assert seats_of(shared) == 1


@pytest.mark.parametrize("rule", ["closed", "waitlist"])
def test_a_rule_of_the_session_can_be_overridden(
    boss: Client, session: Session, seat: Booking, settings: Any, rule: str
) -> None:
    if rule == "closed":
        close_session(session)
    else:
        settings.BOOKINGS_WAITLIST_ORDER = "strict"
        join_waitlist(session, client_name="Bob", party_size=3)
    response = submit(boss, seat, seats="2")
    said = "Booking is closed for this session." if rule == "closed" else "Other clients wait"
    assert said in text_of(response)
    assert seats_of(seat) == 1
    submit(boss, seat, seats="2", override_policy="on")
    assert seats_of(seat) == 2


def test_it_is_changed_for_the_selected_bookings(
    boss: Client, shared: Booking, seat: Booking
) -> None:
    selected = {"action": "seats_bookings", "_selected_action": [shared.pk, seat.pk]}
    page = boss.post(LIST, selected)
    assert 'value="Change the seats of the bookings"' in text_of(page)
    boss.post(LIST, form_values(page, QUESTION_FORM) | {"seats": "3"}, follow=True)
    assert (seats_of(shared), seats_of(seat)) == (3, 3)


def test_who_may_not_change_bookings_may_not_change_their_seats(
    viewer: Client, shared: Booking
) -> None:
    assert "seats" not in steps_of(viewer.get(page_of(shared)))
    assert viewer.get(step_of(shared, "seats")).status_code == 403


def test_a_service_without_the_attribute_shares_no_slots(
    boss: Client, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = apps.get_model(app_settings.SERVICE_MODEL)
    monkeypatch.delattr(model, "allow_multiple_clients_per_slot")
    assert "seats" not in steps_of(boss.get(page_of(booking)))
