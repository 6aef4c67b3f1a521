"""The zones in which days count: of the limits, and of how far ahead a service can be booked."""

from __future__ import annotations

from collections.abc import Collection
from datetime import tzinfo
from typing import Any

from bookings import adapters
from bookings.models import Booking


class DayZones:
    """The adapter's answers by provider, each asked for once, before the lock where possible."""

    def __init__(self) -> None:
        self._by_provider: dict[Any, tzinfo] = {}

    def load(self, drafts: Collection[Booking]) -> None:
        """Ask for the zones of many providers at once, in a constant number of queries.

        The drafts have one tenant. An adapter that overrides ``time_zone()`` is asked one by one.
        """
        if drafts and not adapters.is_overridden("time_zone"):
            self._by_provider |= adapters.default_time_zones(drafts)

    def of(self, booking: Booking) -> tzinfo:
        """Return the zone of the booking's provider."""
        key = booking.provider_id
        if key not in self._by_provider:
            self._by_provider[key] = adapters.get_adapter().time_zone(booking)
        return self._by_provider[key]
