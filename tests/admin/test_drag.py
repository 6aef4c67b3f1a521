"""What the calendar sends when a booking is dragged."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from bookings.admin import BookingAdmin
from bookings.models import Booking
from bookings.services import update_booking
from tests.admin.conftest import LIST, Book, Make

MOVE = f"{LIST}calendar/move/"

Drag = Callable[..., Any]


@pytest.fixture
def drag(receptionist: Client) -> Drag:
    def send(booking: Booking, *, site: str = "admin", **values: Any) -> Any:
        given = {"booking": booking.pk, "version": booking.version}
        return receptionist.post(MOVE.replace("admin", site, 1), given | values)

    return send


def test_a_booking_begins_later(drag: Drag, booking: Booking, start: datetime) -> None:
    response = drag(booking, later=45, provider=booking.provider_id)
    assert (response.status_code, response.json()) == (200, {"reference": booking.reference})
    booking.refresh_from_db()
    assert booking.start_at == start + timedelta(minutes=45)
    assert booking.events.get(event_type="RESCHEDULED").actor_user.username == "reception"


def test_a_booking_goes_to_another_provider(
    drag: Drag, booking: Booking, other_provider: Any, start: datetime
) -> None:
    assert drag(booking, later=-60, provider=other_provider.pk).status_code == 200
    booking.refresh_from_db()
    assert (booking.provider, booking.start_at) == (other_provider, start - timedelta(hours=1))


def test_a_booking_gets_longer_without_its_addons(
    drag: Drag, book: Book, make_service: Make, addon: Any, start: datetime
) -> None:
    room = make_service(
        minimum_duration_minutes=30, maximum_duration_minutes=120, duration_step_minutes=30
    )
    booking = book(service=room, addon_ids=[addon.pk])
    assert drag(booking, longer=30).status_code == 200
    booking.refresh_from_db()
    assert booking.end_at == start + timedelta(minutes=90 + 15)


@pytest.mark.parametrize("change", [{"later": 60}, {"longer": 30}])
def test_a_refusal_is_answered_and_nothing_is_changed(
    drag: Drag, booking: Booking, book: Book, start: datetime, change: dict[str, int]
) -> None:
    book(start_at=start + timedelta(hours=1), client_name="Pat O'Brien <3")
    response = drag(booking, **change)
    assert response.status_code == 409
    answer = response.json()
    if "later" in change:
        assert answer["error"].endswith(", 11 a.m. · Pat O'Brien <3")
    assert not answer["can_override"], "Nobody may book what is taken."
    before = booking.version
    booking.refresh_from_db()
    assert (booking.start_at, booking.version) == (start, before)


def test_it_is_named_what_is_in_the_way_of_another_provider_and_of_a_room(
    drag: Drag, booking: Booking, book: Book, make_provider: Make, start: datetime
) -> None:
    other, room = make_provider(name="Bo"), make_provider(name="Room 1")
    book(provider=other, client_name="In the way")
    refused = drag(booking, provider=other.pk)
    assert refused.json()["error"].endswith("10 a.m. · In the way")
    in_room = book(start_at=start + timedelta(hours=3), resources=[room])
    book(provider=room, start_at=start + timedelta(hours=5), client_name="In the room")
    refused = drag(in_room, later=120)
    assert refused.json()["error"].endswith("3 p.m. · In the room")


def test_staff_override_a_rule_in_a_second_call(
    drag: Drag, book: Book, make_service: Make, start: datetime
) -> None:
    booking = book(service=make_service(reschedule_allowed=False))
    refused = drag(booking, later=60)
    assert (refused.status_code, refused.json()["can_override"]) == (409, True)
    assert drag(booking, later=60, override="on").status_code == 200
    booking.refresh_from_db()
    assert booking.start_at == start + timedelta(hours=1)


def test_a_stale_page_moves_nothing(drag: Drag, booking: Booking, start: datetime) -> None:
    update_booking(Booking.objects.get(pk=booking.pk), notes_internal="By the door")
    response = drag(booking, later=60)
    assert response.status_code == 409
    assert "Somebody has changed this booking" in response.json()["error"]
    booking.refresh_from_db()
    assert booking.start_at == start


@pytest.mark.parametrize("key", ["abc", "0", "9" * 30])
def test_an_unknown_provider_is_refused(drag: Drag, booking: Booking, key: str) -> None:
    response = drag(booking, provider=key)
    assert response.status_code == 409
    assert response.json()["error"] == "You may not book this provider. Choose another one."


@pytest.mark.parametrize(
    "values",
    [
        {"later": "soon"},
        {"later": 10**12},
        {"longer": -(10**12)},
        {"version": ""},
        {"version": "1.5"},
        {"provider": "9" * 101},
    ],
)
def test_what_the_script_never_sends_is_refused(
    drag: Drag, booking: Booking, values: dict[str, Any]
) -> None:
    response = drag(booking, **values)
    assert response.status_code == 400
    assert response.json()["error"] == "The calendar sent what it may not. Reload the page."


def test_who_may_not_change_it_moves_nothing(
    viewer: Client, stranger: Client, booking: Booking
) -> None:
    values = {"booking": booking.pk, "version": booking.version, "later": 60}
    assert viewer.post(MOVE, values).status_code == 403
    assert stranger.post(MOVE, values).status_code == 403
    assert Client().post(MOVE, values).status_code == 302


def test_a_booking_that_the_user_does_not_see_is_not_found(
    drag: Drag, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BookingAdmin, "get_queryset", lambda self, request: Booking.objects.none())
    assert drag(booking, later=60).status_code == 404


def test_the_page_is_for_the_script_alone(receptionist: Client) -> None:
    assert receptionist.get(MOVE).status_code == 405


def test_a_booking_that_holds_no_time_cannot_be_dragged(
    receptionist: Client, viewer: Client, booking: Booking, past: Booking
) -> None:
    for client, is_dragged in ((receptionist, True), (viewer, False)):
        page = client.get(f"{LIST}calendar/", {"day": f"{booking.start_at:%Y-%m-%d}"})
        assert (f'data-booking="{booking.pk}"' in page.content.decode()) == is_dragged
