from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser

from bookings.exceptions import InvalidBooking
from bookings.models import Booking
from bookings.services import add_note, cancel_booking, update_booking
from tests.services.clock import DAY, NOW, START
from tests.services.storage import (
    history,
    last_event,
    nothing_done,
    nothing_written,
    only_interval,
    stored,
)


def test_every_detail_can_be_corrected(booking: Booking, user: Any, staff: Any) -> None:
    details: dict[str, Any] = {
        "client_name": "Marie",
        "client_email": "marie@example.com",
        "client_phone": "0123",
        "client_user": user,
        "notes_client": "Late.",
        "notes_internal": "VIP",
        "metadata": {"source": "phone"},
    }

    update_booking(booking, actor=staff, now_dt=NOW, **details)

    for read in (booking, stored(booking)):
        assert {name: getattr(read, name) for name in details} == details
    assert history(booking) == ["CREATED", "UPDATED"]
    event = last_event(booking)
    assert (event.actor_user, event.created_at) == (staff, NOW)
    assert event.data == {
        "old_client_name": "Mary",
        "new_client_name": "Marie",
        "old_client_email": "",
        "new_client_email": "marie@example.com",
        "old_client_phone": "",
        "new_client_phone": "0123",
        "old_client_user": None,
        "new_client_user": user.pk,
        "old_notes_client": "",
        "new_notes_client": "Late.",
        "old_notes_internal": "",
        "new_notes_internal": "VIP",
        "old_metadata": {},
        "new_metadata": {"source": "phone"},
    }


def test_only_what_differs_is_recorded(booking: Booking) -> None:
    update_booking(booking, client_name="Mary", client_phone="0123")

    assert last_event(booking).data == {"old_client_phone": "", "new_client_phone": "0123"}


def test_an_update_that_changes_nothing_leaves_no_event(booking: Booking) -> None:
    with nothing_done():
        update_booking(booking, client_name="Mary", metadata={})
        update_booking(booking)


def test_an_account_can_be_taken_away(booking: Booking, user: Any) -> None:
    update_booking(booking, client_user=user)
    update_booking(booking, client_user=AnonymousUser())

    assert stored(booking).client_user is None


def test_a_booking_that_has_ended_can_still_be_corrected(booking: Booking) -> None:
    cancel_booking(booking, now_dt=NOW)

    update_booking(booking, notes_internal="Called: ill.")

    assert (booking.status, booking.notes_internal) == ("CANCELLED", "Called: ill.")


def test_an_update_leaves_the_time_alone(booking: Booking) -> None:
    before = only_interval()

    update_booking(booking, client_name="Marie")

    assert only_interval() == before


def test_one_wrong_detail_keeps_the_others_from_being_stored(booking: Booking) -> None:
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        update_booking(booking, client_name="Marie", client_email="nowhere")

    assert refused.value.message_dict == {"client_email": ["Enter a valid email address."]}
    assert booking.client_name == "Mary"


def test_a_note_is_an_event(booking: Booking, staff: Any) -> None:
    add_note(booking, "Called back.", actor=staff, now_dt=START + DAY)

    event = last_event(booking)
    assert (event.event_type, event.message, event.data) == ("NOTE_ADDED", "Called back.", {})
    assert (event.actor_user, event.created_at) == (staff, START + DAY)
    assert (booking.notes_internal, booking.notes_client) == ("", "")


def test_a_note_may_be_long_and_in_any_script(booking: Booking) -> None:
    note = "ünïcödé 🎈 " * 5000

    add_note(booking, note)

    assert last_event(booking).message == note


@pytest.mark.parametrize("empty", ["", " ", "\n\t"])
def test_a_note_needs_some_text(booking: Booking, empty: str) -> None:
    with nothing_written(), pytest.raises(InvalidBooking) as refused:
        add_note(booking, empty)

    assert refused.value.code == "empty_note"


def test_metadata_as_deep_as_any_database_takes_can_be_stored_and_replaced(
    booking: Booking,
) -> None:
    deep: dict[str, Any] = {}
    for _ in range(29):
        deep = {"in": deep}

    update_booking(booking, metadata=deep)
    update_booking(booking, metadata={"deeper": deep["in"]})

    assert stored(booking).metadata == {"deeper": deep["in"]}
    assert last_event(booking).data["old_metadata"] == deep
    with nothing_written(), pytest.raises(InvalidBooking, match="nested deeper than 30 levels"):
        update_booking(booking, metadata={"too": {"deep": deep}})
