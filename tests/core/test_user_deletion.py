"""A user who acted or waits can be deleted; their name is kept. The client of a booking cannot."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db.models import ProtectedError
from django.test import Client
from django.utils import timezone

from bookings.contrib.group_sessions.models import WaitlistEntry
from bookings.contrib.group_sessions.services import (
    book_seat,
    create_session,
    join_waitlist,
    promote_from_waitlist,
)
from bookings.contrib.payments.models import Payment, Refund
from bookings.contrib.payments.services import record_payment, record_refund
from bookings.contrib.schedule.services import take_time_off
from bookings.contrib.series.services import create_series
from bookings.models import Booking, BookingEvent
from bookings.services import cancel_booking, create_booking
from bookings.testing import assert_bookings_are_sound
from tests.admin.conftest import (  # noqa: F401
    make_provider,
    make_service,
    provider,
    service,
    start,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def users() -> list[Any]:
    return [get_user_model().objects.create_user(name) for name in ("desk1", "desk2")]


def book(service: Any, provider: Any, start: Any, **values: Any) -> Booking:  # noqa: F811
    given = {"service": service, "provider": provider, "start_at": start, "client_name": "Mary"}
    return create_booking(**(given | values))


def test_who_acted_is_deleted_and_named(
    service: Any,  # noqa: F811
    provider: Any,  # noqa: F811
    start: Any,  # noqa: F811
    users: list[Any],
) -> None:
    ada, bob = users
    one = book(service, provider, start, created_by=ada)
    two = book(service, provider, start + timedelta(hours=1), created_by=bob)
    cancel_booking(one, actor=bob)
    session = create_session(
        service=service,
        provider=provider,
        start_at=start + timedelta(hours=3),
        created_by=ada,
        enable_waitlist=True,
    )
    for number in range(session.capacity):
        book_seat(session, client_name=f"Client {number}")
    entry = join_waitlist(session, client_name="Eva", created_by=bob)
    time_off = take_time_off(
        provider=provider,
        start_at=start + timedelta(hours=6),
        end_at=start + timedelta(hours=7),
        actor=ada,
    )
    payment = record_payment(two, amount=80, external_id="p", actor=ada).payment
    record_refund(payment, amount=5, external_id="r", actor=bob)
    series = create_series(
        service=service,
        provider=provider,
        start_at=start + timedelta(hours=8),
        rrule="FREQ=DAILY;COUNT=1",
        timezone="UTC",
        client_name="Mary",
        created_by=bob,
    ).series

    get_user_model().objects.filter(pk__in=[ada.pk, bob.pk]).delete()

    for row in (one, two, session, entry, time_off, series):
        row.refresh_from_db()
    assert (one.created_by, one.created_by_name) == (None, "desk1")
    assert (one.cancelled_by, one.cancelled_by_name) == (None, "desk2")
    assert (two.created_by_name, two.cancelled_by_name) == ("desk2", "")
    assert session.created_by_name == time_off.created_by_name == "desk1"
    assert entry.created_by_name == series.created_by_name == "desk2"
    names = set(BookingEvent.objects.values_list("booking", "event_type", "actor_name"))
    assert {(one.pk, "CREATED", "desk1"), (one.pk, "CANCELLED", "desk2")} <= names
    assert not BookingEvent.objects.exclude(actor_user=None).exists()
    assert Payment.objects.get().recorded_by_name == "desk1"
    assert Refund.objects.get().recorded_by_name == "desk2"
    assert_bookings_are_sound()

    staff = Client()
    staff.force_login(get_user_model().objects.create_superuser("boss"))
    page = staff.get(f"/admin/bookings/booking/{one.pk}/change/").content.decode()
    assert page.count("desk1") == page.count("desk2") == 2, "the record and the history"


@pytest.mark.parametrize("status", ["PENDING", "CONFIRMED"])
def test_the_client_of_an_active_booking_is_not_deleted(
    make_service: Any,  # noqa: F811
    provider: Any,  # noqa: F811
    start: Any,  # noqa: F811
    users: list[Any],
    status: str,
) -> None:
    approved = make_service(requires_approval=status == "PENDING")
    booking = book(approved, provider, start, client_user=users[0])
    assert booking.status == status
    with pytest.raises(ProtectedError, match=r"Booking\.client_user"):
        users[0].delete()
    cancel_booking(booking)
    users[0].delete()
    booking.refresh_from_db()
    assert (booking.client_user, booking.client_name) == (None, "Mary")
    assert_bookings_are_sound()


def test_a_client_with_nothing_but_an_account_is_then_found_by_the_name(
    service: Any,  # noqa: F811
    provider: Any,  # noqa: F811
    start: Any,  # noqa: F811
    users: list[Any],
) -> None:
    given = [{}, {"client_email": "mary@example.org"}, {"client_phone": "+44 20 7946 0000"}]
    bookings = [
        book(service, provider, start + timedelta(hours=hour), client_user=users[0], **values)
        for hour, values in enumerate(given)
    ]
    for booking in bookings:
        cancel_booking(booking)
    stored = dict(Booking.objects.values_list("pk", "client_lookup"))
    users[0].delete()
    for booking in bookings:
        booking.refresh_from_db()
        found = Booking.objects.filter(pk=booking.pk).values_list("client_lookup", flat=True).get()
        assert found == booking.client_lookup
    changed = dict(Booking.objects.values_list("pk", "client_lookup")).items() - stored.items()
    assert [key for key, _value in changed] == [bookings[0].pk]


def test_who_waits_is_deleted_and_still_waits(
    service: Any,  # noqa: F811
    provider: Any,  # noqa: F811
    start: Any,  # noqa: F811
    users: list[Any],
) -> None:
    session = create_session(
        service=service, provider=provider, start_at=start, capacity=1, enable_waitlist=True
    )
    seat = book_seat(session, client_name="Ann")
    entry = join_waitlist(session, client_name="Eva", client_user=users[0])
    users[0].delete()
    entry.refresh_from_db()
    assert (entry.status, entry.client_user) == (WaitlistEntry.Status.WAITING, None)
    cancel_booking(seat)
    entry.refresh_from_db()
    if entry.status == WaitlistEntry.Status.WAITING:
        promote_from_waitlist(entry)
    assert Booking.objects.get(client_name="Eva").client_user is None
    assert_bookings_are_sound()
    assert timezone.now() < session.start_at
