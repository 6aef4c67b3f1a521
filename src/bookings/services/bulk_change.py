"""Change many bookings in a few statements; ``booking_change`` changes one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone

from bookings import consequences
from bookings.adapters import get_adapter
from bookings.exceptions import BookingError
from bookings.ledger import bulk, resource_claims
from bookings.ledger.locked import Locked
from bookings.models import Booking, BookingEvent
from bookings.models.bulk_rows import copy_row, has_save_receivers, update_rows
from bookings.rules.value_comparison import differs
from bookings.services.booking_change import Change, LockedBooking, with_status
from bookings.services.history import field_values, save_events

Refuse = Callable[[Booking, BookingError], None]
"""What is called with a booking that cannot be changed; it may raise the error."""


def raise_refusal(_subject: Any, error: BookingError) -> None:
    """Raise the error: for callers that refuse everything if one row is refused."""
    raise error


def change_bookings(
    rows: Iterable[Booking],
    decide: Callable[[LockedBooking], Change | None],
    *,
    verb: str | None,
    calendars: dict[Any, int],
    using: str,
    now: datetime,
    actor: Any,
    refuse: Refuse = raise_refusal,
) -> None:
    """Let ``decide`` change each row, and write all changes.

    The caller has locked the calendars and read the rows under the lock. The adapter's
    ``check_permission`` is asked for each row before the first one is written, unless ``verb`` is
    ``None``.
    """
    adapter = get_adapter()
    changes = BulkChange(using=using, now=now, actor=actor)
    for row in rows:
        before = copy_row(row)
        try:
            if verb is not None:
                adapter.check_permission(actor, verb, row)
            change = decide(Locked(row, calendars, using, now, actor))
        except BookingError as error:
            refuse(before, error)
            continue
        if change is not None:
            changes.add(before, row, change)
    changes.write()


@dataclass(slots=True)
class BulkChange:
    """Changes of rows that were read under the lock, to be written together."""

    using: str
    now: datetime
    actor: Any
    _changed: list[tuple[Booking, Booking, Change]] = field(default_factory=list)

    def add(self, before: Booking, row: Booking, change: Change) -> None:
        """Add a changed row; ``before`` is a copy of it as it is stored."""
        self._changed.append((before, row, change))

    def write(self) -> None:
        """Write the rows, release the time that ended bookings held, and store the events."""
        if not self._changed:
            return
        written_at = timezone.now()
        held: Counter[int] = Counter()
        names = {"busy_interval"}
        for _before, row, change in self._changed:
            names |= set(change.fields)
            if row.busy_interval_id is not None and not row.holds_time:
                held[row.busy_interval_id] += row.party_size
                row.busy_interval_id = None
            row.version, row.updated_at = row.version + 1, written_at
        self._write_rows(names)
        ended = [row for _before, row, _change in self._changed if not row.holds_time]
        resources = resource_claims.read(ended, using=self.using)
        held.update(resource_claims.release(resources, using=self.using))
        if held:
            bulk.release_many(held, using=self.using)
        self._write_events()

    def _write_rows(self, names: set[str]) -> None:
        rows = [row for _before, row, _change in self._changed]
        if has_save_receivers(Booking):
            for row in rows:
                row.save_row(using=self.using, update_fields={*names, "version", "updated_at"})
            return
        changed = {
            name
            for before, row, _change in self._changed
            for name in names
            if _is_changed(before, row, name)
        }
        update_rows(
            Booking._base_manager.using(self.using).all(),
            rows,
            changed,
            version=F("version") + 1,
            updated_at=rows[0].updated_at,
        )

    def _write_events(self) -> None:
        keys: dict[str, list[Any]] = defaultdict(list)
        events = []
        for before, row, change in self._changed:
            keys[change.event_type].append(row.pk)
            events.append(
                BookingEvent(
                    booking=row,
                    event_type=change.event_type,
                    actor_user=self.actor,
                    message=change.message,
                    data=with_status(change.data, before.status, row.status),
                    created_at=self.now,
                )
            )
        save_events(events, using=self.using)
        for event_type, changed in keys.items():
            consequences.apply_event(changed, event_type, using=self.using, now=self.now)


def _is_changed(before: Booking, row: Booking, name: str) -> bool:
    (old,), (new,) = field_values(before, [name]).values(), field_values(row, [name]).values()
    return differs(old, new)
