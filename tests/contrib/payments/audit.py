"""A second opinion on the money: plain fractions over every row, sharing no code with the app.

It knows the default refund policy and no other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fractions import Fraction
from math import floor

from bookings.contrib.payments.models import Payment, Refund, RefundDue
from bookings.models import Booking

HOUR = 3600


def audit() -> list[str]:
    """Everything that is wrong with what is stored."""
    refunds = defaultdict(list)
    for refund in Refund.objects.all():
        refunds[refund.payment_id].append(Fraction(refund.amount))
    payments = list(Payment.objects.all())
    return [
        *_payments(payments, refunds),
        *_dues(payments, {due.booking_id: due for due in RefundDue.objects.all()}),
    ]


def _payments(payments: list[Payment], refunds: dict[int, list[Fraction]]) -> Iterator[str]:
    for payment in payments:
        went_back = sum(refunds[payment.pk])
        if went_back > payment.amount:
            yield f"More went back of {payment} than was paid: {went_back}."
        if went_back != payment.amount_refunded:
            yield f"{payment} knows of {payment.amount_refunded}, and {went_back} went back."
        if went_back:
            expected = "REFUNDED" if went_back == payment.amount else "PARTIALLY_REFUNDED"
            if payment.status != expected:
                yield f"{payment} is {payment.status} instead of {expected}."
        elif payment.status not in {"PENDING", "PAID", "FAILED"}:
            yield f"{payment} is {payment.status}, and nothing went back."
        if (payment.processed_at is None) != (payment.status == "PENDING"):
            yield f"{payment} is {payment.status} since {payment.processed_at}."


def _dues(payments: list[Payment], dues: dict[int, RefundDue]) -> Iterator[str]:
    for booking in Booking.objects.all():
        made = [
            payment
            for payment in payments
            if payment.booking_id == booking.pk and payment.status not in {"PENDING", "FAILED"}
        ]
        due = dues.get(booking.pk)
        went_back = sum((Fraction(payment.amount_refunded) for payment in made), Fraction(0))
        promised = Fraction(due.granted) if due else Fraction(0)
        owed = max(_owed(booking, made), promised)
        outstanding = Fraction(due.outstanding) if due else Fraction(0)
        if outstanding != max(owed - went_back, 0):
            yield f"{booking} is due {outstanding} instead of {owed} less {went_back}."
        if due and due.amount != owed:
            yield f"{booking} is due {due.amount} in all instead of {owed}."


def _owed(booking: Booking, made: list[Payment]) -> Fraction:
    ended = booking.cancelled_at
    late = sum(Fraction(pay.amount) for pay in made if ended and pay.processed_at > ended)
    paid = sum(Fraction(pay.amount) for pay in made) - late
    total = Fraction(booking.total_amount)
    extra = max(paid - total, 0)
    if booking.status == "DECLINED" or (ended and booking.confirmed_at is None):
        return Fraction(paid + late)
    if booking.status != "CANCELLED" or booking.auto_cancelled or ended is None:
        return Fraction(extra + late)
    hours = (booking.start_at - ended).total_seconds() / HOUR
    percent = 100 if hours >= 24 else 50 if hours >= 6 else 0
    cents = (paid - extra) * percent
    return extra + late + Fraction(floor(cents + Fraction(1, 2)), 100)
