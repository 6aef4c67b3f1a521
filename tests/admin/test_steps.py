"""The buttons of one booking's page."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import Client

from bookings.models import Booking
from bookings.services import cancel_booking, reschedule_booking, update_booking
from tests.admin.conftest import ADD, Book, Make, page_of
from tests.admin.page import QUESTION_FORM, form_values, messages_of, text_of
from tests.admin.test_change import STALE
from tests.admin.test_permissions import step_of


def steps_of(response: Any) -> list[str]:
    return re.findall(r"/step/(\w+)/", text_of(response))


OFFERED = {
    "pending": ["confirm", "decline", "cancel", "note"],
    "booking": ["cancel", "note"],
    "past": ["deliver", "complete", "no_show", "cancel", "note"],
}


@pytest.mark.parametrize(("fixture", "steps"), OFFERED.items(), ids=OFFERED)
def test_the_steps_that_are_open_are_offered(
    boss: Client, request: pytest.FixtureRequest, fixture: str, steps: list[str]
) -> None:
    booking = request.getfixturevalue(fixture)
    assert steps_of(boss.get(page_of(booking))) == steps


def test_a_new_booking_has_no_steps(boss: Client) -> None:
    assert steps_of(boss.get(ADD)) == []


def test_a_click_takes_the_step(boss: Client, pending: Booking) -> None:
    response = boss.post(step_of(pending, "confirm"), {"version": pending.version}, follow=True)
    assert response.redirect_chain == [(page_of(pending), 302)]
    assert messages_of(response) == [f"{pending.reference} is now: Confirmed."]
    pending.refresh_from_db()
    assert pending.status == Booking.Status.CONFIRMED
    user = get_user_model().objects.get(username="boss")
    assert pending.events.get(event_type="CONFIRMED").actor_user == user
    assert LogEntry.objects.get().change_message == "Confirmed."


def test_a_second_click_is_no_error(boss: Client, pending: Booking) -> None:
    for _click in range(2):
        response = boss.post(step_of(pending, "confirm"), {"version": 1}, follow=True)
    assert messages_of(response)[-1] == f"{pending.reference} was that already: Confirmed."
    assert pending.events.count() == 2


@pytest.mark.parametrize("version", [{"version": 1}, {"version": "x"}, {}], ids=str)
def test_a_step_from_an_old_page_is_refused(
    boss: Client, pending: Booking, version: dict[str, Any]
) -> None:
    update_booking(pending, client_name="Maria")
    response = boss.post(step_of(pending, "confirm"), version, follow=True)
    assert messages_of(response) == [STALE]
    pending.refresh_from_db()
    assert pending.status == Booking.Status.PENDING


def test_a_step_that_is_not_open_is_a_message(boss: Client, booking: Booking) -> None:
    response = boss.post(step_of(booking, "complete"), {"version": 1}, follow=True)
    assert messages_of(response) == ["A booking cannot be completed before it starts."]


def test_a_reason_is_asked_for_on_a_page_of_its_own(boss: Client, booking: Booking) -> None:
    url = step_of(booking, "cancel")
    response = boss.get(url)
    assert "This booking" in text_of(response)
    assert "Cancel the booking" in text_of(response)
    sent = form_values(response, QUESTION_FORM) | {"reason": "She called."}
    assert messages_of(boss.post(url, sent, follow=True)) == [
        f"{booking.reference} is now: Cancelled."
    ]
    booking.refresh_from_db()
    assert booking.cancellation_reason == "She called."


def test_a_booking_that_was_moved_meanwhile_is_not_cancelled(
    boss: Client, booking: Booking
) -> None:
    url = step_of(booking, "cancel")
    sent = form_values(boss.get(url), QUESTION_FORM)
    reschedule_booking(booking, new_start_at=booking.start_at + timedelta(hours=1))
    # A reason that is asked for again keeps the version that the page was made with.
    again = boss.post(url, sent | {"reason": "a\0b"})
    assert form_values(again, QUESTION_FORM)["version"] == sent["version"]
    assert messages_of(
        boss.post(url, form_values(again, QUESTION_FORM) | {"reason": ""}, follow=True)
    ) == [STALE]
    booking.refresh_from_db()
    assert booking.status == Booking.Status.CONFIRMED


def test_cancelling_against_the_policy_needs_a_tick(
    boss: Client, book: Book, make_service: Make
) -> None:
    booking = book(service=make_service(name="Surgery", cancellation_notice_minutes=10**5))
    url = step_of(booking, "cancel")
    sent = form_values(boss.get(url), QUESTION_FORM) | {"reason": "Snow"}
    refused = boss.post(url, sent)
    assert refused.context["form"].non_field_errors() == [
        "It begins in less than 69 days 10 hours 40 minutes, which is the notice that it needs."
    ]
    assert "which is the notice that it needs" in text_of(refused)
    again = form_values(refused, QUESTION_FORM)
    assert (again["reason"], again["version"]) == (["Snow"], sent["version"])
    boss.post(url, again | {"override_policy": "on"})
    booking.refresh_from_db()
    assert booking.status == Booking.Status.CANCELLED


def test_a_step_is_not_taken_by_get(boss: Client, pending: Booking) -> None:
    response = boss.get(step_of(pending, "confirm"))
    assert response.status_code == 405
    assert response["Allow"] == "POST"


def test_an_unknown_step_and_an_unknown_booking_are_not_found(
    boss: Client, booking: Booking
) -> None:
    assert boss.post(step_of(booking, "delete")).status_code == 404
    assert boss.post("/admin/bookings/booking/0/step/confirm/").status_code == 404
    assert boss.post("/admin/bookings/booking/x/step/confirm/").status_code == 404


def test_a_cancelled_booking_can_be_reopened_or_noted(boss: Client, booking: Booking) -> None:
    cancel_booking(booking)
    assert steps_of(boss.get(page_of(booking))) == ["reopen", "note"]
