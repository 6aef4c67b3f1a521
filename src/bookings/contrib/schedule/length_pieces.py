"""Which starts are blocked where the length of a booking depends on its start.

By the wall clock, a booking of one day takes 23, 24 or 25 hours. The starts are divided into
*pieces*, in each of which all bookings are equally long, or all end at the same instant. As in
:mod:`~bookings.contrib.schedule.engine`, an instant is a Unix second, and an interval is half-open.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from bookings.rules.wall_clock import DAY, WallClock

if TYPE_CHECKING:
    # The engine needs no Django.
    from bookings.rules.lengths import WallLength

Interval: TypeAlias = tuple[int, int]
Stretch = TypeVar("Stretch", tuple[int, int], tuple[int, int, int])


@dataclass(frozen=True, slots=True)
class Piece:
    """Starts in ``[begins, ends)`` of bookings that end so much later, or at one instant."""

    begins: int
    ends: int
    length: int = 0
    ends_at: int | None = None
    """The instant at which they all end; ``None`` if they all have the same length."""

    def end_of(self, start: int) -> int:
        return start + self.length if self.ends_at is None else self.ends_at

    def starts_that_end_in(self, opens: int, closes: int) -> Interval:
        """Return the starts whose bookings end at ``opens``, at ``closes``, or in between."""
        if self.ends_at is None:
            first, last = opens - self.length, closes - self.length + 1
            return max(self.begins, first), min(self.ends, last)
        return (self.begins, self.ends) if opens <= self.ends_at <= closes else (0, 0)

    def starts_that_overlap(self, busy: Interval, before: int, after: int) -> Interval:
        """Return the starts whose bookings overlap an interval, with these buffers; some do."""
        begins, ends = busy
        first = self.begins
        if self.ends_at is None:
            first = max(first, begins - after - self.length + 1)
        return first, min(self.ends, ends + before)


@dataclass(frozen=True, slots=True)
class WallEnds:
    """When bookings end that last by the wall clock of a zone, and their add-ons after that."""

    length: WallLength
    zone: tzinfo
    extra: int = 0
    """How many seconds the add-ons last."""

    @property
    def longest(self) -> int:
        return self.length.longest + self.extra

    def end_of(self, start: int) -> int:
        """Return the end of a booking; before its add-ons it may not lie after the start."""
        clock = self.length.clock(self.zone, start, start)
        return self.length.end_second(start, clock) + self.extra

    def pieces(self, first: int, last: int) -> Iterator[Piece]:
        """Yield the pieces of ``[first, last)``, in order, without starts that are not possible."""
        clock = self.length.clock(self.zone, first, last)
        at = first
        while at < last:
            offset, changes_at = clock.offset_at(at)
            until = min(last, changes_at)
            if self.length.ends_at is None:
                piece = self._of_same_time(clock, at, until, offset)
            else:
                midnight = (at + offset) // DAY * DAY + DAY - offset
                piece = self._until_time(clock, at, min(until, midnight))
            at = piece.ends
            if piece.ends_at is None:
                yield piece
            elif piece.begins < (last_start := min(piece.ends, piece.ends_at - self.extra)):
                yield Piece(piece.begins, last_start, ends_at=piece.ends_at)

    def _until_time(self, clock: WallClock, at: int, until: int) -> Piece:
        return Piece(at, until, ends_at=self.length.end_second(at, clock) + self.extra)

    def _of_same_time(self, clock: WallClock, at: int, until: int, offset: int) -> Piece:
        """Return the piece that begins at ``at``; its ends lie in one period, or in a gap."""
        shift = offset + self.length.days * DAY
        period = bisect_right(clock.wall_begins, at + shift) - 1
        if period + 1 < len(clock.wall_begins):
            until = min(until, clock.wall_begins[period + 1] - shift)
        gap_begins = clock.wall_ends[period] - shift
        if at >= gap_begins:
            return Piece(at, until, ends_at=clock.ends[period] + self.extra)
        length = shift - clock.offsets[period] + self.extra
        return Piece(at, min(until, gap_begins), length)


def taken_starts(
    busy: Iterable[Interval],
    joinable: Iterable[tuple[int, int, int]],
    pieces: Iterable[Piece],
    *,
    before: int,
    after: int,
) -> Iterator[Interval]:
    """Yield the intervals in which a booking cannot start, because it would overlap something.

    ``joinable`` are intervals that overlap no other one, each with the one start that can join it.
    """
    joined = join_intervals(busy)
    slots = sorted(joinable)
    for piece in pieces:
        reach = piece.end_of(piece.ends - 1) + after
        for interval in _around(joined, piece.begins - before, reach):
            yield piece.starts_that_overlap(interval, before, after)
        for begins, ends, start in _around(slots, piece.begins - before, reach):
            first, last = piece.starts_that_overlap((begins, ends), before, after)
            yield from (
                (lower, upper)
                for lower, upper in ((first, min(last, start)), (max(first, start + 1), last))
                if lower < upper
            )


def closed_starts(
    openings: Sequence[Interval],
    pieces: Iterable[Piece],
    first: int,
    last: int,
    *,
    spans_closures: bool,
) -> Iterator[Interval]:
    """Yield the intervals of ``[first, last)`` in which a booking does not start in an opening and
    end in the same one, or with ``spans_closures`` in any.

    The openings are in order and exact as far as the last booking reaches.
    """
    at = first
    for piece in pieces:
        # What lies between two pieces is not possible.
        for begins, ends in _open_starts(openings, piece, spans_closures=spans_closures):
            if at < begins:
                yield at, begins
            at = max(at, ends)
    if at < last:
        yield at, last


def _open_starts(
    openings: Sequence[Interval], piece: Piece, *, spans_closures: bool
) -> Iterator[Interval]:
    for opens, closes in _around(openings, piece.begins, piece.ends):
        first, last = max(opens, piece.begins), min(closes, piece.ends)
        ends: Iterable[Interval] = ((opens, closes),)
        if spans_closures:
            ends = _around(openings, piece.end_of(first) - 1, piece.end_of(last) + 1)
        for interval in ends:
            begins, until = piece.starts_that_end_in(*interval)
            if max(first, begins) < min(last, until):
                yield max(first, begins), min(last, until)


def join_intervals(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the intervals sorted, and those that touch as one."""
    joined: list[Interval] = []
    for begins, ends in sorted(intervals):
        if joined and begins <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], ends))
        else:
            joined.append((begins, ends))
    return joined


def _around(stretches: Sequence[Stretch], first: int, last: int) -> Sequence[Stretch]:
    """Return the stretches that overlap ``[first, last)``; they are sorted and do not overlap."""
    begin = bisect_right(stretches, first, key=lambda stretch: stretch[1])
    end = bisect_left(stretches, last, key=lambda stretch: stretch[0])
    return stretches[begin:end]
