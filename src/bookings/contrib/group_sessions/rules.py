"""What a session may be, and the claim that it makes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from bookings import claims, policies, prices
from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.contrib.group_sessions.exceptions import InvalidSession, SessionNotOpen
from bookings.contrib.group_sessions.models import Session
from bookings.exceptions import PastStart
from bookings.models import BusyInterval
from bookings.protocols import BookingType
from bookings.services import inputs

CHECKED_FIELDS: Final = ("title", "meeting_link", "price_amount")

NOT_COMING: Final = {
    Session.Status.CANCELLED: (_("The session is cancelled. Choose another."), "session_cancelled"),
    Session.Status.FINISHED: (_("The session is over. Choose another."), "session_finished"),
}


def check_session(session: Session) -> None:
    """Refuse what no session can be, before the database has to."""
    policies.whole_number(session.capacity, "capacity", at_least=1)
    if session.waitlist_offer_minutes is not None:
        policies.whole_number(
            session.waitlist_offer_minutes,
            "waitlist_offer_minutes",
            at_least=1,
            at_most=policies.MAX_MINUTES,
        )
    if session.end_at <= session.start_at:
        raise InvalidSession(
            _("The session ends before it starts. Swap start and end."), "ends_before_start"
        )
    session.price_amount = prices.price(session.price_amount, "price_amount")
    inputs.check_fields(session, CHECKED_FIELDS)


def check_offer(session: Session) -> None:
    """Refuse to offer seats where nobody waits for them."""
    if session.waitlist_offer_minutes is not None and not session.enable_waitlist:
        raise InvalidSession(
            _(
                "Seats are offered to those who wait. Enable the waitlist, or leave the minutes of "
                "the offer empty."
            ),
            "offer_without_waitlist",
        )


def check_offered(service: Any, provider: Any, *, override_policy: bool) -> None:
    """Refuse to publish what nobody could book; staff may override what they may for a booking."""
    get_adapter().check_active(service, provider, override_policy=override_policy)
    inputs.check_type(service, provider, BookingType.GROUP_SESSION)


def check_start(session: Session, now: datetime, allow_past: bool | None) -> None:
    """Refuse to publish what has begun."""
    may_be_past = app_settings.ALLOW_PAST_START if allow_past is None else allow_past
    if session.start_at < now and not may_be_past:
        raise PastStart(_("start_at has passed. Choose a later start."))


def check_coming(session: Session) -> None:
    """Refuse what is cancelled or over."""
    if not session.is_coming:
        raise SessionNotOpen(*NOT_COMING[Session.Status(session.status)])


def check_not_begun(session: Session, now: datetime) -> None:
    if session.start_at <= now:
        raise SessionNotOpen(_("The session has begun. Choose another."), "session_started")


def claim_of(session: Session, seats: int = 0) -> claims.Claim:
    """The session's time with its capacity, of which ``seats`` are to be taken."""
    starts, ends = policies.busy_seconds(
        session.start_at,
        session.end_at,
        session.buffer_before_minutes,
        session.buffer_after_minutes,
    )
    return claims.Claim(
        starts=starts,
        ends=ends,
        service_id=session.service_id,
        seats=seats,
        capacity=session.capacity,
        kind=BusyInterval.Kind.SESSION,
        interval_id=session.busy_interval_id,
    )
