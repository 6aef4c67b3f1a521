"""Cancel the bookings that are overdue: they have ended, and no outcome is recorded."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial

from bookings.conf import app_settings
from bookings.exceptions import InvalidBooking
from bookings.models import Booking, BookingEvent
from bookings.models.lifecycle import OVERDUE_REASON
from bookings.selectors import overdue
from bookings.services.bulk_cancellation import cancel_automatically
from bookings.services.chunked_changes import ChunkedChange, ChunkedRun, ChunkRow, Progress


class AutoCancelResult(int):
    """The number of bookings that :func:`auto_cancel_expired_bookings` has cancelled."""

    refusals: Collection[InvalidBooking]
    """Errors of services whose grace cannot be read; their bookings are left alone."""

    def __new__(cls, number: int, refusals: Collection[InvalidBooking]) -> AutoCancelResult:
        result = super().__new__(cls, number)
        result.refusals = refusals
        return result

    def __getnewargs__(self) -> tuple[int, Collection[InvalidBooking]]:  # type: ignore[override]
        """Return the arguments for pickle, with which a task queue sends the result."""
        return int(self), self.refusals


def auto_cancel_expired_bookings(
    *,
    now_dt: datetime | None = None,
    limit: int | None = None,
    chunk_size: int = 500,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> AutoCancelResult:
    """Cancel all overdue bookings, which have ended without a recorded outcome.

    Overdue PENDING or CONFIRMED → CANCELLED. A booking is overdue once its grace has passed since
    its end, and since it was made or last confirmed; with ``BOOKINGS_AUTO_CANCEL_ENABLED = False``
    none is. Each booking gets ``auto_cancelled`` and an AUTO_CANCELLED event. Staff may correct it:
    :func:`complete_booking` and :func:`mark_no_show` accept such a booking. Expired holds and
    requests are left to :func:`expire_bookings`.

    Each chunk is one transaction. You can run it at any time, again, and in several processes at
    once, which then share the work.

    :param now_dt: the instant that counts as now, an aware datetime; ``None`` for the clock.
    :param limit: the largest number of bookings to change; ``None`` for no limit.
    :param chunk_size: the number of bookings that one transaction changes.
    :param dry_run: count the bookings and change nothing.
    :param progress: a function that is called after each chunk with the number of bookings so far.
    :returns: the number of bookings, an ``int`` with ``refusals``: the errors of services whose
        grace cannot be read, and whose bookings are left alone.
    :raises InvalidBooking: an argument is invalid or cannot be stored.
    :raises BookingBusy: the database asks for a retry; if you have opened a transaction, run it
        again as a whole.
    """
    run = ChunkedRun.of(now_dt, limit, chunk_size, dry_run, progress)
    deadlines = overdue.deadlines(Booking.objects.all(), run.now, using=run.using)
    change = ChunkedChange(
        deadlines.prefilter(Booking.objects.all()),
        partial(_cancel, now=run.now, using=run.using),
        overdue.COLUMNS,
        deadlines.is_overdue,
    )
    run.lock_all(change)
    return AutoCancelResult(run.execute(change), deadlines.refusals)


def _cancel(rows: Sequence[ChunkRow], *, now: datetime, using: str) -> None:
    cancel_automatically(
        rows,
        BookingEvent.EventType.AUTO_CANCELLED,
        reason=OVERDUE_REASON,
        notify=lambda _row: app_settings.AUTO_CANCEL_NOTIFY,
        now=now,
        using=using,
    )
