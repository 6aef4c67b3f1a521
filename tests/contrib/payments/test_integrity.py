"""``check_bookings`` finds payments that do not add up, and repairs what is due."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bookings.contrib.payments import balances
from bookings.contrib.payments.integrity import check_refunds_due
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


def test_sound_rows_are_no_problem(booking: Booking, pay: Pay) -> None:
    for number in range(3):
        payment = pay(booking, "33.33", f"pay_{number}").payment
        for part in ("0.10", "0.20"):
            record_refund(payment, amount=part, external_id=f"re_{number}_{part}", now_dt=NOW)
    grant_refund(booking, amount=5, now_dt=NOW)
    cancel_booking(booking, now_dt=before_start(hours=10))
    assert problems() == []


def test_the_number_of_queries_is_constant(book: Book, pay: Pay) -> None:
    def cost(number: int) -> int:
        booking = book(start_at=START + timedelta(hours=number))
        pay(booking, 100, f"pay_{number}")
        with CaptureQueriesContext(connection) as statements:
            assert list(check_refunds_due("default")) == []
        return len(statements)

    assert [cost(number) for number in range(4)] == [cost(4)] * 4


def test_a_change_during_the_check_is_no_problem(
    booking: Booking, paid: Payment, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_balances = balances.read_balances

    def cancel_and_read(*args: Any, **kwargs: Any) -> Any:
        cancel_booking(booking, now_dt=NOW)
        return read_balances(*args, **kwargs)

    monkeypatch.setattr(balances, "read_balances", cancel_and_read)
    assert problems() == []
    assert RefundDue.objects.get().outstanding == 100


def test_refunds_that_do_not_add_up_are_found(paid: Payment) -> None:
    record_refund(paid, amount=30, external_id="re_1", now_dt=NOW)
    Payment.objects.update(amount_refunded=20)
    [message] = problems()
    assert "pay_1" in message
    assert "20" in message
    assert "30" in message
    with pytest.raises((CommandError, SystemExit)):
        fix()


def test_an_amount_refunded_without_a_refund_is_found(paid: Payment) -> None:
    Payment.objects.update(amount_refunded=20)
    assert len(problems()) == 1
    assert not Refund.objects.exists()


def test_a_missing_refund_due_is_found_and_repaired(booking: Booking, paid: Payment) -> None:
    cancel_booking(booking, now_dt=before_start(hours=10))
    RefundDue.objects.all().delete()
    [message] = problems()
    assert booking.reference in message
    fix()
    assert RefundDue.objects.get().outstanding == 50
    assert problems() == []


def test_a_wrong_refund_due_is_found_and_repaired(booking: Booking, paid: Payment) -> None:
    cancel_booking(booking, now_dt=before_start(hours=10))
    RefundDue.objects.update(outstanding=70)
    assert len(problems()) == 1
    fix()
    assert RefundDue.objects.get().outstanding == 50
