"""How many seats are taken at each instant: the step function of bookings that overlap.

Pure functions: no ORM, no clock. Times are Unix seconds, and stretches are half-open.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Step(NamedTuple):
    """A stretch ``[starts, ends)`` in which the number of taken seats does not change."""

    starts: int
    ends: int
    seats: int


def occupancy(taken: Iterable[tuple[int, int, int]]) -> list[Step]:
    """Return the steps of these stretches, each given with its seats, in order.

    Seats below 0 are seats that are released. A step has seats, and touches no other with as many.
    """
    return [step for step in levels(taken) if step.seats > 0]


def levels(taken: Iterable[tuple[int, int, int]]) -> list[Step]:
    """Return the steps as :func:`occupancy` does, with those of fewer seats than 0."""
    changes: defaultdict[int, int] = defaultdict(int)
    for starts, ends, seats in taken:
        changes[starts] += seats
        changes[ends] -= seats
    steps: list[Step] = []
    seats = begins = 0
    for at, change in sorted(changes.items()):
        if not change:
            continue
        if seats:
            steps.append(Step(begins, at, seats))
        seats, begins = seats + change, at
    return steps


def without(
    steps: Iterable[tuple[int, int, int]], released: Iterable[tuple[int, int, int]]
) -> list[Step]:
    """Return the steps once these stretches, each given with its seats, are released."""
    return occupancy([*steps, *((starts, ends, -seats) for starts, ends, seats in released)])


def most_taken(steps: Sequence[Step], starts: int, ends: int) -> int:
    """Return the largest number of seats that are taken at one instant in ``[starts, ends)``."""
    first = bisect_right(steps, starts, key=lambda step: step.ends)
    most = 0
    for step in steps[first:]:
        if step.starts >= ends:
            break
        most = max(most, step.seats)
    return most
