"""When concurrent bookings are in the way: their segments, without the seats that are free."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from django.db.models import QuerySet

from bookings.models import BusyInterval
from bookings.rules.occupancy import Step, without

KINDS: Final = frozenset({BusyInterval.Kind.SEGMENT.value, BusyInterval.Kind.CONCURRENT.value})


class ConcurrentSeats:
    """The seats that concurrent bookings of one provider take, by service.

    Call ``add`` for each segment, and for the claim of each booking whose seats count as free.
    """

    def __init__(self) -> None:
        self._taken: dict[Any, list[tuple[int, int, int]]] = defaultdict(list)
        self._free: dict[Any, list[tuple[int, int, int]]] = defaultdict(list)

    def add(self, kind: str, service_id: Any, starts: int, ends: int, seats: int) -> None:
        stretches = self._taken if kind == BusyInterval.Kind.SEGMENT else self._free
        stretches[service_id].append((starts, ends, seats))

    def counts(self, interval: BusyInterval) -> bool:
        """Add the interval if it is of a concurrent booking, and return whether it is."""
        if interval.kind not in KINDS:
            return False
        self.add(
            interval.kind,
            interval.service_id,
            interval.starts,
            interval.ends,
            interval.seats_taken,
        )
        return True

    def steps(self, service_id: Any) -> list[Step]:
        """Return how many seats of the service are taken, and when."""
        return without(self._taken[service_id], self._free[service_id])

    def in_the_way(self, service_id: Any = None, most_taken: int = 0) -> list[tuple[int, int]]:
        """Return when there is no room for a booking.

        There is room for one of the service ``service_id`` beside as many as ``most_taken`` seats
        of the same service, and never beside another service.
        """
        return [
            (step.starts, step.ends)
            for taken_by in list(self._taken)
            for step in self.steps(taken_by)
            if taken_by != service_id or step.seats > most_taken
        ]


def bounds_by_provider(busy: QuerySet[BusyInterval]) -> dict[Any, list[tuple[int, int]]]:
    """Return when providers are busy, by their keys, in one query for intervals in order."""
    result: dict[Any, list[tuple[int, int]]] = defaultdict(list)
    concurrent: dict[Any, ConcurrentSeats] = defaultdict(ConcurrentSeats)
    rows = busy.values_list(
        "calendar__provider_id", "kind", "service_id", "starts", "ends", "seats_taken"
    )
    for provider_id, kind, *interval in rows:
        if kind in KINDS:
            concurrent[provider_id].add(kind, *interval)
        else:
            result[provider_id].append((interval[1], interval[2]))
    for provider_id, seats in concurrent.items():
        result[provider_id] = sorted([*result[provider_id], *seats.in_the_way()])
    return result
