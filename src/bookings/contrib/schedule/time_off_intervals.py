"""The busy intervals of time off. Time off of a provider that overlaps holds one interval together.

The database refuses two intervals of a calendar that overlap. So one interval covers all time off
that is connected, in which each row overlaps another. Time off that only touches is not connected.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q, QuerySet

from bookings.contrib.schedule.exceptions import TimeOffConflict
from bookings.contrib.schedule.models import TimeOff
from bookings.ledger import bulk
from bookings.ledger.claims import Claim
from bookings.ledger.locked import fresh
from bookings.models import Booking, BookingResource, BusyInterval
from bookings.models.querysets import overlapping
from bookings.rules.instants import ceil_second, floor_second


@dataclass(slots=True)
class ConnectedTimeOff:
    """Connected rows of one provider, and the time that they take together, in Unix seconds."""

    rows: list[TimeOff]
    starts: int
    ends: int

    @property
    def provider_id(self) -> Any:
        return self.rows[0].provider_id

    def interval(self, **values: Any) -> BusyInterval:
        """Return the unsaved busy interval that the rows hold together."""
        claim = Claim(starts=self.starts, ends=self.ends, kind=BusyInterval.Kind.TIME_OFF)
        return claim.interval(**values)


def seconds_of(row: TimeOff) -> tuple[int, int]:
    """Return the time of a valid row in Unix seconds."""
    return floor_second(row.start_at), ceil_second(row.end_at)


def is_within_interval(row: TimeOff) -> bool:
    """Return whether the row's busy interval is of time off and covers the row's time."""
    interval = row.busy_interval
    starts, ends = seconds_of(row)
    is_time_off = interval.kind == BusyInterval.Kind.TIME_OFF
    return is_time_off and interval.starts <= starts and ends <= interval.ends


def connect(rows: Iterable[TimeOff]) -> list[ConnectedTimeOff]:
    """Return which rows are connected, by provider and start."""
    connected: list[ConnectedTimeOff] = []
    for row in sorted(rows, key=lambda row: (str(row.provider_id), *seconds_of(row))):
        starts, ends = seconds_of(row)
        last = connected[-1] if connected else None
        if last is None or last.provider_id != row.provider_id or last.ends <= starts:
            connected.append(ConnectedTimeOff([row], starts, ends))
        else:
            last.rows.append(row)
            last.ends = max(last.ends, ends)
    return connected


class SharedIntervals:
    """The time off that a change concerns, and the intervals that it holds.

    Under the locks of ``calendars``, call one of the ``read`` methods, then change ``rows``, and
    call ``write``.

    :param calendars: the keys of the locked calendars, by the keys of their providers.
    """

    def __init__(self, calendars: Mapping[Any, int], *, using: str) -> None:
        self._calendars = calendars
        self._using = using
        self.rows: dict[Any, TimeOff] = {}
        """The rows that hold the intervals, by key."""
        self._intervals: dict[int, BusyInterval] = {}

    @property
    def held(self) -> Set[int]:
        """The keys of the intervals that were read. Each is held by a row."""
        return self._intervals.keys()

    def read_around(self, row: TimeOff, interval_id: int | None) -> None:
        """Read the time off that a new or moved row meets, and that of its interval until now.

        :raises TimeOffConflict: the time of the row is taken, and not only by time off.
        """
        keys = set() if interval_id is None else {interval_id}
        self._read([(self._calendars[row.provider_id], seconds_of(row))], keys, changed=row.pk)

    def read_holders(self, interval_ids: Iterable[int]) -> None:
        """Read the time off that holds these intervals.

        :raises TimeOffConflict: time off is not within its interval, and its time is taken.
        """
        self._read([], set(interval_ids))

    def _read(
        self,
        claims: list[tuple[int, tuple[int, int]]],
        keys: set[int],
        *,
        changed: Any = None,
    ) -> None:
        while claims or keys:
            met = self._intervals_within(claims)
            keys |= {interval.pk for interval in met if _is_time_off(interval)}
            rows = self._holders_of(keys - self.held)
            self.rows |= {row.pk: row for row in rows}
            self._intervals |= {row.busy_interval_id: row.busy_interval for row in rows}
            # Time off that is not on record stays closed, until a person decides about it.
            shared = self.held - self._held_by_others()
            refuse_conflicts(
                [row for row in met if not (_is_time_off(row) and row.pk in shared)],
                using=self._using,
            )
            # A row that is not within its interval has to claim its time, too.
            claims = [
                (self._calendars[row.provider_id], seconds_of(row))
                for row in rows
                if row.pk != changed and self._is_misplaced(row)
            ]
            keys = set()

    def _held_by_others(self) -> set[int]:
        """Return the intervals that rows of other providers hold, until that is repaired."""
        return {
            row.busy_interval_id
            for row in self.rows.values()
            if row.provider_id not in self._calendars
        }

    def _is_misplaced(self, row: TimeOff) -> bool:
        calendar_id = self._calendars.get(row.provider_id)
        is_own = row.busy_interval.calendar_id == calendar_id and is_within_interval(row)
        return calendar_id is not None and not is_own

    def _intervals_within(self, claims: list[tuple[int, tuple[int, int]]]) -> list[BusyInterval]:
        if not claims:
            return []
        rows: QuerySet[BusyInterval] = QuerySet(BusyInterval, using=self._using)
        bounds = (Q(calendar=key) & overlapping(*window) for key, window in claims)
        return list(fresh(rows).filter(reduce(or_, bounds)).order_by("starts"))

    def _holders_of(self, interval_ids: Collection[int]) -> list[TimeOff]:
        if not interval_ids:
            return []
        rows: QuerySet[TimeOff] = QuerySet(TimeOff, using=self._using)
        return list(
            fresh(rows).filter(busy_interval__in=interval_ids).select_related("busy_interval")
        )

    def write(self) -> None:
        """Give each group of connected rows one interval, and delete the intervals left over.

        A row that is not stored yet only gets the key of its interval.
        """
        own_rows = [row for row in self.rows.values() if row.provider_id in self._calendars]
        unused = {
            key: interval
            for key, interval in self._intervals.items()
            if _is_time_off(interval) and interval.calendar_id in self._calendars.values()
        }
        changed, added, joined = [], [], []
        for group in connect(own_rows):
            held = (row.busy_interval_id for row in group.rows)
            key = next((key for key in held if key in unused), None)
            calendar_id = self._calendars[group.provider_id]
            interval = group.interval(pk=key, calendar_id=calendar_id)
            if key is None:
                added.append((group.rows, interval))
                continue
            joined += [(row, key) for row in group.rows if row.busy_interval_id != key]
            before = unused.pop(key)
            if _bounds(before) != _bounds(interval):
                changed.append(interval)
        # Nothing may refer to an interval that is deleted. If all intervals of a group are in use
        # by others, none of them is deleted.
        self._refer(joined)
        bulk.replace(
            changed,
            [interval for _rows, interval in added],
            unused.keys() - self._held_by_others(),
            using=self._using,
        )
        self._refer([(row, interval.pk) for rows, interval in added for row in rows])

    def _refer(self, new_keys: list[tuple[TimeOff, int]]) -> None:
        for row, key in new_keys:
            row.busy_interval_id = key
        stored = [row for row, _key in new_keys if not row._state.adding]
        if stored:
            rows: QuerySet[TimeOff] = QuerySet(TimeOff, using=self._using)
            rows.bulk_update(stored, ["busy_interval"])


def refuse_conflicts(intervals: Sequence[BusyInterval], *, using: str) -> None:
    """Raise ``TimeOffConflict`` about the bookings that hold these intervals, and about the rest.

    It makes no query if there are no intervals.
    """
    if intervals:
        raise _conflict_about(intervals, using=using, read=fresh)


def find_conflict(
    provider_id: Any, window: tuple[int, int], *, now: datetime, using: str
) -> TimeOffConflict | None:
    """Return the error that time off would be refused with, without a lock; ``None`` for none.

    ``window`` is the time off in Unix seconds. Holds that have expired are not in the way.
    """
    rows: QuerySet[BusyInterval] = QuerySet(BusyInterval, using=using)
    is_lapsed = Q(lapses__isnull=False, lapses__lte=floor_second(now))
    met = rows.filter(overlapping(*window), ~is_lapsed, calendar__provider=provider_id)
    intervals = [row for row in met.order_by("starts") if not _is_time_off(row)]
    if not intervals:
        return None
    return _conflict_about(intervals, using=using, read=lambda rows: rows)


def _conflict_about(
    intervals: Sequence[BusyInterval], *, using: str, read: Callable[[Any], Any]
) -> TimeOffConflict:
    as_resource: list[tuple[Any, Any]] = []
    if any(interval.kind == BusyInterval.Kind.RESOURCE for interval in intervals):
        taken = BookingResource.objects.using(using).filter(busy_interval__in=intervals)
        as_resource = list(read(taken).values_list("booking_id", "busy_interval_id"))
    rows: QuerySet[Booking] = QuerySet(Booking, using=using)
    keys = {booking_id for booking_id, _interval_id in as_resource}
    held = read(rows).filter(Q(busy_interval__in=intervals) | Q(pk__in=keys))
    bookings = list(held.order_by("start_at", "pk"))
    booked = {booking.busy_interval_id for booking in bookings}
    booked |= {interval_id for _booking_id, interval_id in as_resource}
    others = [
        interval
        for interval in intervals
        # What is in a segment are bookings.
        if interval.pk not in booked
        and not (bookings and interval.kind == BusyInterval.Kind.SEGMENT)
    ]
    return TimeOffConflict(bookings=bookings, claims=others)


def _is_time_off(interval: BusyInterval) -> bool:
    return interval.kind == BusyInterval.Kind.TIME_OFF


def _bounds(interval: BusyInterval) -> tuple[int, int, int]:
    return interval.calendar_id, interval.starts, interval.ends
