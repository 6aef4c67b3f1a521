"""What a stretch of a provider's time is claimed for, as values: nothing here is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bookings import policies
from bookings.models import Booking, BusyInterval


@dataclass(frozen=True, slots=True)
class Claim:
    """A stretch of time to take: ``[starts, ends)`` in Unix seconds, with ``seats`` of
    ``capacity``.

    A shared claim joins an interval of the same service that has the same bounds; one with an
    ``interval_id`` takes seats of that interval, which is a session's.
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

    @classmethod
    def of(cls, booking: Booking, rules: policies.ServiceRules) -> Claim:
        starts, ends = window_of(booking)
        # The seats of a shared slot lapse one by one, so the slot as a whole does not.
        is_hold = booking.status == Booking.Status.PENDING and not rules.is_shared
        lapses = booking.expires_at if is_hold else None
        return cls(
            starts=starts,
            ends=ends,
            service_id=booking.service_id,
            seats=booking.party_size,
            capacity=rules.seats(booking.party_size),
            shared=rules.is_shared,
            lapses=None if lapses is None else policies.ceil_second(lapses),
        )

    @classmethod
    def of_seats(cls, booking: Booking) -> Claim:
        """What a booking takes of its session, whose time is not the booking's to move."""
        starts, ends = window_of(booking)
        return cls(
            starts=starts,
            ends=ends,
            service_id=booking.service_id,
            seats=policies.whole_number(booking.party_size, "party_size", at_least=1),
            kind=BusyInterval.Kind.SESSION,
        )

    def interval(self, **values: Any) -> BusyInterval:
        """The row that this claim is, not stored yet."""
        return BusyInterval(
            **values,
            starts=self.starts,
            ends=self.ends,
            kind=self.kind,
            service_id=self.service_id,
            capacity=self.capacity,
            seats_taken=self.seats,
            lapses=self.lapses,
        )


def window_of(booking: Booking) -> tuple[int, int]:
    """What a booking takes of its provider's time, in Unix seconds, buffers included."""
    return policies.busy_seconds(
        booking.start_at,
        booking.end_at,
        booking.buffer_before_minutes,
        booking.buffer_after_minutes,
    )
