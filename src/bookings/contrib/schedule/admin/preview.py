"""What the next days look like: when a schedule is open, what of that is free, and why not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from bookings import policies
from bookings.contrib.schedule import engine
from bookings.contrib.schedule.engine import Stretch
from bookings.contrib.schedule.models import Schedule
from bookings.contrib.schedule.rules import rules_of
from bookings.selectors import get_busy_seconds

DAYS: Final = 14
A_DAY: Final = timedelta(days=1)
LOOK_AROUND: Final = timedelta(days=3)
"""A shift belongs to the date it begins on, and may go on until the second midnight after it."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one day, by the clock on the wall; its place is in percent of that day."""

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
    """What nothing has claimed yet; ``None`` where the schedule is no provider's."""
    reason: str
    """Why the week's hours do not begin that day: an override's reason, or a holiday's name."""


def preview(schedule: Schedule, now: datetime, days: int = DAYS) -> list[PreviewDay]:
    """The days from today on, in the schedule's zone, in three queries.

    What a shift has left after midnight is shown with the day that it reaches into.
    """
    zone = schedule.zone
    dates = [now.astimezone(zone).date() + number * A_DAY for number in range(days)]
    first, last = dates[0] - LOOK_AROUND, dates[-1] + LOOK_AROUND
    rules = rules_of({schedule.pk: schedule}, first, last)[schedule.pk]
    midnights = [datetime.combine(day, time.min, zone) for day in (*dates, dates[-1] + A_DAY)]
    seconds = [policies.floor_second(midnight) for midnight in midnights]
    openings = list(engine.openings(rules.hours, seconds[0], seconds[-1]))
    free: list[Stretch] = []
    if schedule.provider_id is not None:
        busy = get_busy_seconds([schedule.provider_id], midnights[0], midnights[-1])
        free = list(_without(openings, busy[schedule.provider_id]))
    return [
        PreviewDay(
            date=day,
            openings=_spans(openings, bounds, zone),
            free=None if schedule.provider_id is None else _spans(free, bounds, zone),
            reason=rules.reasons.get(day, ""),
        )
        for day, bounds in zip(dates, pairwise(seconds), strict=True)
    ]


def _without(openings: Iterable[Stretch], busy: list[Stretch]) -> Iterator[Stretch]:
    """What is left of them; ``busy`` is sorted, and no two of it overlap."""
    for begins, ends in openings:
        at = begins
        for taken_from, taken_until in busy:
            if taken_until > at and taken_from < ends:
                if at < taken_from:
                    yield at, taken_from
                at = taken_until
        if at < ends:
            yield at, ends


def _spans(stretches: Iterable[Stretch], bounds: Stretch, zone: ZoneInfo) -> list[Span]:
    """Those of the day between two midnights."""
    midnight, next_midnight = bounds
    cut = ((max(begins, midnight), min(ends, next_midnight)) for begins, ends in stretches)
    percent = 100 / (next_midnight - midnight)
    return [
        Span(
            opens=_wall_time(begins, zone),
            closes="24:00" if ends == next_midnight else _wall_time(ends, zone),
            left=f"{(begins - midnight) * percent:.3f}",
            width=f"{(ends - begins) * percent:.3f}",
        )
        for begins, ends in cut
        if begins < ends
    ]


def _wall_time(second: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(second, zone):%H:%M}"
