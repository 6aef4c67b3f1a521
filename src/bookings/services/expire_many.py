"""Expire many: holds whose time has run out, and bookings that nobody has said anything about."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from django.db.models import F
from django.utils import timezone

from bookings import batches, overdue
from bookings.exceptions import InvalidBooking
from bookings.models import Booking, BookingEvent
from bookings.models.lifecycle import EXPIRED
from bookings.services.expire import expired_data, is_told
from bookings.services.history import old_and_new, record_many
from bookings.services.sweep import Due, Progress, Row, Sweep


class Swept(int):
    """How many bookings have been ended: a number, which also says what they were."""

    holds: int
    overdue: int
    refusals: Collection[InvalidBooking]
    """Why bookings of some services were left alone."""

    def __new__(cls, holds: int, overdue: int, refusals: Collection[InvalidBooking]) -> Swept:
        swept = super().__new__(cls, holds + overdue)
        swept.holds, swept.overdue, swept.refusals = holds, overdue, refusals
        return swept

    def __getnewargs__(self) -> tuple[int, int, Collection[InvalidBooking]]:  # type: ignore[override]
        """For pickle, as a worker's result travels."""
        return self.holds, self.overdue, self.refusals


def expire_bookings(
    *,
    now_dt: datetime | None = None,
    limit: int | None = None,
    chunk_size: int = 500,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Swept:
    """Cancel every hold that is due and every overdue booking, a transaction for each chunk.

    A booking is overdue when it is pending or confirmed and its grace has passed since its end,
    and since it was made and last confirmed; ``BOOKINGS_AUTO_CANCEL_ENABLED = False`` leaves those
    alone. Returns how many there were, as a number with ``holds``, ``overdue`` and ``refusals``:
    services whose grace is none are reported there, and their bookings left alone.

    Safe to run at any time, twice, and in several places at once, which then share the work.
    ``dry_run`` counts and writes nothing; ``progress`` is called after each chunk with how many
    there have been. ``auto_cancel_expired_bookings`` is another name for this function.
    """
    sweep = Sweep.of(now_dt, limit, chunk_size, dry_run, progress)
    now, using = sweep.now, sweep.using
    deadlines = overdue.deadlines(Booking.objects.all(), now, using=using)
    expire = partial(_expire, now=now, using=using)
    holds = Due(Booking.objects.expired(now), partial(expire, is_overdue=False))
    quiet = Due(
        deadlines.narrow(Booking.objects.all()),
        partial(expire, is_overdue=True),
        overdue.COLUMNS,
        deadlines.is_overdue,
    )
    sweep.prepare(holds, quiet)
    ended = sweep.run(holds)
    return Swept(ended, sweep.run(quiet, done=ended), deadlines.refusals)


def _expire(rows: Sequence[Row], *, is_overdue: bool, now: datetime, using: str) -> None:
    held: Counter[int] = Counter()
    alike: dict[tuple[str, bool], list[Any]] = defaultdict(list)
    for row in rows:
        alike[row.status, is_told(row.requested_at, is_overdue=is_overdue)].append(row.pk)
        if row.busy_interval_id is not None:
            held[row.busy_interval_id] += row.party_size
    Booking._base_manager.using(using).filter(pk__in=[row.pk for row in rows]).update(
        status=Booking.Status.CANCELLED,
        busy_interval=None,
        cancelled_at=now,
        cancellation_reason=EXPIRED,
        auto_cancelled=True,
        version=F("version") + 1,
        updated_at=timezone.now(),
    )
    batches.release_many(held, using=using)
    for (status, notify), keys in alike.items():
        data = old_and_new({"status": status}, {"status": Booking.Status.CANCELLED})
        data |= expired_data(notify)
        record_many(keys, BookingEvent.EventType.EXPIRED, data, using=using, now=now)
