"""Cancel the bookings of a chunk automatically, in a constant number of statements."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db.models import F
from django.utils import timezone

from bookings.ledger import bulk, resource_claims
from bookings.models import Booking
from bookings.services.chunked_changes import ChunkRow
from bookings.services.history import old_and_new, record_events


def cancel_automatically(
    rows: Sequence[ChunkRow],
    event_type: str,
    *,
    reason: str,
    notify: Callable[[ChunkRow], bool],
    now: datetime,
    using: str,
) -> None:
    """Cancel these locked rows, release their time, and record an event of each.

    ``notify`` returns whether client and provider of a row are to be notified, for its event.
    """
    held: Counter[int] = Counter()
    keys_by_event: dict[tuple[str, bool], list[Any]] = defaultdict(list)
    for row in rows:
        keys_by_event[row.status, notify(row)].append(row.pk)
        if row.busy_interval_id is not None:
            held[row.busy_interval_id] += row.party_size
    held.update(resource_claims.release(resource_claims.read(rows, using=using), using=using))
    Booking._base_manager.using(using).filter(pk__in=[row.pk for row in rows]).update(
        status=Booking.Status.CANCELLED,
        busy_interval=None,
        cancelled_at=now,
        cancellation_reason=reason,
        auto_cancelled=True,
        version=F("version") + 1,
        updated_at=timezone.now(),
    )
    bulk.release_many(held, using=using)
    for (status, is_notified), keys in keys_by_event.items():
        data = old_and_new({"status": status}, {"status": Booking.Status.CANCELLED})
        data |= {"reason": reason, "notify": is_notified}
        record_events(keys, event_type, data, using=using, now=now)
