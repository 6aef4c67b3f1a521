"""Try waiting entries again that could not be promoted, for instance because of a limit.

The reason may have been a booking with another provider, whose calendar is locked without
that of the session. So it is done in transactions of their own, after the one that ends it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from bookings.contrib.group_sessions.locked_session import (
    LockedSession,
    with_locked_session,
    write_alias,
)
from bookings.contrib.group_sessions.models import Session, WaitlistEntry
from bookings.contrib.group_sessions.session_reconciliation import (
    load_services_and_providers,
    reconcile_sessions,
)
from bookings.contrib.group_sessions.waitlist_promotion import Promotion, is_within_booking_window
from bookings.models import Booking, BookingEvent
from bookings.models.read_alias import reading_from
from bookings.rules import clients


def retry_on_commit(
    booking_ids: Sequence[Any],
    *,
    tried_session_ids: Collection[Any],
    using: str,
    now: datetime,
) -> None:
    """On commit, try the entries again that may have been refused because of these bookings.

    Those of the ``tried_session_ids`` are tried in the transaction itself.
    """
    keys = tuple(booking_ids)

    # No partial(): Django logs the qualified name of what has failed.
    def retry() -> None:
        _retry_after_change(keys, tried_session_ids, using=using, now=now)

    transaction.on_commit(retry, using=using, robust=True)


def retry_all_on_commit(*, using: str) -> None:
    """Try all entries again that were refused, on commit."""

    # No partial(): Django logs the qualified name of what has failed.
    def retry() -> None:
        retry_all(using=using, now=timezone.now())

    transaction.on_commit(retry, using=using, robust=True)


def retry_all(*, using: str, now: datetime) -> None:
    """Try all entries again that were refused and that would have a seat."""
    _reconcile(_refused_entries(using, now), now)


def _retry_after_change(
    booking_ids: Sequence[Any], tried_session_ids: Collection[Any], *, using: str, now: datetime
) -> None:
    refused = _refused_entries(using, now)
    entries = [entry for entry in refused if entry.session_id not in tried_session_ids]
    if not entries:
        return
    providers: set[str] = set()
    identifiers: set[clients.Identifier] = set()
    for booking in Booking._base_manager.using(using).filter(pk__in=booking_ids):
        providers.add(str(booking.provider_id))
        identifiers.update(clients.identifiers(booking))
    # A booking that was moved or given to somebody else is in the way of others no more.
    events = BookingEvent.objects.using(using).filter(booking__in=booking_ids, created_at=now)
    for data in events.values_list("data", flat=True):
        providers.add(str(data.get("old_provider")))
        identifiers.update(clients.identifiers(_old_client(data)))
    _reconcile(
        [
            entry
            for entry in entries
            if str(entry.session.provider_id) in providers
            or not identifiers.isdisjoint(clients.identifiers(entry))
        ],
        now,
    )


def _old_client(data: dict[str, Any]) -> SimpleNamespace:
    """Return the details of a client that an event has replaced."""
    names = ("client_name", "client_email", "client_phone")
    details = {name: data.get(f"old_{name}") for name in names}
    return SimpleNamespace(**details, client_user_id=data.get("old_client_user"))


def _refused_entries(using: str, now: datetime) -> list[WaitlistEntry]:
    interval = "session__busy_interval__"
    waiting = WaitlistEntry.objects.using(using).waiting().filter(refusal__gt="")
    rows = waiting.filter(
        session__status__in=Session.ACTIVE_STATUSES,
        session__closed_by_staff=False,
        session__start_at__gt=now,
        party_size__lte=F(f"{interval}capacity") - F(f"{interval}seats_taken"),
    )
    return list(rows.select_related("session"))


def _reconcile(entries: Iterable[WaitlistEntry], now: datetime) -> None:
    by_session: dict[Any, list[WaitlistEntry]] = defaultdict(list)
    for entry in entries:
        by_session[entry.session_id].append(entry)
    for waiting in by_session.values():
        prepared = _prepare(waiting, now)
        with_locked_session(waiting[0].session, partial(_give_seats, prepared=prepared), now=now)


def _prepare(entries: Sequence[WaitlistEntry], now: datetime) -> dict[Any, Promotion]:
    """Ask the adapter about entries of one session, before the lock."""
    session = entries[0].session
    using = write_alias(session)
    with reading_from(using):
        load_services_and_providers([session], using)
        if not is_within_booking_window(session, now):
            return {}
        return {
            entry.pk: Promotion.prepare(entry, session, using=using, now=now) for entry in entries
        }


def _give_seats(locked: LockedSession, *, prepared: dict[Any, Promotion]) -> None:
    reconcile_sessions([locked.row.pk], using=locked.using, now=locked.now, prepared=prepared)
