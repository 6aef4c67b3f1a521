"""What concurrent bookings take together: the segments of a calendar.

A segment is a busy interval between whose bounds the number of taken seats does not change. The
database compares segments with all other busy time, and their seats with their capacity, so it
judges concurrent bookings by the constraints that there are for all others. The claim of one
concurrent booking is a busy interval that is compared with nothing; nothing refers to a segment.

As in :mod:`bookings.ledger.entries`, the caller has locked the calendars. The number of statements
does not depend on that of the segments.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping
from copy import copy
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db.models import BigIntegerField, Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Cast

from bookings.ledger.claims import Claim, too_few_seats_error
from bookings.ledger.intervals import COLUMNS, Interval
from bookings.ledger.locked import fresh
from bookings.ledger.transactions import RetryTransaction, conflict_error
from bookings.models import BusyInterval
from bookings.models.bulk_rows import insert_rows
from bookings.models.querysets import IS_COMPARED, overlapping
from bookings.rules.occupancy import Step, occupancy

SEGMENT: Final = BusyInterval.Kind.SEGMENT

CALENDARS_PER_QUERY: Final = 100

ROWS_PER_STATEMENT: Final = 200


class Segments:
    """The segments of calendars in memory: call ``take`` and ``give_back``, and ``write`` last.

    ``by_calendar`` has all intervals around what is changed that are compared with others, by the
    keys of the calendars, sorted. Their owner may change it too.
    """

    def __init__(self, by_calendar: dict[int, list[Interval]], *, using: str) -> None:
        self._by_calendar = by_calendar
        self._using = using
        self._stored: dict[int, dict[int, Interval]] = {}
        """The segments of the changed calendars as they are stored, by key."""

    def take(self, calendar_id: int, claim: Claim) -> None:
        """Add the seats of a claim wherever it is, and give its segments the claim's capacity.

        Raises ``BookingConflict`` if the time is taken by something else, and ``CapacityExceeded``
        if too few seats are free at some instant. Nothing is changed then.
        """
        covered = self._within(calendar_id, *claim.window)
        if not all(_is_segment(interval, claim.service_id) for interval in covered):
            raise conflict_error()
        free = claim.capacity - max((interval.seats_taken for interval in covered), default=0)
        if free < claim.seats:
            raise too_few_seats_error(free, claim.seats)
        self._cut(calendar_id, *claim.window)
        intervals = self._by_calendar[calendar_id]
        at = claim.starts
        for segment in self._within(calendar_id, *claim.window):
            if at < segment.starts:
                insort(intervals, _new_segment(calendar_id, claim, at, segment.starts))
            segment.seats_taken += claim.seats
            segment.capacity = claim.capacity
            at = segment.ends
        if at < claim.ends:
            insort(intervals, _new_segment(calendar_id, claim, at, claim.ends))

    def give_back(self, interval: Interval | BusyInterval, seats: int) -> None:
        """Remove seats of a concurrent booking, wherever its claim is."""
        calendar_id = interval.calendar_id
        self._cut(calendar_id, interval.starts, interval.ends)
        for segment in self._within(calendar_id, interval.starts, interval.ends):
            if _is_segment(segment, interval.service_id):
                segment.seats_taken = max(0, segment.seats_taken - seats)

    def write(self) -> None:
        """Write what has changed, and join segments that touch and are equal.

        Every segment keeps its start, and what comes first makes room for what comes next. Raises
        ``RetryTransaction`` if a segment is not as it was read, because somebody has written it
        without the lock.
        """
        deleted: set[int] = set()
        moved: list[tuple[Interval, int]] = []
        added: list[Interval] = []
        changed: dict[tuple[int, int], list[Interval]] = defaultdict(list)
        for calendar_id, stored in self._stored.items():
            segments = self._joined(calendar_id)
            deleted |= stored.keys() - {segment.pk for segment in segments}
            for segment in segments:
                if segment.pk is None:
                    added.append(segment)
                    continue
                before = stored[segment.pk]
                if segment.ends != before.ends:
                    moved.append((segment, before.ends))
                more = segment.seats_taken - before.seats_taken
                if more or segment.capacity != before.capacity:
                    changed[more, segment.capacity].append(segment)
        rows = BusyInterval.objects.using(self._using)
        if deleted and rows.filter(pk__in=deleted)._raw_delete(self._using) != len(deleted):
            raise RetryTransaction
        for first in range(0, len(moved), ROWS_PER_STATEMENT):
            self._move_ends(rows.all(), moved[first : first + ROWS_PER_STATEMENT])
        if added:
            blank = BusyInterval()
            insert_rows(rows.all(), [segment.as_row(blank) for segment in added])
        for (more, capacity), segments in changed.items():
            keys, ends = zip(*((segment.pk, segment.ends) for segment in segments), strict=True)
            # As they were read, or moved just now: the ends of segments differ.
            same = rows.filter(pk__in=keys, ends__in=ends)
            seats = F("seats_taken") + more
            if same.update(seats_taken=seats, capacity=capacity) != len(segments):
                raise RetryTransaction

    def _move_ends(self, rows: QuerySet[BusyInterval], moved: list[tuple[Interval, int]]) -> None:
        same = rows.filter(
            pk__in=[segment.pk for segment, _before in moved],
            ends__in=[before for _segment, before in moved],
        )
        ends: Any = Case(
            *(When(pk=segment.pk, then=Value(segment.ends)) for segment, _before in moved)
        )
        # PostgreSQL takes the type of a CASE from its values, which it gets as text.
        if same.update(ends=Cast(ends, BigIntegerField())) != len(moved):
            raise RetryTransaction

    def _joined(self, calendar_id: int) -> list[Interval]:
        """Return the segments of a calendar that have seats, those that are equal in one."""
        joined: list[Interval] = []
        for segment in self._by_calendar[calendar_id]:
            if segment.kind != SEGMENT or not segment.seats_taken:
                continue
            last = joined[-1] if joined else None
            if last is not None and last.ends == segment.starts and _are_equal(last, segment):
                # A copy, because the transaction may run again.
                joined[-1] = copy(last)
                joined[-1].ends = segment.ends
            else:
                joined.append(segment)
        return joined

    def _cut(self, calendar_id: int, starts: int, ends: int) -> None:
        """Let no segment lie across one of the bounds."""
        intervals = self._by_calendar[calendar_id]
        if calendar_id not in self._stored:
            self._stored[calendar_id] = {
                interval.pk: copy(interval)
                for interval in intervals
                if interval.kind == SEGMENT and interval.pk is not None
            }
        for bound in (starts, ends):
            for segment in self._within(calendar_id, bound, bound + 1):
                if segment.kind == SEGMENT and segment.starts < bound:
                    rest = copy(segment)
                    rest.pk, rest.starts, segment.ends = None, bound, bound
                    insort(intervals, rest)

    def _within(self, calendar_id: int, starts: int, ends: int) -> list[Interval]:
        """Return the intervals that overlap the bounds, in order."""
        intervals = self._by_calendar[calendar_id]
        last = bisect_left(intervals, ends, key=lambda interval: interval.starts)
        first = last
        while first and intervals[first - 1].ends > starts:
            first -= 1
        return intervals[first:last]


def read_segments(windows: Mapping[int, Iterable[tuple[int, int]]], *, using: str) -> Segments:
    """Return the segments of calendars, given by their keys, around these stretches of time."""
    found: dict[int, Interval] = {}
    stored = fresh(BusyInterval.objects.using(using)).filter(IS_COMPARED).order_by()
    conditions = [
        # With those that only touch, for they may be joined.
        Q(overlapping(starts - 1, ends + 1), calendar_id=key)
        for key, stretches in windows.items()
        for starts, ends in stretches
    ]
    for first in range(0, len(conditions), CALENDARS_PER_QUERY):
        some = reduce(or_, conditions[first : first + CALENDARS_PER_QUERY])
        for values in stored.filter(some).values_list(*COLUMNS):
            found[values[2]] = Interval(*values)
    by_calendar: dict[int, list[Interval]] = {key: [] for key in windows}
    for interval in sorted(found.values()):
        by_calendar[interval.calendar_id].append(interval)
    return Segments(by_calendar, using=using)


def take(calendar_id: int, claim: Claim, *, using: str) -> None:
    """Add the seats of a claim to the segments, as :meth:`Segments.take` does."""
    segments = read_segments({calendar_id: [claim.window]}, using=using)
    segments.take(calendar_id, claim)
    segments.write()


def give_back(interval: BusyInterval, seats: int, *, using: str) -> None:
    """Remove seats of a concurrent booking from the segments."""
    window = interval.starts, interval.ends
    segments = read_segments({interval.calendar_id: [window]}, using=using)
    segments.give_back(interval, seats)
    segments.write()


def move(interval: BusyInterval, calendar_id: int, claim: Claim, *, using: str) -> None:
    """Remove the seats of a concurrent booking from the segments, and add those of its new claim.

    The caller stores the new claim.
    """
    windows = defaultdict(list, {calendar_id: [claim.window]})
    windows[interval.calendar_id].append((interval.starts, interval.ends))
    segments = read_segments(windows, using=using)
    segments.give_back(interval, interval.seats_taken)
    segments.take(calendar_id, claim)
    segments.write()


def release(claims: Iterable[BusyInterval], *, using: str) -> None:
    """Remove the claims of concurrent bookings, which are deleted, from the segments."""
    claims = list(claims)
    windows: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for claim in claims:
        windows[claim.calendar_id].append((claim.starts, claim.ends))
    segments = read_segments(windows, using=using)
    for claim in claims:
        segments.give_back(claim, claim.seats_taken)
    segments.write()
    rows = BusyInterval.objects.using(using).filter(pk__in=[claim.pk for claim in claims])
    rows._raw_delete(using)


def rebuild(calendar_id: int, *, using: str) -> None:
    """Make the segments of a calendar anew, from the claims of its concurrent bookings."""
    rows = fresh(BusyInterval.objects.using(using).filter(calendar_id=calendar_id))
    stored = list(rows.filter(kind=SEGMENT))
    claims: dict[Any, list[tuple[int, int, int]]] = defaultdict(list)
    for service_id, *claim in rows.filter(kind=BusyInterval.Kind.CONCURRENT).values_list(
        "service_id", "starts", "ends", "seats_taken"
    ):
        claims[service_id].append((claim[0], claim[1], claim[2]))
    BusyInterval.objects.using(using).filter(pk__in=[row.pk for row in stored])._raw_delete(using)
    insert_rows(
        BusyInterval.objects.using(using).all(),
        [
            BusyInterval(
                calendar_id=calendar_id,
                starts=step.starts,
                ends=step.ends,
                kind=SEGMENT,
                service_id=service_id,
                capacity=_capacity_of(step, service_id, stored),
                seats_taken=step.seats,
            )
            for service_id, taken in claims.items()
            for step in occupancy(taken)
        ],
    )


def _capacity_of(step: Step, service_id: Any, stored: Iterable[BusyInterval]) -> int:
    """Return the largest capacity that was stored of this time; as many as are taken at least."""
    capacities = (
        row.capacity
        for row in stored
        if row.service_id == service_id and row.starts < step.ends and step.starts < row.ends
    )
    return max(step.seats, *capacities, 0)


def _new_segment(calendar_id: int, claim: Claim, starts: int, ends: int) -> Interval:
    return Interval(
        starts, ends, None, calendar_id, SEGMENT, claim.service_id, claim.capacity, claim.seats
    )


def _is_segment(interval: Interval, service_id: Any) -> bool:
    return interval.kind == SEGMENT and interval.service_id == service_id


def _are_equal(one: Interval, other: Interval) -> bool:
    return (one.service_id, one.seats_taken, one.capacity) == (
        other.service_id,
        other.seats_taken,
        other.capacity,
    )
