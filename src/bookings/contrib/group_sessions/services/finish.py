"""Finish: the session is over."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from django.db import router
from django.utils.translation import gettext_lazy as _

from bookings import policies
from bookings.contrib.group_sessions.exceptions import SessionNotOpen
from bookings.contrib.group_sessions.following import end_waiting
from bookings.contrib.group_sessions.locking import Locked, change, rows
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.rules import check_coming
from bookings.contrib.group_sessions.seating import settle
from bookings.exceptions import InvalidTransition
from bookings.services import inputs


def finish_session(session: Session, *, now_dt: datetime | None = None) -> Session:
    """SCHEDULED or BOOKING_CLOSED → FINISHED, not before its end. A finished one is returned as it
    is.

    Its bookings stay as they are, for :func:`mark_attendance`; nobody waits any more. Raises
    ``InvalidTransition`` (code ``too_early``), or ``SessionNotOpen`` for a cancelled one.
    """
    now = inputs.moment(now_dt)

    def act(at: Locked) -> Session:
        row = at.row
        if row.status == Session.Status.FINISHED:
            return row
        check_coming(row)
        if now < row.end_at:
            raise InvalidTransition(_("A session cannot be finished before it ends."), "too_early")
        row.finish()
        row.save_row(using=at.using, update_fields=["status", "updated_at"])
        end_waiting(row.pk, using=at.using)
        settle([row.pk], using=at.using, now=now)
        row.refresh_from_db(using=at.using)
        return row

    return change(session, act, now=now)


def finish_sessions(*, now_dt: datetime | None = None, limit: int = 1000) -> int:
    """Finish what has ended, at most ``limit`` sessions, the oldest first; how many there were.

    Safe to run at any time, twice, and in several places at once.
    """
    now = inputs.moment(now_dt)
    policies.whole_number(limit, "limit", at_least=1)
    due = rows(router.db_for_write(Session)).filter(
        status__in=Session.COMING_STATUSES, end_at__lte=now
    )
    finished = 0
    for session in due.order_by("end_at", "pk")[:limit]:
        # Somebody may have cancelled it meanwhile.
        with suppress(SessionNotOpen):
            finish_session(session, now_dt=now)
            finished += 1
    return finished
