"""Cancel a session and its bookings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import F
from django.utils import timezone

from bookings.contrib.group_sessions import session_resources, signals, waitlist
from bookings.contrib.group_sessions.locked_session import (
    LockedSession,
    change_session,
    save_sessions,
)
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.session_bookings import read_if_permitted
from bookings.contrib.group_sessions.session_rules import check_active_session
from bookings.ledger import entries
from bookings.ledger.transactions import send_on_commit
from bookings.models import Booking, BookingEvent
from bookings.rules import validation
from bookings.services import references
from bookings.services.history import old_and_new, record_events

REFUNDS: Final = ("policy", "full")
CANCELLED_FIELDS: Final = ("status", "cancelled_at", "cancellation_reason", "busy_interval")


def cancel_session(
    session: Session,
    *,
    actor: Any = None,
    now_dt: datetime | None = None,
    reason: str = "",
    refund: str = "policy",
) -> Session:
    """Cancel a session: SCHEDULED or BOOKING_CLOSED becomes CANCELLED.

    The active bookings are cancelled whatever their notice, and so are those that are delivered and
    not completed, with one CANCELLED event each. The waitlist ends, and the time of the
    provider and of the resources is free again. Cancelling a cancelled session does nothing.

    :param session: the session.
    :param actor: the user who cancels, recorded with the bookings; ``None`` for nobody.
    :param now_dt: the current time; ``None`` for the clock's.
    :param reason: why, stored with the session and with each of its bookings.
    :param refund: what is to be refunded of the bookings' payments: what the refund ``policy`` of
        each gives, or everything (``full``).
    :returns: the same object, refreshed.
    :raises SessionNotOpen: the session is finished (code ``session_finished``).
    :raises NotAllowed: the adapter does not permit ``actor`` to cancel one of the bookings.
    :raises MissingReference: the session is not saved, or has been deleted.
    :raises InvalidBooking: ``reason`` is no text, or ``actor``, ``now_dt`` or ``refund`` is
        invalid.
    :raises BookingBusy: the database asks to run the caller's transaction again.
    """
    data = cancellation_data(reason, refund)
    now = references.resolve_now(now_dt)
    actor = references.saved_user(actor, "actor")

    def act(locked: LockedSession) -> Session:
        row = locked.row
        if row.status != Session.Status.CANCELLED:
            check_active_session(row)
            bookings = read_if_permitted(row, "cancel", actor=actor, using=locked.using)
            write_cancellations([row], bookings, data, using=locked.using, now=now, actor=actor)
        return row

    return change_session(session, act, now=now)


def cancellation_data(reason: Any, refund: Any) -> dict[str, Any]:
    """Return the data of the bookings' events, or raise ``InvalidBooking`` for a wrong argument."""
    validation.validate_text("reason", reason)
    full = validation.one_of(refund, "refund", REFUNDS) == "full"
    return {"reason": reason, "refund": "full"} if full else {"reason": reason}


def write_cancellations(
    rows: Sequence[Session],
    bookings: Sequence[Booking],
    data: dict[str, Any],
    *,
    using: str,
    now: datetime,
    actor: Any,
) -> None:
    """Cancel active sessions with their bookings, all read under the lock."""
    interval_ids: list[Any] = [row.busy_interval_id for row in rows]
    for row in rows:
        row.cancel(now, reason=data["reason"])
        row.busy_interval_id = None
    save_sessions(rows, CANCELLED_FIELDS, using=using)
    session_resources.give_up(rows, using=using)
    waitlist.expire_entries(*(row.pk for row in rows), using=using)
    _cancel_bookings(bookings, data, using=using, now=now, actor=actor)
    entries.delete(interval_ids, using=using)
    for row in rows:
        send_on_commit(signals.session_cancelled, Session, using=using, session=row)


def _cancel_bookings(
    bookings: Sequence[Booking], data: dict[str, Any], *, using: str, now: datetime, actor: Any
) -> None:
    keys_by_status: dict[str, list[Any]] = {}
    for booking in bookings:
        keys_by_status.setdefault(booking.status, []).append(booking.pk)
    keys = [booking.pk for booking in bookings]
    Booking._base_manager.using(using).filter(pk__in=keys).update(
        status=Booking.Status.CANCELLED,
        busy_interval=None,
        cancelled_at=now,
        cancelled_by=actor,
        cancellation_reason=data["reason"],
        version=F("version") + 1,
        updated_at=timezone.now(),
    )
    for status, keys in keys_by_status.items():
        record_events(
            keys,
            BookingEvent.EventType.CANCELLED,
            old_and_new({"status": status}, {"status": Booking.Status.CANCELLED}) | data,
            using=using,
            now=now,
            actor=actor,
            message=data["reason"],
        )
