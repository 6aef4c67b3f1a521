"""An independent audit of payments, in fractions, which shares no code with the app.

It knows only the default refund rules.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from math import floor
from typing import Any

from bookings.contrib.payments.models import Payment, Refund, RefundDue
from bookings.models import Booking

HOUR = 3600


def audit() -> list[str]:
    """Return everything that is wrong with the stored rows."""
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
        refunded = sum(refunds[payment.pk])
        if refunded > payment.amount:
            yield f"The refunds of {payment} exceed it: {refunded}."
        if refunded != payment.amount_refunded:
            yield f"{payment} has {payment.amount_refunded} refunded instead of {refunded}."
        if refunded:
            expected = "REFUNDED" if refunded == payment.amount else "PARTIALLY_REFUNDED"
            if payment.status != expected:
                yield f"{payment} is {payment.status} instead of {expected}."
        elif payment.status not in {"PENDING", "PAID", "FAILED"}:
            yield f"{payment} is {payment.status}, and nothing was refunded."
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
        refunded = sum((Fraction(payment.amount_refunded) for payment in made), Fraction(0))
        granted = Fraction(due.granted) if due else Fraction(0)
        waived = Fraction(due.waived) if due else Fraction(0)
        owed = max(_owed(booking, made) - waived, granted)
        outstanding = Fraction(due.outstanding) if due else Fraction(0)
        if outstanding != max(owed - refunded, 0):
            yield f"{booking} is due {outstanding} instead of {owed} less {refunded}."
        if due and due.amount != owed:
            yield f"{booking} is due {due.amount} in all instead of {owed}."


def _owed(booking: Booking, made: list[Payment]) -> Fraction:
    ended = booking.cancelled_at
    late = sum(Fraction(pay.amount) for pay in made if ended and pay.processed_at > ended)
    paid = sum(Fraction(pay.amount) for pay in made) - late
    total = Fraction(booking.total_amount)
    cancelled = booking.events.filter(event_type="CANCELLED").first()
    is_free = booking.confirmed_at is None or (
        cancelled is not None and cancelled.data.get("by") == "provider"
    )
    if booking.status == "DECLINED" or (ended and is_free):
        return Fraction(paid + late)
    kept, notice = (Fraction(0), None) if booking.confirmed_at is None else _kept(booking, made)
    kept = min(kept, paid)
    extra = max(paid - kept - total, 0)
    if booking.status != "CANCELLED" or booking.auto_cancelled or ended is None:
        return Fraction(extra + late)
    start = _agreed_start(booking) if ended < booking.start_at else booking.start_at
    hours = _hours(start, ended)
    return (
        extra + late + _back(paid - kept - extra, hours if notice is None else min(hours, notice))
    )


def _agreed_start(booking: Booking, until: int | None = None) -> datetime:
    """Return the start that the client counts on, before an event: the latest since a move."""
    starts: list[datetime] = []
    for event in booking.events.filter(event_type="RESCHEDULED").order_by("pk"):
        was, then = (
            datetime.fromisoformat(event.data[f"{key}_start_at"]) for key in ("old", "new")
        )
        starts = starts or [was]
        if until is not None and event.pk >= until:
            break
        if event.data.get("by") == "provider":
            starts.append(then)
        elif was != then:
            starts = [then]
    return max(starts, default=booking.start_at)


def _kept(booking: Booking, made: list[Payment]) -> tuple[Fraction, float | None]:
    """Return what is kept of parts that were given up, and the shortest notice of a move."""
    parts: list[list[Any]] = []
    shortest: float | None = None
    for event in booking.events.order_by("pk"):
        if event.event_type == "CONFIRMED":
            parts, shortest = [], None
        if event.event_type != "RESCHEDULED" or event.data.get("by") == "provider":
            continue
        was, then = (
            datetime.fromisoformat(event.data[f"{key}_start_at"]) for key in ("old", "new")
        )
        # Of values that stay as they are, an event says nothing.
        before, after = (
            Fraction(event.data.get(f"{key}_total_amount") or 0) for key in ("old", "new")
        )
        notice = _hours(_agreed_start(booking, event.pk), event.created_at)
        notice = notice if shortest is None else min(notice, shortest)
        if after < before:
            parts.append([event.created_at, before, after, notice])
        while after > before and parts:
            _at, part_before, part_after, _notice = parts.pop()
            step = min(after - before, part_before - part_after)
            before += step
            if part_after + step < part_before:
                parts.append([_at, part_before, part_after + step, _notice])
        if was != then:
            shortest = notice
    kept = Fraction(0)
    for at, before, after, notice in parts:
        paid = sum(Fraction(pay.amount) for pay in made if pay.processed_at <= at)
        of_part = min(max(paid - kept - after, Fraction(0)), before - after)
        kept += of_part - _back(of_part, notice)
    return kept, shortest


def _hours(start: datetime, at: datetime) -> float:
    return (start - at).total_seconds() / HOUR


def _back(amount: Fraction, hours: float) -> Fraction:
    percent = 100 if hours >= 24 else 50 if hours >= 6 else 0
    return Fraction(floor(amount * percent + Fraction(1, 2)), 100)
