"""Which starts can be booked: opening hours, minus busy time, on a grid.

Pure functions of integers. An instant is a Unix second, a duration counts elapsed seconds, and every
stretch of time is half-open, ``[begins, ends)``. Only opening hours are told in wall time, and they
become instants at their boundaries and nowhere else. ``docs/explanation/slots.md`` has the reasons.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import StrEnum
from typing import Final

from bookings.contrib.schedule.zones import DAY, EPOCH

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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """A week that repeats, and the dates that are different.

    A shift belongs to the date it begins on. All weekly shifts that are valid on a date apply
    together, unless one of them closes it. An override replaces what begins on its date; ``()``
    closes it.
    """

    zone: tzinfo
    weekly: Iterable[WeeklyShift] = ()
    overrides: Mapping[date, tuple[Shift, ...]] = field(default_factory=dict)


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
    raise NotImplementedError


def openings(hours: OpeningHours, first: int, last: int) -> Iterator[Stretch]:
    """The openings around ``[first, last)``, in order, none touching the next.

    They are exact within ``[first, last)``; one that reaches further may be cut off out there.
    """
    raise NotImplementedError


def booking_window(
    first: int, last: int, *, now: datetime, notice: int = 0, advance: int | None = None
) -> Stretch:
    """``[first, last)``, cut to starts at least ``notice`` and at most ``advance`` seconds ahead.

    Both boundaries may be booked, as in ``bookings.policies.check_start``.
    """
    raise NotImplementedError
