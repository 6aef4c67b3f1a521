"""What was paid, what has to go back, and what is owed; nothing here writes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models, router

from bookings.contrib.payments import accounts
from bookings.contrib.payments.models import RefundDue
from bookings.contrib.payments.tiers import ZERO
from bookings.models import Booking
from bookings.services import inputs


def amount_paid(booking: Booking) -> Decimal:
    """What was paid for a booking and has not gone back."""
    account = _account(booking)
    return account.paid - account.refunded


def amount_due(booking: Booking) -> Decimal:
    """What has still to be paid of a booking's total.

    Nothing of one that was cancelled, declined or missed: what is owed for that is its fee.
    """
    return _account(booking).amount_due


def refund_due(booking: Booking, *, now_dt: datetime | None = None) -> Decimal:
    """What has still to go back to a booking's client.

    Of a pending or confirmed booking, what would have to if it were cancelled now: what to tell a
    client who asks.
    """
    row = RefundDue.objects.using(_using(booking)).filter(booking=booking).first()
    if booking.holds_time:
        account = _account(booking)
        refund = account.split_if_cancelled(inputs.moment(now_dt)).refund
        granted = ZERO if row is None else row.granted
        return max(max(refund, granted) - account.refunded, ZERO)
    return ZERO if row is None else row.outstanding


def fee_due(booking: Booking, *, now_dt: datetime | None = None) -> Decimal:
    """What a client still owes for having cancelled late or not come, beyond what is kept.

    Of a pending or confirmed booking, what would be owed if it were cancelled now.
    """
    account = _account(booking)
    if booking.holds_time:
        return account.split_if_cancelled(inputs.moment(now_dt)).fee_due
    return account.split().fee_due


def list_refunds_due(*, tenant: Any = None) -> models.QuerySet[RefundDue]:
    """What has to go back, to whom, the longest due first."""
    rows = RefundDue.objects.outstanding().select_related("booking")
    return rows if tenant is None else rows.filter(booking__tenant=tenant)


def _account(booking: Booking) -> accounts.Account:
    return accounts.read(booking, using=_using(booking))


def _using(booking: Booking) -> str:
    return router.db_for_read(RefundDue, instance=booking)
