"""Change or cancel many sessions in a constant number of statements for each 100.

The sessions are read under the lock. They move together: none is in the way of another one's move.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bookings.contrib.group_sessions import session_resources, signals
from bookings.contrib.group_sessions.locked_session import save_sessions, unguarded_sessions
from bookings.contrib.group_sessions.models import Session
from bookings.contrib.group_sessions.services.cancel_session import write_cancellations
from bookings.contrib.group_sessions.services.update_session import (
    CHANGEABLE_FIELDS,
    MOVED_FIELDS,
    PLACE_FIELDS,
    apply_changes,
    write_places,
)
from bookings.contrib.group_sessions.session_bookings import read_many_if_permitted
from bookings.contrib.group_sessions.session_reconciliation import (
    load_services_and_providers,
    reconcile_sessions,
)
from bookings.contrib.group_sessions.session_rules import check_active_session, session_claim
from bookings.exceptions import BookingError
from bookings.ledger.bulk_claims import BulkClaims
from bookings.ledger.locked import fresh
from bookings.ledger.resource_claims import resource_taken_error
from bookings.ledger.transactions import send_on_commit
from bookings.models import Booking, BookingEvent, name_snapshots
from bookings.rules.buffers import BUFFER_FIELDS
from bookings.services.booking_change import Change
from bookings.services.bulk_change import BulkChange
from bookings.services.history import old_and_new, on_behalf_data
from bookings.services.lapsed_holds import expire_lapsed_holds

Refuse = Callable[[Any, BookingError], None]
"""What is called with the key of a session that cannot be changed; it may raise the error."""

COMPARED_FIELDS: Final = tuple(
    "provider_id" if name == "provider" else name for name in CHANGEABLE_FIELDS
)
BOOKING_FIELDS: Final = (
    *("provider", "provider_name", "start_at", "end_at", "expires_at"),
    *BUFFER_FIELDS,
)


@dataclass(frozen=True, slots=True)
class BulkSessionChange:
    """One call that changes or cancels sessions."""

    calendars: Mapping[Any, int]
    now: datetime
    using: str
    actor: Any
    refuse: Refuse

    def cancel(self, rows: Sequence[Session], data: dict[str, Any]) -> None:
        """Cancel active sessions with their bookings, unless one is refused.

        ``data`` is that of the bookings' events.
        """
        refusals = _Refusals(self.refuse)
        bookings = read_many_if_permitted(
            rows, "cancel", refusals.add, actor=self.actor, using=self.using
        )
        if not refusals.were_any:
            write_cancellations(
                rows,
                [booking for row in rows for booking in bookings[row.pk]],
                data,
                using=self.using,
                now=self.now,
                actor=self.actor,
            )

    def update(
        self,
        rows: Sequence[Session],
        changes: Mapping[Any, dict[str, Any]],
        *,
        allow_past: bool | None = None,
    ) -> None:
        """Make the parsed changes of each session, by its key, unless one is refused.

        The caller has asked the adapter about a new provider, without the lock.
        """
        now, using = self.now, self.using
        refusals = _Refusals(self.refuse)
        load_services_and_providers(rows, using)
        changed: dict[Any, tuple[Session, Session, set[str]]] = {}
        for row in rows:
            before = copy(row)
            try:
                check_active_session(row)
                apply_changes(
                    row,
                    changes[row.pk],
                    now,
                    allow_past,
                    using,
                    service=row.service,
                )
            except BookingError as error:
                refusals.add(row.pk, error)
                continue
            differing = {n for n in COMPARED_FIELDS if getattr(row, n) != getattr(before, n)}
            if differing:
                changed[row.pk] = before, row, differing
        moved = [row for _before, row, names in changed.values() if names & set(MOVED_FIELDS)]
        following = read_many_if_permitted(
            moved, "reschedule", refusals.add, actor=self.actor, using=using
        )
        placed = [row for _b, row, names in changed.values() if names & set(PLACE_FIELDS)]
        to_place = read_many_if_permitted(
            placed, "update", refusals.add, actor=self.actor, using=self.using
        )
        claims = self._resize(changed, refusals)
        if refusals.were_any or not changed:
            return
        claims.write()
        stored = [row for _before, row, _names in changed.values()]
        names = set().union(*(names for _b, _r, names in changed.values()))
        save_sessions(stored, {*names, *BUFFER_FIELDS}, using=using)
        self._move_bookings(changed, following)
        for key, bookings in to_place.items():
            before, row, _names = changed[key]
            old = {name: getattr(before, name) for name in PLACE_FIELDS}
            write_places(row, bookings, old, using=using, now=now, actor=self.actor)
        reconcile_sessions(changed.keys(), using=using, now=now)
        self._announce(changed)

    def _resize(
        self, changed: Mapping[Any, tuple[Session, Session, set[str]]], refusals: _Refusals
    ) -> BulkClaims:
        claims = BulkClaims(using=self.using)
        resized = {
            row.busy_interval_id: (self.calendars[row.provider_id], session_claim(row))
            for _before, row, names in changed.values()
            if row.busy_interval_id is not None and names & {*MOVED_FIELDS, "capacity"}
        }
        # Each keeps its resources.
        moved = [row for _before, row, names in changed.values() if names & set(MOVED_FIELDS)]
        resources = {
            each.busy_interval_id: each
            for each in session_resources.read(moved, using=self.using)
            if each.busy_interval_id is not None
        }
        for key, each in resources.items():
            row = changed[each.session_id][1]
            claim = session_resources.claim_of(row, each)
            resized[key] = self.calendars[each.provider_id], claim
        windows: dict[Any, list[tuple[int, int]]] = {}
        for _before, row, names in changed.values():
            if names & set(MOVED_FIELDS):
                windows.setdefault(row.provider_id, []).append(session_claim(row).window)
        for provider_id, wanted in windows.items():
            expire_lapsed_holds(provider_id, *wanted, now=self.now, using=self.using)
        claims.read(resized.values(), interval_ids=resized.keys())
        of_interval = {row.busy_interval_id: key for key, (_b, row, _n) in changed.items()}

        def refuse(interval_id: int, error: BookingError) -> None:
            resource = resources.get(interval_id)
            if resource is None:
                refusals.add(of_interval[interval_id], error)
            else:
                refusals.add(resource.session_id, resource_taken_error(resource.provider))

        claims.resize(resized, refuse)
        return claims

    def _move_bookings(
        self,
        changed: Mapping[Any, tuple[Session, Session, set[str]]],
        following: Mapping[Any, Sequence[Booking]],
    ) -> None:
        changes = BulkChange(using=self.using, now=self.now, actor=self.actor)
        for key, bookings in following.items():
            old, row, _names = changed[key]
            data = old_and_new(
                {"start_at": old.start_at, "end_at": old.end_at, "provider": old.provider_id},
                {"start_at": row.start_at, "end_at": row.end_at, "provider": row.provider_id},
            )
            data |= on_behalf_data("provider")
            for booking in bookings:
                before = copy(booking)
                booking.start_at, booking.end_at = row.start_at, row.end_at
                booking.provider = row.provider
                for name in BUFFER_FIELDS:
                    setattr(booking, name, getattr(row, name))
                if row.provider_id != old.provider_id:
                    name_snapshots.copy_names(booking, "provider")
                # A pending booking expires at the start, at the latest.
                expires_at = booking.expires_at
                if booking.status == Booking.Status.PENDING and expires_at is not None:
                    booking.expires_at = min(expires_at, row.start_at)
                change = Change(BookingEvent.EventType.RESCHEDULED, BOOKING_FIELDS, data=data)
                changes.add(before, booking, change)
        changes.write()

    def _announce(self, changed: Mapping[Any, tuple[Session, Session, set[str]]]) -> None:
        stored = fresh(unguarded_sessions(self.using)).in_bulk(changed.keys())
        for key, (_before, row, names) in changed.items():
            row.copy_from(stored[key])
            send_on_commit(
                signals.session_updated,
                Session,
                using=self.using,
                session=row,
                changed=sorted("provider" if n == "provider_id" else n for n in names),
            )


class _Refusals:
    """Remembers whether anything was refused."""

    def __init__(self, refuse: Refuse) -> None:
        self._refuse = refuse
        self.were_any = False

    def add(self, key: Any, error: BookingError) -> None:
        self.were_any = True
        self._refuse(key, error)
