"""What the core asks of this app."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from bookings.extensions import Extension
from bookings.models import Booking

if TYPE_CHECKING:
    from bookings.services.anonymize import ErasedClient


class ApiExtension(Extension):
    name = "bookings_api"
    order = 60

    def anonymize_client(
        self, client: ErasedClient, *, using: str, now: datetime, dry_run: bool
    ) -> int:
        from bookings.contrib.api.models import StoredResponse

        bookings = Booking.objects.using(using).filter(client.rows())
        stored = StoredResponse.objects.using(using).filter(booking__in=bookings.values("pk"))
        if dry_run:
            return stored.count()
        return stored.delete()[0]
