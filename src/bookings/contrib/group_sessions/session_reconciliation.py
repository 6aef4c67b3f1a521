"""Bring sessions into line with their seats, after seats or statuses have changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from bookings.contrib.group_sessions.locked_session import unguarded_sessions
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.waitlist import blocks_others
from bookings.contrib.group_sessions.waitlist_promotion import (
    Promotion,
    is_within_booking_window,
    try_to_promote,
)
from bookings.ledger import entries
from bookings.ledger.locked import fresh
from bookings.models import BusyInterval


def reconcile_sessions(
    session_ids: Collection[Any],
    *,
    using: str,
    now: datetime,
    prepared: Mapping[Any, Promotion] | None = None,
) -> None:
    """Give free seats to the waitlist, open or close booking, and release time that has no use.

    The calendars of the sessions are locked. The number of statements is constant, apart from those
    of the bookings that are made. A finished session gives up its time once no seat is taken.
    ``prepared`` are promotions that were prepared before the lock, by the key of the entry.
    """
    by_key = unguarded_sessions(using).filter(pk__in=session_ids).order_by("pk")
    sessions = list(fresh(by_key))
    interval_ids = [row.busy_interval_id for row in sessions if row.busy_interval_id is not None]
    intervals = fresh(BusyInterval.objects.using(using)).in_bulk(interval_ids)
    free = {
        row.pk: intervals[row.busy_interval_id].seats_free
        for row in sessions
        if row.busy_interval_id in intervals and row.is_active and row.start_at > now
    }
    ahead = [row for row in sessions if row.pk in free]
    with_free_seats = [row for row in ahead if free[row.pk] and not row.closed_by_staff]
    load_services_and_providers(with_free_seats, using)
    queues = _load_queues(
        [row for row in with_free_seats if is_within_booking_window(row, now)], using
    )
    for row in ahead:
        if row.pk in queues:
            free[row.pk] = _promote_queue(
                row, free[row.pk], queues[row.pk], using=using, now=now, prepared=prepared or {}
            )
    _update_statuses(ahead, free, using)
    _release_time(
        [
            row
            for row in sessions
            if row.status == Session.Status.FINISHED
            and row.busy_interval_id in intervals
            and not intervals[row.busy_interval_id].seats_taken
        ],
        using,
    )


def load_services_and_providers(sessions: Sequence[Session], using: str) -> None:
    """Read services and providers with one query each, instead of for each promoted entry."""
    for name in ("service", "provider"):
        field: Any = Session._meta.get_field(name)
        keys = {getattr(row, field.attname) for row in sessions}
        related = field.remote_field.model._base_manager.using(using).in_bulk(keys)
        for row in sessions:
            field.set_cached_value(row, related[getattr(row, field.attname)])


def _load_queues(sessions: Sequence[Session], using: str) -> dict[Any, list[WaitlistEntry]]:
    queues: dict[Any, list[WaitlistEntry]] = defaultdict(list)
    if sessions:
        waiting = fresh(WaitlistEntry.objects.using(using).waiting())
        for entry in waiting.filter(session__in=sessions):
            queues[entry.session_id].append(entry)
    return queues


def _promote_queue(
    session: Session,
    free: int,
    queue: list[WaitlistEntry],
    *,
    using: str,
    now: datetime,
    prepared: Mapping[Any, Promotion],
) -> int:
    """Promote the entries that fit, in their order; return how many seats are left."""
    for entry in queue:
        if entry.party_size > free:
            if blocks_others(entry, session):
                break
        elif try_to_promote(entry, session, using=using, now=now, prepared=prepared.get(entry.pk)):
            free -= entry.party_size
    return free


def _update_statuses(sessions: Sequence[Session], free: Mapping[Any, int], using: str) -> None:
    """Close what staff have closed or what is full without a waitlist; open everything else."""
    to_open, to_close = [], []
    for row in sessions:
        is_closed = row.closed_by_staff or (free[row.pk] <= 0 and not row.enable_waitlist)
        if is_closed and row.status == Session.Status.SCHEDULED:
            to_close.append(row.pk)
        elif not is_closed and row.status == Session.Status.BOOKING_CLOSED:
            to_open.append(row.pk)
    for keys, status in (
        (to_close, Session.Status.BOOKING_CLOSED),
        (to_open, Session.Status.SCHEDULED),
    ):
        if keys:
            unguarded_sessions(using).filter(pk__in=keys).update(status=status)


def _release_time(sessions: Sequence[Session], using: str) -> None:
    if sessions:
        keys = [row.busy_interval_id for row in sessions if row.busy_interval_id is not None]
        rows = unguarded_sessions(using).filter(pk__in=[row.pk for row in sessions])
        rows.update(busy_interval=None)
        entries.delete(keys, using=using)
