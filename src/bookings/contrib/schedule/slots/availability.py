"""The slots of one provider: a lazy sequence that can say why a start is not in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property
from typing import Any, overload

from bookings.contrib.schedule.slots.refusals import explain_refusal
from bookings.contrib.schedule.slots.start_search import StartSearch
from bookings.exceptions import BookingError
from bookings.protocols import ProviderLike
from bookings.rules import instants


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """A start that can be booked now. Datetimes are aware, in the zone that was asked for."""

    start: datetime
    end: datetime
    remaining_capacity: int
    """The free seats: 1, unless clients share the slot or the time."""
    provider: ProviderLike

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Slot) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def _identity(self) -> tuple[Any, ...]:
        # Python compares two datetimes of one zone by their wall time, which may exist twice.
        timestamps = self.start.timestamp(), self.end.timestamp()
        return (*timestamps, self.remaining_capacity, self.provider)


@dataclass(frozen=True, eq=False)
class Availability(Sequence[Slot]):
    """The slots of one provider, soonest first. They are computed when they are read."""

    search: StartSearch
    tz: tzinfo

    @property
    def provider(self) -> ProviderLike:
        return self.search.provider

    def __iter__(self) -> Iterator[Slot]:
        starts = self._all_starts if "_all_starts" in self.__dict__ else self.starts()
        return map(self.slot_at, starts)

    def __len__(self) -> int:
        return len(self._all_starts)

    @overload
    def __getitem__(self, index: int) -> Slot: ...
    @overload
    def __getitem__(self, index: slice) -> list[Slot]: ...
    def __getitem__(self, index: int | slice) -> Slot | list[Slot]:
        if isinstance(index, slice):
            return [self.slot_at(start) for start in self._all_starts[index]]
        return self.slot_at(self._all_starts[index])

    def __bool__(self) -> bool:
        return next(self.starts(), None) is not None

    def __contains__(self, start: object) -> bool:
        """Return whether a slot, or a slot that starts at this aware datetime, is on offer."""
        if isinstance(start, Slot):
            return start.provider == self.provider and start.start in self
        if not isinstance(start, datetime):
            return False
        start = instants.aware_utc(start, "start")
        return not start.microsecond and self.search.has_start(instants.floor_second(start))

    def why_not(self, start_at: datetime) -> BookingError | None:
        """Return why a start is not on offer.

        :param start_at: the start, an aware datetime.
        :returns: the error that booking this start would raise, a
            :class:`~bookings.contrib.schedule.exceptions.StartNotOffered` in most cases; ``None``
            if the start is on offer.
        :raises InvalidBooking: the datetime is naive.
        """
        return explain_refusal(self.search, instants.aware_utc(start_at, "start_at"))

    def starts(self) -> Iterator[int]:
        """Yield the starts as Unix seconds; each is computed when it is read."""
        return self.search.starts()

    def slot_at(self, start: int) -> Slot:
        """Return the slot at a Unix second that :meth:`starts` has yielded."""
        return Slot(
            start=datetime.fromtimestamp(start, self.tz),
            end=datetime.fromtimestamp(self.search.requested.end_of(start), self.tz),
            remaining_capacity=self.search.seats_left(start),
            provider=self.provider,
        )

    @cached_property
    def _all_starts(self) -> list[int]:
        return list(self.starts())
