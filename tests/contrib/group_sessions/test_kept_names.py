"""The bookings of a session keep the names that its service and its provider had."""

from __future__ import annotations

from typing import Any

import pytest

from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import move_seat, update_session
from bookings.contrib.series.services import reschedule_series
from bookings.models import Booking
from bookings.services import cancel_booking
from tests.contrib.group_sessions.conftest import (
    HOUR,
    NOW,
    START,
    MakeBooking,
    MakeEntry,
    MakeSession,
)
from tests.contrib.group_sessions.test_series import FIRST, occurrence, repeat
from tests.contrib.group_sessions.test_series import NOW as MARCH

__all__ = ["repeat"]

pytestmark = pytest.mark.django_db


def provider_names() -> list[str]:
    return list(Booking.objects.order_by("start_at", "pk").values_list("provider_name", flat=True))


def rename(row: Any) -> None:
    row.name = f"Another {row.name}"
    row.save()


def test_a_seat_keeps_the_names(
    session: Session, make_booking: MakeBooking, service: Any, provider: Any
) -> None:
    booking = make_booking(session)
    rename(service), rename(provider)
    update_session(session, start_at=START + HOUR, now_dt=NOW)
    booking.refresh_from_db()
    assert (booking.service_name, booking.provider_name) == ("Yoga", "Ada")


def test_a_seat_from_the_waitlist_has_the_names(
    full_session: Session, make_entry: MakeEntry
) -> None:
    make_entry(full_session, "Ben")
    cancel_booking(Booking.objects.get(), now_dt=NOW)
    promoted = Booking.objects.get(client_name="Ben")
    assert (promoted.service_name, promoted.provider_name) == ("Yoga", "Ada")


def test_the_seats_of_a_session_have_the_name_of_its_new_provider(
    session: Session, make_booking: MakeBooking, other_provider: Any
) -> None:
    make_booking(session, "Ann"), make_booking(session, "Ben")
    update_session(session, provider=other_provider, now_dt=NOW)
    assert provider_names() == ["Grace", "Grace"]


def test_a_moved_seat_has_the_name_of_its_new_provider(
    make_session: MakeSession, make_booking: MakeBooking, provider: Any, other_provider: Any
) -> None:
    booking = make_booking(make_session())
    rename(provider)
    move_seat(booking, make_session(start_at=START + HOUR), now_dt=NOW)
    assert provider_names() == [booking.provider_name] == ["Ada"]
    elsewhere = make_session(provider=other_provider)
    move_seat(booking, elsewhere, now_dt=NOW)
    assert provider_names() == [booking.provider_name] == ["Grace"]


def test_the_seats_of_a_course_have_the_name_of_its_new_provider(
    repeat: Any,
    make_booking: MakeBooking,
    provider: Any,
    other_provider: Any,
) -> None:
    for session in repeat().sessions:
        make_booking(session, now_dt=MARCH)
    rename(provider)
    later = FIRST + HOUR
    reschedule_series(occurrence(0), new_start_at=later, scope="all", now_dt=MARCH)
    assert provider_names() == ["Ada"] * 3
    reschedule_series(
        occurrence(0), new_start_at=later, new_provider=other_provider, scope="all", now_dt=MARCH
    )
    assert provider_names() == ["Grace"] * 3
