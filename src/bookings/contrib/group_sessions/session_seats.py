"""Seats of a session for a booking: who may take them, what they cost, and what is stored."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.adapters import get_adapter
from bookings.contrib.group_sessions import waitlist
from bookings.contrib.group_sessions.exceptions import (
    AlreadyBooked,
    StaleSession,
)
from bookings.contrib.group_sessions.locked_session import (
    free_seats,
    read_locked,
    unguarded_sessions,
)
from bookings.contrib.group_sessions.models import Seat, Session, WaitlistEntry
from bookings.contrib.group_sessions.session_rules import check_takes_bookings, session_claim
from bookings.exceptions import CapacityExceeded
from bookings.ledger import claims
from bookings.ledger.locked import fresh
from bookings.models import Booking, client_identity
from bookings.rules import prices, service_rules
from bookings.services import references
from bookings.services.booking_change import has_lapsed
from bookings.services.expire import expire_hold
from bookings.services.same_client import has_same_name

UNCHANGED_FIELDS: Final = ("service_id", "provider_id", "start_at", "end_at", "price_amount")
"""What a client agrees to: if the stored session differs, the client has to be asked again."""

ENTRY_FIELDS: Final = ("client_name", "client_email", "client_phone", "client_user_id")


class SessionSeats:
    """The seats of one session, as :class:`~bookings.services.new_booking.SessionTime` of a
    booking.

    ``session`` is the session as the caller has read it. ``from_waitlist`` says that the client
    waited for the seats. ``override_policy`` (staff) lifts a closed booking and the precedence of
    the waitlist.
    """

    def __init__(
        self, session: Session, *, from_waitlist: bool = False, override_policy: bool = False
    ) -> None:
        self.session = session
        self.from_waitlist = from_waitlist
        self.override_policy = override_policy
        self.seats_left = 0

    @property
    def key(self) -> Any:
        return self.session.pk

    def apply_to(
        self, booking: Booking, rules: service_rules.ServiceRules, zone: service_rules.Zone
    ) -> None:
        session = self.session
        booking.end_at = session.end_at
        booking.buffer_before_minutes = session.buffer_before_minutes
        booking.buffer_after_minutes = session.buffer_after_minutes
        booking.location, booking.meeting_link = session.location, session.meeting_link
        service_price = rules.price_of(session.start_at, session.end_at, zone)
        seat_price = service_price if session.price_amount is None else session.price_amount
        if seat_price != service_price and rules.pricing_type in service_rules.DERIVED_PRICES:
            # The session's own price is not derived from the price of the service.
            booking.pricing_type = service_rules.FIXED
        # Check the price of one seat, so that it is valid whatever the number of seats.
        prices.check_payable(seat_price, booking.currency, "price_amount")
        booking.price_amount = None if seat_price is None else seat_price * booking.party_size

    def claim(self, booking: Booking) -> claims.Claim:
        return session_claim(self.session, booking.party_size)

    def check_open(self, booking: Booking, *, now: datetime, using: str) -> None:
        row = read_locked(self.session, using=using)
        self.check_row(row, now)
        check_client_not_booked(
            row, booking, named=has_named_seats(booking.service), now=now, using=using
        )
        self.check_seats(booking, free_seats(row, using=using))
        if self.asks_waitlist:
            waitlist.check_no_precedence(row, using=using)

    def check_row(self, row: Session, now: datetime) -> None:
        """Raise a ``BookingError`` if the stored session takes no bookings, or has changed."""
        check_takes_bookings(row, now, override_policy=self.override_policy)
        if any(getattr(row, name) != getattr(self.session, name) for name in UNCHANGED_FIELDS):
            raise StaleSession(_("The session has changed since it was read. Read it again."))

    def check_seats(self, booking: Booking, remaining: int) -> None:
        """Raise ``CapacityExceeded`` if fewer seats are free."""
        if booking.party_size > remaining:
            raise CapacityExceeded(
                _("Not enough seats are left: %(asked)d asked for, %(remaining)d free."),
                params={"asked": booking.party_size},
                remaining=remaining,
            )
        self.seats_left = remaining - booking.party_size

    @property
    def asks_waitlist(self) -> bool:
        """Whether those who wait may come first."""
        return not (self.from_waitlist or self.override_policy)

    def record(self, booking: Booking, *, using: str) -> None:
        seat = Seat(session_id=self.session.pk, booking=booking, client_key=seat_key(booking))
        seat.save(using=using, force_insert=True)
        self.after_seats_are_taken(booking, using=using)

    def after_seats_are_taken(self, booking: Booking, *, using: str) -> None:
        """Take the client off the waitlist, and close a session that is full and has none.

        For a client from the waitlist, the promotion does both.
        """
        if self.from_waitlist:
            return
        named = has_named_seats(booking.service)
        waitlist.accept_entries(self.session.pk, booking, named=named, using=using)
        if not self.seats_left:
            unguarded_sessions(using).filter(
                pk=self.session.pk, status=Session.Status.SCHEDULED, enable_waitlist=False
            ).update(status=Session.Status.BOOKING_CLOSED)


def has_named_seats(service: Any) -> bool:
    """Return whether the adapter says that each name is a client of its own in this service."""
    return get_adapter().named_seats(service)


def seat_key(booking: Booking) -> str | None:
    """Return the ``client_key`` of the seat of a booking; null if the booking is not active."""
    if not booking.holds_time:
        return None
    return client_identity.digest(booking, named=has_named_seats(booking.service))


def check_more_seats(booking: Booking, *, now: datetime, using: str, override_policy: bool) -> None:
    """Raise a ``BookingError`` if the booking is a seat whose session takes no more bookings.

    ``override_policy`` lifts a closed booking and the precedence of the waitlist.
    """
    sessions = unguarded_sessions(using).filter(seats__booking=booking)
    session = fresh(sessions).first()
    if session is None:
        return
    check_takes_bookings(session, now, override_policy=override_policy)
    if not override_policy:
        waitlist.check_no_precedence(session, using=using)


def new_seat_booking(
    session: Session, entry: WaitlistEntry | None = None, *, using: str, **values: Any
) -> Booking:
    """Return an unsaved booking of seats in the session.

    The client is that of the waitlist ``entry``; without one, ``values`` name the client.
    """
    if entry is not None:
        values |= {name: getattr(entry, name) for name in ENTRY_FIELDS}
        values["created_by_id"] = entry.created_by_id
        # Reuse what has been read for this session, instead of reading it for each entry.
        for name in ("service", "provider"):
            field: Any = Session._meta.get_field(name)
            if field.is_cached(session):
                values[name] = getattr(session, name)
    booking = Booking(
        tenant_id=session.tenant_id,
        start_at=session.start_at,
        capacity_consumed=values["party_size"],
        **{"service_id": session.service_id, "provider_id": session.provider_id} | values,
    )
    references.load_related(booking, "service", "provider", using=using)
    return booking


def check_client_not_booked(
    session: Session, client: Booking | WaitlistEntry, *, named: bool, now: datetime, using: str
) -> None:
    """Raise ``AlreadyBooked`` if the client has another active booking in the session.

    Where seats are ``named``, a booking in another name is no other booking of the client. Holds
    that have expired do not count, and are expired instead.
    """
    bookings = fresh(Booking.objects.using(using).active()).filter(
        client_identity.same_client(client), seat__session=session
    )
    if isinstance(client, Booking):
        bookings = bookings.exclude(pk=client.pk)
    refuse_booked(bookings.order_by("pk"), client, named=named, now=now)


def refuse_booked(
    bookings: Iterable[Booking], client: Booking | WaitlistEntry, *, named: bool, now: datetime
) -> None:
    """Raise ``AlreadyBooked`` for a booking of the client in a session, or expire a hold that is
    due.
    """
    for booked in bookings:
        if named and not has_same_name(booked, client):
            continue
        if not has_lapsed(booked, now):
            raise AlreadyBooked(
                _(
                    "The client has booked this session already. Change the party size of that "
                    "booking."
                ),
                reference=booked.reference,
            )
        expire_hold(booked, now=now)
