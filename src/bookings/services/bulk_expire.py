"""Expire all holds and requests that have expired."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db import transaction

from bookings import extensions
from bookings.extensions import Extension
from bookings.models import Booking, BookingEvent
from bookings.models.lifecycle import EXPIRED_REASON
from bookings.services.bulk_cancellation import cancel_automatically
from bookings.services.chunked_changes import ChunkedChange, ChunkedRun, ChunkRow, Progress
from bookings.services.expire import should_notify


def expire_bookings(
    *,
    now_dt: datetime | None = None,
    limit: int | None = None,
    chunk_size: int = 500,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> int:
    """Cancel all holds and requests that have expired, and nothing else.

    PENDING, once ``expires_at`` has passed, → CANCELLED. Each booking gets ``auto_cancelled`` and
    an EXPIRED event. Overdue bookings are those of :func:`auto_cancel_expired_bookings`.

    In the end it calls the ``sweep`` of every extension. Group sessions then try the waiting
    clients again who were refused.

    Each chunk is one transaction. You can run it at any time, again, and in several processes at
    once, which then share the work.

    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param limit: the largest number of bookings to change; ``None`` for no limit.
    :param chunk_size: the number of bookings that one transaction changes.
    :param dry_run: count the bookings and change nothing.
    :param progress: a function that is called after each chunk with the number of bookings so far.
    :returns: the number of bookings.
    :raises InvalidBooking: an argument is invalid or cannot be stored.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    run = ChunkedRun.of(now_dt, limit, chunk_size, dry_run, progress)
    lapsed = ChunkedChange(
        Booking.objects.expired(run.now), partial(_expire, now=run.now, using=run.using)
    )
    run.lock_all(lapsed)
    expired = run.execute(lapsed)
    if not dry_run:
        for extension in extensions.implementing("sweep"):
            _sweep_on_commit(extension, using=run.using, now=run.now)
    return expired


def _sweep_on_commit(extension: Extension, *, using: str, now: datetime) -> None:
    # No partial(): Django logs the qualified name of what has failed.
    def sweep() -> None:
        extension.sweep(using=using, now=now)

    transaction.on_commit(sweep, using=using, robust=True)


def _expire(rows: Sequence[ChunkRow], *, now: datetime, using: str) -> None:
    cancel_automatically(
        rows,
        BookingEvent.EventType.EXPIRED,
        reason=EXPIRED_REASON,
        notify=lambda row: should_notify(row.requested_at),
        now=now,
        using=using,
    )
