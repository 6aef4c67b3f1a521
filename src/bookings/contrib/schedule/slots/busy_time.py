"""Read the busy time of providers, as it concerns one requested booking."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import Q, Sum

from bookings import slots
from bookings.contrib.schedule.slots.requested_booking import RequestedBooking
from bookings.models import Booking, BusyInterval
from bookings.models.querysets import IS_COMPARED, overlapping
from bookings.models.read_alias import read_alias
from bookings.rules.occupancy import Step, most_taken
from bookings.selectors.concurrent_seats import KINDS as CONCURRENT_KINDS
from bookings.selectors.concurrent_seats import ConcurrentSeats

Row = tuple[Any, int, int, int, int, str, Any]


@dataclass(frozen=True, slots=True)
class BusyTime:
    """The busy time of one provider, in Unix seconds."""

    intervals: list[tuple[int, int]] = field(default_factory=list)
    """The intervals that the booking must not overlap, sorted, buffers included."""

    joinable: dict[int, int] = field(default_factory=dict)
    """The starts of the shared slots that the booking can join, with their free seats."""

    too_full: dict[int, int] = field(default_factory=dict)
    """The starts of the shared slots with too few free seats, and how many these are. Their
    intervals are in ``intervals`` as well."""

    concurrent: list[Step] = field(default_factory=list)
    """The seats that other bookings of a concurrent service take. The steps in which too few are
    left are in ``intervals`` as well."""

    def within(self, first: int, last: int, *, margin: int = 0) -> BusyTime:
        """Return the part that a booking in ``[first, last)``, buffers included, could overlap.

        A shared slot may be longer than the booking by ``margin`` seconds.
        """
        begin = bisect_right(self.intervals, first, key=lambda interval: interval[1])
        end = bisect_left(self.intervals, last, key=lambda interval: interval[0])
        # A shared slot is as long as the booking, and begins at most that much after its buffer.
        reach = range(2 * first - last - margin, 2 * last - first)
        joinable = {start: seats for start, seats in self.joinable.items() if start in reach}
        return BusyTime(self.intervals[begin:end], joinable, concurrent=self.concurrent)

    @property
    def without_concurrent(self) -> list[tuple[int, int]]:
        """The intervals that are not of concurrent bookings of the same service."""
        steps = {(step.starts, step.ends) for step in self.concurrent}
        return [bounds for bounds in self.intervals if bounds not in steps]

    def seats_taken(self, starts: int, ends: int) -> int:
        """Return how many seats of a concurrent service are taken at once, buffers included."""
        return most_taken(self.concurrent, starts, ends)


def load_busy_time(
    requested: Mapping[Any, RequestedBooking],
    starts: int,
    ends: int,
    *,
    now: datetime,
    ignored_interval_id: int | None = None,
) -> dict[Any, BusyTime]:
    """Return the busy time of providers around ``[starts, ends)``, by provider key, in two queries.

    ``requested`` is what the booking takes of each provider's time, by provider key; it lies in the
    range, its buffers around it.
    The seats of expired holds are free, as they are for the ledger, and so are those of a booking
    to be moved, and of those that move together with it. The interval ``ignored_interval_id`` is
    left out as a whole.
    """
    busy_times = {provider_id: BusyTime() for provider_id in requested}
    if not requested:
        return busy_times
    starts -= max(each.buffer_before for each in requested.values())
    ends += max(each.buffer_after for each in requested.values())
    one = next(iter(requested.values()))
    own_interval_id = one.current_interval_id
    freed_seats = _seats_of_expired_holds(busy_times, starts, ends, now)
    moved = dict(slots.freed_seats.get())
    if own_interval_id is not None:
        # Bookings that move together with this one may have seats in its interval too.
        moved.setdefault(own_interval_id, one.party_size)
    for key, seats in moved.items():
        freed_seats[key] = freed_seats.get(key, 0) + seats
    intervals = BusyInterval.objects.using(read_alias(BusyInterval)).filter(
        overlapping(starts, ends), calendar__provider__in=busy_times
    )
    # Others may have seats in these intervals, so they are not left out as a whole.
    ignored = slots.with_ignored(ignored_interval_id) - moved.keys()
    is_read = IS_COMPARED & ~Q(pk__in=ignored) if ignored else IS_COMPARED
    if freed := ignored | freed_seats.keys():
        # The claims of concurrent bookings whose seats are free.
        is_read |= ~IS_COMPARED & Q(pk__in=freed)
    rows = (
        intervals.filter(is_read)
        .order_by("starts")
        .values_list(
            "calendar__provider_id", "pk", "starts", "ends", "seats_taken", "kind", "service_id"
        )
    )
    concurrent: dict[Any, ConcurrentSeats] = defaultdict(ConcurrentSeats)
    for row in rows:
        if row[5] in CONCURRENT_KINDS:
            provider_id, _pk, begins, finishes, seats, kind, service_id = row
            concurrent[provider_id].add(kind, service_id, begins, finishes, seats)
        else:
            _add(busy_times[row[0]], row, freed_seats, requested[row[0]])
    for provider_id, taken in concurrent.items():
        busy_times[provider_id] = _with_concurrent(
            busy_times[provider_id], taken, requested[provider_id]
        )
    return busy_times


def _with_concurrent(
    busy_time: BusyTime, taken: ConcurrentSeats, requested: RequestedBooking
) -> BusyTime:
    """Return the busy time with the concurrent bookings that are in the way of the booking."""
    if not requested.service_rules.is_concurrent:
        in_the_way, steps = taken.in_the_way(), []
    else:
        key = requested.service.pk
        fits = requested.capacity - requested.party_size
        in_the_way, steps = taken.in_the_way(key, fits), taken.steps(key)
    intervals = sorted([*busy_time.intervals, *in_the_way])
    return replace(busy_time, intervals=intervals, concurrent=steps)


def _add(
    busy_time: BusyTime, row: Row, freed_seats: dict[int, int], requested: RequestedBooking
) -> None:
    _provider_id, pk, starts, ends, seats_taken, kind, service_id = row
    if kind != BusyInterval.Kind.BOOKING:
        busy_time.intervals.append((starts, ends))
        return
    seats_taken -= freed_seats.get(pk, 0)
    if seats_taken <= 0:
        return
    is_shared = (
        requested.service_rules.is_shared
        and service_id == requested.service.pk
        and ends == requested.end_of(starts + requested.buffer_before) + requested.buffer_after
    )
    free_seats = requested.capacity - seats_taken
    start = starts + requested.buffer_before
    if is_shared and free_seats >= requested.party_size:
        busy_time.joinable[start] = free_seats
        return
    busy_time.intervals.append((starts, ends))
    if is_shared:
        busy_time.too_full[start] = max(0, free_seats)


def _seats_of_expired_holds(
    provider_ids: Collection[Any], starts: int, ends: int, now: datetime
) -> dict[int, int]:
    """Return the seats that holds have not released since they expired, by busy interval."""
    expired = (
        Booking.objects.using(read_alias(Booking))
        .expired(now)
        .filter(
            overlapping(starts, ends, "busy_interval__"),
            busy_interval__calendar__provider__in=provider_ids,
        )
        .order_by()
        .values_list("busy_interval_id")
        .annotate(seats=Sum("party_size"))
    )
    return dict(expired)
