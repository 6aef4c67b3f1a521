"""Finish sessions that have ended."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings.contrib.group_sessions import session_resources, waitlist
from bookings.contrib.group_sessions.exceptions import SessionNotOpen
from bookings.contrib.group_sessions.locked_session import (
    LockedSession,
    change_session,
    unguarded_sessions,
)
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.session_reconciliation import reconcile_sessions
from bookings.contrib.group_sessions.session_rules import check_active_session
from bookings.exceptions import InvalidTransition
from bookings.rules import validation
from bookings.services import references


def finish_session(session: Session, *, now_dt: datetime | None = None) -> Session:
    """Finish a session that has ended: SCHEDULED or BOOKING_CLOSED becomes FINISHED.

    The waitlist ends. The bookings keep their status: complete them with :func:`mark_attendance`.
    Finishing a finished session does nothing.

    :param session: the session.
    :param now_dt: the current time; ``None`` for the clock's.
    :returns: the same object, refreshed.
    :raises InvalidTransition: the session has not ended yet (code ``too_early``).
    :raises SessionNotOpen: the session is cancelled (code ``session_cancelled``).
    :raises MissingReference: the session is not saved, or has been deleted.
    :raises InvalidBooking: ``now_dt`` is no aware datetime.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    """
    now = references.resolve_now(now_dt)

    def act(locked: LockedSession) -> Session:
        row = locked.row
        if row.status == Session.Status.FINISHED:
            return row
        check_active_session(row)
        if now < row.end_at:
            raise InvalidTransition(_("A session cannot be finished before it ends."), "too_early")
        row.finish()
        row.save_row(using=locked.using, update_fields=["status", "updated_at"])
        session_resources.give_up([row], using=locked.using)
        waitlist.expire_entries(row.pk, using=locked.using)
        reconcile_sessions([row.pk], using=locked.using, now=now)
        row.refresh_from_db(using=locked.using)
        return row

    return change_session(session, act, now=now)


def finish_sessions(*, now_dt: datetime | None = None, limit: int = 1000) -> int:
    """Finish all sessions that have ended, the oldest first, each in a transaction of its own.

    It can run at any time, again, and in several places at once.

    :param now_dt: the current time; ``None`` for the clock's.
    :param limit: how many sessions to finish at most; 1000 by default.
    :returns: how many sessions were finished.
    :raises InvalidBooking: ``limit`` or ``now_dt`` is invalid.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    """
    now = references.resolve_now(now_dt)
    validation.whole_number(limit, "limit", at_least=1)
    due = unguarded_sessions(router.db_for_write(Session)).filter(
        status__in=Session.ACTIVE_STATUSES, end_at__lte=now
    )
    finished = 0
    for session in due.order_by("end_at", "pk")[:limit]:
        # It may have been cancelled since it was read.
        with suppress(SessionNotOpen):
            finish_session(session, now_dt=now)
            finished += 1
    return finished
