"""Which shared slots a booking of a service can join, and beside how many seats it fits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bookings import slots
from bookings.conf import app_settings
from bookings.models import BusyInterval
from bookings.protocols import ServiceLike
from bookings.rules.service_rules import ServiceRules


@dataclass(frozen=True, slots=True)
class JoinableSlots:
    """The seats of a service, as a booking without add-ons would take them."""

    service_id: Any
    length: int
    """The length of a slot, buffers included, in seconds."""
    buffer_before: int
    most_taken: int
    """The largest number of taken seats beside which there is room; below 0 for none."""
    is_concurrent: bool
    """Whether they are not the seats of slots, but of all bookings at one instant."""

    @classmethod
    def of(cls, service: ServiceLike, provider: Any, party_size: int = 1) -> JoinableSlots:
        """Return those with a provider, or with a key of one, which says nothing of its buffers.

        Raises ``InvalidBooking`` for attributes that are not valid.
        """
        rules = ServiceRules.of(
            service, default_currency=app_settings.DEFAULT_CURRENCY
        ).for_provider(provider)
        capacity = rules.seats(party_size)
        return cls(
            service_id=service.pk,
            length=60
            * (rules.buffer_before_minutes + rules.duration_minutes + rules.buffer_after_minutes),
            buffer_before=60 * rules.buffer_before_minutes,
            most_taken=(capacity - party_size if rules.is_shared or rules.is_concurrent else -1),
            is_concurrent=rules.is_concurrent,
        )

    def can_join(self, interval: BusyInterval) -> bool:
        """Return whether a booking can take seats of the interval, at exactly its time."""
        taken = interval.seats_taken - slots.freed_seats.get().get(interval.pk, 0)
        return (
            not self.is_concurrent
            and interval.kind == BusyInterval.Kind.BOOKING
            and interval.service_id == self.service_id
            and interval.ends - interval.starts == self.length
            and taken <= self.most_taken
        )
