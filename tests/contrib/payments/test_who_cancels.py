"""Who cancels or moves a booking matters: the refund policy is for clients."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from bookings.contrib.group_sessions.admin.session_version import version_of
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services import (
    book_seat,
    cancel_session,
    create_session,
    move_seat,
    update_session,
)
from bookings.contrib.payments.models import RefundDue
from bookings.contrib.payments.refund_rules import Tier
from bookings.contrib.payments.selectors import fee_due, refund_due
from bookings.contrib.payments.services import record_payment, set_refund_policy
from bookings.contrib.series.services import (
    cancel_series,
    create_series,
    create_session_series,
    reschedule_series,
)
from bookings.exceptions import InvalidBooking, NoticeWindow
from bookings.models import Booking
from bookings.services import cancel_booking, reschedule_booking
from bookings.testing import assert_bookings_are_sound
from tests.contrib.payments.conftest import NOW, START, Book, Make, Pay, before_start

pytestmark = pytest.mark.django_db

LATE: Any = before_start(hours=0.5)
FAR: Any = START + timedelta(days=30)


def outstanding() -> list[Decimal]:
    return [due.outstanding for due in RefundDue.objects.outstanding().order_by("booking")]


@pytest.mark.parametrize(("by", "back"), [("client", 0), ("provider", 100)])
def test_everything_goes_back_if_the_provider_cancels(
    booking: Booking, pay: Pay, by: str, back: int
) -> None:
    pay(booking)
    cancel_booking(booking, by=by, now_dt=LATE)
    assert refund_due(booking) == back
    assert_bookings_are_sound()


def test_cash_and_partial_payments_go_back_too(booking: Booking, pay: Pay) -> None:
    pay(booking, 10, "till-1", method="cash")
    pay(booking, "25.50", "pay_1", method="card")
    cancel_booking(booking, by="provider", now_dt=LATE)
    assert refund_due(booking) == Decimal("35.50")


def test_a_payment_that_comes_later_goes_back_too(booking: Booking, pay: Pay) -> None:
    cancel_booking(booking, by="provider", now_dt=LATE)
    assert pay(booking, now_dt=START).refund_due == 100
    assert_bookings_are_sound()


def test_the_client_owes_no_fee_if_the_provider_cancels(book: Book, service: Any, pay: Pay) -> None:
    set_refund_policy(
        [Tier(notice_minutes=0, refund_percent=Decimal(0), fee_percent=Decimal(50))],
        service=service,
    )
    booking = book()
    pay(booking, 10)
    assert fee_due(booking, now_dt=LATE) == 40
    cancel_booking(booking, by="provider", now_dt=LATE)
    assert (refund_due(booking), fee_due(booking)) == (10, 0)


def test_what_was_kept_of_a_part_goes_back_if_the_provider_cancels(
    book: Book, addon: Any, pay: Pay
) -> None:
    booking = book(addon_ids=[addon.pk])
    pay(booking, 110)
    reschedule_booking(booking, new_start_at=START, addon_ids=[], now_dt=LATE)
    assert refund_due(booking, now_dt=LATE) == 0
    cancel_booking(booking, by="provider", now_dt=LATE)
    assert refund_due(booking) == 110


def test_the_history_says_that_it_was_the_provider(booking: Booking) -> None:
    cancel_booking(booking, by="provider", reason="Ill.", now_dt=LATE)
    event = booking.events.first()
    assert event is not None
    assert (event.data["by"], event.data["reason"]) == ("provider", "Ill.")


def test_it_lifts_no_rule(book: Book, make_service: Make) -> None:
    booking = book(service=make_service(cancellation_notice_minutes=60))
    with pytest.raises(NoticeWindow):
        cancel_booking(booking, by="provider", now_dt=LATE)
    cancel_booking(booking, by="provider", override_policy=True, now_dt=LATE)


@pytest.mark.parametrize("verb", [cancel_booking, reschedule_booking])
def test_nobody_else_cancels_or_moves(booking: Booking, verb: Any) -> None:
    more = {"new_start_at": FAR} if verb is reschedule_booking else {}
    with pytest.raises(InvalidBooking, match="by must be one of client, provider"):
        verb(booking, by="staff", now_dt=NOW, **more)
    booking.refresh_from_db()
    assert booking.status == Booking.Status.CONFIRMED


# Sessions


@pytest.fixture
def make_session(service: Any, provider: Any) -> Callable[..., Session]:
    def make(**values: Any) -> Session:
        given = {"service": service, "provider": provider, "start_at": START, "capacity": 3}
        return create_session(**(given | {"now_dt": NOW} | values))

    return make


@pytest.fixture
def session(make_session: Callable[..., Session]) -> Session:
    return make_session()


@pytest.fixture
def seat(session: Session, pay: Pay) -> Booking:
    booking = book_seat(session, client_name="Kim", now_dt=NOW)
    pay(booking)
    return booking


@pytest.mark.parametrize(
    ("values", "back"), [({}, 0), ({"refund": "policy"}, 0), ({"refund": "full"}, 100)]
)
def test_a_cancelled_session_refunds_by_policy_or_in_full(
    session: Session, seat: Booking, values: Any, back: int
) -> None:
    cancel_session(session, now_dt=LATE, **values)
    assert refund_due(Booking.objects.get()) == back
    assert_bookings_are_sound()


def test_each_seat_of_a_cancelled_session_is_refunded(
    session: Session, seat: Booking, pay: Pay
) -> None:
    other = book_seat(session, client_name="Bob", seats=2, now_dt=NOW)
    pay(other, 60, "till-1", method="cash")
    cancel_session(session, refund="full", now_dt=LATE)
    assert outstanding() == [100, 60]


def test_no_other_refund_of_a_session(session: Session, seat: Booking) -> None:
    with pytest.raises(InvalidBooking, match="refund must be one of policy, full"):
        cancel_session(session, refund="half", now_dt=LATE)
    assert Session.objects.get().is_active


def test_a_session_that_is_moved_keeps_no_tier(session: Session, seat: Booking) -> None:
    update_session(session, start_at=FAR, now_dt=LATE)
    seat.refresh_from_db()
    assert refund_due(seat, now_dt=LATE) == 100


@pytest.mark.parametrize(("by", "back"), [("client", 0), ("provider", 100)])
def test_a_seat_that_is_moved_late_keeps_the_tier_of_its_client(
    seat: Booking, make_session: Callable[..., Session], by: str, back: int
) -> None:
    move_seat(seat, make_session(start_at=FAR), by=by, now_dt=LATE)
    assert refund_due(seat, now_dt=LATE) == back


# Series


@pytest.mark.parametrize(("by", "back"), [("client", [100]), ("provider", [100, 100])])
def test_who_cancels_a_series_matters(service: Any, provider: Any, by: str, back: Any) -> None:
    series = create_series(
        rrule="FREQ=DAILY;COUNT=2",
        timezone="UTC",
        start_at=START.replace(tzinfo=None),
        service=service,
        provider=provider,
        client_name="Kim",
        now_dt=NOW,
    )
    # The second is a day later, and so is its deadline.
    for booking in series.bookings:
        record_payment(booking, amount=100, external_id=f"pay_{booking.pk}", now_dt=NOW)
    cancel_series(series.bookings[0].occurrence, scope="all", by=by, now_dt=LATE)
    assert outstanding() == back


@pytest.mark.parametrize(("by", "back"), [("client", []), ("provider", [100])])
def test_who_cancels_a_series_of_sessions_matters(
    service: Any, provider: Any, pay: Pay, by: str, back: Any
) -> None:
    series = create_session_series(
        rrule="FREQ=DAILY;COUNT=2",
        timezone="UTC",
        start_at=START.replace(tzinfo=None),
        service=service,
        provider=provider,
        capacity=2,
        now_dt=NOW,
    )
    pay(book_seat(series.sessions[0], client_name="Kim", now_dt=NOW))
    cancel_series(series.series.occurrences.first(), scope="all", by=by, now_dt=LATE)
    assert outstanding() == back


@pytest.mark.parametrize(("by", "back"), [("client", 0), ("provider", 100)])
def test_who_moves_a_series_matters(
    service: Any, provider: Any, pay: Pay, by: str, back: int
) -> None:
    series = create_series(
        rrule="FREQ=DAILY;COUNT=2",
        timezone="UTC",
        start_at=START.replace(tzinfo=None),
        service=service,
        provider=provider,
        client_name="Kim",
        now_dt=NOW,
    )
    booking = series.bookings[0]
    pay(booking)
    reschedule_series(booking.occurrence, new_start_at=FAR, scope="one", by=by, now_dt=LATE)
    booking.refresh_from_db()
    assert refund_due(booking, now_dt=LATE) == back


# The admin


@pytest.fixture
def boss(client: Client, db: None) -> Client:
    client.force_login(get_user_model().objects.create_superuser("boss", "boss@example.com", "x"))
    return client


@pytest.mark.parametrize(("posted", "by"), [({}, None), ({"by": "provider"}, "provider")])
def test_staff_say_who_cancels(boss: Client, booking: Booking, posted: Any, by: Any) -> None:
    url = f"/admin/bookings/booking/{booking.pk}/step/cancel/"
    assert "On the provider" in boss.get(url).content.decode()
    boss.post(url, {"_answered": "1", "version": booking.version, **posted})
    booking.refresh_from_db()
    assert booking.status == Booking.Status.CANCELLED
    event = booking.events.first()
    assert event is not None
    assert event.data.get("by") == by


@pytest.mark.parametrize(("posted", "refund"), [({}, None), ({"refund": "full"}, "full")])
def test_staff_say_what_a_cancelled_session_refunds(
    boss: Client, session: Session, seat: Booking, posted: Any, refund: Any
) -> None:
    url = f"/admin/bookings_group_sessions/session/{session.pk}/step/cancel/"
    boss.post(url, {"_answered": "1", "version": version_of(session), **posted})
    session.refresh_from_db()
    assert not session.is_active
    event = seat.events.first()
    assert event is not None
    assert event.data.get("refund") == refund
