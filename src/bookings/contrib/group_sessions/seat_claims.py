"""The time of a seat, which its session owns."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy

from bookings.contrib.group_sessions.exceptions import StaleSession
from bookings.contrib.group_sessions.locked_session import unguarded_sessions
from bookings.contrib.group_sessions.models import Seat, Session
from bookings.contrib.group_sessions.session_rules import check_active_session, session_claim
from bookings.ledger import claims, entries
from bookings.ledger.locked import fresh
from bookings.models import Booking, Calendar
from bookings.rules import instants

TIMES_DIFFER: Final = gettext_lazy(
    "The booking's times are not those of its session. Correct them, then try again."
)


def seat_claim(booking: Booking, using: str) -> claims.Claim | None:
    """Return the claim of the seats of a booking; ``None`` if its time is not a session's.

    The booking's calendar is locked. A finished session that has released its time takes it again.
    Raises ``SessionNotOpen`` for a cancelled session, ``StaleSession`` if the booking has another
    provider or other times than its session, and ``BookingConflict`` if the time of a finished
    session is taken.
    """
    seat = fresh(Seat.objects.using(using).filter(booking=booking)).first()
    if seat is None:
        return None
    session = fresh(unguarded_sessions(using)).get(pk=seat.session_id)
    if session.status == Session.Status.CANCELLED:
        check_active_session(session)
    window = session_claim(session).window
    if (booking.provider_id, instants.busy_bounds_of(booking)) != (session.provider_id, window):
        raise StaleSession(TIMES_DIFFER)
    if session.busy_interval_id is None:
        _take_time(session, using)
    return session_claim(session, booking.party_size)


def _take_time(session: Session, using: str) -> None:
    calendars = Calendar.objects.using(using).filter(provider=session.provider_id)
    calendar_id = calendars.values_list("pk", flat=True).get()
    session.busy_interval_id = entries.add(calendar_id, session_claim(session), using=using)
    session.save_row(using=using, update_fields=["busy_interval"])
