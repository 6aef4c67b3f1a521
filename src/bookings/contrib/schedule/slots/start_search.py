"""Search the starts at which one provider could take a booking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from bookings.contrib.schedule import engine
from bookings.contrib.schedule.engine import Alignment, SlotRules
from bookings.contrib.schedule.schedule_rules import ScheduleRules
from bookings.contrib.schedule.slots.busy_time import BusyTime
from bookings.contrib.schedule.slots.requested_booking import RequestedBooking
from bookings.contrib.schedule.slots.resource_time import ResourceSearch
from bookings.exceptions import BookingError
from bookings.models import Booking
from bookings.protocols import ProviderLike
from bookings.rules.policies import advance_end
from bookings.services.expected_refusals import ExpectedRefusals


@dataclass(frozen=True, eq=False)
class StartSearch:
    """The rules and the busy time of one provider, and the range ``[first, last)`` of starts.

    ``draft`` is the booking with this provider. It gets the start in question each time.

    Starts are Unix seconds.
    """

    provider: ProviderLike
    rules: ScheduleRules
    requested: RequestedBooking
    busy_time: BusyTime
    first: int
    last: int
    now: datetime
    draft: Booking = field(repr=False)
    refusals: ExpectedRefusals = field(repr=False)
    override_policy: bool = False
    """Whether notice, advance and limits do not count."""
    resources: ResourceSearch | None = field(default=None, repr=False)
    """The resources that the booking needs; ``None`` for none."""

    def starts(self) -> Iterator[int]:
        """Yield the starts in the range that can be booked."""
        starts = self.starts_between(*self.bounds)
        if self.resources is not None and not self.resources.is_certain:
            starts = filter(self._has_resources, starts)
        if not self.refusals.depend_on_start:
            return starts
        return (start for start in starts if self._refusal_of(start) is None)

    def has_start(self, second: int) -> bool:
        # With the busy time around it only, because a series looks up many starts.
        requested = self.requested
        busy_time = self.busy_time.within(*requested.window(second), margin=requested.margin)
        near = replace(self, busy_time=busy_time)
        starts = near.starts_between(*self._within(second, second + 1))
        return any(
            self._has_resources(start) and self._refusal_of(start) is None for start in starts
        )

    def has_start_if_free(self, first: int, last: int) -> bool:
        """Return whether there would be a start in ``[first, last)`` if nothing were booked."""
        starts = self.starts_between(*self._within(first, last), ignore_busy_time=True)
        return any(self.refusals.of_start(self.draft_at(start)) is None for start in starts)

    def is_taken(self, second: int) -> bool:
        """Return whether busy time is in the way of a start that is on the grid."""
        alone = replace(self, resources=None)
        return next(alone.starts_between(second, second + 1), None) is None

    def resource_refusal(self, second: int) -> BookingError | None:
        """Return why the resources that a booking needs are not free; ``None`` if they are."""
        return None if self.resources is None else self.resources.refusal_at(second)

    def _has_resources(self, second: int) -> bool:
        return self.resource_refusal(second) is None

    def draft_at(self, second: int) -> Booking:
        """Return the draft, with this start."""
        self.requested.set_start(self.draft, second)
        return self.draft

    def _refusal_of(self, second: int) -> BookingError | None:
        draft = self.draft_at(second)
        return self.refusals.of_start(draft) or self.refusals.of_stored_bookings(draft)

    def starts_between(
        self, first: int, last: int, *, ignore_busy_time: bool = False
    ) -> Iterator[int]:
        """Yield the starts in ``[first, last)``, whatever the booking window is."""
        if first >= last:
            return iter(())
        busy_time = BusyTime() if ignore_busy_time else self.busy_time
        return engine.starts(
            self.rules.hours,
            busy_time.intervals,
            self._slot_rules,
            first=first,
            last=last,
            joinable=busy_time.joinable,
            blocked=()
            if self.resources is None
            else self.resources.blocked(first, last, ignore_busy_time=ignore_busy_time),
        )

    def seats_left(self, second: int) -> int:
        """Return how many seats are free for a booking that starts at this second."""
        requested, busy_time = self.requested, self.busy_time
        if requested.service_rules.is_concurrent:
            return requested.capacity - busy_time.seats_taken(*requested.window(second))
        return busy_time.joinable.get(second, requested.capacity)

    def seats_for_fewer(self, second: int) -> int:
        """Return how many seats a smaller party could have at a start that is taken."""
        busy_time = self.busy_time
        if not self.requested.service_rules.is_concurrent:
            return busy_time.too_full.get(second, 0)
        starts, ends = self.requested.window(second)
        is_busy = any(
            begins < ends and starts < finishes for begins, finishes in busy_time.without_concurrent
        )
        return 0 if is_busy else max(0, self.seats_left(second))

    def busy_seconds(self, first: int, last: int) -> int:
        """Return how long the provider is busy in ``[first, last)``.

        Shared slots are included. Concurrent bookings count by how many of the seats they take.
        """
        capacity = self.requested.capacity
        shared = map(self.requested.window, self.busy_time.joinable)
        whole = ((*bounds, capacity) for bounds in (*self.busy_time.without_concurrent, *shared))
        return sum(
            max(0, min(ends, last) - max(starts, first)) * seats // capacity
            for starts, ends, seats in (*whole, *self.busy_time.concurrent)
        )

    @cached_property
    def bounds(self) -> tuple[int, int]:
        """The range, cut to the booking window; empty if the provider cannot be booked at all."""
        if self.refusal is not None:
            return self.first, self.first
        return self.within_booking_window(self.first, self.last)

    @cached_property
    def refusal(self) -> BookingError | None:
        """Why the service cannot be booked with the provider at any start."""
        return self.refusals.of_provider(self.draft)

    def within_booking_window(self, first: int, last: int) -> tuple[int, int]:
        """Return ``[first, last)``, cut by the minimum notice and the maximum advance."""
        if self.override_policy:
            return first, last
        return engine.booking_window(
            first,
            last,
            now=self.now,
            notice=60 * self.notice_minutes,
            until=self.advance_end,
        )

    @property
    def notice_minutes(self) -> int:
        """The longer notice of the schedule's and the service's."""
        return max(
            self.rules.schedule.minimum_notice_minutes,
            self.requested.service_rules.minimum_notice_minutes,
        )

    @cached_property
    def advance_end(self) -> datetime | None:
        """The instant from which on starts are too far ahead; ``None`` if none is."""
        days = self.advance_days
        return None if days is None else advance_end(self.now, days, self.rules.hours.zone)

    @property
    def advance_days(self) -> int | None:
        """The shorter advance of the schedule's and the service's; ``None`` if neither has one."""
        limits = (
            self.rules.schedule.maximum_advance_days,
            self.requested.service_rules.maximum_advance_days,
        )
        return min((days for days in limits if days is not None), default=None)

    @property
    def _slot_rules(self) -> SlotRules:
        return self.requested.slot_rules(
            step=60 * self.rules.schedule.slot_step_minutes,
            alignment=Alignment(self.rules.schedule.alignment),
        )

    def _within(self, first: int, last: int) -> tuple[int, int]:
        return max(first, self.bounds[0]), min(last, self.bounds[1])
