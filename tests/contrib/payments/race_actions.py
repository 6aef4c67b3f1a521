"""What racing processes do with money, and what is stored before and after a race."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from bookings.contrib.payments import services
from bookings.contrib.payments.models import (
    Payment,
    Refund,
    RefundDue,
    RefundPolicy,
)
from bookings.contrib.payments.refund_rules import Tier
from bookings.models import Booking
from tests.contrib.payments.audit import audit
from tests.races import race_database, scenarios
from tests.races.actions import stored
from tests.races.scenarios import NOW, START

Run = Callable[[], Any]


def pay(*, booking: Any, **values: Any) -> Run:
    """Record a payment; what became of it."""
    row = Booking.objects.get(pk=booking)
    return lambda: str(services.record_payment(row, **values).outcome)


def refund(*, payment: Any, **values: Any) -> Run:
    """Record a refund; its key."""
    row = Payment.objects.get(pk=payment)
    return lambda: services.record_refund(row, **values).pk


def set_policy(*, service: Any, percent: int) -> Run:
    """Set a refund policy of two tiers that both tell who has set it."""
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


# Before and after the race


def one_hold(*, expires_at: datetime) -> dict[str, Any]:
    scene = scenarios.one_booking(expires_at=expires_at, price_amount=100)
    return {"booking": scene["booking"]}


def one_hold_and_its_time(*, expires_at: datetime) -> dict[str, Any]:
    """Return the hold, and what somebody else books its time with."""
    scene = scenarios.one_booking(expires_at=expires_at, price_amount=100)
    return {
        "hold": {"booking": scene["booking"]},
        "time": {name: scene[name] for name in ("service", "provider")} | {"start_at": START},
    }


def one_payment() -> dict[str, Any]:
    """A payment of 100 for a booking."""
    scene = scenarios.one_booking(price_amount=100)
    row = Booking.objects.get(pk=scene["booking"])
    paid = services.record_payment(row, amount=100, external_id="pay_1", now_dt=NOW)
    return {"booking": row.pk, "payment": paid.payment.pk}


def many_bookings(*, number: int) -> list[Any]:
    """Each with a provider of its own, so that no calendar orders them."""
    host = race_database.set_up(price_amount=100)
    return [
        scenarios.add_booking(service=host["service"], provider=provider, start_at=START)
        for provider in race_database.add_providers(number=number)
    ]


def one_service() -> Any:
    """Without a policy."""
    return race_database.set_up()["service"]


def policies() -> list[list[tuple[int, int]]]:
    """Of each, its tiers: their notice in minutes, and what goes back in percent."""
    return [
        [(tier.notice_minutes, int(tier.refund_percent)) for tier in policy.rules().tiers]
        for policy in RefundPolicy.objects.all()
    ]


def stored_amounts() -> dict[str, Any]:
    """The payments, refunds and amounts due that are stored, and what is wrong with them."""
    return {
        "payments": list(Payment.objects.values_list("external_id", "status")),
        "refunds": Refund.objects.count(),
        "refunded": float(sum(row.amount for row in Refund.objects.all())),
        "due": [float(row.outstanding) for row in RefundDue.objects.all()],
        "status": list(Booking.objects.values_list("status", flat=True)),
        "wrong": audit(),
    }
