"""Steps for many bookings at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import Client

from bookings.admin import BookingAdmin
from bookings.admin.booking import actions
from bookings.models import Booking
from bookings.services import auto_cancel_expired_bookings, cancel_booking
from tests.admin.conftest import LIST, Book, Make
from tests.admin.page import QUESTION_FORM, form_values, messages_of, text_of

Act = Callable[..., Any]


def act(client: Client, name: str, *bookings: Booking, **sent: Any) -> Any:
    selected = [booking.pk for booking in bookings]
    return client.post(LIST, {"action": name, "_selected_action": selected} | sent, follow=True)


STEPS = {
    "confirm_bookings": ("pending", Booking.Status.CONFIRMED),
    "complete_bookings": ("past", Booking.Status.COMPLETED),
    "no_show_bookings": ("past", Booking.Status.NO_SHOW),
}


@pytest.mark.parametrize(("name", "step"), STEPS.items(), ids=STEPS)
def test_a_step_is_taken_and_reported(
    receptionist: Client, request: pytest.FixtureRequest, name: str, step: tuple[str, str]
) -> None:
    fixture, status = step
    booking: Booking = request.getfixturevalue(fixture)
    response = act(receptionist, name, booking)
    booking.refresh_from_db()
    assert booking.status == status
    assert messages_of(response) == [f"1 booking is now: {booking.get_status_display()}."]
    event = booking.events.get(event_type=status)
    assert event.actor_user == get_user_model().objects.get(username="reception")
    assert LogEntry.objects.get().change_message == f"{booking.get_status_display()}."


@pytest.mark.parametrize(
    ("name", "status"), [("complete_bookings", "COMPLETED"), ("no_show_bookings", "NO_SHOW")]
)
def test_overdue_bookings_that_were_cancelled_are_corrected_together(
    boss: Client, overdue: list[Booking], name: str, status: str
) -> None:
    act(boss, name, *overdue)
    assert {Booking.objects.get(pk=each.pk).status for each in overdue} == {status}


@pytest.mark.parametrize(("name", "status"), [("complete", "COMPLETED"), ("no_show", "NO_SHOW")])
def test_an_overdue_booking_that_was_cancelled_is_corrected_on_its_page(
    boss: Client, overdue: list[Booking], name: str, status: str
) -> None:
    booking, other = overdue
    address = f"{LIST}{booking.pk}/step/{name}/"
    assert address in boss.get(f"{LIST}{booking.pk}/change/").content.decode()
    boss.post(address, {"version": Booking.objects.get(pk=booking.pk).version})
    statuses = [Booking.objects.get(pk=each.pk).status for each in (booking, other)]
    assert statuses == [status, "CANCELLED"]


@pytest.fixture
def overdue(book: Book, start: datetime) -> list[Booking]:
    """Two bookings that the sweep has cancelled."""
    rows = [
        book(start_at=start - timedelta(days=20, hours=2 * turn), allow_past=True)
        for turn in range(2)
    ]
    for row in rows:
        Booking._base_manager.filter(pk=row.pk).update(
            created_at=row.start_at, confirmed_at=row.start_at
        )
    assert auto_cancel_expired_bookings() == 2
    return rows


def test_refused_bookings_are_named_with_the_reason(
    boss: Client, pending: Booking, book: Book, start: datetime
) -> None:
    gone, also_gone = (book(start_at=start + timedelta(hours=2 * n)) for n in (1, 2))
    cancel_booking(gone)
    cancel_booking(also_gone)
    response = act(boss, "confirm_bookings", pending, gone, also_gone)
    done, refused = messages_of(response)
    assert done == "1 booking is now: Confirmed."
    assert refused.startswith("2 bookings were left as they are. Only pending bookings can be")
    assert gone.reference in refused
    assert also_gone.reference in refused
    assert pending.reference not in refused


def test_a_long_list_of_references_is_cut(
    boss: Client, book: Book, start: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "MAX_REFERENCES", 2)
    many = [book(start_at=start + timedelta(hours=n)) for n in range(3)]
    (refused,) = messages_of(act(boss, "complete_bookings", *many))
    assert refused.startswith("3 bookings were left as they are.")
    assert refused.count("BK-") == 2
    assert refused.endswith(" …)")


def test_a_second_click_says_that_it_was_done_already(boss: Client, pending: Booking) -> None:
    act(boss, "confirm_bookings", pending)
    assert messages_of(act(boss, "confirm_bookings", pending))[-1] == (
        "1 booking was that already: Confirmed."
    )
    assert pending.events.filter(event_type="CONFIRMED").count() == 1


def test_cancelling_asks_for_a_reason_first(boss: Client, booking: Booking, past: Booking) -> None:
    response = act(boss, "cancel_bookings", booking, past)
    page = text_of(response)
    assert "These 2 bookings" in page
    assert booking.reference in page
    assert "Cancel the bookings" in page
    booking.refresh_from_db()
    assert booking.status == Booking.Status.CONFIRMED

    sent = form_values(response, QUESTION_FORM) | {
        "reason": "The heating is broken.",
        "override_policy": "on",
    }
    assert messages_of(boss.post(LIST, sent, follow=True)) == ["2 bookings are now: Cancelled."]
    booking.refresh_from_db()
    assert booking.status == Booking.Status.CANCELLED
    assert booking.cancellation_reason == "The heating is broken."
    assert booking.cancelled_by == get_user_model().objects.get(username="boss")


@pytest.mark.parametrize("override", [False, True])
def test_cancelling_against_the_policy_needs_a_tick(
    boss: Client, book: Book, make_service: Make, override: bool
) -> None:
    booking = book(service=make_service(name="Surgery", cancellation_allowed=False))
    page = form_values(act(boss, "cancel_bookings", booking), QUESTION_FORM)
    response = boss.post(LIST, page | ({"override_policy": "on"} if override else {}), follow=True)
    booking.refresh_from_db()
    if override:
        assert booking.status == Booking.Status.CANCELLED
    else:
        assert booking.status == Booking.Status.CONFIRMED
        assert messages_of(response) == [
            (
                "1 booking was left as it is. Cancellations are not allowed for this booking. "
                f"({booking.reference})"
            )
        ]


def test_declining_takes_a_reason(boss: Client, pending: Booking) -> None:
    page = form_values(act(boss, "decline_bookings", pending), QUESTION_FORM)
    assert "override_policy" not in page
    boss.post(LIST, page | {"reason": "Fully booked."})
    pending.refresh_from_db()
    assert pending.status == Booking.Status.DECLINED
    assert pending.events.get(event_type="DECLINED").message == "Fully booked."


def test_a_reason_that_cannot_be_stored_is_asked_for_again(boss: Client, booking: Booking) -> None:
    page = form_values(act(boss, "cancel_bookings", booking), QUESTION_FORM)
    response = boss.post(LIST, page | {"reason": "a\0b"})
    assert "Null characters are not allowed." in text_of(response)
    booking.refresh_from_db()
    assert booking.status == Booking.Status.CONFIRMED


def test_bookings_that_a_user_may_not_change_are_named(
    boss: Client, pending: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host may decide about each booking."""
    monkeypatch.setattr(
        BookingAdmin, "has_change_permission", lambda self, request, obj=None: obj is None
    )
    assert messages_of(act(boss, "confirm_bookings", pending)) == [
        f"1 booking was left as it is. You may not change it. ({pending.reference})"
    ]
