"""``RefundDue`` is written in the transaction that makes a refund due; ``grant_refund``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from bookings.contrib.payments import balances, signals
from bookings.contrib.payments.exceptions import (
    InvalidPayment,
    PaymentNotMade,
    RefundExceedsPayment,
)
from bookings.contrib.payments.models import Payment, RefundDue
from bookings.contrib.payments.refund_rules import Tier
from bookings.contrib.payments.selectors import (
    amount_due,
    amount_paid,
    fee_due,
    list_refunds_due,
    refund_due,
)
from bookings.contrib.payments.services import (
    grant_refund,
    record_refund,
    set_refund_policy,
)
from bookings.exceptions import InvalidBooking, NotAllowed
from bookings.models import Booking
from bookings.services import (
    add_note,
    auto_cancel_expired_bookings,
    cancel_booking,
    complete_booking,
    decline_booking,
    deliver_booking,
    dispute_booking,
    expire_bookings,
    mark_no_show,
    reopen_booking,
    reschedule_booking,
)
from bookings.testing import assert_bookings_are_sound
from tests.contrib.payments.conftest import NOW, START, Book, Make, Pay, before_start
from tests.contrib.payments.test_record_payment import Refusing, adapter

pytestmark = pytest.mark.django_db

RecordSignal = Callable[..., list[dict[str, Any]]]


class RefusingToGrant(Refusing):
    refused = "grant_refund"


@pytest.mark.parametrize(
    ("hours", "due"), [(30, 100), (24, 100), (23.9, 50), (6, 50), (5.9, 0), (0, 0), (-1, 0)]
)
def test_a_cancellation_makes_the_refund_of_its_tier_due(
    booking: Booking, paid: Payment, hours: float, due: int
) -> None:
    when = before_start(hours=hours)
    assert refund_due(booking, now_dt=when) == due
    cancel_booking(booking, now_dt=when, override_policy=hours <= 0)
    assert refund_due(booking) == due
    rows = [(row.amount, row.outstanding) for row in RefundDue.objects.all()]
    assert rows == ([(due, due)] if due else [])


def test_it_has_the_booking_the_currency_and_the_instant(booking: Booking, paid: Payment) -> None:
    when = before_start(hours=10)
    cancel_booking(booking, now_dt=when)
    due = RefundDue.objects.get()
    assert (due.booking, due.currency, due.due_since) == (booking, "USD", when)
    assert str(due) == f"{booking.reference}: 50.00 USD"
    assert booking.refund_due == due


def test_without_a_payment_nothing_is_due(booking: Booking, pay: Pay) -> None:
    pay(booking, status="PENDING")
    cancel_booking(booking, now_dt=NOW)
    assert not RefundDue.objects.exists()
    assert refund_due(booking) == amount_paid(booking) == 0


def test_a_request_that_was_never_confirmed_is_refunded_in_full(
    book: Book, make_service: Make, pay: Pay
) -> None:
    request = book(service=make_service(requires_approval=True))
    pay(request)
    when = before_start(hours=1)
    assert refund_due(request, now_dt=when) == 100
    cancel_booking(request, now_dt=when)
    assert refund_due(request) == 100


def test_a_declined_request_is_refunded_in_full(book: Book, make_service: Make, pay: Pay) -> None:
    request = book(service=make_service(requires_approval=True))
    pay(request)
    decline_booking(request, now_dt=before_start(hours=1))
    assert refund_due(request) == 100


def test_nothing_is_due_for_a_delivered_or_completed_booking(
    booking: Booking, paid: Payment
) -> None:
    deliver_booking(booking, now_dt=START)
    assert refund_due(booking) == 0
    complete_booking(booking, now_dt=START)
    assert refund_due(booking) == fee_due(booking) == 0
    assert not RefundDue.objects.exists()


def test_nothing_is_due_for_a_disputed_booking_until_it_is_cancelled(
    booking: Booking, paid: Payment
) -> None:
    deliver_booking(booking, now_dt=START)
    dispute_booking(booking, reason="Left out.", now_dt=START)
    assert refund_due(booking, now_dt=before_start(hours=99)) == 100
    assert not RefundDue.objects.exists()

    cancel_booking(booking, now_dt=START, override_policy=True)
    assert refund_due(booking) == sum(row.outstanding for row in RefundDue.objects.all())
    assert_bookings_are_sound()


def test_nothing_is_due_for_a_confirmed_booking_that_was_cancelled_automatically(
    service: Any, book: Book, pay: Pay
) -> None:
    """Whatever the policy says of a cancellation after the start."""
    set_refund_policy(
        [Tier(notice_minutes=0, refund_percent=50, fee_percent=20)],  # type: ignore[arg-type]
        service=service,
    )
    booking = book()
    pay(booking)
    booking.auto_cancel(START + timedelta(days=2))
    booking.save()
    assert booking.auto_cancelled
    assert refund_due(booking) == fee_due(booking) == 0
    grant_refund(booking, now_dt=START + timedelta(days=3))
    assert refund_due(booking) == 100


@pytest.mark.parametrize(("verb", "due"), [(complete_booking, 0), (mark_no_show, 50)])
def test_an_overdue_booking_that_is_corrected_is_refunded_as_one_that_took_place(
    service: Any, book: Book, pay: Pay, verb: Callable[..., Booking], due: int
) -> None:
    """What was paid after the sweep was not paid late."""
    set_refund_policy([], no_show_refund_percent=50, service=service)
    booking = book()
    pay(booking, 60)
    Booking._base_manager.filter(pk=booking.pk).update(created_at=NOW)
    swept = START + timedelta(days=3)
    assert auto_cancel_expired_bookings(now_dt=swept) == 1
    late = swept + timedelta(hours=1)
    pay(booking, 40, "pay_2", processed_at=late, now_dt=late)
    verb(booking, now_dt=swept + timedelta(days=1))
    assert refund_due(booking) == due


def test_two_payments_are_refunded_as_one(booking: Booking, pay: Pay) -> None:
    pay(booking, "33.33", "pay_1")
    pay(booking, "66.67", "pay_2")
    cancel_booking(booking, now_dt=before_start(hours=10))
    assert refund_due(booking) == 50


def test_a_payment_after_the_cancellation_is_refunded_in_full(booking: Booking, pay: Pay) -> None:
    cancel_booking(booking, now_dt=before_start(hours=1))
    pay(booking, now_dt=before_start(hours=0.5))
    assert refund_due(booking) == 100


def test_a_payment_before_the_cancellation_counts_even_if_reported_after_it(
    booking: Booking, pay: Pay
) -> None:
    cancel_booking(booking, now_dt=before_start(hours=10))
    pay(booking, processed_at=before_start(hours=11), now_dt=before_start(hours=9))
    assert refund_due(booking) == 50


def test_a_late_cancellation_may_cost_a_fee(booking: Booking, service: Any, book: Book) -> None:
    set_refund_policy(
        [Tier(notice_minutes=0, refund_percent=100, fee_percent=20)],  # type: ignore[arg-type]
        service=service,
    )
    late = book(start_at=START + timedelta(hours=3))
    assert fee_due(late, now_dt=START) == 20
    cancel_booking(late, now_dt=START)
    assert fee_due(late) == 20


def test_a_fee_paid_after_the_cancellation_is_kept(service: Any, book: Book, pay: Pay) -> None:
    set_refund_policy(
        [Tier(notice_minutes=0, refund_percent=100, fee_percent=20)],  # type: ignore[arg-type]
        service=service,
    )
    booking = book()
    cancel_booking(booking, now_dt=START, override_policy=True)
    receipt = pay(booking, 15, now_dt=START + timedelta(hours=1))
    assert (receipt.outcome, receipt.refund_due) == ("PARTLY_PAID", 0)
    receipt = pay(booking, 5, "pay_2", now_dt=START + timedelta(hours=2))
    assert (receipt.outcome, receipt.refund_due) == ("PAID", 0)
    assert fee_due(booking) == 0


def test_a_no_show_has_percentages_of_its_own(service: Any, book: Book, pay: Pay) -> None:
    set_refund_policy([], service=service, no_show_refund_percent=10, no_show_fee_percent=60)
    booking = book()
    pay(booking, 40)
    mark_no_show(booking, now_dt=START)
    assert (refund_due(booking), fee_due(booking)) == (0, 20)
    complete_booking(booking, now_dt=START)
    assert (refund_due(booking), fee_due(booking)) == (0, 0)


def test_a_corrected_status_lowers_what_is_due(service: Any, book: Book, pay: Pay) -> None:
    set_refund_policy([], service=service, no_show_refund_percent=10)
    booking = book()
    pay(booking)
    mark_no_show(booking, now_dt=START)
    assert refund_due(booking) == 10
    complete_booking(booking, now_dt=START)
    assert refund_due(booking) == 0
    due = RefundDue.objects.get()
    assert (due.amount, due.outstanding) == (0, 0)


def test_a_cheaper_booking_makes_the_difference_due(
    book: Book, service: Any, pay: Pay, addon: Any
) -> None:
    booking = book(addon_ids=[addon.pk])
    pay(booking, 110)
    assert refund_due(booking, now_dt=NOW) == 110
    assert not list_refunds_due()
    reschedule_booking(booking, new_start_at=START + timedelta(hours=1), addon_ids=[], now_dt=NOW)
    assert RefundDue.objects.get().outstanding == 10


def test_moving_a_booking_moves_its_deadlines(booking: Booking, paid: Payment) -> None:
    reschedule_booking(booking, new_start_at=START + timedelta(days=1), now_dt=NOW)
    assert refund_due(booking, now_dt=START) == 100


def test_nothing_is_due_for_a_free_booking(book: Book, make_service: Make) -> None:
    booking = book(service=make_service(price_amount=None))
    cancel_booking(booking, now_dt=START, override_policy=True)
    assert amount_due(booking) == refund_due(booking) == fee_due(booking) == 0


def test_amount_due_is_the_total_less_payments_plus_refunds(booking: Booking, pay: Pay) -> None:
    assert (amount_paid(booking), amount_due(booking)) == (0, 100)
    payment = pay(booking, 60).payment
    assert (amount_paid(booking), amount_due(booking)) == (60, 40)
    record_refund(payment, amount=10, external_id="re_1", now_dt=NOW)
    assert (amount_paid(booking), amount_due(booking)) == (50, 50)


def test_amount_due_is_zero_without_the_service(book: Book, make_service: Make, pay: Pay) -> None:
    cancelled = book()
    payment = pay(cancelled).payment
    cancel_booking(cancelled, now_dt=NOW)
    record_refund(payment, amount=100, external_id="re_1", now_dt=NOW)
    declined = book(service=make_service(requires_approval=True))
    decline_booking(declined, now_dt=NOW)
    missed = book(start_at=START + timedelta(hours=2))
    mark_no_show(missed, now_dt=missed.start_at)
    assert [amount_due(row) for row in (cancelled, declined, missed)] == [0, 0, 0]


def test_expired_bookings_are_updated_in_a_constant_number_of_queries(book: Book, pay: Pay) -> None:
    def cost(first: int, number: int) -> int:
        holds = [
            book(
                start_at=START + timedelta(hours=first + turn),
                expires_at=NOW + timedelta(minutes=first + 1),
            )
            for turn in range(number)
        ]
        for hold in holds:
            pay(hold, 10, f"pay_{hold.pk}")
        with CaptureQueriesContext(connection) as captured:
            expire_bookings(now_dt=NOW + timedelta(minutes=first + 1))
        assert RefundDue.objects.filter(booking__in=holds, outstanding=10).count() == number
        return len(captured)

    assert cost(0, 2) == cost(10, 12)


def test_a_change_of_an_unpaid_booking_takes_one_query(booking: Booking) -> None:
    with CaptureQueriesContext(connection) as captured:
        cancel_booking(booking, now_dt=NOW)
    assert sum("bookings_payments" in query["sql"] for query in captured) == 1


def test_a_note_takes_no_query(booking: Booking, paid: Payment) -> None:
    with CaptureQueriesContext(connection) as captured:
        add_note(booking, "Called.", now_dt=NOW)
    assert not any("bookings_payments" in query["sql"] for query in captured)


def test_a_failure_to_write_it_undoes_the_cancellation(booking: Booking, paid: Payment) -> None:
    with (
        patch.object(RefundDue.objects, "bulk_create", side_effect=NotAllowed("No.")),
        patch.object(balances, "lock_balances_by_key", side_effect=NotAllowed("No.")),
        pytest.raises(NotAllowed),
    ):
        cancel_booking(booking, now_dt=NOW)
    booking.refresh_from_db()
    assert booking.status == Booking.Status.CONFIRMED


@pytest.mark.django_db(transaction=True)
def test_the_signal_is_sent_on_commit_when_more_is_due(
    booking: Booking, pay: Pay, record_signal: RecordSignal
) -> None:
    sent = record_signal(signals.refund_due)
    payment = pay(booking).payment
    with transaction.atomic():
        cancel_booking(booking, now_dt=before_start(hours=10))
        assert sent == []
    [kwargs] = sent
    assert kwargs["sender"] is RefundDue
    assert (kwargs["booking"], kwargs["refund_due"].outstanding) == (booking, 50)
    record_refund(payment, amount=50, external_id="re_1", now_dt=NOW)
    pay(booking)
    assert len(sent) == 1
    grant_refund(booking, amount=70, now_dt=NOW)
    assert [kwargs["refund_due"].outstanding for kwargs in sent] == [50, 20]


# Grants


def test_staff_may_grant_more_than_the_policy_gives(booking: Booking, paid: Payment) -> None:
    cancel_booking(booking, now_dt=before_start(hours=1))
    due = grant_refund(booking, reason="The provider was ill.", now_dt=NOW)
    assert (due.amount, due.granted, due.outstanding) == (100, 100, 100)
    assert due.reason == "The provider was ill."
    assert due.due_since == NOW
    assert refund_due(booking) == 100


def test_a_grant_never_lowers_what_is_due(booking: Booking, paid: Payment) -> None:
    cancel_booking(booking, now_dt=before_start(hours=10))
    grant_refund(booking, amount=20, now_dt=NOW)
    assert refund_due(booking) == 50
    grant_refund(booking, amount=80, reason="Sorry.", now_dt=NOW)
    due = grant_refund(booking, amount=60, now_dt=NOW)
    assert (due.granted, due.reason, due.outstanding) == (80, "Sorry.", 80)


def test_a_grant_for_a_confirmed_booking_stays(booking: Booking, paid: Payment) -> None:
    grant_refund(booking, amount=25, now_dt=NOW)
    assert [due.outstanding for due in list_refunds_due()] == [25]
    complete_booking(booking, now_dt=START)
    assert refund_due(booking) == 25


def test_refund_due_includes_what_is_granted(booking: Booking, paid: Payment) -> None:
    late = before_start(hours=7)
    grant_refund(booking, amount=80, now_dt=NOW)
    assert refund_due(booking, now_dt=late) == 80
    record_refund(paid, amount=30, external_id="re_1", now_dt=NOW)
    assert refund_due(booking, now_dt=late) == 50


def test_more_than_was_paid_cannot_be_granted(booking: Booking, paid: Payment) -> None:
    with pytest.raises(RefundExceedsPayment, match=r"Only 100\.00 USD were"):
        grant_refund(booking, amount=101, now_dt=NOW)
    with pytest.raises(InvalidPayment):
        grant_refund(booking, amount=0, now_dt=NOW)  # type: ignore[arg-type]
    with pytest.raises(InvalidBooking):
        grant_refund(booking, reason=5, now_dt=NOW)  # type: ignore[arg-type]
    assert not RefundDue.objects.exists()


def test_nothing_can_be_granted_for_an_unpaid_booking(booking: Booking) -> None:
    with pytest.raises(PaymentNotMade, match="Nothing was paid"):
        grant_refund(booking, now_dt=NOW)


def test_the_adapter_may_refuse_a_grant(booking: Booking, paid: Payment, settings: Any) -> None:
    settings.BOOKINGS_ADAPTER = adapter(RefusingToGrant)
    with pytest.raises(NotAllowed):
        grant_refund(booking, now_dt=NOW)


def test_refunds_due_are_listed_longest_due_first(book: Book, pay: Pay) -> None:
    def cancelled(hour: int, when: datetime) -> Booking:
        booking = book(start_at=START + timedelta(hours=hour))
        pay(booking, 100, f"pay_{hour}")
        return cancel_booking(booking, now_dt=when)

    second, first = cancelled(0, before_start(hours=40)), cancelled(2, before_start(hours=45))
    assert [due.booking for due in list_refunds_due()] == [first, second]


def test_a_reopened_booking_is_due_no_refund(booking: Booking, paid: Payment) -> None:
    cancel_booking(booking, now_dt=NOW)
    assert refund_due(booking) == 100

    reopen_booking(booking, now_dt=NOW)

    assert RefundDue.objects.get().outstanding == amount_due(booking) == 0
    assert list(list_refunds_due()) == []
    assert_bookings_are_sound()


def test_what_was_refunded_is_to_be_paid_again_once_it_is_reopened(
    booking: Booking, paid: Payment
) -> None:
    cancel_booking(booking, now_dt=NOW)
    record_refund(paid, amount=100, external_id="re_1", now_dt=NOW)

    reopen_booking(booking, now_dt=NOW)

    assert (RefundDue.objects.get().outstanding, amount_due(booking)) == (0, 100)


def test_a_reopened_booking_forgets_that_the_provider_had_cancelled_it(
    booking: Booking, paid: Payment
) -> None:
    cancel_booking(booking, by="provider", now_dt=NOW)
    reopen_booking(booking, now_dt=NOW)
    late = booking.start_at + timedelta(days=5)
    assert auto_cancel_expired_bookings(now_dt=late) == 1

    # Nobody has recorded the outcome, so staff decide what is refunded.
    booking.refresh_from_db()
    assert refund_due(booking) == 0
