"""Close a session for booking, and reopen it."""

from __future__ import annotations

from datetime import datetime

from bookings.contrib.group_sessions.locked_session import LockedSession, change_session
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.session_reconciliation import reconcile_sessions
from bookings.contrib.group_sessions.session_rules import check_active_session
from bookings.services import references


def close_session(session: Session, *, now_dt: datetime | None = None) -> Session:
    """Close a session for booking until it is reopened: the status becomes BOOKING_CLOSED.

    Clients can then neither book seats nor join the waitlist, and no waiting client is promoted. A
    full session that is closed already stays closed when a seat is freed.

    :param session: the session.
    :param now_dt: the current time; ``None`` for the clock's.
    :returns: the same object, refreshed.
    :raises SessionNotOpen: the session is cancelled or finished.
    :raises MissingReference: the session is not saved, or has been deleted.
    :raises InvalidBooking: ``now_dt`` is no aware datetime.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    """
    return _set_closed(session, True, now_dt)


def reopen_session(session: Session, *, now_dt: datetime | None = None) -> Session:
    """Open a session for booking again: the status becomes SCHEDULED.

    A session that is full and has no waitlist stays BOOKING_CLOSED. Free seats go to the waitlist.

    :param session: the session.
    :param now_dt: the current time; ``None`` for the clock's.
    :returns: the same object, refreshed.
    :raises SessionNotOpen: the session is cancelled or finished.
    :raises MissingReference: the session is not saved, or has been deleted.
    :raises InvalidBooking: ``now_dt`` is no aware datetime.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    """
    return _set_closed(session, False, now_dt)


def _set_closed(session: Session, is_closed: bool, now_dt: datetime | None) -> Session:
    now = references.resolve_now(now_dt)

    def act(locked: LockedSession) -> Session:
        row = locked.row
        check_active_session(row)
        row.closed_by_staff = is_closed
        if is_closed and row.status == Session.Status.SCHEDULED:
            row.close()
        elif not is_closed and row.status == Session.Status.BOOKING_CLOSED:
            row.reopen()
        row.save_row(using=locked.using, update_fields=["status", "closed_by_staff", "updated_at"])
        reconcile_sessions([row.pk], using=locked.using, now=now)
        row.refresh_from_db(using=locked.using)
        return row

    return change_session(session, act, now=now)
