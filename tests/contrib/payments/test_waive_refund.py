"""A client may waive a refund that is due; and refunds of cash and of partial payments."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from bookings.contrib.payments.exceptions import InvalidPayment, WaiverExceedsRefund
from bookings.contrib.payments.models import Payment, RefundDue
from bookings.contrib.payments.selectors import list_refunds_due, refund_due
from bookings.contrib.payments.services import grant_refund, record_refund, waive_refund
from bookings.exceptions import InvalidBooking, NotAllowed
from bookings.models import Booking
from bookings.services import cancel_booking
from bookings.testing import assert_bookings_are_sound
from tests.contrib.payments.conftest import NOW, Pay, before_start, money
from tests.contrib.payments.test_record_payment import Refusing, adapter

pytestmark = pytest.mark.django_db


class RefusingToWaive(Refusing):
    refused = "waive_refund"


@pytest.fixture(autouse=True)
def sound() -> Any:
    yield
    assert_bookings_are_sound()


@pytest.fixture
def cancelled(booking: Booking, paid: Payment) -> Booking:
    """Return a booking of which 50 of 100 are to be refunded."""
    return cancel_booking(booking, now_dt=before_start(hours=10))


def test_a_client_wants_nothing_back(cancelled: Booking, user: Any) -> None:
    due = waive_refund(cancelled, reason="Takes a voucher.", actor=user, now_dt=NOW)
    assert (due.amount, due.waived, due.outstanding) == (0, 50, 0)
    assert due.reason == "Takes a voucher."
    assert refund_due(cancelled) == 0
    assert not list_refunds_due()
    assert waive_refund(cancelled, now_dt=NOW).waived == 50


def test_a_part_is_waived(cancelled: Booking) -> None:
    due = waive_refund(cancelled, amount=money("20.50"), now_dt=NOW)
    assert (due.amount, due.outstanding) == (money("29.50"), money("29.50"))
    assert waive_refund(cancelled, amount=money(9), now_dt=NOW).outstanding == money("20.50")
    assert waive_refund(cancelled, now_dt=NOW).outstanding == 0


def test_what_was_refunded_already_is_not_waived(cancelled: Booking, paid: Payment) -> None:
    record_refund(paid, amount=30, external_id="re_1", now_dt=NOW)
    with pytest.raises(WaiverExceedsRefund, match=r"Only 20\.00 USD are still") as refusal:
        waive_refund(cancelled, amount=money(21), now_dt=NOW)
    assert (refusal.value.remaining, refusal.value.currency) == (20, "USD")
    due = waive_refund(cancelled, now_dt=NOW)
    assert (due.amount, due.outstanding) == (30, 0)


def test_what_becomes_due_later_is_due_all_the_same(cancelled: Booking, pay: Pay) -> None:
    waive_refund(cancelled, now_dt=NOW)
    assert pay(cancelled, 40, "pay_2", now_dt=before_start(hours=1)).refund_due == 40


def test_a_grant_comes_after_a_waiver(cancelled: Booking) -> None:
    waive_refund(cancelled, now_dt=NOW)
    due = grant_refund(cancelled, amount=money(80), now_dt=NOW)
    assert (due.amount, due.outstanding) == (80, 80)
    due = waive_refund(cancelled, amount=money(70), now_dt=NOW)
    assert (due.granted, due.outstanding) == (10, 10)


def test_a_grant_is_waived(booking: Booking, paid: Payment) -> None:
    grant_refund(booking, amount=money(25), reason="Sorry.", now_dt=NOW)
    due = waive_refund(booking, now_dt=NOW)
    assert (due.granted, due.waived, due.outstanding, due.reason) == (0, 0, 0, "Sorry.")
    assert refund_due(booking, now_dt=NOW) == 100


def test_a_waiver_counts_for_what_a_cancellation_would_give(
    booking: Booking, pay: Pay, paid: Payment
) -> None:
    pay(booking, 10, "pay_2")
    waive_refund(booking, now_dt=NOW)
    assert refund_due(booking, now_dt=NOW) == 100


def test_nothing_is_waived_that_was_never_due(booking: Booking, paid: Payment) -> None:
    with pytest.raises(WaiverExceedsRefund, match=r"Only 0\.00 USD"):
        waive_refund(booking, now_dt=NOW)
    assert not RefundDue.objects.exists()


@pytest.mark.parametrize("amount", [0, -1, "0.001", "ten"])
def test_an_amount_is_positive_and_payable(cancelled: Booking, amount: Any) -> None:
    with pytest.raises((InvalidPayment, InvalidBooking)):
        waive_refund(cancelled, amount=amount, now_dt=NOW)
    assert RefundDue.objects.get().outstanding == 50


def test_the_adapter_may_refuse(cancelled: Booking, settings: Any) -> None:
    settings.BOOKINGS_ADAPTER = adapter(RefusingToWaive)
    with pytest.raises(NotAllowed):
        waive_refund(cancelled, now_dt=NOW)
    assert RefundDue.objects.get().outstanding == 50


def test_cash_and_deposits_are_refunded_together(booking: Booking, pay: Pay) -> None:
    cash = pay(booking, "10", "till-1", method="cash").payment
    card = pay(booking, "30.55", "pay_1", method="card").payment
    cancel_booking(booking, now_dt=before_start(hours=10))
    assert refund_due(booking) == money("20.28")
    record_refund(card, amount="10.28", external_id="re_1", now_dt=NOW)
    record_refund(cash, amount="10", external_id="till-2", now_dt=NOW)
    assert refund_due(booking) == 0
    assert sum((row.amount_refunded for row in Payment.objects.all()), Decimal(0)) == money("20.28")
