"""The preview on a schedule's page: when it is open in the next days, and what of that is free."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from bookings.contrib.schedule import engine
from bookings.contrib.schedule.engine import Interval
from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.schedule_rules import load_rules_by_schedule
from bookings.rules import instants
from bookings.selectors import get_busy_seconds

DEFAULT_DAYS: Final = 14
ONE_DAY: Final = timedelta(days=1)
MARGIN: Final = timedelta(days=3)
"""A shift belongs to the date on which it begins and may end on another, so the rules are read for
some days more on both sides."""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of one day in local time; its position and width are percentages of that day."""

    opens: str
    closes: str
    left: str
    width: str

    def __str__(self) -> str:
        return f"{self.opens}–{self.closes}"


@dataclass(frozen=True, slots=True)
class PreviewDay:
    date: date
    openings: list[Span]
    free: list[Span] | None
    """The part of the openings that is not busy; ``None`` for a schedule without a provider."""
    reason: str
    """Why the weekly hours do not apply: the reason of an override, or the name of a holiday."""


def preview(schedule: Schedule, now: datetime, days: int = DEFAULT_DAYS) -> list[PreviewDay]:
    """Return the days from today on in the schedule's time zone, with three queries.

    The part of a shift after midnight is shown on the day on which it is.
    """
    zone = schedule.zone
    dates = [now.astimezone(zone).date() + number * ONE_DAY for number in range(days)]
    first, last = dates[0] - MARGIN, dates[-1] + MARGIN
    rules = load_rules_by_schedule({schedule.pk: schedule}, first, last)[schedule.pk]
    midnights = [datetime.combine(day, time.min, zone) for day in (*dates, dates[-1] + ONE_DAY)]
    seconds = [instants.floor_second(midnight) for midnight in midnights]
    openings = list(engine.openings(rules.hours, seconds[0], seconds[-1]))
    free: list[Interval] = []
    if schedule.provider_id is not None:
        busy = get_busy_seconds([schedule.provider_id], midnights[0], midnights[-1])
        free = list(_subtract(openings, busy[schedule.provider_id]))
    return [
        PreviewDay(
            date=day,
            openings=_spans(openings, bounds, zone),
            free=None if schedule.provider_id is None else _spans(free, bounds, zone),
            reason=rules.reasons.get(day, ""),
        )
        for day, bounds in zip(dates, pairwise(seconds), strict=True)
    ]


def _subtract(openings: Iterable[Interval], busy: list[Interval]) -> Iterator[Interval]:
    """Yield the parts of the openings that are not busy; ``busy`` is sorted without overlaps."""
    for begins, ends in openings:
        free_from = begins
        for busy_from, busy_until in busy:
            if busy_until > free_from and busy_from < ends:
                if free_from < busy_from:
                    yield free_from, busy_from
                free_from = busy_until
        if free_from < ends:
            yield free_from, ends


def _spans(stretches: Iterable[Interval], bounds: Interval, zone: ZoneInfo) -> list[Span]:
    """Return the parts that lie between two midnights."""
    midnight, next_midnight = bounds
    clipped = ((max(begins, midnight), min(ends, next_midnight)) for begins, ends in stretches)
    percent = 100 / (next_midnight - midnight)
    return [
        Span(
            opens=_local_time(begins, zone),
            closes="24:00" if ends == next_midnight else _local_time(ends, zone),
            left=f"{(begins - midnight) * percent:.3f}",
            width=f"{(ends - begins) * percent:.3f}",
        )
        for begins, ends in clipped
        if begins < ends
    ]


def _local_time(second: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(second, zone):%H:%M}"
