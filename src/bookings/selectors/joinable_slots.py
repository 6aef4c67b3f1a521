"""Which shared slots a booking of a service can join, and beside how many seats it fits."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from bookings import slots
from bookings.adapters import get_adapter
from bookings.conf import app_settings
from bookings.models import Booking, BusyInterval, arguments
from bookings.protocols import ServiceLike
from bookings.rules.lengths import WallLength
from bookings.rules.service_rules import ServiceRules


@dataclass(frozen=True, slots=True)
class JoinableSlots:
    """The seats of a service, as a booking without add-ons would take them."""

    service_id: Any
    length: int
    """The length of a slot, buffers included, in seconds, if that is elapsed time."""
    buffer_before: int
    buffer_after: int
    most_taken: int
    """The largest number of taken seats beside which there is room; below 0 for none."""
    is_concurrent: bool
    """Whether they are not the seats of slots, but of all bookings at one instant."""
    wall_length: WallLength | None = None
    """How long a booking lasts by the wall clock; ``None`` for elapsed time."""
    zone: tzinfo | None = None
    """The zone of the provider, if it lasts by the wall clock."""

    @classmethod
    def of(
        cls,
        service: ServiceLike,
        provider: Any,
        party_size: int = 1,
        minutes: Any = None,
        days: Any = None,
    ) -> JoinableSlots:
        """Return those with a provider, or with a key of one, which says nothing of its buffers.

        ``minutes`` or ``days`` are a length that the client has chosen. Raises ``InvalidBooking``
        for that, or for attributes, that are not valid.
        """
        rules = (
            ServiceRules.of(service, default_currency=app_settings.DEFAULT_CURRENCY)
            .for_provider(provider)
            .of_length(minutes, days)
        )
        zone = None
        if rules.by_days is not None:
            draft = Booking(
                service_id=service.pk,
                provider_id=arguments.provider_key(provider),
                tenant_id=getattr(service, "tenant_id", None),
            )
            zone = get_adapter().time_zone(draft)
        capacity = rules.seats(party_size)
        return cls(
            service_id=service.pk,
            length=60
            * (rules.buffer_before_minutes + rules.duration_minutes + rules.buffer_after_minutes),
            buffer_before=60 * rules.buffer_before_minutes,
            buffer_after=60 * rules.buffer_after_minutes,
            wall_length=rules.wall_length,
            zone=zone,
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
            and self._is_as_long(interval)
            and taken <= self.most_taken
        )

    def _is_as_long(self, interval: BusyInterval) -> bool:
        if self.wall_length is None or self.zone is None:
            return bool(interval.ends - interval.starts == self.length)
        start = interval.starts + self.buffer_before
        clock = self.wall_length.clock(self.zone, start, start)
        ends = self.wall_length.end_second(start, clock) + self.buffer_after
        return bool(interval.ends == ends)
