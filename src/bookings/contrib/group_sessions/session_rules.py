"""What a session has to comply with, and the time that it claims."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.contrib.group_sessions.exceptions import InvalidSession, SessionNotOpen
from bookings.contrib.group_sessions.models import Session
from bookings.exceptions import PastStart
from bookings.ledger import claims
from bookings.models import BusyInterval, field_validation
from bookings.protocols import BookingType
from bookings.rules import instants, prices, validation
from bookings.services import references
from bookings.services.offered_providers import OfferedProviders

VALIDATED_FIELDS: Final = ("title", "location", "meeting_link", "price_amount")

NOT_ACTIVE: Final = {
    Session.Status.CANCELLED: (_("The session is cancelled. Choose another."), "session_cancelled"),
    Session.Status.FINISHED: (_("The session is over. Choose another."), "session_finished"),
}


def validate_session(session: Session) -> None:
    """Raise ``InvalidBooking`` for values that the database would refuse or that make no sense."""
    validation.whole_number(session.capacity, "capacity", at_least=1)
    if session.waitlist_offer_minutes is not None:
        validation.whole_number(
            session.waitlist_offer_minutes,
            "waitlist_offer_minutes",
            at_least=1,
            at_most=validation.MAX_MINUTES,
        )
    if session.end_at <= session.start_at:
        raise InvalidSession(_("End time must be after start time."), "ends_before_start")
    session.price_amount = prices.parse_price(session.price_amount, "price_amount")
    field_validation.clean_fields(session, VALIDATED_FIELDS)


def check_offer_has_waitlist(session: Session) -> None:
    """Raise ``InvalidSession`` where seats are to be offered, but nobody can wait for them."""
    if session.waitlist_offer_minutes is not None and not session.enable_waitlist:
        raise InvalidSession(
            _(
                "Seats are offered to those who wait. Enable the waitlist, or leave the minutes of "
                "the offer empty."
            ),
            "offer_without_waitlist",
        )


def check_publishable(service: Any, provider: Any, *, override_policy: bool) -> None:
    """Raise ``NotAllowed`` unless both are active, the service has group sessions, and the provider
    offers it.

    ``override_policy`` lifts all but that it has group sessions, as it does for a booking.
    """
    get_adapter().check_active(service, provider, override_policy=override_policy)
    references.check_booking_type(service, provider, BookingType.GROUP_SESSION)
    OfferedProviders(override_policy=override_policy).check(service, provider)


def check_not_past(session: Session, now: datetime, allow_past: bool | None) -> None:
    """Raise ``PastStart`` for a session that would start in the past.

    If ``allow_past`` is ``None``, the setting ``ALLOW_PAST_START`` decides.
    """
    may_be_past = app_settings.ALLOW_PAST_START if allow_past is None else allow_past
    if session.start_at < now and not may_be_past:
        raise PastStart(_("The start has passed. Choose a later start."))


def check_active_session(session: Session) -> None:
    """Raise ``SessionNotOpen`` for a cancelled or finished session."""
    if not session.is_active:
        raise SessionNotOpen(*NOT_ACTIVE[Session.Status(session.status)])


def check_not_started(session: Session, now: datetime) -> None:
    """Raise ``SessionNotOpen`` for a session that has started."""
    if session.start_at <= now:
        raise SessionNotOpen(_("The session has begun. Choose another."), "session_started")


def check_takes_bookings(session: Session, now: datetime, *, override_policy: bool) -> None:
    """Raise ``SessionNotOpen`` unless seats of the session can be booked.

    ``override_policy`` lifts that staff have closed the booking.
    """
    check_active_session(session)
    check_not_started(session, now)
    if session.closed_by_staff and not override_policy:
        raise SessionNotOpen(_("Booking is closed for this session."), "booking_closed")


def session_claim(session: Session, seats: int = 0) -> claims.Claim:
    """Return the claim of the session's time, buffers included, with ``seats`` of its capacity."""
    starts, ends = instants.busy_bounds_of(session)
    return claims.Claim(
        starts=starts,
        ends=ends,
        service_id=session.service_id,
        seats=seats,
        capacity=session.capacity,
        kind=BusyInterval.Kind.SESSION,
        interval_id=session.busy_interval_id,
    )
