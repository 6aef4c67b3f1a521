"""``record_payment``: a payment is stored once, and its booking is confirmed or expired."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models.signals import post_save

from bookings.adapters import DefaultBookingAdapter
from bookings.contrib.payments import signals
from bookings.contrib.payments.exceptions import (
    CurrencyMismatch,
    ExternalIdReused,
    InvalidPayment,
)
from bookings.contrib.payments.models import Payment, Refund, RefundDue, RefundPolicy
from bookings.contrib.payments.services import Outcome, grant_refund, record_payment, unique_rows
from bookings.exceptions import (
    BookingBusy,
    InvalidBooking,
    InvalidTransition,
    MissingReference,
    NotAllowed,
    SlotUnavailable,
)
from bookings.ledger.transactions import unique_constraints
from bookings.models import Booking
from bookings.services import (
    cancel_booking,
    complete_booking,
    confirm_booking,
    decline_booking,
    expire_bookings,
)
from bookings.testing import assert_bookings_are_sound
from tests.contrib.payments.conftest import NOW, START, Book, Make, Pay, money
from tests.look_alikes import LOOK_ALIKE, LOOK_ALIKES

pytestmark = pytest.mark.django_db


class Refusing(DefaultBookingAdapter):
    """Allow nobody the verb ``refused``."""

    refused = "submit"

    def check_permission(self, actor: Any, verb: str, booking: Booking) -> None:
        if verb == self.refused:
            raise NotAllowed("Ask the boss.")


class RefusingToExpire(Refusing):
    refused = "expire"


class RefusingToRecord(Refusing):
    refused = "record_payment"


def adapter(kind: type[Refusing]) -> str:
    return f"{kind.__module__}.{kind.__name__}"


def test_a_payment_is_stored_as_reported(hold: Booking, pay: Pay, user: Any) -> None:
    processed = NOW - timedelta(seconds=3)
    receipt = pay(hold, method="card", processed_at=processed, actor=user, currency="usd")
    stored = Payment.objects.get()
    assert receipt.payment == stored
    assert stored.booking == hold
    assert (stored.amount, stored.amount_refunded) == (100, 0)
    assert (stored.currency, stored.method, stored.external_id) == ("USD", "card", "pay_1")
    assert stored.status == Payment.Status.PAID
    assert (stored.processed_at, stored.recorded_by) == (processed, user)
    assert stored.is_made
    assert str(stored) == "100.00 USD (pay_1)"


def test_a_paid_hold_is_confirmed(hold: Booking, pay: Pay) -> None:
    receipt = pay(hold)
    assert (receipt.outcome, receipt.refund_due, receipt.refusal) == (Outcome.PAID, 0, None)
    assert hold.status == Booking.Status.CONFIRMED
    assert receipt.payment.booking is hold
    expire_bookings(now_dt=START)
    hold.refresh_from_db()
    assert hold.status == Booking.Status.CONFIRMED
    assert_bookings_are_sound()


def test_the_history_says_who_recorded_the_payment_that_confirmed(
    hold: Booking, pay: Pay, user: Any
) -> None:
    pay(hold, actor=user)
    event = hold.events.latest("pk")
    assert (event.event_type, event.actor_user) == ("CONFIRMED", user)


def test_only_the_full_total_confirms(hold: Booking, pay: Pay) -> None:
    assert pay(hold, 60).outcome == Outcome.PARTLY_PAID
    assert hold.status == Booking.Status.PENDING
    assert pay(hold, 40, "pay_2").outcome == Outcome.PAID
    assert hold.status == Booking.Status.CONFIRMED


def test_without_a_price_any_payment_confirms(book: Book, make_service: Make, pay: Pay) -> None:
    hold = book(service=make_service(price_amount=None), expires_at=NOW + timedelta(minutes=15))
    assert pay(hold, 5).outcome == Outcome.PAID
    assert hold.status == Booking.Status.CONFIRMED


def test_a_payment_does_not_change_a_confirmed_booking(booking: Booking, pay: Pay) -> None:
    version = booking.version
    assert pay(booking, 30).outcome == Outcome.PARTLY_PAID
    assert pay(booking, 70, "pay_2").outcome == Outcome.PAID
    assert (booking.status, booking.version) == (Booking.Status.CONFIRMED, version)


def test_a_completed_booking_can_be_paid(booking: Booking, pay: Pay) -> None:
    complete_booking(booking, now_dt=START)
    later = START + timedelta(days=9)
    assert pay(booking, 60, now_dt=later).outcome == Outcome.PARTLY_PAID
    assert pay(booking, 40, "pay_2", now_dt=later).outcome == Outcome.PAID


def test_money_does_not_replace_approval(book: Book, make_service: Make, pay: Pay) -> None:
    request = book(service=make_service(requires_approval=True))
    assert pay(request).outcome == Outcome.AWAITING_APPROVAL
    assert request.status == Booking.Status.PENDING
    confirm_booking(request, now_dt=NOW)
    assert pay(request).outcome == Outcome.PAID


def test_a_paid_hold_that_needs_approval_becomes_a_request_and_does_not_expire(
    book: Book, make_service: Make, pay: Pay
) -> None:
    service = make_service(requires_approval=True)
    expires_at = NOW + timedelta(minutes=15)
    paid = book(service=service, expires_at=expires_at)
    unpaid = book(service=service, start_at=START + timedelta(days=1), expires_at=expires_at)

    assert pay(paid).outcome == Outcome.AWAITING_APPROVAL
    assert (paid.requested_at, paid.expires_at) == (NOW, None)
    version = paid.version
    assert pay(paid).outcome == Outcome.AWAITING_APPROVAL
    assert paid.version == version

    assert expire_bookings(now_dt=expires_at) == 1
    unpaid.refresh_from_db()
    assert unpaid.auto_cancelled
    assert confirm_booking(paid, now_dt=expires_at).status == Booking.Status.CONFIRMED


def test_the_payment_of_an_unanswered_request_is_due(
    book: Book, make_service: Make, pay: Pay, settings: Any
) -> None:
    settings.BOOKINGS_APPROVAL_DEADLINE_HOURS = 2
    hold = book(
        service=make_service(requires_approval=True), expires_at=NOW + timedelta(minutes=15)
    )
    paid = pay(hold).payment.amount

    assert expire_bookings(now_dt=NOW + timedelta(hours=2)) == 1

    assert RefundDue.objects.get().outstanding == paid


def test_a_paid_hold_without_a_client_is_not_confirmed(
    book: Book, make_service: Make, pay: Pay
) -> None:
    hold = book(client_name="", expires_at=NOW + timedelta(minutes=15))

    receipt = pay(hold)

    assert receipt.outcome == Outcome.NOT_CONFIRMED
    assert receipt.refusal is not None
    assert receipt.refusal.code == "no_client"


def test_a_host_s_own_pending_booking_that_is_paid_is_confirmed(booking: Booking, pay: Pay) -> None:
    own = Booking.objects.create(
        service=booking.service,
        provider=booking.provider,
        client_name="Kim",
        start_at=START + timedelta(days=1),
        end_at=START + timedelta(days=1, hours=1),
    )
    pay(own)
    assert own.status == Booking.Status.CONFIRMED


def test_the_same_id_again_changes_nothing(
    hold: Booking, pay: Pay, record_signal: Callable[..., list[Any]]
) -> None:
    first = pay(hold)
    version = hold.version
    again = pay(hold, now_dt=NOW + timedelta(hours=1))
    assert again == replace(first, is_replay=True)
    assert Payment.objects.get().processed_at == NOW
    assert hold.version == version


@pytest.mark.django_db(transaction=True)
def test_the_signal_is_sent_once_on_commit(
    hold: Booking, pay: Pay, record_signal: Callable[..., list[dict[str, Any]]]
) -> None:
    sent = record_signal(signals.payment_recorded)
    with transaction.atomic():
        receipt = pay(hold)
        assert sent == []
    pay(hold)
    [kwargs] = sent
    assert (kwargs["sender"], kwargs["payment"]) == (Payment, receipt.payment)
    assert (kwargs["booking"], kwargs["using"]) == (hold, "default")


def test_a_pending_payment_confirms_nothing(hold: Booking, pay: Pay) -> None:
    receipt = pay(hold, status="PENDING")
    assert (receipt.outcome, receipt.refund_due) == (Outcome.PENDING, 0)
    assert receipt.payment.processed_at is None
    assert hold.status == Booking.Status.PENDING
    assert pay(hold, status="PENDING").outcome == Outcome.PENDING


@pytest.mark.parametrize(
    "statuses",
    [
        ["PENDING", "PAID"],
        ["PENDING", "FAILED", "PAID"],
        ["PAID", "PENDING"],
        ["PAID", "FAILED"],
        ["FAILED", "PENDING", "PAID"],
    ],
    ids=", ".join,
)
def test_a_payment_stays_paid_whatever_the_order_of_reports(
    hold: Booking, pay: Pay, statuses: list[str]
) -> None:
    for minute, status in enumerate(statuses):
        pay(hold, status=status, now_dt=NOW + timedelta(minutes=minute))
    payment = Payment.objects.get()
    assert payment.status == Payment.Status.PAID
    assert payment.processed_at == NOW + timedelta(minutes=statuses.index("PAID"))
    assert hold.status == Booking.Status.CONFIRMED


def test_a_payment_that_is_not_made_tells_what_is_due_of_the_others(
    booking: Booking, pay: Pay
) -> None:
    assert pay(booking, 130).refund_due == 30
    for status in ("PENDING", "FAILED"):
        receipt = pay(booking, 20, "pay_2", status=status)
        assert (receipt.outcome, receipt.refund_due) == (status, 30)


def test_a_failed_payment_is_stored(hold: Booking, pay: Pay) -> None:
    pay(hold, status="PENDING")
    receipt = pay(hold, status="FAILED")
    assert receipt.outcome == Outcome.FAILED
    assert (receipt.payment.status, receipt.payment.processed_at) == ("FAILED", NOW)
    assert hold.status == Booking.Status.PENDING


def test_a_payment_for_an_expired_hold_is_stored_and_due(hold: Booking, pay: Pay) -> None:
    receipt = pay(hold, now_dt=NOW + timedelta(minutes=15))
    assert (receipt.outcome, receipt.refund_due) == (Outcome.REFUND_DUE, 100)
    assert Payment.objects.get().status == Payment.Status.PAID
    assert hold.status == Booking.Status.CANCELLED
    assert hold.auto_cancelled
    assert [event.event_type for event in hold.events.all()] == ["EXPIRED", "CREATED"]
    assert_bookings_are_sound()


def test_a_part_payment_of_an_expired_hold_is_due(hold: Booking, pay: Pay) -> None:
    pay(hold, 60)
    expire_bookings(now_dt=NOW + timedelta(minutes=15))
    assert RefundDue.objects.get().outstanding == 60
    assert pay(hold, 40, "pay_2", now_dt=NOW + timedelta(minutes=16)).refund_due == 100


@pytest.mark.parametrize("verb", [decline_booking, cancel_booking])
def test_a_payment_for_an_ended_booking_is_due(hold: Booking, pay: Pay, verb: Any) -> None:
    verb(hold, now_dt=NOW)
    receipt = pay(hold, now_dt=NOW + timedelta(minutes=1))
    assert (receipt.outcome, receipt.refund_due) == (Outcome.REFUND_DUE, 100)


def test_an_overpayment_is_due(booking: Booking, pay: Pay) -> None:
    pay(booking)
    receipt = pay(booking, 100, "pay_2")
    assert (receipt.outcome, receipt.refund_due) == (Outcome.REFUND_DUE, 100)
    assert booking.status == Booking.Status.CONFIRMED


def test_the_payment_is_stored_even_if_confirming_is_refused(
    hold: Booking, pay: Pay, settings: Any
) -> None:
    settings.BOOKINGS_ADAPTER = adapter(Refusing)
    receipt = pay(hold)
    assert receipt.outcome == Outcome.NOT_CONFIRMED
    assert isinstance(receipt.refusal, NotAllowed)
    assert hold.status == Booking.Status.PENDING
    assert Payment.objects.get().status == Payment.Status.PAID
    settings.BOOKINGS_ADAPTER = "bookings.adapters.DefaultBookingAdapter"
    assert pay(hold).outcome == Outcome.PAID
    assert hold.status == Booking.Status.CONFIRMED


def offers(
    service: Any, provider: Any, start_dt: Any, end_dt: Any, *, override_policy: bool
) -> Any:
    return [start_dt] if service.is_active else []


@pytest.mark.parametrize("is_on_offer", [True, False])
def test_a_request_that_needs_no_approval_any_more_is_confirmed_if_its_start_is_on_offer(
    book: Book, pay: Pay, make_service: Make, settings: Any, is_on_offer: bool
) -> None:
    request = book(service=make_service(requires_approval=True))
    Booking.objects.filter(pk=request.pk).update(requires_approval=False)
    type(request.service).objects.update(is_active=is_on_offer)
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.offers"
    receipt = pay(request)
    if is_on_offer:
        assert (receipt.outcome, receipt.refusal) == (Outcome.PAID, None)
    else:
        assert receipt.outcome == Outcome.NOT_CONFIRMED
        assert isinstance(receipt.refusal, SlotUnavailable)
    assert (request.status == Booking.Status.CONFIRMED) is is_on_offer
    assert Payment.objects.get().status == Payment.Status.PAID


def offers_within_a_day(
    service: Any,
    provider: Any,
    start_dt: datetime,
    end_dt: datetime,
    *,
    now_dt: datetime,
    override_policy: bool,
) -> list[datetime]:
    return [start_dt] if start_dt - now_dt <= timedelta(days=1) else []


def test_a_slot_engine_is_told_when_the_request_is_paid(
    book: Book, pay: Pay, make_service: Make, settings: Any
) -> None:
    request = book(service=make_service(requires_approval=True))
    Booking.objects.filter(pk=request.pk).update(requires_approval=False)
    settings.BOOKINGS_SLOT_VALIDATION_MODE = "ENGINE"
    settings.BOOKINGS_SLOTS_AVAILABLE_FUNC = f"{__name__}.offers_within_a_day"
    assert isinstance(pay(request).refusal, SlotUnavailable)
    day_before = START - timedelta(days=1)
    assert pay(request, now_dt=day_before).outcome == Outcome.PAID
    assert request.confirmed_at == day_before
    assert request.events.latest("pk").created_at == day_before


def test_expiring_an_old_hold_needs_no_permission(hold: Booking, pay: Pay, settings: Any) -> None:
    settings.BOOKINGS_ADAPTER = adapter(RefusingToExpire)
    receipt = pay(hold, now_dt=hold.expires_at)
    assert (receipt.outcome, receipt.refund_due) == (Outcome.REFUND_DUE, 100)
    assert (hold.status, hold.auto_cancelled) == (Booking.Status.CANCELLED, True)


def test_an_overpayment_is_due_even_if_confirming_is_refused(
    hold: Booking, pay: Pay, settings: Any
) -> None:
    settings.BOOKINGS_ADAPTER = adapter(Refusing)
    receipt = pay(hold, 150)
    assert isinstance(receipt.refusal, NotAllowed)
    assert (receipt.outcome, receipt.refund_due) == (Outcome.REFUND_DUE, 50)
    assert_bookings_are_sound()


def test_a_busy_database_is_raised_and_nothing_is_stored(hold: Booking, pay: Pay) -> None:
    with (
        patch(
            "bookings.contrib.payments.services.booking_progress.submit_hold",
            side_effect=BookingBusy("Again."),
        ),
        pytest.raises(BookingBusy),
    ):
        pay(hold)
    assert not Payment.objects.exists()


def test_the_adapter_may_refuse_to_record_a_payment(
    booking: Booking, pay: Pay, settings: Any
) -> None:
    settings.BOOKINGS_ADAPTER = adapter(RefusingToRecord)
    with pytest.raises(NotAllowed, match="Ask the boss"):
        pay(booking)
    assert not Payment.objects.exists()


# Bad input


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (0, "amount_not_positive"),
        (-5, "amount_not_positive"),
        (None, "amount_not_positive"),
        ("10.001", "amount_too_fine"),
        ("ten", "invalid"),
        ("NaN", "invalid"),
        (10**15, "invalid"),
    ],
)
def test_an_amount_is_positive_and_payable(
    booking: Booking, pay: Pay, amount: Any, code: str
) -> None:
    with pytest.raises(InvalidBooking) as caught:
        pay(booking, amount)
    assert caught.value.code == code
    assert not Payment.objects.exists()


@pytest.mark.parametrize(
    ("currency", "amount", "fits"),
    [("JPY", 100, True), ("JPY", "100.5", False), ("KWD", "0.125", True), ("KWD", "0.0625", False)],
)
def test_an_amount_has_the_decimals_of_its_currency(
    book: Book, make_service: Make, pay: Pay, currency: str, amount: Any, fits: bool
) -> None:
    booking = book(service=make_service(currency=currency))
    if fits:
        pay(booking, amount)
        assert Payment.objects.get().amount == Decimal(amount)
    else:
        with pytest.raises(InvalidPayment):
            pay(booking, amount)


def test_a_float_is_read_by_its_decimal_notation(booking: Booking, pay: Pay) -> None:
    assert pay(booking, 0.1).payment.amount == money("0.1")


def test_another_currency_is_refused(booking: Booking, pay: Pay) -> None:
    with pytest.raises(CurrencyMismatch, match="priced in USD, and the money is in EUR"):
        pay(booking, currency="EUR")
    assert not Payment.objects.exists()


def test_one_id_with_two_amounts_is_refused(booking: Booking, pay: Pay) -> None:
    pay(booking)
    with pytest.raises(ExternalIdReused, match="pay_1 is recorded already, with another amount"):
        pay(booking, 99)
    assert Payment.objects.get().amount == 100


def test_one_id_for_two_bookings_is_refused(book: Book, pay: Pay) -> None:
    pay(book())
    with pytest.raises(ExternalIdReused, match="another booking"):
        pay(book(start_at=START + timedelta(hours=3)))


@pytest.mark.parametrize("other", LOOK_ALIKES)
def test_an_id_that_only_looks_alike_is_another(booking: Booking, pay: Pay, other: str) -> None:
    pay(booking, 40, LOOK_ALIKE)
    pay(booking, 50, other)
    ids = Payment.objects.values_list("external_id", "amount")
    assert dict(ids) == {LOOK_ALIKE: 40, other: 50}


@pytest.mark.parametrize("external_id", ["", "  ", None, 5, "x" * 256, "a\x00b"])
def test_an_invalid_id_is_refused(booking: Booking, pay: Pay, external_id: Any) -> None:
    with pytest.raises(InvalidBooking):
        pay(booking, 100, external_id)


@pytest.mark.parametrize("status", ["REFUNDED", "PARTIALLY_REFUNDED", "paid", None])
def test_only_three_statuses_can_be_recorded(booking: Booking, pay: Pay, status: Any) -> None:
    with pytest.raises(InvalidPayment, match="PENDING, PAID or FAILED"):
        pay(booking, status=status)


def test_a_naive_instant_is_refused(booking: Booking, pay: Pay) -> None:
    with pytest.raises(InvalidBooking, match="timezone-aware"):
        pay(booking, processed_at=NOW.replace(tzinfo=None))


def test_a_processed_at_in_the_future_is_refused(booking: Booking, pay: Pay) -> None:
    """A typing error in it would make the payment count as late for ever."""
    for late in (NOW + timedelta(minutes=5, seconds=1), NOW.replace(year=9999)):
        with pytest.raises(InvalidPayment, match="Pass when it happened") as caught:
            pay(booking, processed_at=late)
        assert caught.value.code == "processed_in_future"
    assert not Payment.objects.exists()


def test_a_payment_providers_clock_may_be_a_little_ahead(booking: Booking, pay: Pay) -> None:
    ahead = NOW + timedelta(minutes=5)
    assert pay(booking, processed_at=ahead).payment.processed_at == ahead


@pytest.mark.parametrize("wrong", [None, "BK-1", Booking()])
def test_anything_but_a_stored_booking_is_refused(db: None, wrong: Any) -> None:
    with pytest.raises(MissingReference):
        record_payment(wrong, amount=1, external_id="pay_1")


# Errors of the database


def test_a_lost_race_to_insert_is_retried(booking: Booking, pay: Pay) -> None:
    """As if another process had stored the payment after it was looked for."""
    pay(booking)
    found = iter([None])
    with patch.object(
        unique_rows,
        "find_by_external_id",
        lambda *args, **kwargs: next(found, Payment.objects.get()),
    ):
        assert pay(booking).outcome == Outcome.PAID
    assert Payment.objects.count() == 1


def test_a_row_that_the_snapshot_never_shows_is_booking_busy(booking: Booking, pay: Pay) -> None:
    pay(booking)
    with (
        patch.object(unique_rows, "find_by_external_id", lambda *args, **kwargs: None),
        pytest.raises(BookingBusy),
        transaction.atomic(),
    ):
        pay(booking)


def test_other_integrity_errors_are_raised(booking: Booking) -> None:
    payment = Payment(booking=booking, amount=-1, currency="USD", external_id="pay_1")
    with pytest.raises(IntegrityError):
        unique_rows.insert_unique(payment, using="default")


@pytest.mark.parametrize(
    "message",
    [
        "UNIQUE constraint failed: shop_order.external_id",
        "Duplicate entry 'pay_1' for key 'shop_order_external_id'",
        "CHECK constraint failed: external_id_is_long",
    ],
)
def test_a_hosts_own_error_is_raised_after_one_call(
    booking: Booking, pay: Pay, message: str
) -> None:
    calls: list[Any] = []

    def receive(**kwargs: Any) -> None:
        calls.append(kwargs["instance"])
        raise IntegrityError(1062, message)

    post_save.connect(receive, sender=Payment)
    try:
        with pytest.raises(IntegrityError, match="external_id"):
            pay(booking)
    finally:
        post_save.disconnect(receive, sender=Payment)
    assert len(calls) == 1
    assert not Payment.objects.exists()


@pytest.mark.parametrize(
    ("model", "names"),
    [
        (Payment, {"bookings_payments_payment_external_id"}),
        (Refund, {"bookings_payments_refund_external_id"}),
        (
            RefundPolicy,
            {
                "bookings_payments_one_default",
                "bookings_payments_refundpolicy_service_id_key",
                "bookings_payments_refundpolicy_tenant_id_key",
            },
        ),
    ],
)
def test_the_unique_constraints_are_known_by_their_names(model: Any, names: set[str]) -> None:
    assert set(unique_constraints(model).values()) == names
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            stored = connection.introspection.get_constraints(cursor, model._meta.db_table)
        unique = {
            name for name, facts in stored.items() if facts["unique"] and not facts["primary_key"]
        }
        assert unique == names


def test_a_replay_does_not_confirm_a_cancelled_hold(hold: Booking, pay: Pay) -> None:
    pay(hold)
    cancel_booking(hold, now_dt=NOW)
    with pytest.raises(InvalidTransition):
        confirm_booking(hold, now_dt=NOW)
    assert pay(hold).outcome == Outcome.REFUND_DUE
    assert hold.status == Booking.Status.CANCELLED


def test_a_paid_booking_keeps_its_currency(hold: Booking, pay: Pay) -> None:
    pay(hold)
    hold.refresh_from_db()
    hold.currency = "JPY"
    with pytest.raises(CurrencyMismatch, match=r"has been paid in USD, so its currency cannot"):
        hold.save()
    stored = Booking.objects.get()
    assert (stored.currency, stored.status) == ("USD", "CONFIRMED")


@pytest.mark.parametrize("moved", [False, True])
def test_a_booking_with_a_pending_payment_keeps_its_currency(
    hold: Booking, pay: Pay, moved: bool
) -> None:
    """Else the payment could not be counted once it is made."""
    pay(hold, status="PENDING")
    hold.refresh_from_db()
    hold.currency = "EUR"
    if moved:
        # The event of such a change is another one.
        hold.start_at += timedelta(hours=1)
        hold.end_at += timedelta(hours=1)
    with pytest.raises(CurrencyMismatch, match=r"in USD may still be made") as refusal:
        hold.save()
    assert refusal.value.expected == "USD"
    hold.refresh_from_db()
    assert pay(hold, currency="USD").outcome == Outcome.PAID


@pytest.mark.parametrize("status", ["PENDING", "FAILED"])
def test_a_payment_in_a_former_currency_is_recorded_and_confirms_nothing(
    hold: Booking, pay: Pay, status: str
) -> None:
    pay(hold, status=status)
    Booking._base_manager.update(currency="JPY")

    receipt = pay(hold, currency="usd")

    assert (receipt.payment.status, receipt.payment.currency) == ("PAID", "USD")
    assert receipt.outcome == Outcome.NOT_CONFIRMED
    assert isinstance(receipt.refusal, CurrencyMismatch)
    with pytest.raises(CurrencyMismatch):
        pay(hold, currency="JPY")
    cancel_booking(hold, now_dt=NOW)
    due = RefundDue.objects.get()
    assert (due.outstanding, due.currency) == (100, "USD")
    assert_bookings_are_sound()


def test_what_is_granted_is_in_the_currency_of_the_payments(booking: Booking, paid: Any) -> None:
    Booking._base_manager.update(currency="JPY")
    due = grant_refund(booking, amount=money("10.50"), now_dt=NOW)
    assert (due.outstanding, due.currency) == (money("10.50"), "USD")


def test_the_id_of_another_booking_s_payment_is_reused_whatever_its_currency(
    book: Book, make_service: Make, pay: Pay
) -> None:
    pay(book())
    other = book(service=make_service(currency="EUR"), start_at=START + timedelta(hours=3))
    with pytest.raises(ExternalIdReused):
        pay(other)


def test_an_unpaid_booking_may_change_its_currency(hold: Booking, pay: Pay) -> None:
    pay(hold, status="FAILED")
    hold.refresh_from_db()
    hold.currency = "EUR"
    hold.save()
    assert Booking.objects.get().currency == "EUR"
