"""Close a session's booking, and open it again."""

from __future__ import annotations

from datetime import datetime

from bookings.contrib.group_sessions.locking import Locked, change
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.rules import check_coming
from bookings.contrib.group_sessions.seating import settle
from bookings.services import inputs


def close_booking(session: Session, *, now_dt: datetime | None = None) -> Session:
    """→ BOOKING_CLOSED, until it is opened again: no seats are booked, nor given to who waits.

    A closed session is returned as it is, but does not open by itself any more. Raises
    ``SessionNotOpen`` for a session that is cancelled or finished.
    """
    return _set_closed(session, True, now_dt)


def reopen_booking(session: Session, *, now_dt: datetime | None = None) -> Session:
    """→ SCHEDULED, unless it is full and has no waitlist; free seats go to those who wait.

    Raises ``SessionNotOpen`` for a session that is cancelled or finished.
    """
    return _set_closed(session, False, now_dt)


def _set_closed(session: Session, is_closed: bool, now_dt: datetime | None) -> Session:
    now = inputs.moment(now_dt)

    def act(at: Locked) -> Session:
        row = at.row
        check_coming(row)
        row.closed_by_staff = is_closed
        if is_closed and row.status == Session.Status.SCHEDULED:
            row.close()
        elif not is_closed and row.status == Session.Status.BOOKING_CLOSED:
            row.reopen()
        row.save_row(using=at.using, update_fields=["status", "closed_by_staff", "updated_at"])
        settle([row.pk], using=at.using, now=now)
        row.refresh_from_db(using=at.using)
        return row

    return change(session, act, now=now)
