"""Complete by itself: what was delivered, and the client has neither confirmed nor disputed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db.models import F
from django.utils import timezone

from bookings import policies
from bookings.conf import PREFIX, app_settings
from bookings.models import Booking, BookingEvent
from bookings.services.history import old_and_new, record_many
from bookings.services.sweep import Due, Progress, Row, Sweep


def auto_complete_bookings(
    *,
    now_dt: datetime | None = None,
    limit: int | None = None,
    chunk_size: int = 500,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> int:
    """DELIVERED for ``BOOKINGS_AUTO_COMPLETE_HOURS`` → COMPLETED; how many there were.

    ``None`` in that setting completes nothing. The event says ``"automatic": true``. The arguments
    are those of :func:`expire_bookings`, and so is what it is safe to do.
    """
    sweep = Sweep.of(now_dt, limit, chunk_size, dry_run, progress)
    hours = app_settings.AUTO_COMPLETE_HOURS
    if hours is None or sweep.now < policies.EPOCH:
        return 0
    name = f"{PREFIX}AUTO_COMPLETE_HOURS"
    policies.whole_number(hours, name, at_least=0, at_most=policies.MAX_HOURS)
    delivered = Booking.objects.filter(
        status=Booking.Status.DELIVERED, delivered_at__lte=sweep.now - timedelta(hours=hours)
    )
    due = Due(delivered, partial(_complete, now=sweep.now, using=sweep.using))
    sweep.prepare(due)
    return sweep.run(due)


def _complete(rows: Sequence[Row], *, now: datetime, using: str) -> None:
    keys = [row.pk for row in rows]
    Booking._base_manager.using(using).filter(pk__in=keys).update(
        status=Booking.Status.COMPLETED,
        completed_at=now,
        version=F("version") + 1,
        updated_at=timezone.now(),
    )
    statuses = {"status": Booking.Status.DELIVERED}, {"status": Booking.Status.COMPLETED}
    data = old_and_new(*statuses) | {"automatic": True}
    record_many(keys, BookingEvent.EventType.COMPLETED, data, using=using, now=now)
