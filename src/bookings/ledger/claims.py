"""Claims: what a booking or a session asks of the ledger, as values that are not stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from bookings.exceptions import CapacityExceeded
from bookings.models import Booking, BusyInterval
from bookings.rules import instants, service_rules, validation


@dataclass(frozen=True, slots=True)
class Claim:
    """A busy interval to insert: ``[starts, ends)`` in Unix seconds, ``seats`` of ``capacity``.

    A ``shared`` claim joins the interval of the same service that has the same bounds, if there is
    one. A claim with an ``interval_id`` takes seats of that interval, which is a session's. One of
    the kind CONCURRENT overlaps others of the same service, as long as all of them together take no
    more seats than ``capacity`` at any instant.
    """

    starts: int
    ends: int
    service_id: Any = None
    seats: int = 1
    capacity: int = 1
    shared: bool = False
    lapses: int | None = None
    kind: str = BusyInterval.Kind.BOOKING
    interval_id: int | None = None

    @property
    def window(self) -> tuple[int, int]:
        return self.starts, self.ends

    @property
    def is_concurrent(self) -> bool:
        return self.kind == BusyInterval.Kind.CONCURRENT

    @property
    def own_capacity(self) -> int:
        """The capacity of the claim's own interval."""
        return self.seats if self.is_concurrent else self.capacity

    @classmethod
    def of(cls, booking: Booking, rules: service_rules.ServiceRules) -> Claim:
        starts, ends = instants.busy_bounds_of(booking)
        # Each hold in a shared slot lapses by itself, so the interval does not lapse as a whole.
        is_hold = booking.status == Booking.Status.PENDING and not rules.is_shared
        lapses = booking.expires_at if is_hold else None
        return cls(
            starts=starts,
            ends=ends,
            service_id=booking.service_id,
            seats=booking.party_size,
            capacity=rules.seats(booking.party_size),
            shared=rules.is_shared,
            lapses=None if lapses is None else instants.ceil_second(lapses),
            kind=(
                BusyInterval.Kind.CONCURRENT if rules.is_concurrent else BusyInterval.Kind.BOOKING
            ),
        )

    @classmethod
    def of_seats(cls, booking: Booking) -> Claim:
        """Return the seats that a booking takes of its session; the session keeps its time."""
        starts, ends = instants.busy_bounds_of(booking)
        return cls(
            starts=starts,
            ends=ends,
            service_id=booking.service_id,
            seats=validation.whole_number(booking.party_size, "party_size", at_least=1),
            kind=BusyInterval.Kind.SESSION,
        )

    def interval(self, **values: Any) -> BusyInterval:
        """Return the claim as an unsaved busy interval."""
        return BusyInterval(
            **values,
            starts=self.starts,
            ends=self.ends,
            kind=self.kind,
            service_id=self.service_id,
            capacity=self.own_capacity,
            seats_taken=self.seats,
            lapses=self.lapses,
        )


def too_few_seats_error(remaining: int, asked: int) -> CapacityExceeded:
    return CapacityExceeded(
        _("Not enough seats are left: %(asked)d asked for, %(remaining)d free."),
        params={"asked": asked},
        remaining=max(0, remaining),
    )
