"""Working days of a provider, for a grace that is counted in business days.

Hours of grace are elapsed hours, except for the hours of the calendar days, by the clock of the
provider's zone, on which the provider does not work.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """The dates in a zone on which a provider works, of those that were asked about."""

    zone: tzinfo
    dates: Collection[date]


def subtract_working_hours(
    now: datetime, hours: int, days: WorkingDays | None, *, since: date
) -> datetime:
    """Return the last instant from which ``hours`` of working days have passed by ``now``.

    Every day before ``since`` counts, so that the grace of a provider who never works ends too.
    """
    left = timedelta(hours=hours)
    if days is None or not left:
        return now - left
    ends, day = now, now.astimezone(days.zone).date()
    while day >= since:
        begins = datetime.combine(day, time.min, days.zone).astimezone(UTC)
        if day in days.dates:
            if ends - begins >= left:
                break
            left -= ends - begins
        ends, day = begins, day - ONE_DAY
    return ends - left
