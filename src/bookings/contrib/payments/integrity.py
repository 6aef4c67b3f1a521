"""What ``check_bookings`` verifies of payments: refunds add up, and what is due is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any, Final

from django.db.models import Exists, OuterRef, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from bookings.contrib.payments import balances
from bookings.contrib.payments.models import Payment, RefundDue
from bookings.contrib.payments.refund_rules import ZERO
from bookings.contrib.payments.refunds_due import update_refunds_due
from bookings.integrity import Problem
from bookings.models import Booking
from bookings.services.booking_change import LockedBooking, with_locked_booking

INVARIANT: Final = 11
CHUNK_SIZE: Final = 500


def find_problems(using: str) -> Iterator[Problem]:
    """Yield what is wrong with the app's rows, for :func:`bookings.integrity.find_problems`."""
    yield from check_refunds_add_up(using)
    yield from check_refunds_due(using)


def check_refunds_add_up(using: str) -> Iterator[Problem]:
    """Yield payments whose ``amount_refunded`` is not the sum of their refunds.

    There is no repair: only the payment provider knows which of the two is right.
    """
    payments = Payment.objects.using(using).annotate(sum=Sum("refunds__amount", default=ZERO))
    rows = payments.values_list("external_id", "amount_refunded", "sum")
    for external_id, amount_refunded, refunds_sum in rows.iterator():
        # Compared here and not by the database: SQLite adds binary fractions.
        if refunds_sum != amount_refunded:
            yield Problem(
                INVARIANT,
                _("Payment %(payment)s: %(known)s is noted as refunded, its refunds are %(sum)s.")
                % {"payment": external_id, "known": amount_refunded, "sum": refunds_sum},
            )


def check_refunds_due(using: str) -> Iterator[Problem]:
    """Yield bookings whose stored ``RefundDue`` is wrong; the repair calculates it anew."""
    made = Payment.objects.using(using).made().filter(booking=OuterRef("pk"))
    paid_bookings = Booking.objects.using(using).filter(Exists(made)).values_list("pk", flat=True)
    keys = paid_bookings.iterator()
    while chunk := list(islice(keys, CHUNK_SIZE)):
        suspects = [booking.pk for booking, _due, _stored in _find_differences(chunk, using)]
        # A change between two of the reads looks like a difference too, so suspects are read again.
        for booking, due, stored in _find_differences(suspects, using):
            yield Problem(
                INVARIANT,
                _("%(booking)s: %(due)s is to go back, and %(outstanding)s is on record.")
                % {"booking": booking, "due": due, "outstanding": stored},
                partial(_repair_refund_due, booking),
            )


def _find_differences(
    keys: Sequence[Any], using: str
) -> Iterator[tuple[Booking, Decimal, Decimal]]:
    """Yield bookings with a wrong outstanding refund, with the right amount and the stored one."""
    bookings = Booking.objects.using(using).in_bulk(keys)
    rows = RefundDue.objects.using(using).filter(booking_id__in=keys)
    stored = {row.booking_id: row for row in rows}
    for balance in balances.read_balances(bookings, using=using):
        row = stored.get(balance.booking.pk)
        outstanding = ZERO if row is None else row.outstanding
        due = max(balance.total_refund(row) - balance.refunded, ZERO)
        if due != outstanding:
            yield balance.booking, due, outstanding


def _repair_refund_due(booking: Booking) -> None:
    now = timezone.now()

    def act(locked: LockedBooking) -> None:
        paid = balances.lock_balances({locked.row.pk: locked.row}, using=locked.using)
        update_refunds_due(paid, using=locked.using, now=now)

    with_locked_booking(booking, act, now=now)
