"""``record_refund``: a refund is stored once, and refunds never exceed payments."""

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
from tests.look_alikes import LOOK_ALIKE, LOOK_ALIKES

pytestmark = pytest.mark.django_db


class RefusingToRefund(Refusing):
    refused = "record_refund"


def refund(payment: Payment, amount: Any = 30, external_id: str = "re_1", **values: Any) -> Refund:
    return record_refund(
        payment, amount=amount, external_id=external_id, **({"now_dt": NOW} | values)
    )


def test_a_refund_is_stored_as_reported(paid: Payment, user: Any) -> None:
    processed = NOW - timedelta(seconds=3)
    recorded = refund(paid, reason="Ill", actor=user, processed_at=processed, currency="USD")
    stored = Refund.objects.get()
    assert recorded == stored
    assert recorded.payment is paid
    assert (stored.payment, stored.amount, stored.external_id) == (paid, 30, "re_1")
    assert (stored.reason, stored.recorded_by, stored.processed_at) == ("Ill", user, processed)
    assert str(stored) == "30.00 USD (re_1)"


def test_a_refund_updates_its_payment(paid: Payment) -> None:
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


def test_a_full_refund_can_be_reported_again(paid: Payment) -> None:
    assert refund(paid, 100) == refund(paid, 100)


def test_refunds_cannot_exceed_the_payment(paid: Payment) -> None:
    refund(paid, 60)
    with pytest.raises(RefundExceedsPayment, match=r"Only 40.00 USD of the payment can still") as e:
        refund(paid, "40.01", "re_2")
    assert e.value.remaining == 40
    assert Payment.objects.get().amount_refunded == 60
    assert Refund.objects.count() == 1


@pytest.mark.parametrize("status", ["PENDING", "FAILED"])
def test_a_payment_that_was_not_made_cannot_be_refunded(
    booking: Booking, pay: Pay, status: str
) -> None:
    payment = pay(booking, status=status).payment
    with pytest.raises(PaymentNotMade, match=status.capitalize()):
        refund(payment)


def test_a_refund_lowers_what_is_outstanding(booking: Booking, paid: Payment) -> None:
    cancel_booking(booking, now_dt=before_start(hours=10))
    assert RefundDue.objects.get().outstanding == 50
    refund(paid, 20)
    assert RefundDue.objects.get().outstanding == 30
    refund(paid, 30, "re_2")
    due = RefundDue.objects.get()
    assert (due.amount, due.outstanding) == (50, 0)
    refund(paid, 50, "re_3")
    assert RefundDue.objects.get().outstanding == 0


def test_earlier_refunds_count(booking: Booking, paid: Payment) -> None:
    refund(paid, 20)
    cancel_booking(booking, now_dt=before_start(hours=10))
    due = RefundDue.objects.get()
    assert (due.amount, due.outstanding) == (50, 30)


def test_nothing_is_due_after_a_sufficient_refund(booking: Booking, paid: Payment) -> None:
    refund(paid, 80)
    cancel_booking(booking, now_dt=before_start(hours=10))
    assert not RefundDue.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_signal_is_sent_once_on_commit(
    paid: Payment, record_signal: Callable[..., list[dict[str, Any]]]
) -> None:
    sent = record_signal(signals.refund_recorded)
    with transaction.atomic():
        first = refund(paid)
        assert sent == []
    refund(paid)
    [kwargs] = sent
    assert (kwargs["sender"], kwargs["refund"], kwargs["booking"]) == (Refund, first, paid.booking)


@pytest.mark.parametrize("amount", [0, -1, "0.001", None])
def test_an_amount_is_positive_and_payable(paid: Payment, amount: Any) -> None:
    with pytest.raises(InvalidPayment):
        refund(paid, amount)
    assert not Refund.objects.exists()


def test_another_currency_is_refused(paid: Payment) -> None:
    with pytest.raises(CurrencyMismatch):
        refund(paid, currency="EUR")


def test_a_refund_has_the_currency_of_its_payment(booking: Booking, paid: Payment) -> None:
    Booking._base_manager.update(currency="KWD")
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


def test_a_processed_at_in_the_future_is_refused(paid: Payment) -> None:
    with pytest.raises(InvalidPayment, match="Pass when it happened"):
        refund(paid, processed_at=NOW + timedelta(minutes=6))
    assert not Refund.objects.exists()


@pytest.mark.parametrize("wrong", [None, 1, Payment()])
def test_anything_but_a_stored_payment_is_refused(db: None, wrong: Any) -> None:
    with pytest.raises(MissingReference, match="Record it first"):
        refund(wrong)


@pytest.mark.parametrize("other", LOOK_ALIKES)
def test_an_id_that_only_looks_alike_is_another(paid: Payment, other: str) -> None:
    refund(paid, 30, LOOK_ALIKE)
    refund(paid, 20, other)
    ids = Refund.objects.values_list("external_id", "amount")
    assert dict(ids) == {LOOK_ALIKE: 30, other: 20}


@pytest.mark.parametrize("external_id", ["", None])
def test_an_id_is_required(paid: Payment, external_id: Any) -> None:
    with pytest.raises(InvalidBooking):
        refund(paid, 30, external_id)


def test_the_adapter_may_refuse_to_record_a_refund(paid: Payment, settings: Any) -> None:
    settings.BOOKINGS_ADAPTER = adapter(RefusingToRefund)
    with pytest.raises(NotAllowed, match="Ask the boss"):
        refund(paid)


# Records that cannot be deleted


def test_the_database_itself_refuses_refunds_above_the_payment(paid: Payment) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.update(amount_refunded=101)
    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.update(amount_refunded=-1)


def test_payments_and_refunds_cannot_be_deleted_nor_refunds_changed(paid: Payment) -> None:
    recorded = refund(paid)
    for delete in (
        paid.delete,
        recorded.delete,
        Payment.objects.all().delete,
        Refund.objects.all().delete,
        recorded.save,
    ):
        with pytest.raises(NotAllowed, match="cannot be deleted"):
            delete()


def test_a_booking_with_payments_cannot_be_deleted(booking: Booking, paid: Payment) -> None:
    with pytest.raises(ProtectedError):
        booking.delete()
    assert Booking.objects.exists()
