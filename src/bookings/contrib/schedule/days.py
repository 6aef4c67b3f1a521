"""Slots by the day of the zone that they are shown in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from bookings.contrib.schedule import window
from bookings.contrib.schedule.availability import Availability, Slot


class DayStatus(TextChoices):
    """What a date picker shows of a day."""

    OPEN = "OPEN", _("Open")
    FULL = "FULL", _("Full")
    CLOSED = "CLOSED", _("Closed")


@dataclass(frozen=True, slots=True)
class DaySummary:
    """One day of a date picker."""

    date: date
    status: DayStatus
    """OPEN: there is a slot. FULL: there would be one if the calendar were empty. Else CLOSED."""
    slots: int
    """How many starts can be booked, with whomever."""
    reason: str = ""
    """Why the day is closed: an override's reason, or the name of a holiday."""


def slots_of(offers: Sequence[Availability], days: Iterable[date]) -> dict[date, list[Slot]]:
    """Every one of the days, with its slots; of one start, in the order of the providers."""
    by_date: dict[date, list[Slot]] = {day: [] for day in days}
    starts = ((start, number) for number, offer in enumerate(offers) for start in offer.starts())
    # By the second, because two datetimes of one zone compare by what the clock shows.
    for start, number in sorted(starts):
        slot = offers[number].slot_at(start)
        by_date[slot.start.date()].append(slot)
    return by_date


def summaries_of(offers: list[Availability], days: list[date], tz: tzinfo) -> list[DaySummary]:
    starts: dict[date, set[int]] = {day: set() for day in days}
    for offer in offers:
        for start in offer.starts():
            starts[datetime.fromtimestamp(start, tz).date()].add(start)
    return [_summary(day, len(starts[day]), offers, tz) for day in days]


def _summary(day: date, slots: int, offers: list[Availability], tz: tzinfo) -> DaySummary:
    if slots:
        return DaySummary(day, DayStatus.OPEN, slots)
    first, last = window.of_dates(day, day, tz)
    if any(offer.would_start_between(first, last) for offer in offers):
        return DaySummary(day, DayStatus.FULL, 0)
    reasons = (offer.rules.reasons.get(day, "") for offer in offers)
    return DaySummary(day, DayStatus.CLOSED, 0, next(filter(None, reasons), ""))
