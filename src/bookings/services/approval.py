"""Ask the provider: a pending booking becomes a request, with a deadline for the answer."""

from __future__ import annotations

from datetime import datetime

from bookings import policies
from bookings.adapters import get_adapter
from bookings.models import Booking
from bookings.services import inputs


def ask(booking: Booking, *, now: datetime) -> None:
    """Make it a request of now, which lapses at the adapter's deadline or when it should start."""
    booking.requested_at = now
    deadline = get_adapter().approval_deadline(booking, now)
    if deadline is None or booking.start_at <= now:
        booking.expires_at = None
        return
    booking.expires_at = min(policies.instant(deadline, "approval_deadline"), booking.start_at)
    inputs.check_expiry(booking.expires_at, now=now)
