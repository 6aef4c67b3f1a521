"""A session as the occasion of a new booking: what a seat in it takes, and who gets one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from bookings import claims, clients, policies, prices
from bookings.contrib.group_sessions.conf import STRICT, sessions_settings
from bookings.contrib.group_sessions.exceptions import (
    AlreadyBooked,
    SessionNotOpen,
    StaleSession,
    WaitlistRefused,
)
from bookings.contrib.group_sessions.locking import lock_interval, lock_row, rows
from bookings.contrib.group_sessions.models import Seat, Session, WaitlistEntry
from bookings.contrib.group_sessions.rules import check_coming, check_not_begun, claim_of
from bookings.exceptions import CapacityExceeded
from bookings.models import Booking
from bookings.services import expire_booking


class SeatOccasion:
    """Seats of one session, as whoever asks for them has read it.

    ``is_promoted`` are those who have waited for them; ``override_policy`` lets staff book where
    booking is closed, or past those who wait.
    """

    def __init__(
        self, session: Session, *, is_promoted: bool = False, override_policy: bool = False
    ) -> None:
        self.session = session
        self.is_promoted = is_promoted
        self.override_policy = override_policy
        self.left = 0

    def shape(self, booking: Booking, rules: policies.ServiceRules) -> None:
        session = self.session
        booking.end_at = session.end_at
        booking.buffer_before_minutes = session.buffer_before_minutes
        booking.buffer_after_minutes = session.buffer_after_minutes
        of_service = rules.price_of(session.end_at - session.start_at)
        of_seat = of_service if session.price_amount is None else session.price_amount
        if of_seat != of_service and rules.pricing_type in policies.MAKES_PRICES:
            # It is not what the service's type makes of the service's price.
            booking.pricing_type = policies.FIXED
        # Of one seat, or whether it can be paid would depend on how many there are.
        prices.check_payable(of_seat, booking.currency, "price_amount")
        booking.price_amount = None if of_seat is None else of_seat * booking.party_size

    def claim(self, booking: Booking) -> claims.Claim:
        return claim_of(self.session, booking.party_size)

    def admit(self, booking: Booking, *, now: datetime, using: str) -> None:
        row = lock_row(self.session, using=using)
        check_coming(row)
        check_not_begun(row, now)
        self._check_open(row)
        self._check_unchanged(row)
        check_not_booked(row, clients.key(booking), now=now, using=using)
        interval = lock_interval(row, using=using)
        free = 0 if interval is None else interval.seats_free
        if booking.party_size > free:
            raise CapacityExceeded(
                _("Not enough seats are left: %(asked)d asked for, %(remaining)d free."),
                params={"asked": booking.party_size, "remaining": free},
            )
        self._check_turn(row, using)
        self.left = free - booking.party_size

    def enter(self, booking: Booking, *, using: str) -> None:
        key = clients.key(booking)
        Seat(session_id=self.session.pk, booking=booking, client_key=key).save(
            using=using, force_insert=True
        )
        self.settle(booking, key, using=using)

    def settle(self, booking: Booking, key: str | None, *, using: str) -> None:
        """Once the seats are taken: who got them waits no more, and who is last closes the door."""
        if self.is_promoted:
            return
        if key is not None:
            wait_no_more(self.session.pk, key, booking.pk, using=using)
        if not self.left:
            scheduled = rows(using).filter(pk=self.session.pk, status=Session.Status.SCHEDULED)
            scheduled.filter(enable_waitlist=False).update(status=Session.Status.BOOKING_CLOSED)

    def _check_open(self, row: Session) -> None:
        if row.closed_by_staff and not self.override_policy:
            raise SessionNotOpen(_("Booking is closed for this session."), "booking_closed")

    def _check_unchanged(self, row: Session) -> None:
        names = ("service_id", "provider_id", "start_at", "end_at", "price_amount")
        if any(getattr(row, name) != getattr(self.session, name) for name in names):
            raise StaleSession(_("The session has changed since it was read. Read it again."))

    def _check_turn(self, row: Session, using: str) -> None:
        lifted = self.is_promoted or self.override_policy
        if not lifted and waits_anybody(row, using=using):
            raise WaitlistRefused(_("Others wait for these seats. Join them."), "others_wait")


def wait_no_more(session_id: Any, key: str, booking_id: Any, *, using: str) -> None:
    """Whoever has got seats otherwise does not wait for them."""
    places = WaitlistEntry.objects.using(using)
    # A plain read in a snapshot may be older than the lock.
    waiting = places.select_for_update().filter(session=session_id, client_key=key)
    place = waiting.values_list("pk", flat=True).first()
    if place is None:
        return
    # Seats that were moved, or given to somebody else, may have come from another place.
    places.filter(booking=booking_id).update(status=WaitlistEntry.Status.ACCEPTED, booking=None)
    places.filter(pk=place).update(
        status=WaitlistEntry.Status.ACCEPTED, client_key=None, booking_id=booking_id
    )


def waits_anybody(row: Session, *, using: str) -> bool:
    """Whether somebody waits whom the order of the waitlist lets nobody pass."""
    if sessions_settings.WAITLIST_ORDER != STRICT:
        return False
    waiting = WaitlistEntry.objects.using(using).waiting().select_for_update()
    return bool(waiting.filter(Q(party_size__lte=row.capacity), session=row).values_list("pk")[:1])


def check_not_booked(row: Session, key: str | None, *, now: datetime, using: str) -> None:
    """Refuse a client's second active booking, unless the first is a hold that has run out."""
    if key is None:
        return
    bookings = Booking.objects.using(using).select_for_update()
    booked: Any = bookings.filter(seat__session=row, seat__client_key=key).first()
    if booked is None:
        return
    if booked.status == Booking.Status.PENDING and booked.expires_at and booked.expires_at <= now:
        expire_booking(booked, now_dt=now)
        return
    raise AlreadyBooked(
        _("The client has booked this session already. Change the party size of that booking."),
        params={"reference": booked.reference},
    )
