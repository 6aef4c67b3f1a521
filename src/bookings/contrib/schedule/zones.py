"""What the clocks on the wall show: the offsets of a time zone, as integers.

A *wall time* counts the seconds from 1970-01-01 00:00 as the clocks of a zone show them; an instant
is a Unix second. Where a zone changes its offset, a wall time stands for no instant, or for two.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

DAY: Final = 86_400
FOREVER: Final = 2**62
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)

MARGIN: Final = 31 * DAY

PROBE: Final = 3 * DAY
"""Shorter than any stretch between two changes since 1970, or changes that cancel would be missed.
The shortest is a week: what Gaza has between the end of Ramadan and winter in 2040."""


@dataclass(frozen=True, slots=True)
class WallClock:
    """A zone's stretches of constant offset: each begins at an instant and ends with the next."""

    begins: tuple[int, ...]
    ends: tuple[int, ...]
    offsets: tuple[int, ...]
    shown_first: tuple[int, ...]
    """The wall time with which each stretch begins."""
    shown_last: tuple[int, ...]
    """The wall time that each stretch ends at, and does not show any more."""

    def shown(self, instant: int) -> int:
        """What the clock shows."""
        return instant + self.offsets[bisect_right(self.begins, instant) - 1]

    def first(self, wall: int) -> int:
        """The first instant at which the clock shows ``wall`` or later.

        Of a wall time that there is twice, the first; of one that there is not, the first instant
        after the gap.
        """
        stretch = bisect_right(self.shown_last, wall)
        return max(self.begins[stretch], wall - self.offsets[stretch])

    def last(self, wall: int) -> int:
        """The instant up to which the clock shows ``wall`` or earlier.

        Of a wall time that there is twice, the second; of one that there is not, the first instant
        after the gap.
        """
        stretch = bisect_right(self.shown_first, wall) - 1
        return min(self.ends[stretch], wall - self.offsets[stretch])

    def stretch(self, instant: int) -> tuple[int, int]:
        """The offset at an instant, and the instant at which it ends."""
        number = bisect_right(self.begins, instant) - 1
        return self.offsets[number], self.ends[number]


def wall_clock(zone: tzinfo, first: int, last: int) -> WallClock:
    """The clock of a zone, right from a month before ``first`` to a month after ``last``."""
    return _of_years(zone, _year(first - MARGIN), _year(last + MARGIN))


@lru_cache(maxsize=1024)
def _of_years(zone: tzinfo, first: int, last: int) -> WallClock:
    def offset(instant: int) -> int:
        there = (EPOCH + instant * SECOND).astimezone(zone)
        return (there.utcoffset() or timedelta()) // SECOND

    begins, ends = _new_year(first), _new_year(last + 1)
    changes, offsets = [begins], [offset(begins)]
    for probe in range(begins + PROBE, ends + PROBE, PROBE):
        if offset(probe) != offsets[-1]:
            since = range(probe - PROBE, probe)
            change = since[0] + bisect_left(
                since, True, key=lambda instant: offset(instant) != offsets[-1]
            )
            changes.append(change)
            offsets.append(offset(change))
    changes[0] = -FOREVER
    until = (*changes[1:], FOREVER)
    return WallClock(
        begins=tuple(changes),
        ends=until,
        offsets=tuple(offsets),
        shown_first=tuple(map(int.__add__, changes, offsets)),
        shown_last=tuple(map(int.__add__, until, offsets)),
    )


def _year(instant: int) -> int:
    return (EPOCH + instant * SECOND).year


def _new_year(year: int) -> int:
    return (datetime(year, 1, 1, tzinfo=UTC) - EPOCH) // SECOND
