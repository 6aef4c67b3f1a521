"""The balance of a booking: what was paid and refunded, and what follows from its refund rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from bookings.contrib.payments.booking_history import (
    BookingHistory,
    GivenUpPart,
    read_histories,
)
from bookings.contrib.payments.models import Payment, RefundDue
from bookings.contrib.payments.models.payment import PaymentQuerySet
from bookings.contrib.payments.refund_rules import (
    NO_REFUND,
    ZERO,
    RefundAndFee,
    RefundRules,
    Tier,
    charge_for_part,
    divide_payments,
)
from bookings.contrib.payments.refund_terms import agreed_rules
from bookings.ledger.locked import fresh
from bookings.models import Booking
from bookings.rules.money import round_amount

STATUSES_WITHOUT_SERVICE: Final = {
    Booking.Status.CANCELLED,
    Booking.Status.DECLINED,
    Booking.Status.NO_SHOW,
}


@dataclass(frozen=True, slots=True)
class BookingBalance:
    """A booking, its history, and all of its payments, as they are stored."""

    booking: Booking
    payments: Sequence[Payment]
    history: BookingHistory

    @property
    def made(self) -> list[Payment]:
        """The payments that brought money."""
        return [payment for payment in self.payments if payment.is_made]

    @property
    def currency(self) -> str:
        """The currency of what was paid; until then the booking's."""
        return next((payment.currency for payment in self.made), self.booking.currency)

    @property
    def paid(self) -> Decimal:
        return sum((payment.amount for payment in self.made), ZERO)

    @property
    def refunded(self) -> Decimal:
        return sum((payment.amount_refunded for payment in self.made), ZERO)

    @property
    def total(self) -> Decimal | None:
        """The booking's total, rounded to the minor unit of its currency."""
        total = self.booking.total_amount
        return None if total is None else self._round(total)

    @property
    def amount_due(self) -> Decimal:
        """What is still to be paid of the total, and of the charge for parts that were given up.

        It is zero if the service is not given.
        """
        if self.booking.status in STATUSES_WITHOUT_SERVICE:
            return ZERO
        owed = (self.total or ZERO) + self.charge_for_parts
        return max(owed - (self.paid - self.refunded), ZERO)

    @property
    def charge_for_parts(self) -> Decimal:
        """What is owed for parts that the client has given up, beside the total.

        It depends on what had been paid until then, whatever is paid later.
        """
        rules, charge = self._rules, ZERO
        for part in self.history.parts if self.booking.confirmed_at is not None else ():
            tier = rules.tier_at(self._notice_of(part, rules))
            left_to_pay = self._round(part.total_left) + charge
            amount = self._round(part.amount)
            paid = max(self._paid_until(part.given_up_at) - left_to_pay, ZERO)
            charge += charge_for_part(
                tier, amount=amount, paid=min(paid, amount), currency=self.booking.currency
            )
        return charge

    def refund_and_fee(self) -> RefundAndFee:
        """Return what is to be refunded, and which fee is owed, as the booking is now."""
        booking = self.booking
        if booking.status == Booking.Status.DECLINED or self._ended_at_no_cost:
            return self._refund_everything()
        if booking.status == Booking.Status.NO_SHOW:
            return self._divide(self._rules.no_show)
        # A confirmed booking that was cancelled automatically has no recorded outcome, and
        # an imported booking may not say when it was cancelled, so staff decide.
        is_known = not booking.auto_cancelled and booking.cancelled_at is not None
        if booking.status == Booking.Status.CANCELLED and is_known:
            return self._divide(self._tier_at(booking.cancelled_at))
        return self._divide(NO_REFUND)

    def refund_and_fee_if_cancelled(self, now: datetime, *, by: str = "client") -> RefundAndFee:
        """Return what would be to be refunded, and which fee owed, if it were cancelled now.

        ``by`` is on whose behalf, ``client`` or ``provider``.
        """
        if self.booking.status == Booking.Status.CONFIRMED and by != "provider":
            return self._divide(self._tier_at(now))
        return self._refund_everything()

    def total_refund(self, due: RefundDue | None) -> Decimal:
        """Return all that is to be refunded, earlier refunds included.

        ``due`` is what is stored: what was waived is taken off, and what was granted is the least.
        """
        return adjust_refund(self.refund_and_fee().refund, due)

    @property
    def _rules(self) -> RefundRules:
        return agreed_rules(self.booking)

    @property
    def _ended_at_no_cost(self) -> bool:
        """Whether it was cancelled before it was ever confirmed, or on the provider's behalf."""
        was_cancelled = self.booking.status == Booking.Status.CANCELLED
        is_free = self.booking.confirmed_at is None or self.history.is_refunded_in_full
        return was_cancelled and is_free

    def _tier_at(self, cancelled_at: Any) -> Tier:
        rules, start_at = self._rules, self.booking.start_at
        notice = self.history.notice_at(
            cancelled_at,
            # Once the booking has begun, a later start that was agreed on before is past too.
            self.history.agreed_start_at if cancelled_at < start_at else start_at,
            from_first_start=rules.count_from_first_start,
            moves_before=len(self.history.moves),
        )
        return rules.tier_at(notice)

    def _notice_of(self, part: GivenUpPart, rules: RefundRules) -> timedelta:
        return self.history.notice_at(
            part.given_up_at,
            part.start_at,
            from_first_start=rules.count_from_first_start,
            moves_before=part.moves_before,
        )

    def _paid_until(self, instant: datetime) -> Decimal:
        return sum(
            (
                payment.amount
                for payment in self.made
                if payment.processed_at is None or payment.processed_at <= instant
            ),
            ZERO,
        )

    def _round(self, amount: Decimal) -> Decimal:
        return round_amount(amount, self.booking.currency)

    def _refund_everything(self) -> RefundAndFee:
        return RefundAndFee(refund=self.paid, fee_due=ZERO)

    def _divide(self, tier: Tier) -> RefundAndFee:
        late = sum((payment.amount for payment in self.made if self._is_late(payment)), ZERO)
        return divide_payments(
            tier,
            paid=self.paid - late,
            total=self.total,
            currency=self.currency,
            paid_late=late,
            charge=self.charge_for_parts,
        )

    def _is_late(self, payment: Payment) -> bool:
        """Return whether it was made after the booking had been cancelled or declined."""
        ended = self.booking.cancelled_at
        return (
            ended is not None and payment.processed_at is not None and payment.processed_at > ended
        )


def adjust_refund(refund: Decimal, due: RefundDue | None) -> Decimal:
    """Return a refund less what was waived, but at least what was granted."""
    return refund if due is None else max(refund - due.waived, due.granted)


def read_balance(booking: Booking, *, using: str) -> BookingBalance:
    """Return the balance of one booking, without a lock."""
    payments = Payment.objects.using(using).filter(booking=booking)
    histories = read_histories({booking.pk: booking}, using=using, locked=False)
    return BookingBalance(booking, list(payments), histories[booking.pk])


def read_balances(bookings: dict[Any, Booking], *, using: str) -> list[BookingBalance]:
    """Return the balances of those of these bookings that have payments, without a lock."""
    payments_of = _group_payments(Payment.objects.using(using), bookings.keys())
    return _balances(bookings, payments_of, using=using, locked=False)


def read_all_balances(bookings: dict[Any, Booking], *, using: str) -> list[BookingBalance]:
    """Return the balance of each of these bookings, in their order, without a lock."""
    payments_of = _group_payments(Payment.objects.using(using), bookings.keys())
    every = {key: payments_of[key] for key in bookings}
    return _balances(bookings, every, using=using, locked=False)


def lock_balances(bookings: dict[Any, Booking], *, using: str) -> list[BookingBalance]:
    """Return the balances of those of these locked bookings that have payments, and lock them."""
    return _balances(
        bookings, _lock_payments(bookings.keys(), using=using), using=using, locked=True
    )


def lock_balances_by_key(booking_ids: Iterable[Any], *, using: str) -> list[BookingBalance]:
    """Read bookings that this transaction has written, and return what :func:`lock_balances` does.

    Bookings without payments are not read.
    """
    payments_of = _lock_payments(booking_ids, using=using)
    bookings = Booking._base_manager.using(using).in_bulk(payments_of)
    return _balances(bookings, payments_of, using=using, locked=True)


def _balances(
    bookings: dict[Any, Booking],
    payments_of: dict[Any, list[Payment]],
    *,
    using: str,
    locked: bool,
) -> list[BookingBalance]:
    paid = {key: bookings[key] for key in payments_of}
    histories = read_histories(paid, using=using, locked=locked)
    return [
        BookingBalance(booking, payments_of[key], histories[key]) for key, booking in paid.items()
    ]


def _lock_payments(booking_ids: Iterable[Any], *, using: str) -> dict[Any, list[Payment]]:
    return _group_payments(fresh(Payment.objects.using(using)), booking_ids)


def _group_payments(
    payments: PaymentQuerySet, booking_ids: Iterable[Any]
) -> dict[Any, list[Payment]]:
    """Return the payments by the keys of their bookings."""
    payments_of = defaultdict(list)
    for payment in payments.filter(booking_id__in=booking_ids).order_by("pk"):
        payments_of[payment.booking_id].append(payment)
    return payments_of
