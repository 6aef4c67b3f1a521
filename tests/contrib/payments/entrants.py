"""What a racer does with money, and what a referee says of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from bookings.contrib.payments import services
from bookings.contrib.payments.models import (
    Payment,
    Refund,
    RefundDue,
    RefundPolicy,
    RefundTier,
)
from bookings.contrib.payments.tiers import Tier
from bookings.models import Booking
from tests.contrib.payments.audit import audit
from tests.races import referee, scenes
from tests.races.entrants import stored
from tests.races.scenes import NOW, START

Run = Callable[[], Any]
EVERYTHING = (RefundDue, Refund, Payment, RefundTier, RefundPolicy)


def pay(*, booking: Any, **values: Any) -> Run:
    """Record a payment; what became of it."""
    row = Booking.objects.get(pk=booking)
    return lambda: str(services.record_payment(row, **values).outcome)


def refund(*, payment: Any, **values: Any) -> Run:
    """Record a refund; its key."""
    row = Payment.objects.get(pk=payment)
    return lambda: services.record_refund(row, **values).pk


def lay_down(*, service: Any, percent: int) -> Run:
    """Set a refund policy of two tiers that both say who laid it down."""
    row = None if service is None else stored("SERVICE_MODEL", service)
    tiers = [
        Tier(notice_minutes=notice, refund_percent=Decimal(percent))
        for notice in (60 * (percent + 1), percent)
    ]
    return lambda: services.set_refund_policy(tiers, service=row).pk


def refund_without_lock(*, payment: Any, amount: int, **values: Any) -> Run:
    """As ``refund``, by whoever looks first and writes afterwards."""
    row = Payment.objects.get(pk=payment)

    def look_and_write() -> Any:
        row.refresh_from_db()
        assert row.amount_refunded + amount <= row.amount
        told = Refund.objects.create(
            payment=row, amount=amount, external_id=values["external_id"], processed_at=NOW
        )
        row.amount_refunded += amount
        row.save()
        return told.pk

    return look_and_write


# The referee's


def one_hold(*, expires_at: datetime) -> dict[str, Any]:
    _clear()
    scene = scenes.one_booking(expires_at=expires_at, price_amount=100)
    return {"booking": scene["booking"]}


def one_payment() -> dict[str, Any]:
    """A payment of 100 for a booking."""
    _clear()
    scene = scenes.one_booking(price_amount=100)
    row = Booking.objects.get(pk=scene["booking"])
    paid = services.record_payment(row, amount=100, external_id="pay_1", now_dt=NOW)
    return {"booking": row.pk, "payment": paid.payment.pk}


def many_bookings(*, number: int) -> list[Any]:
    """Each with a provider of its own, so that no calendar orders them."""
    _clear()
    host = referee.set_up(price_amount=100)
    return [
        scenes.add_booking(service=host["service"], provider=provider, start_at=START)
        for provider in referee.hire(number=number)
    ]


def one_service() -> Any:
    """Without a policy."""
    _clear()
    return referee.set_up()["service"]


def policies() -> list[list[tuple[int, int]]]:
    """Of each, its tiers: their notice in minutes, and what goes back in percent."""
    return [
        [(tier.notice_minutes, int(tier.refund_percent)) for tier in policy.rules().tiers]
        for policy in RefundPolicy.objects.all()
    ]


def money() -> dict[str, Any]:
    """Everything that is to be told about it."""
    return {
        "payments": list(Payment.objects.values_list("external_id", "status")),
        "refunds": Refund.objects.count(),
        "refunded": float(sum(row.amount for row in Refund.objects.all())),
        "due": [float(row.outstanding) for row in RefundDue.objects.all()],
        "status": list(Booking.objects.values_list("status", flat=True)),
        "wrong": audit(),
    }


def _clear() -> None:
    with connection.cursor() as cursor:
        for model in EVERYTHING:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(model._meta.db_table)}")
