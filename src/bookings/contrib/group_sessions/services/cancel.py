"""Cancel: the session does not take place, and neither do its bookings."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone

from bookings import ledger
from bookings.contrib.group_sessions import signals
from bookings.contrib.group_sessions.following import end_waiting
from bookings.contrib.group_sessions.locking import Locked, change
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.rules import check_coming
from bookings.models import Booking, BookingEvent
from bookings.services import inputs
from bookings.services.history import old_and_new, record_many


def cancel_session(
    session: Session, *, actor: Any = None, now_dt: datetime | None = None, reason: str = ""
) -> Session:
    """SCHEDULED or BOOKING_CLOSED → CANCELLED. A cancelled session is returned as it is.

    Its active bookings are cancelled, whatever their notice, with one CANCELLED event each; nobody
    waits for it any more; its time is free. Raises ``SessionNotOpen`` for a finished one.
    """
    inputs.text("reason", reason)
    now = inputs.moment(now_dt)
    actor = inputs.user(actor, "actor")

    def act(at: Locked) -> Session:
        row = at.row
        if row.status == Session.Status.CANCELLED:
            return row
        check_coming(row)
        interval_id: Any = row.busy_interval_id
        row.cancel(now, reason=reason)
        row.busy_interval_id = None
        row.save_row(using=at.using)
        end_waiting(row.pk, using=at.using)
        _cancel_bookings(interval_id, reason, using=at.using, now=now, actor=actor)
        ledger.give_back([interval_id], using=at.using)
        signals.announce(signals.session_cancelled, Session, using=at.using, session=row)
        return row

    return change(session, act, now=now)


def _cancel_bookings(
    interval_id: int, reason: str, *, using: str, now: datetime, actor: Any
) -> None:
    held = Booking._base_manager.using(using).filter(busy_interval=interval_id)
    by_status: dict[str, list[Any]] = {}
    locked = held.select_for_update().order_by("pk")
    for key, status in locked.values_list("pk", "status"):
        by_status.setdefault(status, []).append(key)
    held.update(
        status=Booking.Status.CANCELLED,
        busy_interval=None,
        cancelled_at=now,
        cancelled_by=actor,
        cancellation_reason=reason,
        version=F("version") + 1,
        updated_at=timezone.now(),
    )
    for status, keys in by_status.items():
        record_many(
            keys,
            BookingEvent.EventType.CANCELLED,
            old_and_new({"status": status}, {"status": Booking.Status.CANCELLED})
            | {"reason": reason},
            using=using,
            now=now,
            actor=actor,
            message=reason,
        )
