"""Steps for many bookings at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import Client

from bookings.admin import BookingAdmin, actions
from bookings.models import Booking
from bookings.services import cancel_booking
from tests.admin.conftest import LIST, Book, Make
from tests.admin.page import REASON, filled_in, text_of, told

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
    assert told(response) == [f"1 booking is now: {booking.get_status_display()}."]
    event = booking.events.get(event_type=status)
    assert event.actor_user == get_user_model().objects.get(username="reception")
    assert LogEntry.objects.get().change_message == f"{booking.get_status_display()}."


def test_each_that_cannot_is_named_with_the_reason(
    boss: Client, pending: Booking, book: Book, start: datetime
) -> None:
    gone, also_gone = (book(start_at=start + timedelta(hours=2 * n)) for n in (1, 2))
    cancel_booking(gone)
    cancel_booking(also_gone)
    response = act(boss, "confirm_bookings", pending, gone, also_gone)
    done, refused = told(response)
    assert done == "1 booking is now: Confirmed."
    assert refused.startswith("2 bookings were left as they are. Only pending bookings can be")
    assert gone.reference in refused
    assert also_gone.reference in refused
    assert pending.reference not in refused


def test_a_long_list_of_references_is_cut(
    boss: Client, book: Book, start: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "NAMED", 2)
    many = [book(start_at=start + timedelta(hours=n)) for n in range(3)]
    (refused,) = told(act(boss, "complete_bookings", *many))
    assert refused.startswith("3 bookings were left as they are.")
    assert refused.count("BK-") == 2
    assert refused.endswith(" …)")


def test_a_doubled_click_says_that_it_was_done_already(boss: Client, pending: Booking) -> None:
    act(boss, "confirm_bookings", pending)
    assert told(act(boss, "confirm_bookings", pending))[-1] == (
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

    sent = filled_in(response, REASON) | {"reason": "The heating is broken."}
    assert told(boss.post(LIST, sent, follow=True)) == ["2 bookings are now: Cancelled."]
    booking.refresh_from_db()
    assert booking.status == Booking.Status.CANCELLED
    assert booking.cancellation_reason == "The heating is broken."
    assert booking.cancelled_by == get_user_model().objects.get(username="boss")


@pytest.mark.parametrize("override", [False, True])
def test_the_policy_of_cancelling_needs_a_tick(
    boss: Client, book: Book, make_service: Make, override: bool
) -> None:
    booking = book(service=make_service(name="Surgery", cancellation_allowed=False))
    page = filled_in(act(boss, "cancel_bookings", booking), REASON)
    response = boss.post(LIST, page | ({"override_policy": "on"} if override else {}), follow=True)
    booking.refresh_from_db()
    if override:
        assert booking.status == Booking.Status.CANCELLED
    else:
        assert booking.status == Booking.Status.CONFIRMED
        assert told(response) == [
            (
                "1 booking was left as it is. Cancellations are not allowed for this booking. "
                f"({booking.reference})"
            )
        ]


def test_declining_takes_a_reason(boss: Client, pending: Booking) -> None:
    page = filled_in(act(boss, "decline_bookings", pending), REASON)
    assert "override_policy" not in page
    boss.post(LIST, page | {"reason": "Fully booked."})
    pending.refresh_from_db()
    assert pending.status == Booking.Status.DECLINED
    assert pending.events.get(event_type="DECLINED").message == "Fully booked."


def test_a_reason_that_cannot_be_stored_is_asked_for_again(boss: Client, booking: Booking) -> None:
    page = filled_in(act(boss, "cancel_bookings", booking), REASON)
    response = boss.post(LIST, page | {"reason": "a\0b"})
    assert "Null characters are not allowed." in text_of(response)
    booking.refresh_from_db()
    assert booking.status == Booking.Status.CONFIRMED


def test_what_a_user_may_not_change_is_named(
    boss: Client, pending: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host may decide about each booking."""
    monkeypatch.setattr(
        BookingAdmin, "has_change_permission", lambda self, request, obj=None: obj is None
    )
    assert told(act(boss, "confirm_bookings", pending)) == [
        f"1 booking was left as it is. You may not change it. ({pending.reference})"
    ]
