"""Change many bookings: each as :func:`~bookings.services.changes.change_booking` changes one, all
in a number of statements that does not grow with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone

from bookings import batches
from bookings.adapters import get_adapter
from bookings.models import Booking
from bookings.services.changes import Change, Locked, with_status
from bookings.services.history import record_many, values_of


@dataclass(frozen=True, slots=True)
class _Alike:
    """What becomes of some bookings: one statement writes their rows, one their events."""

    event_type: str
    message: str
    data: dict[str, Any]
    values: dict[str, Any]
    keys: list[Any] = field(default_factory=list, compare=False)


def change_many(
    rows: Iterable[Booking],
    decide: Callable[[Locked], Change | None],
    *,
    verb: str,
    calendars: dict[Any, int],
    using: str,
    now: datetime,
    actor: Any,
) -> None:
    """Apply what ``decide`` makes of each of these rows, which are locked, as are their calendars.

    They become what is stored. The adapter is asked for each of these before one is written.
    """
    adapter = get_adapter()
    written_at = timezone.now()
    groups: list[_Alike] = []
    held: Counter[int] = Counter()
    for row in rows:
        adapter.check_permission(actor, verb, row)
        before = copy(row)
        change = decide(Locked(row, calendars, using, now, actor))
        if change is None:
            continue
        if row.busy_interval_id is not None and not row.holds_time:
            held[row.busy_interval_id] += row.party_size
            row.busy_interval_id = None
        row.version, row.updated_at = row.version + 1, written_at
        _alike(groups, before, row, change).keys.append(row.pk)
    bookings = Booking._base_manager.using(using)
    for group in groups:
        bookings.filter(pk__in=group.keys).update(
            **group.values, version=F("version") + 1, updated_at=written_at
        )
    if held:
        batches.release_many(held, using=using)
    for group in groups:
        record_many(
            group.keys,
            group.event_type,
            group.data,
            using=using,
            now=now,
            actor=actor,
            message=group.message,
        )


def _alike(groups: list[_Alike], before: Booking, row: Booking, change: Change) -> _Alike:
    """The group of those of whom the same has to be written; a new one for the first of them."""
    names = (*change.fields, "busy_interval")
    old, new = values_of(before, names), values_of(row, names)
    changed = {name: value for name, value in new.items() if value != old[name]}
    data = with_status(change.data, before.status, row.status)
    own = _Alike(change.event_type, change.message, data, changed)
    for group in groups:
        if group == own:
            return group
    groups.append(own)
    return own
