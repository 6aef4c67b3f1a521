"""``check_bookings`` finds money that does not add up, and corrects what can be known."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.contrib.payments import accounts
from bookings.contrib.payments.integrity import what_is_due_is_on_record
from bookings.contrib.payments.models import Payment, Refund, RefundDue
from bookings.contrib.payments.services import grant_refund, record_refund
from bookings.integrity import find_problems
from bookings.models import Booking
from bookings.services import cancel_booking
from tests.contrib.payments.conftest import NOW, START, Book, Pay, before_start

pytestmark = pytest.mark.django_db


def problems() -> list[str]:
    return [problem.message for problem in find_problems()]


def fix() -> str:
    out = StringIO()
    call_command("check_bookings", "--fix", stdout=out, stderr=out)
    return out.getvalue()


def test_sound_money_is_no_problem(booking: Booking, pay: Pay) -> None:
    for number in range(3):
        payment = pay(booking, "33.33", f"pay_{number}").payment
        for part in ("0.10", "0.20"):
            record_refund(payment, amount=part, external_id=f"re_{number}_{part}", now_dt=NOW)
    grant_refund(booking, amount=5, now_dt=NOW)
    cancel_booking(booking, now_dt=before_start(hours=10))
    assert problems() == []


def test_many_bookings_cost_no_more_statements_than_one(book: Book, pay: Pay) -> None:
    def cost(number: int) -> int:
        booking = book(start_at=START + timedelta(hours=number))
        pay(booking, 100, f"pay_{number}")
        with CaptureQueriesContext(connection) as statements:
            assert list(what_is_due_is_on_record("default")) == []
        return len(statements)

    assert [cost(number) for number in range(4)] == [cost(4)] * 4


def test_what_changes_while_it_is_read_is_no_problem(
    booking: Booking, paid: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_paid = accounts.read_paid

    def too_late(*args: Any, **kwargs: Any) -> Any:
        cancel_booking(booking, now_dt=NOW)
        return read_paid(*args, **kwargs)

    monkeypatch.setattr(accounts, "read_paid", too_late)
    assert problems() == []
    assert RefundDue.objects.get().outstanding == 100


def test_refunds_that_do_not_add_up_are_found(paid: Payment) -> None:
    record_refund(paid, amount=30, external_id="re_1", now_dt=NOW)
    Payment.objects.update(amount_refunded=20)
    [said] = problems()
    assert "pay_1" in said
    assert "20" in said
    assert "30" in said
    with pytest.raises((CommandError, SystemExit)):
        fix()


def test_a_note_of_a_refund_that_is_none_is_found(paid: Payment) -> None:
    Payment.objects.update(amount_refunded=20)
    assert len(problems()) == 1
    assert not Refund.objects.exists()


def test_what_is_due_and_not_on_record_is_found_and_put_there(
    booking: Booking, paid: Payment
) -> None:
    cancel_booking(booking, now_dt=before_start(hours=10))
    RefundDue.objects.all().delete()
    [said] = problems()
    assert booking.reference in said
    fix()
    assert RefundDue.objects.get().outstanding == 50
    assert problems() == []


def test_what_is_on_record_and_not_due_is_found_and_corrected(
    booking: Booking, paid: Payment
) -> None:
    cancel_booking(booking, now_dt=before_start(hours=10))
    RefundDue.objects.update(outstanding=70)
    assert len(problems()) == 1
    fix()
    assert RefundDue.objects.get().outstanding == 50
