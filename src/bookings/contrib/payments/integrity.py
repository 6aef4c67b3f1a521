"""What ``check_bookings`` also verifies: payments, refunds and what is due agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any, Final

from django.db.models import Exists, OuterRef, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from bookings.contrib.payments import accounts, settling
from bookings.contrib.payments.models import Payment, RefundDue
from bookings.contrib.payments.tiers import ZERO
from bookings.integrity import Problem, register
from bookings.models import Booking
from bookings.services.changes import Locked, under_lock

INVARIANT: Final = 11
CHUNK: Final = 500


@register
def refunds_add_up(using: str) -> Iterator[Problem]:
    """Not repaired: which of the two is right, only the payment provider knows."""
    payments = Payment.objects.using(using).annotate(went_back=Sum("refunds__amount", default=ZERO))
    rows = payments.values_list("external_id", "amount_refunded", "went_back")
    for external_id, known, went_back in rows.iterator():
        # Added up by the database, compared here: SQLite adds in binary fractions.
        if went_back != known:
            yield Problem(
                INVARIANT,
                _("Payment %(payment)s: %(known)s is noted as refunded, its refunds are %(sum)s.")
                % {"payment": external_id, "known": known, "sum": went_back},
            )


@register
def what_is_due_is_on_record(using: str) -> Iterator[Problem]:
    """Repaired by settling the booking again, under the lock."""
    made = Payment.objects.using(using).made().filter(booking=OuterRef("pk"))
    paid_for = Booking.objects.using(using).filter(Exists(made)).values_list("pk", flat=True)
    keys = paid_for.iterator()
    while chunk := list(islice(keys, CHUNK)):
        suspects = [booking.pk for booking, _due, _outstanding in _unsettled(chunk, using)]
        # Where others write meanwhile, what was read may be of several moments; so look again.
        for booking, due, outstanding in _unsettled(suspects, using):
            yield Problem(
                INVARIANT,
                _("%(booking)s: %(due)s is to go back, and %(outstanding)s is on record.")
                % {"booking": booking, "due": due, "outstanding": outstanding},
                partial(_settle, booking),
            )


def _unsettled(keys: Sequence[Any], using: str) -> Iterator[tuple[Booking, Decimal, Decimal]]:
    """Those of these bookings whose record differs, with what is due and what is on record."""
    bookings = Booking.objects.using(using).in_bulk(keys)
    rows = RefundDue.objects.using(using).filter(booking_id__in=keys)
    stored = {row.booking_id: row for row in rows}
    for account in accounts.read_paid(bookings, using=using):
        row = stored.get(account.booking.pk)
        granted, outstanding = (row.granted, row.outstanding) if row else (ZERO, ZERO)
        due = max(account.owed_back(granted) - account.refunded, ZERO)
        if due != outstanding:
            yield account.booking, due, outstanding


def _settle(booking: Booking) -> None:
    now = timezone.now()

    def act(at: Locked) -> None:
        paid_for = accounts.lock({at.row.pk: at.row}, using=at.using)
        settling.settle(paid_for, using=at.using, now=now)

    under_lock(booking, act, now=now)
