"""A refund is recorded once, and refunds never exceed payments."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError

from bookings.contrib.payments import signals
from bookings.contrib.payments.exceptions import (
    CurrencyMismatch,
    ExternalIdReused,
    InvalidPayment,
    PaymentNotMade,
    RefundExceedsPayment,
)
from bookings.contrib.payments.models import Payment, Refund, RefundDue
from bookings.contrib.payments.services import record_refund
from bookings.exceptions import InvalidBooking, MissingReference, NotAllowed
from bookings.models import Booking
from bookings.services import cancel_booking
from tests.contrib.payments.conftest import NOW, START, Book, Pay, before_start
from tests.contrib.payments.test_record_payment import Refusing, adapter

pytestmark = pytest.mark.django_db


class RefusingToRefund(Refusing):
    refused = "record_refund"


def refund(payment: Payment, amount: Any = 30, external_id: str = "re_1", **values: Any) -> Refund:
    return record_refund(
        payment, amount=amount, external_id=external_id, **({"now_dt": NOW} | values)
    )


def test_a_refund_is_stored_as_it_was_told(paid: Payment, user: Any) -> None:
    processed = NOW - timedelta(seconds=3)
    told = refund(paid, reason="Ill", actor=user, processed_at=processed, currency="USD")
    stored = Refund.objects.get()
    assert told == stored
    assert told.payment is paid
    assert (stored.payment, stored.amount, stored.external_id) == (paid, 30, "re_1")
    assert (stored.reason, stored.recorded_by, stored.processed_at) == ("Ill", user, processed)
    assert str(stored) == "30.00 USD (re_1)"


def test_a_payment_knows_what_is_left_of_it(paid: Payment) -> None:
    refund(paid, 30)
    assert (paid.status, paid.amount_refunded, paid.amount_remaining) == (
        Payment.Status.PARTIALLY_REFUNDED,
        30,
        70,
    )
    refund(paid, 70, "re_2")
    stored = Payment.objects.get()
    assert (stored.status, stored.amount_refunded) == (Payment.Status.REFUNDED, 100)
    assert stored.is_made


def test_the_same_id_again_changes_nothing(paid: Payment) -> None:
    first = refund(paid)
    assert refund(paid) == first
    assert Payment.objects.get().amount_refunded == 30
    assert Refund.objects.count() == 1


def test_all_of_it_can_be_told_again(paid: Payment) -> None:
    assert refund(paid, 100) == refund(paid, 100)


def test_more_than_was_paid_never_goes_back(paid: Payment) -> None:
    refund(paid, 60)
    with pytest.raises(RefundExceedsPayment, match=r"Only 40.00 USD of the payment are left") as e:
        refund(paid, "40.01", "re_2")
    assert e.value.params["remaining"] == 40
    assert Payment.objects.get().amount_refunded == 60
    assert Refund.objects.count() == 1


@pytest.mark.parametrize("status", ["PENDING", "FAILED"])
def test_what_was_not_paid_cannot_go_back(booking: Booking, pay: Pay, status: str) -> None:
    payment = pay(booking, status=status).payment
    with pytest.raises(PaymentNotMade, match=status.capitalize()):
        refund(payment)


def test_what_is_refunded_is_not_due_any_more(booking: Booking, paid: Payment) -> None:
    cancel_booking(booking, now_dt=before_start(hours=10))
    assert RefundDue.objects.get().outstanding == 50
    refund(paid, 20)
    assert RefundDue.objects.get().outstanding == 30
    refund(paid, 30, "re_2")
    due = RefundDue.objects.get()
    assert (due.amount, due.outstanding) == (50, 0)
    refund(paid, 50, "re_3")
    assert RefundDue.objects.get().outstanding == 0


def test_what_went_back_before_counts(booking: Booking, paid: Payment) -> None:
    refund(paid, 20)
    cancel_booking(booking, now_dt=before_start(hours=10))
    due = RefundDue.objects.get()
    assert (due.amount, due.outstanding) == (50, 30)


def test_who_got_back_enough_is_owed_nothing(booking: Booking, paid: Payment) -> None:
    refund(paid, 80)
    cancel_booking(booking, now_dt=before_start(hours=10))
    assert not RefundDue.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_it_is_told_once_on_commit(
    paid: Payment, hear: Callable[..., list[dict[str, Any]]]
) -> None:
    told = hear(signals.refund_recorded)
    with transaction.atomic():
        first = refund(paid)
        assert told == []
    refund(paid)
    [said] = told
    assert (said["sender"], said["refund"], said["booking"]) == (Refund, first, paid.booking)


@pytest.mark.parametrize("amount", [0, -1, "0.001", None])
def test_an_amount_is_positive_and_payable(paid: Payment, amount: Any) -> None:
    with pytest.raises(InvalidPayment):
        refund(paid, amount)
    assert not Refund.objects.exists()


def test_another_currency_is_refused(paid: Payment) -> None:
    with pytest.raises(CurrencyMismatch):
        refund(paid, currency="EUR")


def test_money_goes_back_in_the_currency_it_came_in(booking: Booking, paid: Payment) -> None:
    Booking.objects.filter(pk=booking.pk).update(currency="KWD")
    with pytest.raises(CurrencyMismatch):
        record_refund(paid, amount=10, currency="KWD", external_id="re_1")
    with pytest.raises(InvalidPayment, match="USD"):
        record_refund(paid, amount="0.001", external_id="re_1")
    assert record_refund(paid, amount=10, currency="USD", external_id="re_1").amount == 10
    assert cancel_booking(booking, override_policy=True).status == "CANCELLED"


def test_one_id_with_two_amounts_is_refused(paid: Payment) -> None:
    refund(paid)
    with pytest.raises(ExternalIdReused, match="another amount"):
        refund(paid, 31)


def test_one_id_for_two_payments_is_refused(paid: Payment, book: Book, pay: Pay) -> None:
    refund(paid)
    other = pay(book(start_at=START + timedelta(hours=3)), 100, "pay_2").payment
    with pytest.raises(ExternalIdReused, match="another payment"):
        refund(other)


def test_what_has_not_happened_yet_is_refused(paid: Payment) -> None:
    with pytest.raises(InvalidPayment, match="Pass when it happened"):
        refund(paid, processed_at=NOW + timedelta(minutes=6))
    assert not Refund.objects.exists()


@pytest.mark.parametrize("wrong", [None, 1, Payment()])
def test_anything_but_a_stored_payment_is_refused(db: None, wrong: Any) -> None:
    with pytest.raises(MissingReference, match="Record it first"):
        refund(wrong)


@pytest.mark.parametrize("external_id", ["", None])
def test_an_id_is_needed(paid: Payment, external_id: Any) -> None:
    with pytest.raises(InvalidBooking):
        refund(paid, 30, external_id)


def test_the_adapter_may_refuse_it(paid: Payment, settings: Any) -> None:
    settings.BOOKINGS_ADAPTER = adapter(RefusingToRefund)
    with pytest.raises(NotAllowed, match="Ask the boss"):
        refund(paid)


# What is kept


def test_the_database_itself_refuses_refunds_above_the_payment(paid: Payment) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.update(amount_refunded=101)
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.update(amount_refunded=-1)


def test_what_happened_is_never_deleted_or_changed(paid: Payment) -> None:
    told = refund(paid)
    for delete in (
        paid.delete,
        told.delete,
        Payment.objects.all().delete,
        Refund.objects.all().delete,
        told.save,
    ):
        with pytest.raises(NotAllowed, match="kept as it was"):
            delete()


def test_a_booking_with_payments_is_kept(booking: Booking, paid: Payment) -> None:
    with pytest.raises(ProtectedError):
        booking.delete()
    assert Booking.objects.exists()
