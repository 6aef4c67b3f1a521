"""What is on offer: a lazy sequence of slots, which can say why a start is not in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property
from typing import Any, overload

from bookings import policies
from bookings.contrib.schedule import engine, refusals
from bookings.contrib.schedule.rules import ScheduleRules
from bookings.contrib.schedule.taken import TakenTime
from bookings.contrib.schedule.wanted import Wanted
from bookings.exceptions import BookingError
from bookings.protocols import ProviderLike


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """A start that can be booked now. Datetimes are aware, in the zone that was asked for."""

    start: datetime
    end: datetime
    remaining_capacity: int
    """The seats that are free in it: 1, unless clients share it."""
    provider: ProviderLike

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Slot) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[Any, ...]:
        # Two datetimes of one zone compare by the clock, and that repeats an hour in autumn.
        instants = self.start.timestamp(), self.end.timestamp()
        return (*instants, self.remaining_capacity, self.provider)


@dataclass(frozen=True, eq=False)
class Availability(Sequence[Slot]):
    """One provider's slots, soonest first, computed when they are looked at."""

    provider: ProviderLike
    rules: ScheduleRules
    wanted: Wanted
    taken: TakenTime
    first: int
    last: int
    """The starts asked for are those in ``[first, last)``."""
    tz: tzinfo
    now: datetime
    override_policy: bool = False

    def __iter__(self) -> Iterator[Slot]:
        return map(self.slot_at, self._found if "_found" in self.__dict__ else self.starts())

    def __len__(self) -> int:
        return len(self._found)

    @overload
    def __getitem__(self, index: int) -> Slot: ...
    @overload
    def __getitem__(self, index: slice) -> list[Slot]: ...
    def __getitem__(self, index: int | slice) -> Slot | list[Slot]:
        if isinstance(index, slice):
            return [self.slot_at(start) for start in self._found[index]]
        return self.slot_at(self._found[index])

    def __bool__(self) -> bool:
        return next(self.starts(), None) is not None

    def __contains__(self, start: object) -> bool:
        """Whether a slot, or a slot that starts at this aware datetime, is on offer."""
        if isinstance(start, Slot):
            return start.provider == self.provider and start.start in self
        if not isinstance(start, datetime):
            return False
        start = policies.instant(start, "start")
        second = policies.floor_second(start)
        return not start.microsecond and self.has_start(second)

    def why_not(self, start_at: datetime) -> BookingError | None:
        """The error that says why this start is not on offer; ``None`` if it is."""
        return refusals.why_not(self, policies.instant(start_at, "start_at"))

    def starts(self) -> Iterator[int]:
        """The starts as Unix seconds, found while they are read."""
        return self.starts_between(*self.bounds)

    def slot_at(self, start: int) -> Slot:
        """The slot of a start, a Unix second that ``starts`` gave."""
        return Slot(
            start=datetime.fromtimestamp(start, self.tz),
            end=datetime.fromtimestamp(start + self.wanted.duration, self.tz),
            remaining_capacity=self.taken.joinable.get(start, self.wanted.capacity),
            provider=self.provider,
        )

    def has_start(self, second: int) -> bool:
        return next(self.starts_between(*self._within(second, second + 1)), None) is not None

    def would_start_between(self, first: int, last: int) -> bool:
        """Whether there would be a start if the calendar were empty."""
        starts = self.starts_between(*self._within(first, last), although_taken=True)
        return next(starts, None) is not None

    def starts_between(
        self, first: int, last: int, *, although_taken: bool = False
    ) -> Iterator[int]:
        """Starts in ``[first, last)``, whatever the notice and the advance say of them."""
        if first >= last:
            return iter(())
        grid = self.rules.grid(self.wanted)
        taken = TakenTime() if although_taken else self.taken
        return engine.starts(
            self.rules.hours, taken.busy, grid, first=first, last=last, joinable=taken.joinable
        )

    def seconds_taken(self, first: int, last: int) -> int:
        """How busy the provider is between two seconds, shared slots included."""
        before, after = self.wanted.before, self.wanted.duration + self.wanted.after
        shared = ((start - before, start + after) for start in self.taken.joinable)
        return sum(
            max(0, min(ends, last) - max(starts, first))
            for starts, ends in (*self.taken.busy, *shared)
        )

    def _within(self, first: int, last: int) -> tuple[int, int]:
        return max(first, self.bounds[0]), min(last, self.bounds[1])

    @cached_property
    def bounds(self) -> tuple[int, int]:
        """Where starts may lie: what was asked for, cut by notice and advance."""
        if refusals.inactive(self) is not None:
            return self.first, self.first
        return self.bookable(self.first, self.last)

    def bookable(self, first: int, last: int) -> tuple[int, int]:
        """``[first, last)``, cut by notice and advance."""
        if self.override_policy:
            return first, last
        days = self.rules.advance_days(self.wanted)
        return engine.booking_window(
            first,
            last,
            now=self.now,
            notice=self.rules.notice(self.wanted),
            advance=None if days is None else 86400 * days,
        )

    @cached_property
    def _found(self) -> list[int]:
        return list(self.starts())
