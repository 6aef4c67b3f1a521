"""A hold that was paid in time, of which the report comes once it has expired."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bookings.contrib.group_sessions.models import Seat
from bookings.contrib.group_sessions.services import book_seat, cancel_session, create_session
from bookings.contrib.payments.models import RefundDue
from bookings.contrib.payments.services import Outcome, Receipt, record_refund
from bookings.exceptions import (
    BookingBusy,
    BookingConflict,
    CapacityExceeded,
    LimitReached,
    NotAllowed,
    PastStart,
)
from bookings.models import Booking
from bookings.services import cancel_booking, confirm_booking, expire_bookings
from bookings.testing import assert_bookings_are_sound
from tests.contrib.payments.conftest import NOW, START, Book, Make, Pay
from tests.contrib.payments.test_record_payment import Refusing, adapter

pytestmark = pytest.mark.django_db

EXPIRY: Any = NOW + timedelta(minutes=15)
IN_TIME: Any = EXPIRY - timedelta(microseconds=1)
LATER: Any = EXPIRY + timedelta(minutes=10)

Tell = Callable[..., Receipt]


@pytest.fixture(autouse=True)
def sound() -> Any:
    yield
    assert_bookings_are_sound()


@pytest.fixture(params=["not swept", "swept"])
def expire(request: Any) -> Callable[[], None]:
    """Let the time pass, in which somebody may or may not run the sweep."""
    return lambda: expire_bookings(now_dt=EXPIRY) if request.param == "swept" else None


@pytest.fixture
def tell(pay: Pay) -> Tell:
    """Return ``record_payment`` of what was paid in time and is told later."""
    return lambda booking, amount=100, external_id="pay_1", **values: pay(
        booking, amount, external_id, **({"processed_at": IN_TIME, "now_dt": LATER} | values)
    )


def history(booking: Booking) -> list[str]:
    return [event.event_type for event in booking.events.order_by("pk")]


def test_it_is_confirmed_if_its_time_is_free(hold: Booking, tell: Tell, expire: Any) -> None:
    expire()
    receipt = tell(hold)
    assert (receipt.outcome, receipt.refund_due, receipt.refusal) == (Outcome.PAID, 0, None)
    assert (hold.status, hold.confirmed_at, hold.expires_at) == ("CONFIRMED", LATER, None)
    assert (hold.cancelled_at, hold.cancellation_reason, hold.auto_cancelled) == (None, "", False)
    assert history(hold)[-1] == "CONFIRMED"
    expire_bookings(now_dt=START)
    hold.refresh_from_db()
    assert hold.status == "CONFIRMED"
    assert not RefundDue.objects.exists()


def test_it_is_told_twice(hold: Booking, tell: Tell, expire: Any) -> None:
    expire()
    assert tell(hold) == tell(hold)
    assert hold.status == "CONFIRMED"


def test_what_is_paid_at_the_last_instant_is_too_late(
    hold: Booking, tell: Tell, expire: Any
) -> None:
    expire()
    receipt = tell(hold, processed_at=EXPIRY)
    assert (receipt.outcome, receipt.refund_due, receipt.refusal) == (Outcome.REFUND_DUE, 100, None)
    assert (hold.status, history(hold)) == ("CANCELLED", ["CREATED", "EXPIRED"])


def test_it_is_due_if_the_time_was_booked_since(
    hold: Booking, book: Book, tell: Tell, expire: Any
) -> None:
    expire()
    other = book(now_dt=LATER)
    receipt = tell(hold)
    assert (receipt.outcome, receipt.refund_due) == (Outcome.REFUND_DUE, 100)
    assert isinstance(receipt.refusal, BookingConflict)
    assert hold.status == "CANCELLED"
    # Once it is due, it may be on its way back.
    cancel_booking(other, now_dt=LATER)
    assert tell(hold, now_dt=LATER + timedelta(hours=1)).outcome == Outcome.REFUND_DUE
    assert hold.status == "CANCELLED"


def test_another_hold_that_has_expired_is_not_in_the_way(
    hold: Booking, book: Book, tell: Tell
) -> None:
    expire_bookings(now_dt=EXPIRY)
    other = book(now_dt=EXPIRY, expires_at=EXPIRY + timedelta(minutes=5))
    assert tell(hold).outcome == Outcome.PAID
    other.refresh_from_db()
    assert (hold.status, other.status) == ("CONFIRMED", "CANCELLED")


def test_parts_that_were_all_paid_in_time_confirm(hold: Booking, tell: Tell) -> None:
    assert tell(hold, 60, now_dt=NOW + timedelta(minutes=10), processed_at=NOW).outcome == (
        Outcome.PARTLY_PAID
    )
    assert tell(hold, 40, "pay_2").outcome == Outcome.PAID
    assert hold.status == "CONFIRMED"


def test_parts_of_which_one_came_too_late_are_due(hold: Booking, tell: Tell) -> None:
    tell(hold, 60, now_dt=NOW + timedelta(minutes=10), processed_at=NOW)
    receipt = tell(hold, 40, "pay_2", processed_at=EXPIRY)
    assert (receipt.outcome, receipt.refund_due) == (Outcome.REFUND_DUE, 100)


def test_less_than_the_total_is_due(hold: Booking, tell: Tell, expire: Any) -> None:
    expire()
    receipt = tell(hold, 99)
    assert (receipt.outcome, receipt.refund_due, hold.status) == (
        Outcome.REFUND_DUE,
        99,
        "CANCELLED",
    )


@pytest.mark.parametrize("is_sent", [False, True])
def test_what_is_on_its_way_back_does_not_confirm(
    hold: Booking, tell: Tell, pay: Pay, is_sent: bool
) -> None:
    part = pay(hold, 60, "pay_0").payment
    expire_bookings(now_dt=EXPIRY)
    if is_sent:
        record_refund(part, amount=60, external_id="re_1", now_dt=EXPIRY)
    receipt = tell(hold, 100)
    assert (receipt.outcome, hold.status) == (Outcome.REFUND_DUE, "CANCELLED")


def test_without_a_price_any_payment_in_time_confirms(
    book: Book, make_service: Make, tell: Tell, expire: Any
) -> None:
    hold = book(service=make_service(price_amount=None), expires_at=EXPIRY)
    expire()
    assert tell(hold, 5).outcome == Outcome.PAID


def test_a_hold_that_needs_approval_becomes_a_request(
    book: Book, make_service: Make, tell: Tell, expire: Any, settings: Any
) -> None:
    settings.BOOKINGS_APPROVAL_DEADLINE_HOURS = 2
    hold = book(service=make_service(requires_approval=True), expires_at=EXPIRY)
    expire()
    assert tell(hold).outcome == Outcome.AWAITING_APPROVAL
    assert (hold.status, hold.requested_at) == ("PENDING", LATER)
    assert hold.expires_at == LATER + timedelta(hours=2)
    assert confirm_booking(hold, now_dt=LATER).status == "CONFIRMED"


def test_an_unanswered_request_stays_expired(
    book: Book, make_service: Make, tell: Tell, expire: Any, settings: Any
) -> None:
    settings.BOOKINGS_APPROVAL_DEADLINE_HOURS = 1
    request = book(service=make_service(requires_approval=True), now_dt=EXPIRY - timedelta(hours=1))
    expire()
    receipt = tell(request)
    assert (receipt.outcome, receipt.refund_due, request.status) == (
        Outcome.REFUND_DUE,
        100,
        "CANCELLED",
    )


def test_what_the_client_has_cancelled_stays_cancelled(hold: Booking, tell: Tell) -> None:
    cancel_booking(hold, now_dt=NOW)
    assert tell(hold).outcome == Outcome.REFUND_DUE
    assert hold.status == "CANCELLED"


def test_a_start_that_has_passed_is_due(hold: Booking, tell: Tell, expire: Any) -> None:
    expire()
    receipt = tell(hold, now_dt=START + timedelta(seconds=1))
    assert (receipt.outcome, hold.status) == (Outcome.REFUND_DUE, "CANCELLED")
    assert isinstance(receipt.refusal, PastStart)


def test_an_adapter_may_refuse(hold: Booking, tell: Tell, expire: Any, settings: Any) -> None:
    expire()
    settings.BOOKINGS_ADAPTER = adapter(Refusing)
    receipt = tell(hold)
    assert (receipt.outcome, hold.status) == (Outcome.REFUND_DUE, "CANCELLED")
    assert isinstance(receipt.refusal, NotAllowed)


def test_the_limits_count_as_for_a_new_booking(
    book: Book, tell: Tell, expire: Any, settings: Any
) -> None:
    settings.BOOKINGS_MAX_ACTIVE_BOOKINGS_PER_CLIENT = 1
    hold = book(expires_at=EXPIRY, client_email="joan@example.com")
    expire()
    book(start_at=START + timedelta(hours=3), client_email="joan@example.com", now_dt=EXPIRY)
    receipt = tell(hold)
    assert (receipt.outcome, hold.status) == (Outcome.REFUND_DUE, "CANCELLED")
    assert isinstance(receipt.refusal, LimitReached)


def test_a_busy_database_is_raised(
    hold: Booking, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def submit(*_args: Any, **_kwargs: Any) -> None:
        raise BookingBusy("Again.")

    target = "bookings.contrib.payments.services.booking_progress.submit_expired_hold"
    monkeypatch.setattr(target, submit)
    with pytest.raises(BookingBusy):
        tell(hold)
    hold.refresh_from_db()
    assert hold.status == "PENDING"


# Seats


@pytest.fixture
def session(service: Any, provider: Any) -> Any:
    return create_session(
        service=service, provider=provider, start_at=START, capacity=1, now_dt=NOW
    )


@pytest.fixture
def seat(session: Any) -> Booking:
    return book_seat(session, client_name="Kim", expires_at=EXPIRY, now_dt=NOW)


def test_a_seat_that_is_free_is_taken_again(
    session: Any, seat: Booking, tell: Tell, expire: Any
) -> None:
    expire()
    assert tell(seat).outcome == Outcome.PAID
    session.refresh_from_db()
    assert seat.busy_interval_id == session.busy_interval_id
    assert Seat.objects.get().client_key is not None


def test_a_seat_that_was_booked_since_is_not(session: Any, seat: Booking, tell: Tell) -> None:
    expire_bookings(now_dt=EXPIRY)
    book_seat(session, client_name="Bob", now_dt=EXPIRY)
    receipt = tell(seat)
    assert (receipt.outcome, seat.status) == (Outcome.REFUND_DUE, "CANCELLED")
    assert isinstance(receipt.refusal, CapacityExceeded)


def test_a_seat_of_a_cancelled_session_is_due(session: Any, seat: Booking, tell: Tell) -> None:
    expire_bookings(now_dt=EXPIRY)
    cancel_session(session, now_dt=EXPIRY)
    receipt = tell(seat)
    assert (receipt.outcome, seat.status) == (Outcome.REFUND_DUE, "CANCELLED")
