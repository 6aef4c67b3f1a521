"""A booking's money: what was paid, what went back, and what by its rules has to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from bookings.contrib.payments.agreement import rules_of
from bookings.contrib.payments.models import Payment
from bookings.contrib.payments.models.payment import PaymentQuerySet
from bookings.contrib.payments.tiers import FULL, NOTHING, ZERO, Split, Tier, split
from bookings.models import Booking
from bookings.money import rounded

WITHOUT_SERVICE: Final = {
    Booking.Status.CANCELLED,
    Booking.Status.DECLINED,
    Booking.Status.NO_SHOW,
}


@dataclass(frozen=True, slots=True)
class Account:
    """A booking and its payments that were made, as they are stored."""

    booking: Booking
    payments: Sequence[Payment]

    @property
    def paid(self) -> Decimal:
        return sum((payment.amount for payment in self.payments), ZERO)

    @property
    def refunded(self) -> Decimal:
        return sum((payment.amount_refunded for payment in self.payments), ZERO)

    @property
    def total(self) -> Decimal | None:
        """The booking's total, to the minor unit that can be paid."""
        total = self.booking.total_amount
        return None if total is None else rounded(total, self.booking.currency)

    @property
    def amount_due(self) -> Decimal:
        """What has still to be paid of the total; nothing for what does not take place."""
        if self.booking.status in WITHOUT_SERVICE:
            return ZERO
        return max((self.total or ZERO) - (self.paid - self.refunded), ZERO)

    def split(self) -> Split:
        """What has to go back, and what is owed, as the booking stands."""
        booking = self.booking
        if booking.status == Booking.Status.DECLINED or self._was_never_accepted:
            return self._by(FULL)
        if booking.status == Booking.Status.NO_SHOW:
            return self._by(rules_of(booking).no_show)
        # Nobody has said what became of a booking that ran out confirmed: for staff to decide.
        if booking.status == Booking.Status.CANCELLED and not booking.auto_cancelled:
            return self._by(self._tier_at(booking.cancelled_at))
        return self._by(NOTHING)

    def owed_back(self, granted: Decimal) -> Decimal:
        """All that has to go back, with what went back already; at least what staff granted."""
        return max(self.split().refund, granted)

    def split_if_cancelled(self, now: datetime) -> Split:
        """What would have to go back, and what would be owed, if it were cancelled now."""
        if self.booking.status == Booking.Status.CONFIRMED:
            return self._by(self._tier_at(now))
        return self._by(FULL)

    @property
    def _was_never_accepted(self) -> bool:
        booking = self.booking
        return booking.status == Booking.Status.CANCELLED and booking.confirmed_at is None

    def _tier_at(self, moment: Any) -> Tier:
        return rules_of(self.booking).tier_at(self.booking.start_at - moment)

    def _by(self, tier: Tier) -> Split:
        late = sum((payment.amount for payment in self.payments if self._is_late(payment)), ZERO)
        return split(
            tier,
            paid=self.paid - late,
            total=self.total,
            currency=self.booking.currency,
            paid_afterwards=late,
        )

    def _is_late(self, payment: Payment) -> bool:
        """Whether it was made for a booking that had been cancelled or declined already."""
        ended = self.booking.cancelled_at
        return (
            ended is not None and payment.processed_at is not None and payment.processed_at > ended
        )


def read(booking: Booking, *, using: str) -> Account:
    """The account of one booking, for reading only."""
    return Account(booking, list(Payment.objects.using(using).made().filter(booking=booking)))


def read_paid(bookings: dict[Any, Booking], *, using: str) -> list[Account]:
    """The accounts of those of these bookings that have been paid for, for reading only."""
    paid = _by_booking(Payment.objects.using(using), bookings.keys())
    return [Account(bookings[key], payments) for key, payments in paid.items()]


def lock(bookings: dict[Any, Booking], *, using: str) -> list[Account]:
    """The accounts of those of these locked bookings that have been paid for, in part or whole."""
    paid = _locked_payments(bookings.keys(), using=using)
    return [Account(bookings[key], payments) for key, payments in paid.items()]


def lock_changed(booking_ids: Iterable[Any], *, using: str) -> list[Account]:
    """As :func:`lock`, of bookings that this transaction has written, and so can read."""
    paid = _locked_payments(booking_ids, using=using)
    bookings = Booking._base_manager.using(using).in_bulk(paid)
    return [Account(bookings[key], payments) for key, payments in paid.items()]


def _locked_payments(booking_ids: Iterable[Any], *, using: str) -> dict[Any, list[Payment]]:
    # A plain read in a snapshot of MySQL's may be older than the lock.
    return _by_booking(Payment.objects.using(using).select_for_update(), booking_ids)


def _by_booking(payments: PaymentQuerySet, booking_ids: Iterable[Any]) -> dict[Any, list[Payment]]:
    paid = defaultdict(list)
    for payment in payments.made().filter(booking_id__in=booking_ids).order_by("pk"):
        paid[payment.booking_id].append(payment)
    return paid
