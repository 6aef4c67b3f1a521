"""Which starts can be booked: opening hours, minus busy time, on a grid.

Pure functions of integers. An instant is a Unix second, a duration counts elapsed seconds, and a
stretch of time is half-open, ``[begins, ends)``. Only opening hours are told in wall time, and they
become instants at their boundaries and nowhere else. ``docs/explanation/slots.md`` has the reasons.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import StrEnum
from functools import cached_property
from itertools import chain
from typing import Final

from bookings.contrib.schedule.zones import DAY, EPOCH, FOREVER, SECOND, WallClock, wall_clock

WEEK: Final = 7 * DAY
MONDAY: Final = 4 * DAY
"""1970-01-05, the first Monday, in wall time."""
EPOCH_ORDINAL: Final = EPOCH.toordinal()

Stretch = tuple[int, int]
"""``[begins, ends)``."""

Grid = tuple[int, int, int]
"""A stretch, and the instant from which the steps in it count."""


class Alignment(StrEnum):
    """What the steps between starts count from."""

    OPENING = "OPENING"
    """Each opening: elapsed time since it began."""
    CLOCK = "CLOCK"
    """Local midnight: the clock on the wall shows multiples of the step."""


@dataclass(frozen=True, slots=True, order=True)
class Shift:
    """Open from one wall time to another, in seconds after midnight of the day it begins on.

    24:00 is 86400, and 02:00 of the next day 93600. A shift lasts 24 hours at most.
    """

    opens: int
    closes: int

    def __post_init__(self) -> None:
        if not 0 <= self.opens < DAY:
            raise ValueError(f"A shift opens between 0 and 86399 seconds, not at {self.opens}.")
        if not 0 < self.closes - self.opens <= DAY:
            raise ValueError(f"A shift lasts up to a day, not from {self.opens} to {self.closes}.")


@dataclass(frozen=True, slots=True)
class WeeklyShift:
    """A shift on every such day of the week (0 is Monday); ``None`` closes the day.

    ``valid_from`` and ``valid_until`` are included; ``None`` sets no limit.
    """

    day_of_week: int
    shift: Shift | None
    valid_from: date | None = None
    valid_until: date | None = None

    def is_valid(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )


@dataclass(frozen=True)
class OpeningHours:
    """A week that repeats, and the dates that are different.

    A shift belongs to the date it begins on. All weekly shifts that are valid on a date apply
    together, unless one of them closes it. An override replaces what begins on its date; ``()``
    closes it.
    """

    zone: tzinfo
    weekly: Sequence[WeeklyShift] = ()
    overrides: Mapping[date, Sequence[Shift]] = field(default_factory=dict)

    def on(self, day: date) -> list[Shift]:
        """The shifts that begin on a date, in order."""
        shifts = self.overrides.get(day)
        if shifts is None:
            rows = [row for row in self._week[day.weekday()] if row.is_valid(day)]
            shifts = [row.shift for row in rows if row.shift is not None]
            if len(shifts) < len(rows):
                return []
        return sorted(shifts)

    @cached_property
    def _week(self) -> list[list[WeeklyShift]]:
        return [[row for row in self.weekly if row.day_of_week == day] for day in range(7)]


@dataclass(frozen=True, slots=True)
class SlotRules:
    """What a start has to keep to, in seconds: the booking's length and buffers, and the grid."""

    duration: int
    step: int
    before: int = 0
    after: int = 0
    alignment: Alignment = Alignment.OPENING

    def __post_init__(self) -> None:
        if self.duration < 1 or self.step < 1:
            raise ValueError("A duration and a step last at least a second.")
        if self.before < 0 or self.after < 0:
            raise ValueError("A buffer cannot be negative.")
        Alignment(self.alignment)


def starts(
    hours: OpeningHours,
    busy: Iterable[Stretch],
    rules: SlotRules,
    *,
    first: int,
    last: int,
    joinable: Iterable[int] = (),
) -> Iterator[int]:
    """The starts in ``[first, last)`` that can be booked, in order, one by one.

    The booking lies inside one opening. With its buffers, which may reach beyond the hours, it is
    free of ``busy``, whose stretches may overlap. ``joinable`` are the starts of shared slots with
    seats left for the same booking: it may join one at its very start, and keeps clear of it
    otherwise. (Such a slot is not in ``busy``.)
    """
    if first >= last:
        return iter(())
    blocked = iter(sorted(_blocked(busy, joinable, rules, first, last)))
    return chain.from_iterable(_free(_grids(hours, rules, first, last), blocked, rules.step))


def _free(grids: Iterator[Grid], blocked: Iterator[Stretch], step: int) -> Iterator[range]:
    """What is left of the grids: one sweep along both, for both are sorted."""
    blocks_from, blocks_until = next(blocked)
    for begins, ends, origin in grids:
        at = begins
        while at < ends:
            if at < blocks_from:
                yield range(at + (origin - at) % step, min(ends, blocks_from), step)
            at = max(at, blocks_until)
            if at < ends:
                blocks_from, blocks_until = next(blocked)


def _blocked(
    busy: Iterable[Stretch], joinable: Iterable[int], rules: SlotRules, first: int, last: int
) -> Iterator[Stretch]:
    """The stretches in which nothing can start, because it would run into something."""
    yield -FOREVER, first
    yield last, FOREVER
    before, length = rules.before, rules.duration + rules.after
    for begins, ends in busy:
        yield begins - length + 1, ends + before
    for start in joinable:
        yield start - before - length + 1, start
        yield start + 1, start + length + before


def _grids(hours: OpeningHours, rules: SlotRules, first: int, last: int) -> Iterator[Grid]:
    """The stretches in which a booking can start, so that it ends in the same opening."""
    clock = wall_clock(hours.zone, first, last)
    if rules.alignment == Alignment.CLOCK:
        return _from_midnight(_fitting(hours, rules, first, last), clock)
    mondays = _mondays(clock, first, last)
    return _from_opening(_fitting(hours, rules, mondays[0], last), mondays)


def _fitting(hours: OpeningHours, rules: SlotRules, first: int, last: int) -> Iterator[Stretch]:
    for begins, ends in openings(hours, first, last + rules.duration):
        yield begins, ends - rules.duration + 1


def _from_opening(stretches: Iterable[Stretch], mondays: list[int]) -> Iterator[Grid]:
    """Elapsed time since the opening.

    One that has lasted from a Monday to the next counts anew from there. Open day and night, there
    would be no beginning to count from, and the answer would depend on how far back one looked.
    """
    for begins, ends in stretches:
        origin = begins
        renewal = bisect_left(mondays, begins) + 1
        while renewal < len(mondays) and mondays[renewal] < ends:
            yield origin, mondays[renewal], origin
            origin = mondays[renewal]
            renewal += 1
        yield origin, ends, origin


def _from_midnight(stretches: Iterable[Stretch], clock: WallClock) -> Iterator[Grid]:
    """Multiples of the step on the clock of the wall, day by day and offset by offset."""
    for begins, ends in stretches:
        at = begins
        while at < ends:
            offset, changes = clock.stretch(at)
            midnight = (at + offset) // DAY * DAY - offset
            until = min(ends, changes, midnight + DAY)
            yield at, until, midnight
            at = until


def openings(hours: OpeningHours, first: int, last: int) -> Iterator[Stretch]:
    """The openings around ``[first, last)``, in order, none touching the next.

    They are exact within ``[first, last)``; one that reaches further may be cut off out there.
    """
    begins = ends = -FOREVER
    for opens, closes in _shifts(hours, first, last):
        if opens > ends:
            if begins < ends:
                yield begins, ends
            begins = opens
        ends = max(ends, closes)
    if begins < ends:
        yield begins, ends


def _shifts(hours: OpeningHours, first: int, last: int) -> Iterator[Stretch]:
    """The shifts that may be open in ``[first, last)``, by their beginnings."""
    clock = wall_clock(hours.zone, first, last)
    # A shift may go on until the second midnight after the day it begins on; and where an offset
    # changes at midnight, the clock may already have shown the day that is to come.
    days = range(clock.shown(first) // DAY - 2, clock.shown(last) // DAY + 2)
    return _of_days(hours, clock, days)


def shifts(hours: OpeningHours, first: date, last: date) -> Iterator[Stretch]:
    """The shifts that begin on the dates from ``first`` to ``last``, both included, one by one."""
    days = range(first.toordinal() - EPOCH_ORDINAL, last.toordinal() - EPOCH_ORDINAL + 1)
    clock = wall_clock(hours.zone, DAY * days.start, DAY * days.stop)
    return _of_days(hours, clock, days)


def _of_days(hours: OpeningHours, clock: WallClock, days: range) -> Iterator[Stretch]:
    for day in days:
        midnight = day * DAY
        for shift in hours.on(date.fromordinal(EPOCH_ORDINAL + day)):
            yield clock.first(midnight + shift.opens), clock.last(midnight + shift.closes)


def _mondays(clock: WallClock, first: int, last: int) -> list[int]:
    """The midnights of the Mondays, from the one before the week of ``first``."""
    wall = clock.shown(first)
    wall -= (wall - MONDAY) % WEEK + WEEK
    return [clock.first(monday) for monday in range(wall, clock.shown(last) + DAY, WEEK)]


def booking_window(
    first: int, last: int, *, now: datetime, notice: int = 0, advance: int | None = None
) -> Stretch:
    """``[first, last)``, cut to starts at least ``notice`` and at most ``advance`` seconds ahead.

    Both boundaries may be booked, as in ``bookings.policies.check_start``.
    """
    since = now - EPOCH
    first = max(first, notice - -since // SECOND)
    if advance is not None:
        last = min(last, since // SECOND + advance + 1)
    return first, last
