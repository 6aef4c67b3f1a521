"""Convert between instants and the wall time of a time zone, as integers.

An instant is a Unix second. A *wall time* is the date and the time that a clock of the zone shows,
as seconds after 1970-01-01 00:00. Where a zone changes its offset from UTC, some wall times do not
exist, or exist twice.
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

PROBE_STEP: Final = 3 * DAY
"""How far apart the instants are at which a zone's offset is looked up.

It has to be shorter than the time between any two changes of a zone, or two changes that cancel
each other are missed. The shortest since 1970 is about a week, in Gaza in 2040.
"""


@dataclass(frozen=True, slots=True)
class WallClock:
    """The periods of a zone in which its offset from UTC is constant, in order.

    The first begins long ago, and the last has no end.
    """

    begins: tuple[int, ...]
    """The instant at which each period begins."""
    ends: tuple[int, ...]
    """The instant at which each period ends, which is the beginning of the next."""
    offsets: tuple[int, ...]
    """The offset of each period, in seconds."""
    wall_begins: tuple[int, ...]
    """The wall time at which each period begins."""
    wall_ends: tuple[int, ...]
    """The wall time at which each period ends; the clock does not show it."""

    def wall_time(self, instant: int) -> int:
        """Return what the clock shows at an instant."""
        return instant + self.offsets[bisect_right(self.begins, instant) - 1]

    def opening_instant(self, wall: int) -> int:
        """Return the first instant at which the clock shows ``wall`` or later.

        If the wall time exists twice, it is the first of the two. If it does not exist, it is the
        end of the gap.
        """
        period = bisect_right(self.wall_ends, wall)
        return max(self.begins[period], wall - self.offsets[period])

    def closing_instant(self, wall: int) -> int:
        """Return the instant up to which the clock shows ``wall`` or earlier.

        If the wall time exists twice, it is the second of the two. If it does not exist, it is the
        end of the gap.
        """
        period = bisect_right(self.wall_begins, wall) - 1
        return min(self.ends[period], wall - self.offsets[period])

    def offset_at(self, instant: int) -> tuple[int, int]:
        """Return the offset at an instant, and the instant at which it changes."""
        period = bisect_right(self.begins, instant) - 1
        return self.offsets[period], self.ends[period]


def wall_clock_for(zone: tzinfo, first: int, last: int) -> WallClock:
    """Return a zone's clock that is right from a month before ``first`` to one after ``last``."""
    return _wall_clock_of_years(zone, _year(first - MARGIN), _year(last + MARGIN))


@lru_cache(maxsize=1024)
def _wall_clock_of_years(zone: tzinfo, first: int, last: int) -> WallClock:
    def offset(instant: int) -> int:
        local = (EPOCH + instant * SECOND).astimezone(zone)
        return (local.utcoffset() or timedelta()) // SECOND

    start, end = _new_year(first), _new_year(last + 1)
    changes, offsets = [start], [offset(start)]
    # zoneinfo does not say when a zone changes its offset. Look the offset up at regular instants,
    # and search for the change between two that differ.
    for probe in range(start + PROBE_STEP, end + PROBE_STEP, PROBE_STEP):
        if offset(probe) != offsets[-1]:
            candidates = range(probe - PROBE_STEP, probe)
            change = candidates[0] + bisect_left(
                candidates, True, key=lambda instant: offset(instant) != offsets[-1]
            )
            changes.append(change)
            offsets.append(offset(change))
    changes[0] = -FOREVER
    ends = (*changes[1:], FOREVER)
    return WallClock(
        begins=tuple(changes),
        ends=ends,
        offsets=tuple(offsets),
        wall_begins=tuple(map(int.__add__, changes, offsets)),
        wall_ends=tuple(map(int.__add__, ends, offsets)),
    )


def _year(instant: int) -> int:
    return (EPOCH + instant * SECOND).year


def _new_year(year: int) -> int:
    return (datetime(year, 1, 1, tzinfo=UTC) - EPOCH) // SECOND
