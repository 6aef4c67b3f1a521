"""The filter of bookings that wait for somebody, and the steps that end the wait."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from bookings.admin.booking.steps import STEPS
from bookings.admin.steps import Step
from bookings.models import Booking
from bookings.services import cancel_booking, deliver_booking, hold_booking
from tests.admin.conftest import LIST, Book, Make, page_of
from tests.admin.page import QUESTION_FORM, form_values, messages_of, text_of
from tests.admin.test_actions import act
from tests.admin.test_changelist import references
from tests.admin.test_permissions import step_of
from tests.admin.test_steps import steps_of


@pytest.fixture
def held(service: Any, provider: Any, start: datetime) -> Booking:
    start_at = start + timedelta(hours=3)
    return hold_booking(service=service, provider=provider, start_at=start_at, client_name="Eve")


@pytest.fixture
def delivered(past: Booking) -> Booking:
    return deliver_booking(past)


@pytest.fixture
def waiting(
    pending: Booking, held: Booking, delivered: Booking, book: Book, start: datetime
) -> dict[str, Booking]:
    overdue = book(start_at=start - timedelta(days=20), allow_past=True)
    Booking._base_manager.filter(pk=overdue.pk).update(
        created_at=overdue.start_at, confirmed_at=overdue.start_at
    )
    return {"approval": pending, "hold": held, "client": delivered, "overdue": overdue}


@pytest.mark.parametrize("asked", ["approval", "hold", "client", "overdue"])
def test_the_filter_finds_bookings_by_what_they_wait_for(
    viewer: Client, waiting: dict[str, Booking], asked: str
) -> None:
    assert references(viewer.get(LIST, {"waiting": asked})) == [waiting[asked].reference]


def test_the_filter_leaves_cancelled_bookings_out(
    viewer: Client, waiting: dict[str, Booking]
) -> None:
    for name in ("approval", "hold", "overdue"):
        cancel_booking(waiting[name], override_policy=True)
        assert references(viewer.get(LIST, {"waiting": name})) == []


def test_an_unknown_choice_of_the_filter_shows_all(
    viewer: Client, waiting: dict[str, Booking]
) -> None:
    shown = references(viewer.get(LIST, {"waiting": "nonsense"}))
    assert len(shown) == len(waiting) == len(references(viewer.get(LIST)))


def test_a_hold_shows_when_it_expires(viewer: Client, held: Booking, booking: Booking) -> None:
    page = text_of(viewer.get(LIST))
    assert page.count("bookings-until") == 1
    assert '<small class="bookings-until">until ' in page


def test_an_expired_hold_says_so(viewer: Client, held: Booking) -> None:
    Booking._base_manager.filter(pk=held.pk).update(expires_at=timezone.now())
    assert '<small class="bookings-until">ran out ' in text_of(viewer.get(LIST))


def test_a_hold_can_be_extended(boss: Client, held: Booking) -> None:
    before = held.expires_at
    url = step_of(held, "extend")
    assert "Extend the hold" in text_of(boss.get(url))
    sent = form_values(boss.get(url), QUESTION_FORM) | {"minutes": "45"}
    assert messages_of(boss.post(url, sent, follow=True)) == [f"{held.reference}: Hold extended."]
    held.refresh_from_db()
    assert before is not None
    assert held.expires_at is not None
    assert held.expires_at > before + timedelta(minutes=20)


@pytest.mark.parametrize("minutes", ["", "0", "-5", "x"])
def test_invalid_minutes_do_not_extend_a_hold(boss: Client, held: Booking, minutes: str) -> None:
    url = step_of(held, "extend")
    response = boss.post(url, form_values(boss.get(url), QUESTION_FORM) | {"minutes": minutes})
    assert response.context["form"].errors["minutes"]
    assert held.events.count() == 1


def test_only_a_hold_offers_to_be_extended(boss: Client, held: Booking, pending: Booking) -> None:
    assert "extend" in steps_of(boss.get(page_of(held)))
    assert "extend" not in steps_of(boss.get(page_of(pending)))
    assert steps_of(boss.get(page_of(held)))[:2] == ["confirm", "submit"]
    assert "submit" not in steps_of(boss.get(page_of(pending)))
    Booking._base_manager.filter(pk=held.pk).update(expires_at=timezone.now())
    assert not {"extend", "confirm", "submit"} & {*steps_of(boss.get(page_of(held)))}


def test_a_hold_that_needs_approval_is_submitted_for_it(
    receptionist: Client, provider: Any, make_service: Make, start: datetime
) -> None:
    """Who takes a client's call leaves it to the provider, as the client does."""
    surgery = make_service(name="Surgery", requires_approval=True)
    held = hold_booking(service=surgery, provider=provider, start_at=start, client_name="Eve")
    url = step_of(held, "submit")

    shown_messages = messages_of(receptionist.post(url, {"version": held.version}, follow=True))

    held.refresh_from_db()
    assert shown_messages == [f"{held.reference}: Hold submitted."]
    assert (held.status, held.requested_at is None) == (Booking.Status.PENDING, False)
    assert {"confirm", "decline"} <= {*steps_of(receptionist.get(page_of(held)))}


def test_many_holds_are_submitted(boss: Client, held: Booking, pending: Booking) -> None:
    assert messages_of(act(boss, "submit_bookings", held, pending)) == [
        "2 bookings: Hold submitted."
    ]
    held.refresh_from_db()
    assert held.status == Booking.Status.CONFIRMED


def test_a_hold_of_an_inactive_service_is_submitted_with_an_override(
    boss: Client, held: Booking
) -> None:
    type(held.service).objects.update(is_active=False)
    url = step_of(held, "submit")
    refused = boss.post(url, {"version": held.version})
    boss.post(url, form_values(refused, QUESTION_FORM) | {"override_policy": "on"})
    held.refresh_from_db()
    assert held.status == Booking.Status.CONFIRMED


def closed(*, override_policy: bool, **_asked: Any) -> list[Any]:
    return []


def test_a_request_for_a_day_that_is_closed_now_is_confirmed_with_an_override(
    boss: Client, pending: Booking, settings: Any
) -> None:
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.closed"
    url = step_of(pending, "confirm")
    refused = boss.post(url, {"version": pending.version})
    assert "Selected start time is not available for this service." in text_of(refused)
    boss.post(url, form_values(refused, QUESTION_FORM) | {"override_policy": "on"})
    pending.refresh_from_db()
    assert pending.status == Booking.Status.CONFIRMED


@pytest.mark.parametrize("message", ["", "The door is mended."])
def test_a_delivery_may_have_a_message(boss: Client, past: Booking, message: str) -> None:
    url = step_of(past, "deliver")
    asked = boss.get(url)
    assert 'value="Deliver the booking"' in text_of(asked)
    sent = form_values(asked, QUESTION_FORM)
    assert sent["message"] == [""]

    boss.post(url, sent | {"message": message})

    assert past.events.get(event_type="DELIVERED").message == message


def test_many_deliveries_may_have_one_message(
    boss: Client, past: Booking, book: Book, start: datetime
) -> None:
    other = book(start_at=start - timedelta(days=10), allow_past=True)
    asked = act(boss, "deliver_bookings", past, other)
    assert 'value="Deliver the bookings"' in text_of(asked)
    sent = form_values(asked, QUESTION_FORM) | {"message": "Done."}
    assert messages_of(boss.post(LIST, sent, follow=True)) == ["2 bookings are now: Delivered."]
    assert [each.events.filter(message="Done.").count() for each in (past, other)] == [1, 1]


def test_a_booking_that_was_never_delivered_cannot_be_disputed(boss: Client, past: Booking) -> None:
    """It is confirmed, as a dispute makes it, and was no dispute's doing."""
    url = step_of(past, "dispute")
    said = "Only delivered bookings can be disputed; this one is: Confirmed."
    sent = form_values(boss.get(url), QUESTION_FORM) | {"reason": "Nobody came."}
    assert messages_of(boss.post(url, sent, follow=True)) == [said]

    sent = form_values(act(boss, "dispute_bookings", past), QUESTION_FORM) | {
        "reason": "Nobody came."
    }
    assert messages_of(boss.post(LIST, sent, follow=True)) == [
        f"1 booking was left as it is. {said} ({past.reference})"
    ]


def test_a_second_click_on_dispute_is_no_error(boss: Client, delivered: Booking) -> None:
    url = step_of(delivered, "dispute")
    sent = form_values(boss.get(url), QUESTION_FORM) | {"reason": "Nobody came."}
    boss.post(url, sent)
    assert messages_of(boss.post(url, sent, follow=True))[-1] == (
        f"{delivered.reference} was that already: Confirmed."
    )
    assert delivered.events.filter(event_type="DISPUTED").count() == 1


def test_a_delivery_can_be_disputed_with_a_reason(boss: Client, delivered: Booking) -> None:
    url = step_of(delivered, "dispute")
    sent = form_values(boss.get(url), QUESTION_FORM)
    refused = boss.post(url, sent)
    assert refused.context["form"].errors["reason"]
    boss.post(url, sent | {"reason": "Nobody came."})
    delivered.refresh_from_db()
    assert delivered.status == Booking.Status.CONFIRMED
    assert delivered.events.get(event_type="DISPUTED").message == "Nobody came."


def test_a_note_can_be_added_to_one_and_to_many(
    boss: Client, booking: Booking, held: Booking
) -> None:
    url = step_of(booking, "note")
    sent = form_values(boss.get(url), QUESTION_FORM) | {
        "message": "Ring twice.",
        "for_client": "on",
    }
    assert messages_of(boss.post(url, sent, follow=True)) == [f"{booking.reference}: Note added."]
    note = booking.events.get(event_type="NOTE_ADDED")
    assert (note.message, note.data) == ("Ring twice.", {"for_client": True})

    asked = act(boss, "note_bookings", booking, held)
    sent = form_values(asked, QUESTION_FORM) | {"message": "Snow."}
    assert messages_of(boss.post(LIST, sent, follow=True)) == ["2 bookings: Note added."]
    assert [b.events.filter(message="Snow.").count() for b in (booking, held)] == [1, 1]


def test_an_override_is_asked_for_after_the_refusal(boss: Client, pending: Booking) -> None:
    service = pending.service
    service.is_active = False
    service.save()
    url = step_of(pending, "confirm")
    refused = boss.post(url, {"version": pending.version})
    assert refused.context["form"].non_field_errors() == [
        "The service is not active. Choose another."
    ]
    assert 'value="Confirm the booking"' in text_of(refused)
    sent = form_values(refused, QUESTION_FORM)
    assert boss.post(url, sent).context["form"].errors
    boss.post(url, sent | {"override_policy": "on"})
    pending.refresh_from_db()
    assert pending.status == Booking.Status.CONFIRMED


def test_staff_may_complete_for_a_client_who_never_answers(
    boss: Client, book: Book, make_service: Make, start: datetime
) -> None:
    lesson = make_service(name="Lesson", two_sided_completion=True)
    booking = book(service=lesson, start_at=start - timedelta(days=9), allow_past=True)
    url = step_of(booking, "complete")
    refused = boss.post(url, {"version": booking.version})
    assert 'value="Complete the booking"' in text_of(refused)
    boss.post(url, form_values(refused, QUESTION_FORM) | {"override_policy": "on"})
    booking.refresh_from_db()
    assert booking.status == Booking.Status.COMPLETED


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("number", [1, 2])
def test_every_page_of_a_step_has_a_button_of_its_own(step: Step, number: int) -> None:
    buttons = [other.button_text(number) for other in STEPS.values() if other.has_page]
    assert len({*buttons}) == len(buttons)
    assert step.has_page or not step.may_override


@pytest.mark.parametrize("before", ["booking", "pending"])
def test_a_cancelled_booking_can_be_reopened(
    boss: Client, request: pytest.FixtureRequest, before: str
) -> None:
    booking: Booking = request.getfixturevalue(before)
    status = booking.status
    assert "reopen" not in steps_of(boss.get(page_of(booking)))
    cancel_booking(booking, override_policy=True)
    assert "reopen" in steps_of(boss.get(page_of(booking)))

    url = step_of(booking, "reopen")
    said = messages_of(boss.post(url, {"version": booking.version}, follow=True))

    booking.refresh_from_db()
    assert (booking.status, said) == (status, [f"{booking.reference}: Reopened."])


def test_many_can_be_reopened_where_their_time_is_free(
    boss: Client, booking: Booking, book: Book
) -> None:
    later = book(start_at=booking.start_at + timedelta(hours=5))
    for each in (booking, later):
        cancel_booking(each, override_policy=True)
    other = book(start_at=booking.start_at, client_name="Other")

    said = messages_of(act(boss, "reopen_bookings", booking, later))

    assert [status_of(each) for each in (booking, later, other)] == [
        "CANCELLED",
        "CONFIRMED",
        "CONFIRMED",
    ]
    assert said == [
        "1 booking: Reopened.",
        (
            "1 booking was left as it is. The time has been taken since the booking ended, so it "
            f"cannot be reopened. Make a new booking at another time. ({booking.reference})"
        ),
    ]
    assert messages_of(act(boss, "reopen_bookings", later)) == [
        "1 booking was that already: Reopened."
    ]


def status_of(booking: Booking) -> str:
    return str(Booking.objects.get(pk=booking.pk).status)


def test_staff_may_reopen_what_is_not_active_any_more(boss: Client, booking: Booking) -> None:
    cancel_booking(booking)
    booking.provider.is_active = False
    booking.provider.save()
    url = step_of(booking, "reopen")
    refused = boss.post(url, {"version": booking.version})
    assert 'value="Reopen the booking"' in text_of(refused)

    boss.post(url, form_values(refused, QUESTION_FORM) | {"override_policy": "on"})

    assert status_of(booking) == "CONFIRMED"
