"""What was paid for bookings, what is to be refunded and what is owed. Nothing here writes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import models, router

from bookings.contrib.payments.balances import (
    BookingBalance,
    adjust_refund,
    read_all_balances,
    read_balance,
)
from bookings.contrib.payments.models import RefundDue
from bookings.contrib.payments.refund_rules import ZERO
from bookings.models import Booking, arguments
from bookings.rules import validation
from bookings.services import references
from bookings.services.history import on_behalf_data


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


class IfCancelled(NamedTuple):
    """What follows for the money of a booking if it is cancelled now, in its currency."""

    paid: Decimal
    """What was paid, less what was refunded."""
    refund: Decimal
    """What would still be to be refunded."""
    fee: Decimal
    """The fee that the payments would not cover."""


def refunds_and_fees_if_cancelled(
    bookings: Sequence[Booking], *, by: str = "client", now_dt: datetime | None = None
) -> list[IfCancelled]:
    """Return what would follow if active bookings were cancelled now, in a few queries for all.

    :param bookings: stored bookings, pending or confirmed.
    :param by: on whose behalf, ``client`` or ``provider``: on the provider's, everything that was
        paid is refunded.
    :param now_dt: the instant of the cancellation; the default is now.
    :returns: one answer for each booking, in their order.
    :raises MissingReference: a booking is not saved.
    :raises InvalidBooking: ``bookings`` is no list, ``now_dt`` is no aware datetime, or ``by`` is
        neither of the two.
    """
    now = references.resolve_now(now_dt)
    on_behalf_data(by)
    bookings = validation.as_list(bookings, "bookings")
    rows = {arguments.saved_booking(booking).pk: booking for booking in bookings}
    using = router.db_for_read(RefundDue)
    dues = RefundDue.objects.using(using).filter(booking__in=rows)
    due_of = {due.booking_id: due for due in dues}
    answers = {}
    for balance in read_all_balances(rows, using=using):
        key = balance.booking.pk
        answer = balance.refund_and_fee_if_cancelled(now, by=by)
        refund = adjust_refund(answer.refund, due_of.get(key)) - balance.refunded
        paid = balance.paid - balance.refunded
        answers[key] = IfCancelled(paid, max(refund, ZERO), answer.fee_due)
    return [answers[booking.pk] for booking in bookings]


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
