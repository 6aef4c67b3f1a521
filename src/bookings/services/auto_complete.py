"""Complete the bookings that were delivered some time ago and not disputed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db.models import F
from django.utils import timezone

from bookings.conf import PREFIX, app_settings
from bookings.models import Booking, BookingEvent
from bookings.rules import instants, validation
from bookings.services.chunked_changes import ChunkedChange, ChunkedRun, ChunkRow, Progress
from bookings.services.history import old_and_new, record_events


def auto_complete_bookings(
    *,
    now_dt: datetime | None = None,
    limit: int | None = None,
    chunk_size: int = 500,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> int:
    """Complete all bookings that were delivered ``BOOKINGS_AUTO_COMPLETE_HOURS`` ago.

    DELIVERED → COMPLETED. If the setting is ``None``, nothing is completed. The data of each
    COMPLETED event has ``"automatic": true``.

    Each chunk is one transaction. You can run it at any time, again, and in several processes at
    once, which then share the work.

    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param limit: the largest number of bookings to change; ``None`` for no limit.
    :param chunk_size: the number of bookings that one transaction changes.
    :param dry_run: count the bookings and change nothing.
    :param progress: a function that is called after each chunk with the number of bookings so far.
    :returns: the number of bookings.
    :raises InvalidBooking: an argument is invalid or cannot be stored, or the setting is
        invalid.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    run = ChunkedRun.of(now_dt, limit, chunk_size, dry_run, progress)
    hours = app_settings.AUTO_COMPLETE_HOURS
    if hours is None or run.now < instants.EPOCH:
        return 0
    name = f"{PREFIX}AUTO_COMPLETE_HOURS"
    validation.whole_number(hours, name, at_least=0, at_most=validation.MAX_HOURS)
    delivered = Booking.objects.filter(
        status=Booking.Status.DELIVERED, delivered_at__lte=run.now - timedelta(hours=hours)
    )
    change = ChunkedChange(delivered, partial(_complete, now=run.now, using=run.using))
    run.lock_all(change)
    return run.execute(change)


def _complete(rows: Sequence[ChunkRow], *, now: datetime, using: str) -> None:
    keys = [row.pk for row in rows]
    Booking._base_manager.using(using).filter(pk__in=keys).update(
        status=Booking.Status.COMPLETED,
        completed_at=now,
        version=F("version") + 1,
        updated_at=timezone.now(),
    )
    statuses = {"status": Booking.Status.DELIVERED}, {"status": Booking.Status.COMPLETED}
    data = old_and_new(*statuses) | {"automatic": True}
    record_events(keys, BookingEvent.EventType.COMPLETED, data, using=using, now=now)
