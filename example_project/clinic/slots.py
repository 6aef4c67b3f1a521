"""The clinic's slot engine, which ``BOOKINGS_SLOTS_AVAILABLE_FUNC`` names.

It decides what is *offered*: opening hours on a grid, minus what is taken. Somebody may take a time
after it was offered; that two bookings never share one is the database's business.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from django.utils import timezone

from bookings.selectors import get_busy_intervals
from clinic.models import Clinic, Practitioner, Treatment

STEP = timedelta(minutes=15)
SUNDAY = 7


def available_starts(
    service: Treatment,
    provider: Practitioner,
    start_dt: datetime,
    end_dt: datetime,
    tenant: Clinic | None = None,
) -> list[datetime]:
    """When ``service`` could begin, from ``start_dt`` until before ``end_dt``."""
    length = timedelta(minutes=service.duration_minutes)
    before = timedelta(minutes=service.buffer_before_minutes)
    after = timedelta(minutes=service.buffer_after_minutes)
    busy = get_busy_intervals(provider, start_dt - before, end_dt + length + after, service=service)
    return [
        start
        for start in grid(tenant or provider.tenant, start_dt, end_dt, length)
        if not any(
            begins < start + length + after and start - before < ends for begins, ends in busy
        )
    ]


def grid(
    clinic: Clinic, start_dt: datetime, end_dt: datetime, length: timedelta
) -> Iterator[datetime]:
    """Every quarter of an hour at which something of this length fits the opening hours."""
    day = timezone.localdate(start_dt)
    while day <= timezone.localdate(end_dt):
        opens, closes = opening_hours(clinic, day)
        while opens + length <= closes:
            if start_dt <= opens < end_dt:
                yield opens
            opens += STEP
        day += timedelta(days=1)


def opening_hours(clinic: Clinic, day: date) -> tuple[datetime, datetime]:
    """In UTC, where adding minutes is safe on every day of the year; equal on a closed day."""
    zone = timezone.get_current_timezone()
    opens = datetime.combine(day, clinic.opens_at, zone).astimezone(UTC)
    closes = datetime.combine(day, clinic.closes_at, zone).astimezone(UTC)
    return (opens, opens) if day.isoweekday() == SUNDAY else (opens, closes)
