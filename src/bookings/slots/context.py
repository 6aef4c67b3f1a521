"""What :mod:`bookings.selectors` leaves out or counts otherwise while a slot engine is asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import TypeVar

Value = TypeVar("Value")

ignored_intervals: ContextVar[frozenset[int]] = ContextVar(
    "bookings_ignored_intervals", default=frozenset()
)
"""The busy intervals that :mod:`bookings.selectors` leaves out while an engine is asked. A booking
is not in the way of its own move, nor are the bookings that move with it. An engine whose signature
names ``ignored_interval_id`` is given the booking's own one as that argument."""

freed_seats: ContextVar[Mapping[int, int]] = ContextVar(
    "bookings_freed_seats", default=MappingProxyType({})
)
"""The seats that the bookings of a series leave together, by busy interval. While a slot engine is
asked about them, :mod:`bookings.selectors` counts only the seats of others in a shared slot."""

requested_bounds: ContextVar[frozenset[tuple[int, int]]] = ContextVar(
    "bookings_requested_bounds", default=frozenset()
)
"""The times of the bookings that an engine is asked about, buffers included, in Unix seconds. By
them, :mod:`bookings.selectors` knows exactly which shared slots these bookings can join."""


def with_ignored(interval_id: int | None) -> frozenset[int]:
    """Return the intervals to leave out, with this one if it is not ``None``."""
    ignored = ignored_intervals.get()
    return ignored if interval_id is None else ignored | {interval_id}


def ignoring_intervals(interval_ids: Iterable[int | None]) -> AbstractContextManager[None]:
    """Let :mod:`bookings.selectors` leave out these busy intervals too."""
    known = [key for key in interval_ids if key is not None]
    return set_during(ignored_intervals, ignored_intervals.get().union(known))


@contextmanager
def set_during(variable: ContextVar[Value], value: Value) -> Iterator[None]:
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)
