"""What was paid for bookings, what is to be refunded and what is owed. Nothing here writes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models, router

from bookings.contrib.payments.balances import BookingBalance, adjust_refund, read_balance
from bookings.contrib.payments.models import RefundDue
from bookings.contrib.payments.refund_rules import ZERO
from bookings.models import Booking, arguments
from bookings.services import references


def amount_paid(booking: Booking) -> Decimal:
    """Return what was paid for a booking, less what was refunded.

    :param booking: a stored booking.
    :returns: the amount, in the booking's currency.
    :raises MissingReference: the booking is not saved, or has been deleted.
    """
    balance = _read(booking)
    return balance.paid - balance.refunded


def amount_due(booking: Booking) -> Decimal:
    """Return what is still to be paid of a booking's total.

    :param booking: a stored booking.
    :returns: the amount, in the booking's currency. It is zero for a booking that was cancelled,
        declined or marked as a no-show: what is owed for that is :func:`fee_due`.
    :raises MissingReference: the booking is not saved, or has been deleted.
    """
    return _read(booking).amount_due


def refund_due(booking: Booking, *, now_dt: datetime | None = None) -> Decimal:
    """Return what is still to be refunded for a booking.

    :param booking: a stored booking. Of a pending or confirmed one the result is what would be to
        be refunded if it were cancelled now: show it to a client who wants to cancel.
    :param now_dt: the instant of that cancellation; the default is now.
    :returns: the amount, in the booking's currency.
    :raises MissingReference: the booking is not saved, or has been deleted.
    :raises InvalidBooking: ``now_dt`` is no aware datetime.
    """
    now = references.resolve_now(now_dt)
    row = RefundDue.objects.using(_using(booking)).filter(booking=booking).first()
    if booking.holds_time:
        balance = _read(booking)
        refund = balance.refund_and_fee_if_cancelled(now).refund
        return max(adjust_refund(refund, row) - balance.refunded, ZERO)
    return ZERO if row is None else row.outstanding


def fee_due(booking: Booking, *, now_dt: datetime | None = None) -> Decimal:
    """Return the fee for a late cancellation or a no-show that the payments do not cover.

    :param booking: a stored booking. Of a pending or confirmed one the result is the fee that would
        be owed if it were cancelled now.
    :param now_dt: the instant of that cancellation; the default is now.
    :returns: the amount, in the booking's currency.
    :raises MissingReference: the booking is not saved, or has been deleted.
    :raises InvalidBooking: ``now_dt`` is no aware datetime.
    """
    now = references.resolve_now(now_dt)
    balance = _read(booking)
    if booking.holds_time:
        return balance.refund_and_fee_if_cancelled(now).fee_due
    return balance.refund_and_fee().fee_due


def list_refunds_due(*, tenant: Any = None) -> models.QuerySet[RefundDue]:
    """Return what is to be refunded, the longest due first, with the bookings.

    :param tenant: only bookings of this tenant; ``None`` for those of all.
    :returns: a queryset of ``RefundDue``.
    :raises InvalidBooking: the tenant is not saved.
    :raises TenantMismatch: a tenant is given without tenancy.
    """
    tenant = arguments.saved_tenant(tenant)
    rows = RefundDue.objects.outstanding().select_related("booking")
    return rows if tenant is None else rows.filter(booking__tenant=tenant)


def _read(booking: Booking) -> BookingBalance:
    return read_balance(booking, using=_using(booking))


def _using(booking: Booking) -> str:
    return router.db_for_read(RefundDue, instance=arguments.saved_booking(booking))
