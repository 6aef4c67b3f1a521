"""Busy intervals in memory, as they are read under the lock and as they will be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from bookings.ledger.claims import Claim
from bookings.models import BusyInterval
from bookings.models.bulk_rows import copy_row

COLUMNS: Final = (
    "starts",
    "ends",
    "pk",
    "calendar_id",
    "kind",
    "service_id",
    "capacity",
    "seats_taken",
    "lapses",
)


@dataclass(slots=True, order=True)
class Interval:
    """A busy interval as it will be."""

    starts: int
    ends: int
    pk: int | None = field(compare=False)
    """``None`` until the interval is stored."""
    calendar_id: int = field(compare=False)
    kind: str = field(compare=False)
    service_id: Any = field(compare=False)
    capacity: int = field(compare=False)
    seats_taken: int = field(compare=False)
    lapses: int | None = field(default=None, compare=False)

    @classmethod
    def of(cls, calendar_id: int, claim: Claim) -> Interval:
        """Return the interval of a claim, not stored."""
        return cls(
            claim.starts,
            claim.ends,
            None,
            calendar_id,
            claim.kind,
            claim.service_id,
            claim.own_capacity,
            claim.seats,
            claim.lapses,
        )

    def as_row(self, blank: BusyInterval) -> BusyInterval:
        """Return a copy of a row with these values."""
        return copy_row(
            blank,
            pk=self.pk,
            calendar_id=self.calendar_id,
            starts=self.starts,
            ends=self.ends,
            kind=self.kind,
            service_id=self.service_id,
            capacity=self.capacity,
            seats_taken=self.seats_taken,
            lapses=self.lapses,
        )
