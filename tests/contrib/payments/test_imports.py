"""Bookings and payments that an import has written without every instant."""

from __future__ import annotations

from typing import Any

import pytest

from bookings.contrib.payments.models import Payment, RefundDue
from bookings.contrib.payments.selectors import amount_due, amount_paid, fee_due, refund_due
from bookings.contrib.payments.services import grant_refund, record_refund
from bookings.integrity import find_problems
from bookings.models import Booking
from bookings.services import add_note
from tests.contrib.payments.conftest import NOW, START, Book, Pay

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["CANCELLED", "DECLINED", "NO_SHOW", "COMPLETED", "DELIVERED"])
def imported(request: Any, book: Book) -> Booking:
    """Return a booking that says when it was confirmed, and nothing else."""
    made = book()
    row = Booking(
        **{
            field.attname: getattr(made, field.attname)
            for field in Booking._meta.concrete_fields
            if field.name not in {"id", "uuid", "reference", "busy_interval", "status"}
        }
        | {"status": request.param, "version": 0}
    )
    [row] = Booking.objects.bulk_create([row])
    made.delete()
    return Booking.objects.get()


def everything(booking: Booking) -> list[Any]:
    return [
        amount_due(booking),
        amount_paid(booking),
        fee_due(booking),
        refund_due(booking),
        [problem.message for problem in find_problems()],
    ]


def test_without_an_instant_of_the_cancellation_staff_decide(imported: Booking, pay: Pay) -> None:
    receipt = pay(imported, now_dt=START)
    due = 100 if imported.status == Booking.Status.DECLINED else 0
    assert receipt.refund_due == due
    assert everything(imported) == [0, 100, 0, due, []]
    add_note(imported, "Called.", now_dt=START)
    granted = grant_refund(imported, now_dt=START)
    assert (granted.outstanding, everything(imported)[3:]) == (100, [100, []])
    record_refund(receipt.payment, amount=100, external_id="re_1", now_dt=START)
    assert RefundDue.objects.get().outstanding == 0
    assert everything(imported)[1:] == [0, 0, 0, []]


def test_a_payment_without_its_instant_counts_as_paid_before(imported: Booking) -> None:
    Payment.objects.create(
        booking=imported, amount=100, currency="USD", status="PAID", external_id="old_1"
    )
    if imported.status == Booking.Status.DECLINED:
        assert [problem.repair for problem in find_problems()]
    else:
        assert everything(imported) == [0, 100, 0, 0, []]


def test_a_cancellation_that_was_never_confirmed_is_refunded_in_full(
    imported: Booking, pay: Pay
) -> None:
    Booking._base_manager.filter(status="CANCELLED").update(confirmed_at=None)
    imported.refresh_from_db()
    due = pay(imported, now_dt=NOW).refund_due
    assert due == (100 if imported.status in {"CANCELLED", "DECLINED"} else 0)
