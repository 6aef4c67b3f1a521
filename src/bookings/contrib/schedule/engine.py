"""Compute which starts can be booked: opening hours, minus busy time, on a grid.

These are pure functions of integers. An instant is a Unix second, a duration is a number of elapsed
seconds, and an interval is half-open, ``[begins, ends)``. Only opening hours are in wall time; they
are converted to instants once. ``docs/explanation/slots.md`` explains the rules.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from enum import StrEnum
from functools import cached_property
from itertools import chain
from typing import Final

from bookings.contrib.schedule import length_pieces
from bookings.contrib.schedule.length_pieces import Piece, WallEnds
from bookings.rules.wall_clock import (
    DAY,
    EPOCH,
    FOREVER,
    SECOND,
    WallClock,
    wall_clock_for,
)

WEEK: Final = 7 * DAY
MONDAY: Final = 4 * DAY
"""1970-01-05, the first Monday, in wall time."""
EPOCH_ORDINAL: Final = EPOCH.toordinal()

Interval = tuple[int, int]
"""``[begins, ends)``."""

GridInterval = tuple[int, int, int]
"""An interval, and the instant from which the steps in it count."""


class Alignment(StrEnum):
    """What the steps between starts count from."""

    OPENING = "OPENING"
    """Each opening: the time that has elapsed since it began."""
    CLOCK = "CLOCK"
    """Local midnight: the starts are multiples of the step in wall time."""


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
    """A shift on one day of every week (0 is Monday); ``None`` closes the day.

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
    """A week that repeats, and the dates that differ from it.

    A shift belongs to the date it begins on. All weekly shifts that are valid on a date apply
    together, unless one of them closes it. An override replaces the shifts that begin on its date;
    ``()`` closes it.
    """

    zone: tzinfo
    weekly: Sequence[WeeklyShift] = ()
    overrides: Mapping[date, Sequence[Shift]] = field(default_factory=dict)

    def shifts_on(self, day: date) -> list[Shift]:
        """Return the shifts that begin on a date, in order."""
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
    """The length and the buffers of a booking, and the grid of its starts. All in seconds."""

    duration: int
    step: int
    before: int = 0
    after: int = 0
    alignment: Alignment = Alignment.OPENING
    wall_ends: WallEnds | None = None
    """When a booking ends that lasts by the wall clock; ``duration`` is longer than any then."""
    spans_closures: bool = False
    """Whether only the start and the end have to lie in an opening, and not what is between."""

    def __post_init__(self) -> None:
        if self.duration < 1 or self.step < 1:
            raise ValueError("A duration and a step last at least a second.")
        if self.before < 0 or self.after < 0:
            raise ValueError("A buffer cannot be negative.")
        Alignment(self.alignment)

    @property
    def is_in_pieces(self) -> bool:
        """Whether the duration alone does not tell which starts are free."""
        return self.wall_ends is not None or self.spans_closures

    def end_of(self, start: int) -> int:
        return start + self.duration if self.wall_ends is None else self.wall_ends.end_of(start)

    def pieces(self, first: int, last: int) -> list[Piece]:
        if self.wall_ends is None:
            return [Piece(first, last, self.duration)]
        return list(self.wall_ends.pieces(first, last))


def starts(
    hours: OpeningHours,
    busy: Iterable[Interval],
    rules: SlotRules,
    *,
    first: int,
    last: int,
    joinable: Iterable[int] = (),
    blocked: Iterable[Interval] = (),
) -> Iterator[int]:
    """Yield the starts in ``[first, last)`` that can be booked, in order.

    The booking lies inside one opening. With its buffers, which may reach beyond the hours, it does
    not overlap ``busy``, whose intervals may overlap each other.

    ``joinable`` are the starts of shared slots that have seats left for the same booking. The
    booking can join one at exactly its start, and does not overlap it otherwise. These slots are
    not in ``busy``. ``blocked`` are intervals of starts that something else forbids; they may
    overlap each other.
    """
    if first >= last:
        return iter(())
    every = chain(_blocked(busy, joinable, rules, first, last), blocked)
    if rules.is_in_pieces:
        every = chain(every, closed_starts(hours, rules, first, last))
        # A grid of all starts in the openings: which of them are too late, the pieces tell.
        rules = replace(rules, duration=1, wall_ends=None, spans_closures=False)
    return chain.from_iterable(
        _unblocked(_grid(hours, rules, first, last), iter(sorted(every)), rules.step)
    )


def _unblocked(
    grid: Iterator[GridInterval], blocked: Iterator[Interval], step: int
) -> Iterator[range]:
    """Yield the starts of the grid outside the blocked intervals, in one sweep along both."""
    blocked_from, blocked_until = next(blocked)
    for begins, ends, origin in grid:
        at = begins
        while at < ends:
            if at < blocked_from:
                yield range(at + (origin - at) % step, min(ends, blocked_from), step)
            at = max(at, blocked_until)
            if at < ends:
                blocked_from, blocked_until = next(blocked)


def _blocked(
    busy: Iterable[Interval], joinable: Iterable[int], rules: SlotRules, first: int, last: int
) -> Iterator[Interval]:
    """Yield the intervals in which a booking cannot start, because it would overlap something."""
    yield -FOREVER, first
    yield last, FOREVER
    if rules.is_in_pieces:
        yield from taken_starts(busy, joinable, rules, first, last)
        return
    before, length = rules.before, rules.duration + rules.after
    for begins, ends in busy:
        yield begins - length + 1, ends + before
    for start in joinable:
        yield start - before - length + 1, start
        yield start + 1, start + length + before


def taken_starts(
    busy: Iterable[Interval], joinable: Iterable[int], rules: SlotRules, first: int, last: int
) -> Iterator[Interval]:
    """Yield the intervals in which a booking of rules in pieces cannot start, because it would
    overlap something; ``joinable`` are starts that can join what is there.
    """
    before, after = rules.before, rules.after
    return length_pieces.taken_starts(
        busy,
        ((start - before, rules.end_of(start) + after, start) for start in joinable),
        rules.pieces(first, last),
        before=before,
        after=after,
    )


def closed_starts(
    hours: OpeningHours, rules: SlotRules, first: int, last: int
) -> Iterator[Interval]:
    """Yield the intervals of ``[first, last)`` in which a booking of rules in pieces does not fit
    the hours.
    """
    return length_pieces.closed_starts(
        list(openings(hours, first, last + rules.duration)),
        rules.pieces(first, last),
        first,
        last,
        spans_closures=rules.spans_closures,
    )


def fits(hours: OpeningHours, start: int, end: int, *, spans_closures: bool = False) -> bool:
    """Return whether a booking lies in one opening, or with ``spans_closures`` its start and its
    end do; it may end when one begins.
    """
    if spans_closures:
        ends_in = openings(hours, end - 1, end + 1)
        return fits(hours, start, start + 1) and any(
            opens <= end <= closes for opens, closes in ends_in
        )
    return any(opens <= start and end <= closes for opens, closes in openings(hours, start, end))


def _grid(hours: OpeningHours, rules: SlotRules, first: int, last: int) -> Iterator[GridInterval]:
    """Yield the intervals in which a booking can start so that it ends in the same opening."""
    clock = wall_clock_for(hours.zone, first, last)
    if rules.alignment == Alignment.CLOCK:
        return _aligned_to_clock(_start_intervals(hours, rules, first, last), clock)
    mondays = _mondays(clock, first, last)
    return _aligned_to_opening(_start_intervals(hours, rules, mondays[0], last), mondays)


def _start_intervals(
    hours: OpeningHours, rules: SlotRules, first: int, last: int
) -> Iterator[Interval]:
    for begins, ends in openings(hours, first, last + rules.duration):
        yield begins, ends - rules.duration + 1


def _aligned_to_opening(
    intervals: Iterable[Interval], mondays: list[int]
) -> Iterator[GridInterval]:
    """Count the steps from the beginning of the opening.

    In an opening that has lasted from one Monday to the next, they count anew from the second. An
    opening that never closes has no beginning, and the answer would otherwise depend on how far
    back the caller looks.
    """
    for begins, ends in intervals:
        origin = begins
        number = bisect_left(mondays, begins) + 1
        while number < len(mondays) and mondays[number] < ends:
            yield origin, mondays[number], origin
            origin = mondays[number]
            number += 1
        yield origin, ends, origin


def _aligned_to_clock(intervals: Iterable[Interval], clock: WallClock) -> Iterator[GridInterval]:
    """Count the steps from midnight in wall time, for each day and each offset."""
    for begins, ends in intervals:
        at = begins
        while at < ends:
            offset, changes_at = clock.offset_at(at)
            midnight = (at + offset) // DAY * DAY - offset
            until = min(ends, changes_at, midnight + DAY)
            yield at, until, midnight
            at = until


def openings(hours: OpeningHours, first: int, last: int) -> Iterator[Interval]:
    """Yield the openings around ``[first, last)``, in order: shifts that touch are one opening.

    They are exact within ``[first, last)``. An opening that reaches beyond it may be cut off there.
    """
    begins = ends = -FOREVER
    for opens, closes in _shifts_around(hours, first, last):
        if opens > ends:
            if begins < ends:
                yield begins, ends
            begins = opens
        ends = max(ends, closes)
    if begins < ends:
        yield begins, ends


def _shifts_around(hours: OpeningHours, first: int, last: int) -> Iterator[Interval]:
    """Yield the shifts that may be open in ``[first, last)``, in the order in which they begin."""
    clock = wall_clock_for(hours.zone, first, last)
    # A shift may end as late as the second midnight after the day it begins on. And where an offset
    # changes at midnight, the clock may have shown the next day already.
    days = range(clock.wall_time(first) // DAY - 2, clock.wall_time(last) // DAY + 2)
    return _shifts_of_days(hours, clock, days)


def shifts(hours: OpeningHours, first: date, last: date) -> Iterator[Interval]:
    """Yield the shifts that begin on the dates from ``first`` to ``last``, both included."""
    days = range(first.toordinal() - EPOCH_ORDINAL, last.toordinal() - EPOCH_ORDINAL + 1)
    clock = wall_clock_for(hours.zone, DAY * days.start, DAY * days.stop)
    return _shifts_of_days(hours, clock, days)


def _shifts_of_days(hours: OpeningHours, clock: WallClock, days: range) -> Iterator[Interval]:
    for day in days:
        midnight = day * DAY
        for shift in hours.shifts_on(date.fromordinal(EPOCH_ORDINAL + day)):
            opens, closes = midnight + shift.opens, midnight + shift.closes
            yield clock.opening_instant(opens), clock.closing_instant(closes)


def _mondays(clock: WallClock, first: int, last: int) -> list[int]:
    """Return the midnights of the Mondays, from the one before the week of ``first``."""
    wall = clock.wall_time(first)
    wall -= (wall - MONDAY) % WEEK + WEEK
    return [
        clock.opening_instant(monday) for monday in range(wall, clock.wall_time(last) + DAY, WEEK)
    ]


def booking_window(
    first: int, last: int, *, now: datetime, notice: int = 0, until: datetime | None = None
) -> Interval:
    """Return ``[first, last)``, cut to starts at least ``notice`` seconds ahead and before
    ``until``, as in :func:`bookings.rules.policies.check_start`.
    """
    since_epoch = now - EPOCH
    first = max(first, notice - -since_epoch // SECOND)
    if until is not None:
        last = min(last, -((EPOCH - until) // SECOND))
    return first, last
