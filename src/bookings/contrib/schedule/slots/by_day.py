"""Group slots by day, and summarize days for a date picker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule import time_ranges
from bookings.contrib.schedule.slots.availability import Availability, Slot


class DayStatus(TextChoices):
    """Whether a day has slots, as a date picker shows it."""

    OPEN = "OPEN", _("Open")
    FULL = "FULL", _("Full")
    CLOSED = "CLOSED", _("Closed")


@dataclass(frozen=True, slots=True)
class DaySummary:
    """One day of a date picker."""

    date: date
    status: DayStatus
    """OPEN: there is a slot. FULL: there would be one if nothing were booked. CLOSED: neither."""
    slots: int
    """How many different starts can be booked, with any of the providers."""
    reason: str = ""
    """Why the day is closed: the reason of an override, or the name of a holiday."""


def group_by_day(
    availabilities: Sequence[Availability], days: Iterable[date]
) -> dict[date, list[Slot]]:
    """Return the slots of each day, sorted by start, then in the order of the providers."""
    by_day: dict[date, list[Slot]] = {day: [] for day in days}
    starts = (
        (start, number)
        for number, availability in enumerate(availabilities)
        for start in availability.starts()
    )
    # Sort by the second: Python compares two datetimes of one zone by their wall time.
    for start, number in sorted(starts):
        slot = availabilities[number].slot_at(start)
        by_day[slot.start.date()].append(slot)
    return by_day


def summarize_days(
    availabilities: list[Availability], days: list[date], tz: tzinfo
) -> list[DaySummary]:
    starts: dict[date, set[int]] = {day: set() for day in days}
    for availability in availabilities:
        for start in availability.starts():
            starts[datetime.fromtimestamp(start, tz).date()].add(start)
    return [_summarize_day(day, len(starts[day]), availabilities, tz) for day in days]


def _summarize_day(
    day: date, slots: int, availabilities: list[Availability], tz: tzinfo
) -> DaySummary:
    if slots:
        return DaySummary(day, DayStatus.OPEN, slots)
    searches = [availability.search for availability in availabilities]
    first, last = time_ranges.seconds_of_dates(day, day, tz)
    if any(search.has_start_if_free(first, last) for search in searches):
        return DaySummary(day, DayStatus.FULL, 0)
    reasons = (search.rules.reasons.get(day, "") for search in searches)
    return DaySummary(day, DayStatus.CLOSED, 0, next(filter(None, reasons), ""))
