"""Add and move the claims of many bookings: each is checked in memory, all are written together.

The rules are those of :mod:`bookings.ledger.entries`, and so is the order: the caller has locked
the calendars.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias

from django.db import connections
from django.db.models import F, QuerySet

from bookings.exceptions import BookingError
from bookings.ledger import bulk
from bookings.ledger.claims import Claim, too_few_seats_error
from bookings.ledger.entries import seats_taken_error
from bookings.ledger.intervals import COLUMNS, Interval
from bookings.ledger.locked import fresh
from bookings.ledger.resource_claims import resource_taken_error
from bookings.ledger.segments import Segments
from bookings.ledger.transactions import conflict_error
from bookings.models import Booking, BookingResource, BusyInterval
from bookings.models.querysets import IS_COMPARED, overlapping
from bookings.rules import instants

Refuse = Callable[[int, BookingError], None]
"""What is called with the key of an interval that cannot be changed; it may raise the error."""

OF_BOOKINGS: Final = (*bulk.KINDS_OF_BOOKINGS, BusyInterval.Kind.CONCURRENT)
"""The kinds of intervals that are deleted with their last seat."""

ResourceClaim: TypeAlias = tuple[BookingResource, int, Claim]
"""A resource of a booking, the key of its calendar, and its claim."""


class BulkClaims:
    """Claims to add to calendars, and seats to release from the intervals that are there.

    Call ``read`` with all claims, ``release`` for what is given up, ``add`` for each claim, and
    ``write`` at the end.
    """

    def __init__(self, *, using: str) -> None:
        self._using = using
        self._by_calendar: dict[int, list[Interval]] = defaultdict(list)
        """The intervals of each calendar that are compared with others, sorted."""
        self._segments = Segments(self._by_calendar, using=using)
        self._by_key: dict[int, Interval] = {}
        self._seats_before: dict[int, int] = {}
        self._new: list[Interval] = []
        self._resized: list[Interval] = []
        self._of_resources: list[tuple[BookingResource, Interval]] = []

    def read(
        self, wanted: Iterable[tuple[int, Claim]], *, interval_ids: Collection[int] = ()
    ) -> None:
        """Read the intervals that these claims may meet, each given with the key of its calendar.

        ``interval_ids`` are the keys of those whose seats are taken or released. It makes a query
        for each calendar, and one for the keys.
        """
        rows = BusyInterval.objects.using(self._using).order_by()
        if connections[self._using].vendor == "mysql":
            # The constraints of the other databases see what this snapshot does not.
            rows = fresh(rows)
        windows = [(calendar_id, claim.window) for calendar_id, claim in wanted]
        if interval_ids:
            self._keep(rows.filter(pk__in=interval_ids))
            windows += [
                (interval.calendar_id, (interval.starts, interval.ends))
                for interval in self._by_key.values()
                if interval.kind == BusyInterval.Kind.CONCURRENT
            ]
        bounds: dict[int, tuple[int, int]] = {}
        for calendar_id, window in windows:
            starts, ends = bounds.get(calendar_id, window)
            bounds[calendar_id] = min(starts, window[0]), max(ends, window[1])
        for calendar_id, (starts, ends) in bounds.items():
            # With segments that only touch, for they may be joined.
            around = overlapping(starts - 1, ends + 1)
            self._keep(rows.filter(IS_COMPARED, around, calendar_id=calendar_id))
        for intervals in self._by_calendar.values():
            intervals.sort()

    def _keep(self, rows: QuerySet[BusyInterval]) -> None:
        for values in rows.values_list(*COLUMNS):
            interval = Interval(*values)
            key = values[2]
            if key not in self._by_key:
                self._by_key[key] = interval
                self._seats_before[key] = interval.seats_taken
                if interval.kind != BusyInterval.Kind.CONCURRENT:
                    self._by_calendar[interval.calendar_id].append(interval)

    def may_be_lapsed(self, now: datetime) -> bool:
        """Return whether a hold that has lapsed may be among what was read.

        An interval that several share does not say when the holds in it lapse.
        """
        latest = instants.ceil_second(now)
        return any(
            interval.capacity > 1
            or interval.kind == BusyInterval.Kind.SEGMENT
            or (interval.lapses is not None and interval.lapses <= latest)
            for interval in self._by_key.values()
        )

    def free_seats(self, interval_id: int | None) -> int:
        """Return how many seats of an interval are free by now."""
        interval = None if interval_id is None else self._by_key.get(interval_id)
        return 0 if interval is None else interval.capacity - interval.seats_taken

    def kind_of(self, interval_id: int | None) -> str | None:
        """Return what kind of interval this is; ``None`` if there is none."""
        interval = None if interval_id is None else self._by_key.get(interval_id)
        return None if interval is None else interval.kind

    def release(self, interval_id: int | None, seats: int) -> None:
        """Release seats of an interval; one of a booking is deleted with its last seat."""
        interval = None if interval_id is None else self._by_key.get(interval_id)
        if interval is None:
            return
        interval.seats_taken -= seats
        if interval.kind == BusyInterval.Kind.CONCURRENT:
            self._segments.give_back(interval, seats)
        elif interval.seats_taken <= 0 and interval.kind in bulk.KINDS_OF_BOOKINGS:
            self._by_calendar[interval.calendar_id].remove(interval)

    def add(self, calendar_id: int, claim: Claim) -> Interval:
        """Add a claim; return its interval, which has a key once it is written.

        Raises ``BookingConflict`` if the time is taken, and ``CapacityExceeded`` if too few seats
        are left.
        """
        if claim.interval_id is not None:
            return self._join(self._by_key.get(claim.interval_id), claim)
        if claim.is_concurrent:
            self._segments.take(calendar_id, claim)
            self._new.append(Interval.of(calendar_id, claim))
            return self._new[-1]
        before = self._interval_before(calendar_id, claim)
        if before is not None:
            if not claim.shared or not _is_same_slot(before, claim):
                raise conflict_error()
            before.capacity, before.lapses = claim.capacity, None
            return self._join(before, claim)
        interval = Interval.of(calendar_id, claim)
        insort(self._by_calendar[calendar_id], interval)
        self._new.append(interval)
        return interval

    def add_with_resources(
        self, calendar_id: int, claim: Claim, resources: Sequence[ResourceClaim]
    ) -> Interval:
        """Add the claim of a booking and those of its resources; return the booking's interval.

        All are added or none. The resources have their busy intervals once they are written. Raises
        what :meth:`add` raises, and ``ResourceTaken`` for the first resource that is taken.
        """
        for resource, calendar, one in resources:
            before = self._interval_before(calendar, one)
            if before is not None and not (one.shared and _is_same_slot(before, one)):
                raise resource_taken_error(resource.provider)
        interval = self.add(calendar_id, claim)
        for resource, calendar, one in resources:
            self._of_resources.append((resource, self.add(calendar, one)))
        return interval

    def resize(self, wanted: Mapping[int, tuple[int, Claim]], refuse: Refuse) -> None:
        """Give intervals of sessions other bounds or another capacity; their seats stay taken.

        ``wanted`` has the key of the calendar and the claim by the key of the interval. The
        intervals move together, and ``refuse`` is called with the key of one that cannot.
        """
        for key in wanted:
            interval = self._by_key[key]
            self._by_calendar[interval.calendar_id].remove(interval)
        for key, (calendar_id, claim) in wanted.items():
            interval = self._by_key[key]
            try:
                if interval.seats_taken > claim.capacity:
                    raise seats_taken_error(claim.capacity)
                self._check_free(calendar_id, claim)
            except BookingError as error:
                refuse(key, error)
                continue
            interval.calendar_id, interval.capacity = calendar_id, claim.capacity
            interval.starts, interval.ends = claim.window
            insort(self._by_calendar[calendar_id], interval)
            self._resized.append(interval)

    def _check_free(self, calendar_id: int, claim: Claim) -> None:
        if self._interval_before(calendar_id, claim) is not None:
            raise conflict_error()

    def kind_in_the_way(self, calendar_id: int, claim: Claim) -> BusyInterval.Kind:
        """Return what takes the time of a claim that was refused."""
        before = self._interval_before(calendar_id, claim)
        return BusyInterval.Kind(claim.kind if before is None else before.kind)

    def _interval_before(self, calendar_id: int, claim: Claim) -> Interval | None:
        """Return the last interval that overlaps the claim; ``None`` if its time is free."""
        intervals = self._by_calendar[calendar_id]
        position = bisect_left(intervals, claim.ends, key=lambda interval: interval.starts)
        before = intervals[position - 1] if position else None
        return None if before is None or before.ends <= claim.starts else before

    def write(self) -> None:
        """Delete the intervals without seats, update those with others, and insert the new ones."""
        empty: list[int] = []
        changed: dict[tuple[int, int], list[int]] = defaultdict(list)
        for key, interval in self._by_key.items():
            if interval.kind == BusyInterval.Kind.SEGMENT:
                continue
            more_seats = interval.seats_taken - self._seats_before[key]
            if interval.seats_taken <= 0 and interval.kind in OF_BOOKINGS:
                empty.append(key)
            elif more_seats:
                changed[more_seats, interval.capacity].append(key)
        stored = BusyInterval.objects.using(self._using)
        if empty:
            # MySQL checks foreign keys at once.
            Booking._base_manager.using(self._using).filter(busy_interval__in=empty).update(
                busy_interval=None
            )
            if any(self._by_key[key].kind == BusyInterval.Kind.RESOURCE for key in empty):
                resources = BookingResource.objects.using(self._using)
                resources.filter(busy_interval__in=empty).update(busy_interval=None)
            stored.filter(pk__in=empty)._raw_delete(self._using)
        self._segments.write()
        for (more_seats, capacity), keys in changed.items():
            stored.filter(pk__in=keys).update(
                seats_taken=F("seats_taken") + more_seats, capacity=capacity, lapses=None
            )
        blank = BusyInterval()
        resized = [interval.as_row(blank) for interval in self._resized]
        intervals = [interval.as_row(blank) for interval in self._new]
        bulk.replace(resized, intervals, [], using=self._using)
        for interval, row in zip(self._new, intervals, strict=True):
            interval.pk = row.pk
        for resource, interval in self._of_resources:
            resource.busy_interval_id = interval.pk

    @staticmethod
    def _join(interval: Interval | None, claim: Claim) -> Interval:
        free = 0 if interval is None else interval.capacity - interval.seats_taken
        if interval is None or free < claim.seats:
            raise too_few_seats_error(free, claim.seats)
        interval.seats_taken += claim.seats
        return interval


def _is_same_slot(interval: Interval, claim: Claim) -> bool:
    return (interval.starts, interval.ends, interval.kind, interval.service_id) == (
        claim.starts,
        claim.ends,
        claim.kind,
        claim.service_id,
    )
